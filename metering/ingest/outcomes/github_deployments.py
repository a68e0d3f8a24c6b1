"""Deployments of GitHub, as pages of its GraphQL API.

The query asks each deployment for

    id environment createdAt updatedAt commitOid repository { nameWithOwner }
    statuses(first: 50) { nodes { state createdAt } }

and the list for `pageInfo { hasNextPage endCursor }`. What went to production and succeeded is
validated on the day of its first success; one whose last status is a failure counts no longer. That
a later deployment takes its place makes it inactive, which is no failure. Which environment is
production shows in its name: prod, production or live is one of its words.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.outcomes.stages import WEIGHT_UNIT, OutcomeKind, Stage
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_keys
from metering.ingest.outcomes import github
from metering.ingest.outcomes.contract import outcomes_of
from metering.ingest.outcomes.graphql import read_nodes
from metering.ingest.shapes.pages import Row
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_KIND: Final = "deploy"
_KEYS: Final = ("nodes", "environment", "commitOid", "statuses", "createdAt")
_PRODUCTION: Final = re.compile(r"(?<![a-z])(prod|production|live)(?![a-z])", re.IGNORECASE)
_SUCCESS: Final = "SUCCESS"
_FAILURES: Final = ("FAILURE", "ERROR")
_STATES: Final = (
    *(_SUCCESS, *_FAILURES, "INACTIVE", "PENDING", "QUEUED", "IN_PROGRESS", "WAITING"),
    *("ABANDONED", "DESTROYED"),
)


class GitHubDeployments:
    """One row per deployment to production, as it stands."""

    name = "github-deployments"
    version = 1
    role = SourceRole.OUTCOME
    identity = Identity.EVENT
    repeat = Repeat.LATEST
    system = github.SYSTEM
    kinds: tuple[OutcomeKind, ...] = (
        OutcomeKind(
            _KIND,
            Stage.VALIDATED,
            settles_after_days=7,
            reversed_by="a failure as its last status",
        ),
    )
    describes = "GitHub deployments to production, as answers of its GraphQL API (JSON)"
    export = "gh api graphql --paginate -f query='… deployments(first: 100, after: $endCursor) …'"
    cannot_tell = "that a later deployment rolled it back; deployments that CI does not report"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the keys of the first deployment."""
        return by_keys(sample, _KEYS, {}, "its nodes are deployments of GitHub")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield every deployment to production as it stands, in file order."""
        rows = read_nodes(path, reader, ("deployments",))
        live = [row for row in rows if not _is_elsewhere(row)]
        noise = {"to another environment": len(rows) - len(live)}
        yield from outcomes_of(live, _state, noise=noise)


def _is_elsewhere(row: Row) -> bool:
    environment = row.member("environment")
    return isinstance(environment, str) and not _PRODUCTION.search(environment)


def _state(row: Row) -> Sequence[Mapping[str, object]]:
    deployment = row.fields
    commit = deployment.text("commitOid")
    repository = deployment.part("repository").text("nameWithOwner")
    updated = deployment.instant("updatedAt")
    statuses = sorted(map(_status, deployment.part("statuses").parts("nodes")))
    succeeded = [instant for instant, state in statuses if state == _SUCCESS]
    is_done = bool(succeeded) and statuses[-1][1] not in _FAILURES
    return [
        {
            "outcome_id": deployment.text("id"),
            "reference": f"{repository}@{commit[:8]}",
            "instant": succeeded[0] if is_done else updated,
            "as_of": updated,
            "kind": _KIND,
            "stage": Stage.VALIDATED.value,
            "weight_e4": WEIGHT_UNIT if is_done else 0,
            "repository": repository,
            "queue": deployment.text("environment"),
            "commit": commit,
        }
    ]


def _status(status: Fields) -> tuple[datetime, str]:
    status.required("state")
    return status.instant("createdAt"), status.one_of("state", _STATES) or ""
