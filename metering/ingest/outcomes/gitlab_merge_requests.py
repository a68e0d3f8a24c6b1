"""Merge requests of GitLab: pages of its REST API, or what `glab mr list --output json` writes.

GitLab's Revert button makes a branch `revert-COMMIT` that names the first eight digits of the merge
commit. What it takes back is found by that commit, in this file or an earlier one; whether it was a
revert itself can be told only where both stand in one file.

The list has no commits of the branch, so that no trailer is seen; a label may name the tool.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.outcomes.stages import OutcomeKind
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_keys
from metering.ingest.outcomes.changes import Change, merged_changes
from metering.ingest.outcomes.contract import outcomes_of
from metering.ingest.outcomes.reverts import chain_of
from metering.ingest.shapes.pages import Row, read_rows
from metering.ingest.values.fields import FieldRefused, Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_KEYS: Final = ("iid", "project_id", "source_branch", "web_url", "created_at", "merged_at")
_STATES: Final = ("opened", "closed", "locked", "merged")
_URL: Final = re.compile(r"https://[^/\s]+/(\S+)/-/merge_requests/(\d+)", re.ASCII)
_REVERT: Final = re.compile(r"revert-([0-9a-f]{8})(?![0-9a-f])", re.ASCII)
# Where a project does not make merge commits, a merge request ends as its squashed or last commit.
_COMMITS: Final = ("merge_commit_sha", "squash_commit_sha", "sha")


class GitLabMergeRequests:
    """One or two rows per merge request: that it was opened, and that it was merged."""

    name = "gitlab-merge-requests"
    version = 1
    role = SourceRole.OUTCOME
    identity = Identity.EVENT
    repeat = Repeat.LATEST
    system = "gitlab"
    kinds: tuple[OutcomeKind, ...] = merged_changes(
        "a merged request from a branch `revert-COMMIT`"
    )
    describes = "GitLab merge requests: opened, merged and reverted, by project and branch (JSON)"
    export = "glab api --paginate 'projects/ID/merge_requests?state=all&per_page=100'"
    cannot_tell = "commits of the branch, and so tools and sessions; code merged without a request"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the keys of the first merge request."""
        return by_keys(sample, _KEYS, {}, "it lists merge requests of GitLab")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the stages that each merge request has reached, in file order."""
        rows = read_rows(path, reader)
        reverts = dict(filter(None, map(_revert, rows)))
        yield from outcomes_of(rows, lambda row: _stages(row, reverts))


def _stages(row: Row, reverts: Mapping[str, str]) -> Sequence[Mapping[str, object]]:
    request = row.fields
    state = request.one_of("state", _STATES)
    project, number = _place(request)
    branch = request.text("source_branch")
    is_merged = state == "merged"
    reverted = _reverted(project, branch)
    return Change(
        change_id=str(request.whole_number("id")),
        repository=project,
        reference=f"{project}!{number}",
        branch=branch,
        opened=request.instant("created_at"),
        is_draft=bool(request.flag_if_any("draft")),
        merged=request.instant("merged_at") if is_merged else None,
        as_of=request.instant("updated_at"),
        commit=_commit(request) if is_merged else None,
        labels=_labels(request),
        reverts=chain_of(reverted, reverts),
    ).stages()


def _revert(row: Row) -> tuple[str, str] | None:
    """Return what a merged revert is called by those that revert it, and what it reverts."""
    with suppress(FieldRefused):
        request = row.fields
        project, _ = _place(request)
        reverted = _reverted(project, request.text("source_branch"))
        commit = _commit(request)
        if reverted and commit and request.values.get("state") == "merged":
            return f"{project}@{commit[:8]}", reverted
    return None


def _reverted(project: str, branch: str) -> str | None:
    match = _REVERT.match(branch)
    return f"{project}@{match[1]}" if match else None


def _commit(request: Fields) -> str | None:
    return next(filter(None, map(request.text_if_any, _COMMITS)), None)


def _place(request: Fields) -> tuple[str, int]:
    number = request.whole_number("iid")
    match = _URL.fullmatch(request.text("web_url"))
    if match is None or int(match[2]) != number:
        expected = f"https://HOST/GROUP/PROJECT/-/merge_requests/{number}"
        raise request.refused("bad-text", "web_url", expected)
    return match[1], number


def _labels(request: Fields) -> list[str]:
    labels = request.values.get("labels") or []
    if not isinstance(labels, list):
        raise request.refused("bad-record", "labels", "a list of labels")
    # Asked for with their details, labels are objects.
    names = (label.get("name") if isinstance(label, Mapping) else label for label in labels)
    return [name for name in names if isinstance(name, str)]
