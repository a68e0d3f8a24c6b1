"""The spend report of Claude Team and Enterprise: dollars by person, product and model.

A row sums up the whole range that was chosen in the export dialog, and the file does not say which.
So the range has to stand in the file's name as two days, first and last, such as
`spend-report_2026-10-01_2026-10-31.csv`; without them the file is refused. The range reaches from
the first of a month to a day of that month: so a later export of the month replaces an earlier one,
no two exports overlap, and it is known which month the money belongs to. It is dated to the first.

Net spend, after discounts and credits, is what the plan is billed beyond its seats, and is charged
as it stands. Prompt tokens are not split into cached and new ones, so no meter can hold them: they
are a tag. Source: source formats note, section 2.7, read 2026-11-21.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.errors import SourceError, SourceRef
from metering.ingest.contract import (
    Identity,
    Reading,
    Repeat,
    Sample,
    Slice,
    SourceRole,
    Verdict,
)
from metering.ingest.marks import by_header
from metering.ingest.shapes.buckets import Span
from metering.ingest.shapes.pages import Row
from metering.ingest.shapes.records import given, metered, reported
from metering.ingest.shapes.tables import count, read_table, readings_of
from metering.ingest.values.amounts import text_amount
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_SCOPE: Final = "spend-report"
_COUNTS: Final = ("total_requests", "total_prompt_tokens", "total_completion_tokens")
_NET: Final = "total_net_spend_usd"
_GROSS: Final = "total_gross_spend_usd"
_REQUIRED: Final = ("user_email", "product", "model", *_COUNTS, _NET, _GROSS)
_DAY: Final = re.compile(r"(?<!\d)20\d\d-\d\d-\d\d(?!\d)", re.ASCII)
_NAMED: Final = "a name such as spend-report_2026-10-01_2026-10-31.csv: first and last day"


class ClaudeSpendReportCsv:
    """One record per row, charged as Anthropic billed it."""

    name = "claude-spend-report-csv"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Claude Team and Enterprise spend report: dollars by person and product (CSV)"
    export = "claude.ai, Analytics, Export spend report of one month; put its days into the name"
    cannot_tell = "days; cached tokens; what the seats include"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the header alone; the order of the columns is not known."""
        return by_header(sample, _REQUIRED)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the days of the report, then its rows in file order."""
        first, last = _period(path)
        table = read_table(path, reader, _REQUIRED, dict.fromkeys(_COUNTS, count))
        yield Slice(_SCOPE, "width=month-to-date", first.isoformat(), last.isoformat())
        when = {
            "start": Span.of_day(first).start,
            "end": Span.of_day(last).end,
            "grain": "range",
        }

        def cells_of(row: Row) -> Mapping[str, object]:
            return {**when, **_cells(row.fields)}

        yield from readings_of(table, cells_of)


def _period(path: Path) -> tuple[date, date]:
    """Return the first and the last day that a file's name states.

    Raises:
        SourceError: `missing-period`, or `not-month-to-date`; nothing of the file is recorded.
    """
    try:
        first, last = (date.fromisoformat(day) for day in _DAY.findall(path.name))
    except ValueError as error:
        raise SourceError(
            SourceRef(str(path)),
            "missing-period",
            "the rows have no dates, and the file's name does not state its first and last day",
            details=(f"expected: {_NAMED}",),
            do="give the file the range that was chosen in the export dialog, and ingest it",
        ) from error
    if not (first == last.replace(day=1) and first <= last):
        raise SourceError(
            SourceRef(str(path)),
            "not-month-to-date",
            f"the file's name says {first} to {last}",
            details=("expected: the first of a month to a day of the same month",),
            do="export each month by itself, put its days into the name, and ingest it",
        )
    return first, last


def _cells(row: Fields) -> Mapping[str, object]:
    return {
        "provider": "anthropic",
        "platform": "claude",
        "product": row.text("product"),
        "model_raw": row.text_if_any("model"),
        "principal": row.text("user_email"),
        "tags": given(
            {
                "account_uuid": row.text_if_any("account_uuid"),
                "model_family": row.text_if_any("model_family"),
                "prompt_tokens": str(row.whole_number("total_prompt_tokens")),
                "gross_spend_usd": row.decimal_text_if_any(_GROSS),
            }
        ),
        "requests": row.whole_number("total_requests"),
        **metered({Meter.OUTPUT: row.whole_number("total_completion_tokens")}),
        **reported(text_amount(row, _NET), "USD", "billed"),
    }
