"""Pull requests of GitHub, as pages of its REST API.

A state is `open` or `closed` here, and a pull request is merged when it says when. The list has no
commits, so that no trailer is seen; a label may name the tool.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.outcomes.stages import OutcomeKind
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_keys
from metering.ingest.outcomes import github
from metering.ingest.outcomes.changes import Change
from metering.ingest.outcomes.contract import outcomes_of
from metering.ingest.shapes.pages import Row, read_rows

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_KEYS: Final = ("node_id", "html_url", "merged_at", "created_at", "head", "base")
_STATES: Final = ("open", "closed")


class GitHubRestPullRequests:
    """One or two rows per pull request: that it was opened, and that it was merged."""

    name = "github-rest-pull-requests"
    version = 1
    role = SourceRole.OUTCOME
    identity = Identity.EVENT
    repeat = Repeat.LATEST
    system = github.SYSTEM
    kinds: tuple[OutcomeKind, ...] = github.KINDS
    describes = "GitHub pull requests as pages of its REST API, one after the other"
    export = "gh api --paginate 'repos/OWNER/REPOSITORY/pulls?state=all&per_page=100'"
    cannot_tell = "commits, and so tools and sessions; code merged without a pull request"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the keys of the first pull request."""
        return by_keys(sample, _KEYS, {}, "it lists pull requests of GitHub's REST API")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the stages that each pull request has reached, in file order."""
        yield from outcomes_of(read_rows(path, reader), _stages)


def _stages(row: Row) -> Sequence[Mapping[str, object]]:
    pull = row.fields
    state = pull.one_of("state", _STATES)
    repository, number = github.place_of(pull, "html_url")
    branch = pull.part("head").text("ref")
    is_merged = state == "closed" and pull.required("merged_at") is not None
    labels = [text for label in pull.parts("labels") if (text := label.text_if_any("name"))]
    return Change(
        change_id=pull.text("node_id"),
        repository=repository,
        reference=f"{repository}#{number}",
        branch=branch,
        opened=pull.instant("created_at"),
        is_draft=bool(pull.flag_if_any("draft")),
        merged=pull.instant("merged_at") if is_merged else None,
        as_of=pull.instant("updated_at"),
        commit=pull.text_if_any("merge_commit_sha") if is_merged else None,
        labels=labels,
        reverts=github.reverts_of(repository, branch),
    ).stages()
