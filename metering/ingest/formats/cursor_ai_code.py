"""Pages of Cursor's AI code tracking: commits and changes, and how many lines of them AI wrote.

No tokens and no money: it ties what people asked for to what they committed. Lines, repository and
branch are kept as tags; messages are not read. One commit may stand on several branches, and is a
fact of its own on each.

Source: source formats note, section 1.5, read 2026-11-21; an alpha of Cursor's enterprise plan.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_keys, has_key
from metering.ingest.shapes.pages import Row, read_row_pages, rows_as_records
from metering.ingest.shapes.records import given, readings
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_LIST: Final = "items"
_COMMIT, _CHANGE = "commitHash", "changeId"
_LINES: Final = (
    "totalLinesAdded",
    "totalLinesDeleted",
    "tabLinesAdded",
    "tabLinesDeleted",
    "composerLinesAdded",
    "composerLinesDeleted",
    "nonAiLinesAdded",
    "nonAiLinesDeleted",
)


class CursorAiCode:
    """One record per commit and branch, or per change."""

    name = "cursor-ai-code"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "Cursor AI code tracking: commits and changes with the lines AI wrote (JSON pages)"
    export = "GET /analytics/ai-code/commits or /changes, every page"
    cannot_tell = "tokens; commits made outside Cursor"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the members of an item, which is a commit or a change."""
        kind = _CHANGE if has_key(sample.head or "", _CHANGE) else _COMMIT
        marks = (_LIST, kind, "userEmail", "totalLinesAdded")
        return by_keys(sample, marks, {}, "its pages list AI code tracking of Cursor")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield every commit and every change."""
        rows = (row for page in read_row_pages(path, reader, _LIST) for row in page.rows)
        yield from readings(rows_as_records(rows, _cells), {})


def _cells(row: Row) -> Mapping[str, object]:
    item = row.fields
    lines = {name: item.whole_number_if_any(name) for name in _LINES}
    is_commit = _COMMIT in item.values
    return {
        **(_commit(item) if is_commit else _change(item)),
        "grain": "request",
        "provider": "cursor",
        "platform": "cursor-api",
        "product": "cursor",
        "principal": item.text_if_any("userEmail") or item.text("userId"),
        "tags": given(
            {
                "user_id": item.text_if_any("userId"),
                "repository": item.text_if_any("repoName"),
                "branch": item.text_if_any("branchName"),
                "commit": item.text_if_any(_COMMIT),
                "commit_source": item.text_if_any("commitSource"),
                "source": item.text_if_any("source"),
                **{name: None if count is None else str(count) for name, count in lines.items()},
            }
        ),
    }


def _commit(item: Fields) -> Mapping[str, object]:
    branch = item.text_if_any("branchName")
    return {
        "event_id": f"{item.text(_COMMIT)}/{branch or ''}",
        "start": item.instant("commitTs"),
        "workflow_key": branch,
    }


def _change(item: Fields) -> Mapping[str, object]:
    return {
        "event_id": item.text(_CHANGE),
        "start": item.instant("createdAt"),
        "model_raw": item.text_if_any("model"),
    }
