"""Commits and pull requests that were made through Claude Code, out of its Analytics API.

The same pages hold tokens, which `metering ingest` reads as `claude-code-analytics`. These counts
are the tool's own word: a commit may never be merged, and the pull request it opens is told by
GitHub, too. So they are kinds of their own, `tool_commit` and `tool_pull_request`, which stand
beside outcomes and count in no sum with them.

A row is one person's day in one terminal. It is known by a digest of what the API tells rows apart
by, and the person does not enter: whose work it was is found by the name of an API key alone.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.outcomes.stages import WEIGHT_UNIT, OutcomeKind, Stage
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_keys
from metering.ingest.outcomes.contract import outcomes_of
from metering.ingest.shapes.pages import Row, read_row_pages
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_MARKS: Final = ("core_metrics", "actor", "terminal_type", "commits_by_claude_code")
_COUNTS: Final = {
    "tool_commit": "commits_by_claude_code",
    "tool_pull_request": "pull_requests_by_claude_code",
}
_ACTORS: Final = {"user_actor": "email_address", "api_actor": "api_key_name"}
_TELLS_APART: Final = ("organization_id", "customer_type", "subscription_type", "terminal_type")


class ClaudeCodeCommits:
    """One row per count above zero: commits, and pull requests, of a row of the API."""

    name = "claude-code-commits"
    version = 1
    role = SourceRole.OUTCOME
    identity = Identity.EVENT
    repeat = Repeat.LATEST
    system = "claude-code"
    kinds: tuple[OutcomeKind, ...] = tuple(
        OutcomeKind(kind, Stage.COMPLETED, settles_after_days=0, reversed_by="nothing")
        for kind in _COUNTS
    )
    describes = "Claude Code Analytics API pages: commits and pull requests by day"
    export = "GET /v1/organizations/usage_report/claude_code, all pages of a day that is over"
    cannot_tell = "whether it was merged; in which repository; what old clients did"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the keys of a row."""
        return by_keys(sample, _MARKS, {}, "its rows are of the Claude Code Analytics API")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the counts of every row, in file order."""
        rows = [row for page in read_row_pages(path, reader) for row in page.rows]
        noise = {"without commits and pull requests": sum(map(_is_without, rows))}
        yield from outcomes_of(rows, _counts, noise=noise)


def _is_without(row: Row) -> bool:
    core = row.member("core_metrics")
    return isinstance(core, Mapping) and all(core.get(field) == 0 for field in _COUNTS.values())


def _counts(row: Row) -> Sequence[Mapping[str, object]]:
    fields = row.fields
    start = fields.instant("date")
    actor = fields.part("actor")
    kind_of_actor = actor.one_of("type", tuple(_ACTORS)) or "user_actor"
    name = actor.text(_ACTORS[kind_of_actor])
    core = fields.part("core_metrics")
    known_by = _digest(fields, start.date(), kind_of_actor, name)
    return [
        {
            "outcome_id": f"{known_by}/{kind}",
            "instant": start,
            "kind": kind,
            "stage": Stage.COMPLETED.value,
            "weight_e4": count * WEIGHT_UNIT,
            "queue": name if kind_of_actor == "api_actor" else None,
            "assisted_by": "claude-code",
        }
        for kind, field in _COUNTS.items()
        if (count := core.whole_number(field))
    ]


def _digest(fields: Fields, day: date, *actor: str) -> str:
    parts = [fields.text_if_any(name) or "" for name in _TELLS_APART]
    remote = fields.flag_if_any("is_remote")
    text = "\x1f".join((day.isoformat(), *actor, *parts, str(remote)))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
