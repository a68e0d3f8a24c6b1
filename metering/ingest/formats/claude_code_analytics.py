"""Pages of Anthropic's Claude Code Analytics API: what each person did with Claude Code in a day.

Tokens are net of cached ones, and a cache write does not say how long it lives. Cost is the list
price in cents, an estimate: for a subscription it is notional, and for the rest the same traffic is
in the Messages usage report. So the role is `detail`, which divides metered money.

A row becomes one record for each model, and one record without model and meters that carries what
came of the work (sessions, lines, commits, pull requests, accepted edits) in its tags. One person
has several rows a day: by terminal, local or remote, and kind of customer. A key is named, not
identified. Commits and pull requests are those made through Claude Code alone.

Source: Anthropic's Admin API reference, "Get Claude Code Usage Report".
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_keys
from metering.ingest.shapes.buckets import Span
from metering.ingest.shapes.pages import Row, read_row_pages, rows_as_several
from metering.ingest.shapes.records import given, metered, readings, reported
from metering.ingest.shapes.tables import covered_by
from metering.ingest.values.amounts import CENTS, dollars, number_amount
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_SCOPE: Final = "claude-code"
_SIGNATURE: Final = "width=day;dimensions=actor,model,terminal"
_MARKS: Final = ("model_breakdown", "core_metrics", "actor", "terminal_type")
_METERS: Final = {
    "input": Meter.INPUT_UNCACHED,
    "cache_read": Meter.CACHE_READ,
    "cache_creation": Meter.CACHE_WRITE_UNKNOWN,
    "output": Meter.OUTPUT,
}
_ACTORS: Final = {"user_actor": "email_address", "api_actor": "api_key_name"}


class ClaudeCodeAnalytics:
    """Several records per row: its models, then what came of the work."""

    name = "claude-code-analytics"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Claude Code Analytics API pages: tokens, commits, lines by person and day"
    export = "GET /v1/organizations/usage_report/claude_code, all pages of a day in one file"
    cannot_tell = "money: its cost is an estimate at list prices; the lifetime of cache writes"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the keys of a row."""
        return by_keys(sample, _MARKS, {}, "its rows are of the Claude Code Analytics API")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the days of the file, then its rows in file order."""
        pages = read_row_pages(path, reader)
        rows = [row for page in pages for row in page.rows]
        covered, _ = covered_by(rows, _span, str(path))
        yield from covered.slices(_SCOPE, _SIGNATURE)
        yield from readings(rows_as_several(rows, _records), {})


def _span(row: Fields) -> Span:
    start = row.instant("date")
    return Span.of(start, start + timedelta(days=1), field="date")


def _records(row: Row) -> Sequence[Mapping[str, object]]:
    fields = row.fields
    tags = {
        "customer_type": fields.text_if_any("customer_type"),
        "subscription_type": fields.text_if_any("subscription_type"),
        "terminal_type": fields.text_if_any("terminal_type"),
        "is_remote": _spelled(fields.flag_if_any("is_remote")),
    }
    common = {
        **_span(fields).cells(),
        "provider": "anthropic",
        "platform": "anthropic-api",
        "billing_account": fields.text_if_any("organization_id"),
        "product": "claude-code",
        **_actor(fields.part("actor")),
    }
    models = [
        {**common, "tags": given(tags), **_model(model)}
        for model in fields.parts("model_breakdown")
    ]
    return [*models, {**common, "tags": given({**tags, **_outcomes(fields)})}]


def _actor(actor: Fields) -> dict[str, object]:
    kind = actor.one_of("type", tuple(_ACTORS)) or "user_actor"
    name = actor.text(_ACTORS[kind])
    return {"principal": name} if kind == "user_actor" else {"api_key": name}


def _model(model: Fields) -> dict[str, object]:
    tokens = model.part("tokens")
    tokens.refuse_other_counts(_METERS)
    cost = model.part("estimated_cost")
    return {
        "model_raw": model.text("model"),
        **metered({meter: tokens.whole_number(name) for name, meter in _METERS.items()}),
        **reported(
            number_amount(cost, "amount", per_unit=CENTS), dollars(cost, "currency"), "estimate"
        ),
    }


def _outcomes(row: Fields) -> dict[str, str | None]:
    core = row.part("core_metrics")
    lines = core.part("lines_of_code")
    counts = {
        "sessions": core.whole_number("num_sessions"),
        "lines_added": lines.whole_number("added"),
        "lines_removed": lines.whole_number("removed"),
        "commits": core.whole_number("commits_by_claude_code"),
        "pull_requests": core.whole_number("pull_requests_by_claude_code"),
    }
    tools = row.part_if_any("tool_actions")
    for tool in sorted(tools.values):
        actions = tools.part(tool)
        counts[f"{tool}_accepted"] = actions.whole_number("accepted")
        counts[f"{tool}_rejected"] = actions.whole_number("rejected")
    return {name: str(count) for name, count in counts.items()}


def _spelled(flag: bool | None) -> str | None:
    return None if flag is None else str(flag).lower()
