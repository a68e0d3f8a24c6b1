"""Pages of OpenAI's Codex analytics (Enterprise): tokens and credits by person, client and day.

`totals`, `clients` and `models` are three views of the same usage. The clients have the tokens, so
each becomes one record; where one model alone was used, that is its model. Credits are reported and
have no public price, and the same credits are in ChatGPT's credit export: the role is `detail`.

A last record of each row has no meters: its tags say what came of the work. The reviews of the same
API hold no usage and are not recognised.

Known from third parties, who disagree on the names of cursors and dates: what is spelled in another
way is refused. A bound may be Unix seconds or ISO text.

Source: source formats note, section 1.8, read 2026-11-21.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_keys
from metering.ingest.shapes.buckets import Span, partial_day
from metering.ingest.shapes.pages import Row, read_row_pages, rows_as_several
from metering.ingest.shapes.records import given, metered, readings, reported
from metering.ingest.shapes.tables import covered_by
from metering.ingest.values.amounts import number_amount
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_VIEW: Final = ("codex", "width=day;dimensions=client_id,user_id")
_MARKS: Final = ("totals", "clients", "start_time")
_METERS: Final = {
    "uncached_text_input_tokens": Meter.INPUT_UNCACHED,
    "cached_text_input_tokens": Meter.CACHE_READ,
    "text_output_tokens": Meter.OUTPUT,
}
_TOTAL: Final = "text_total_tokens"


class CodexAnalytics:
    """Several records per row: its clients, then what came of the work."""

    name = "codex-analytics"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Codex Enterprise analytics pages: tokens and credits by person and client"
    export = "GET /v1/analytics/codex/workspaces/{id}/usage, every page of a pull in one file"
    cannot_tell = "dollars; the model, where one person used several"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the keys of a row."""
        return by_keys(sample, _MARKS, {}, "its rows are of the Codex analytics")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the days of the file, then its rows in file order."""
        pages = read_row_pages(path, reader)
        rows = [row for page in pages for row in page.rows]
        covered, _ = covered_by(rows, _span, str(path))
        yield from covered.slices(*_VIEW)

        def records(row: Row) -> Sequence[Mapping[str, object]]:
            span = _span(row.fields)
            if span.day in covered.partial:
                raise partial_day(span, "start_time")
            return _records(row.fields, span)

        yield from readings(rows_as_several(rows, records), {})


def _span(row: Fields) -> Span:
    return Span.of(_instant(row, "start_time"), _instant(row, "end_time"), field="end_time")


def _instant(row: Fields, name: str) -> datetime:
    return row.instant(name) if isinstance(row.values.get(name), str) else row.unix_instant(name)


def _records(row: Fields, span: Span) -> Sequence[Mapping[str, object]]:
    models = row.parts("models")
    only = models[0] if len(models) == 1 else Fields({})
    actor = row.part_if_any("actor")
    email = actor.text_if_any("email") or row.text_if_any("email")
    common = {
        **span.cells(),
        "provider": "openai",
        "platform": "chatgpt",
        "product": "codex",
        "principal": email or actor.text_if_any("user_id") or row.text_if_any("user_id"),
    }
    named = {
        "model_raw": only.text_if_any("model"),
        "speed": only.text_if_any("speed"),
    }
    clients = [{**common, **named, **_client(client)} for client in row.parts("clients")]
    return [*clients, {**common, "tags": given(_outcomes(row))}]


def _client(client: Fields) -> dict[str, object]:
    counts = {
        meter: found
        for name, meter in _METERS.items()
        if (found := client.whole_number_if_any(name)) is not None
    }
    total = client.whole_number_if_any(_TOTAL)
    if total is not None and len(counts) == len(_METERS) and sum(counts.values()) != total:
        raise client.refused(
            "tokens-do-not-add-up", _TOTAL, f"input, cached and output, {sum(counts.values())}"
        )
    return {
        "tags": given(
            {
                "client_id": client.text("client_id"),
                "threads": client.decimal_text_if_any("threads"),
                "turns": client.decimal_text_if_any("turns"),
            }
        ),
        **metered(counts),
        **reported(number_amount(client, "credits"), "credits", "credits"),
    }


def _outcomes(row: Fields) -> dict[str, str | None]:
    totals, code = row.part("totals"), row.part_if_any("code_attribution")
    return {
        "threads": totals.decimal_text_if_any("threads"),
        "turns": totals.decimal_text_if_any("turns"),
        "lines_added": code.decimal_text_if_any("lines_added"),
        "lines_removed": code.decimal_text_if_any("lines_removed"),
    }
