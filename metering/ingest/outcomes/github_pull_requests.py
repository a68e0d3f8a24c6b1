"""Pull requests of GitHub, as `gh pr list --json` writes them.

`gh` lists thirty of them unless it is told another limit, and of each its first hundred commits.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.outcomes.stages import OutcomeKind
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_keys
from metering.ingest.outcomes import github
from metering.ingest.outcomes.contract import outcomes_of
from metering.ingest.shapes.pages import Row, read_rows

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_KEYS: Final = ("number", "url", "headRefName", "createdAt", "mergedAt", "isDraft")
_FOREIGN: Final = {"nodes": "an answer of GraphQL"}


class GitHubPullRequests:
    """One or two rows per pull request: that it was opened, and that it was merged."""

    name = "github-pull-requests"
    version = 2
    role = SourceRole.OUTCOME
    identity = Identity.EVENT
    repeat = Repeat.LATEST
    system = github.SYSTEM
    kinds: tuple[OutcomeKind, ...] = github.KINDS
    describes = "GitHub pull requests: opened, merged and reverted, by repository and branch"
    export = (
        "gh pr list --state all --limit 1000 --json number,id,url,state,isDraft,headRefName,"
        "createdAt,mergedAt,updatedAt,mergeCommit,labels,commits"
    )
    cannot_tell = "pull requests beyond --limit; code merged without one"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the keys of the first pull requests."""
        return by_keys(sample, _KEYS, _FOREIGN, "it lists pull requests as gh writes them")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the stages that each pull request has reached, in file order."""
        yield from outcomes_of(read_rows(path, reader), _stages)


def _stages(row: Row) -> Sequence[Mapping[str, object]]:
    pull = row.fields
    commits = (github.message_of(commit, "messageBody") for commit in pull.parts("commits"))
    return github.change_of(pull, pull.parts("labels"), tuple(commits)).stages()
