"""Pull requests of GitHub, as pages of its GraphQL API: of one repository, or of all of an owner.

The query asks each pull request for

    id number url state isDraft headRefName createdAt mergedAt updatedAt mergeCommit { oid }
    labels(first: 20) { nodes { name } } commits(first: 100) { nodes { commit { message } } }

and the list for `pageInfo { hasNextPage endCursor }`, without which nobody can tell a list that was
cut off from a whole one.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.outcomes.stages import OutcomeKind
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_keys
from metering.ingest.outcomes import github
from metering.ingest.outcomes.contract import outcomes_of
from metering.ingest.outcomes.graphql import read_nodes
from metering.ingest.shapes.pages import Row
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_KEYS: Final = ("nodes", "number", "url", "headRefName", "createdAt", "mergedAt", "isDraft")
_LISTS: Final = ("pullRequests", "search")


class GitHubGraphQLPullRequests:
    """One or two rows per pull request: that it was opened, and that it was merged."""

    name = "github-graphql-pull-requests"
    version = 1
    role = SourceRole.OUTCOME
    identity = Identity.EVENT
    repeat = Repeat.LATEST
    system = github.SYSTEM
    kinds: tuple[OutcomeKind, ...] = github.KINDS
    describes = "GitHub pull requests as answers of its GraphQL API, page after page"
    export = "gh api graphql --paginate -f query='… pullRequests(first: 100, after: $endCursor) …'"
    cannot_tell = "more than the commits and labels asked for; code merged without a pull request"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the keys of the first pull request."""
        return by_keys(sample, _KEYS, {}, "its nodes are pull requests of GitHub")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the stages that each pull request has reached, in file order."""
        yield from outcomes_of(read_nodes(path, reader, _LISTS), _stages)


def _stages(row: Row) -> Sequence[Mapping[str, object]]:
    pull = row.fields
    commits = [node.part("commit") for node in _nodes(pull, "commits")]
    messages = tuple(github.message_of(commit, "message") for commit in commits)
    return github.change_of(pull, _nodes(pull, "labels"), messages).stages()


def _nodes(pull: Fields, name: str) -> tuple[Fields, ...]:
    return pull.part_if_any(name).parts("nodes")
