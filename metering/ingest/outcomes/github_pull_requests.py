"""Pull requests of GitHub, as `gh pr list --json` writes them.

A pull request that was opened is completed work; a draft is an attempt; one that was merged is
validated. Ids are GitHub's own, since repositories get renamed; the reference is what people say.

GitHub's Revert button makes a branch `revert-NUMBER-…`. Merging it takes the named pull request
back: it gives no outcome, but one of negative weight. A revert of a revert gives the work back. A
revert by other means cannot be seen here.

Titles, bodies and people are not read; of commit messages, the trailers alone.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.outcomes import WEIGHT_UNIT, OutcomeKind, Stage
from metering.core.tickets import ticket_in
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.fields import FieldRefused, Fields
from metering.ingest.marks import by_keys
from metering.ingest.outcomes.contract import outcomes_of
from metering.ingest.outcomes.trailers import (
    session_of_messages,
    tool_of_labels,
    tool_of_messages,
)
from metering.ingest.pages import Row, read_rows

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_KIND: Final = "pull_request"
_KEYS: Final = ("number", "url", "headRefName", "createdAt", "mergedAt", "isDraft")
_STATES: Final = ("MERGED", "CLOSED", "OPEN")
_URL: Final = re.compile(r"https://[^/\s]+/([^/\s]+/[^/\s]+)/pull/(\d+)", re.ASCII)
_REVERT: Final = re.compile(r"revert-(\d+)-", re.ASCII)


class GitHubPullRequests:
    """One or two rows per pull request: that it was opened, and that it was merged."""

    name = "github-pull-requests"
    version = 1
    role = SourceRole.OUTCOME
    identity = Identity.EVENT
    repeat = Repeat.LATEST
    kinds: tuple[OutcomeKind, ...] = (
        OutcomeKind(
            _KIND,
            Stage.VALIDATED,
            settles_after_days=14,
            reversed_by="a merged pull request from a branch `revert-NUMBER-…`",
        ),
    )
    describes = "GitHub pull requests: opened, merged and reverted, by repository and branch"
    export = (
        "gh pr list --state all --limit 1000 --json number,id,url,state,isDraft,headRefName,"
        "createdAt,mergedAt,updatedAt,labels,commits"
    )
    cannot_tell = "pull requests beyond --limit; code merged without one"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the keys of the first pull requests."""
        return by_keys(sample, _KEYS, {}, "it lists pull requests as gh writes them")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the stages that each pull request has reached, in file order."""
        yield from outcomes_of(read_rows(path, reader), _stages)


def _stages(row: Row) -> Sequence[Mapping[str, object]]:
    pull = row.fields
    state = pull.one_of("state", _STATES) or ""
    repository, number = _place(pull)
    branch = pull.text("headRefName")
    shared = {
        "outcome_id": pull.text("id"),
        "reference": f"{repository}#{number}",
        "as_of": pull.instant("updatedAt") if "updatedAt" in pull.values else None,
        "kind": _KIND,
        "repository": repository,
        "branch": branch,
        "ticket": ticket_in(branch),
        **_signed(pull),
    }
    opened = Stage.ATTEMPTED if pull.flag_if_any("isDraft") else Stage.COMPLETED
    stages: list[Mapping[str, object]] = []
    reverted = _REVERT.findall(branch) if _REVERT.match(branch) else []
    if not reverted:
        stages.append({**shared, "stage": opened.value, "instant": pull.instant("createdAt")})
    if state == "MERGED":
        merged = {**shared, "stage": Stage.VALIDATED.value, "instant": pull.instant("mergedAt")}
        stages.append(merged if not reverted else {**merged, **_reversal(repository, reverted)})
    return stages


def _reversal(repository: str, numbers: Sequence[str]) -> Mapping[str, object]:
    # `revert-9-revert-7-retry` takes the reversal of 7 back, and so gives 7 its weight again.
    sign = -1 if len(numbers) % 2 else 1
    return {"weight_e4": sign * WEIGHT_UNIT, "reversal_of": f"{repository}#{numbers[0]}"}


def _place(pull: Fields) -> tuple[str, int]:
    number = pull.whole_number("number")
    match = _URL.fullmatch(pull.text("url"))
    if match is None or int(match[2]) != number:
        raise pull.refused("bad-text", "url", f"https://HOST/OWNER/REPOSITORY/pull/{number}")
    return match[1], number


def _signed(pull: Fields) -> Mapping[str, object]:
    labels = [text for label in pull.parts("labels") if (text := label.text_if_any("name"))]
    messages = [_message(commit) for commit in pull.parts("commits")]
    return {
        "assisted_by": tool_of_messages(messages) or tool_of_labels(labels),
        "session": session_of_messages(messages),
    }


def _message(commit: Fields) -> str:
    body = commit.values.get("messageBody") or ""
    if not isinstance(body, str):
        raise FieldRefused("bad-text", "commits.messageBody", "no text", "text")
    return body
