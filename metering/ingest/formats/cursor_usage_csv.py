"""Usage events exported from Cursor's dashboard as CSV: one row per use.

Four generations of the header are known, and variants that call the last column `Requests` or
`Cost ($)`; columns are found by name.

* `Input (w/ Cache Write)` holds the tokens written to the cache, and nothing else. The four counts
  are disjoint: on every row their sum has to be `Total Tokens`.
* Only `On-Demand` rows are billed; in the oldest export, which has no kinds, `Cost to you` is what
  is billed. A cost on any other row is what it would have cost.
* Rows have no id. An import replaces the days from the first row to the last.
* Costs are rounded to cents here: the API (`cursor-usage-events`) is the better source of money,
  and the two are views of the same usage.

Source: source formats note, section 1.4, read 2026-11-21.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.errors import SourceError, SourceRef
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats.cursor_events import (
    SCOPE,
    Cost,
    event_cells,
    is_not_charged,
    request_at,
)
from metering.ingest.marks import by_header
from metering.ingest.shapes.buckets import Span
from metering.ingest.shapes.pages import Row
from metering.ingest.shapes.reports import report_of
from metering.ingest.shapes.tables import count, read_table
from metering.ingest.values.exact_decimals import exact
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_TOKENS: Final = {
    "Input (w/ Cache Write)": Meter.CACHE_WRITE_UNKNOWN,
    "Input (w/o Cache Write)": Meter.INPUT_UNCACHED,
    "Cache Read": Meter.CACHE_READ,
    "Output Tokens": Meter.OUTPUT,
}
_TOTAL: Final = "Total Tokens"
_REQUIRED: Final = ("Date", "Model", *_TOKENS, _TOTAL)
_COSTS: Final = ("Cost to you", "Cost", "Cost ($)")
_REQUEST_UNITS: Final = "Requests"

_ON_DEMAND: Final = "On-Demand"
_NOT_BILLED: Final = (
    "Included",
    "User API Key",  # billed by the provider of the model
    "Errored, No Charge",
    "Aborted, Not Charged",
    "Free",
)
_WORDS_FOR_NOTHING: Final = ("included", "free", "-")
_WORDS: Final = (*_WORDS_FOR_NOTHING, "nan", "")
_DAY: Final = re.compile(r"20\d\d-\d\d-\d\d", re.ASCII)


class CursorUsageCsv:
    """One record per row."""

    name = "cursor-usage-csv"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Cursor usage events, one row per use, four generations of the header (CSV)"
    export = "cursor.com/dashboard, Usage, Export CSV, for whole days"
    cannot_tell = "less than a cent, to which each row is rounded; conversations"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the header alone: people rename the files they download."""
        return by_header(sample, _REQUIRED)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield every row with what Cursor bills for it, then the days that the file covers."""
        table = read_table(path, reader, _REQUIRED, dict.fromkeys((*_TOKENS, _TOTAL), count))
        cost = next((name for name in _COSTS if name in table.header), None)
        if cost is None and _REQUEST_UNITS not in table.header:
            raise SourceError(
                SourceRef(str(path), 1),
                "missing-column",
                "the header lacks 'Cost'",
                do="export the table with this column and ingest the file",
            )

        def cells_of(row: Row) -> Mapping[str, object]:
            return _cells(row.fields, cost, has_kinds="Kind" in table.header)

        yield from report_of(
            table.rows,
            cells_of,
            view=(SCOPE, "view=csv"),
            refused=table.refused,
            noise={"empty line": table.empty_lines},
        )


def _cells(row: Fields, cost_column: str | None, *, has_kinds: bool) -> Mapping[str, object]:
    tokens = {meter: row.whole_number(name) for name, meter in _TOKENS.items()}
    if sum(tokens.values()) != row.whole_number(_TOTAL):
        raise row.refused(
            "tokens-do-not-add-up", _TOTAL, f"the sum of the four counts, {sum(tokens.values())}"
        )
    kind = _kind(row) if has_kinds else ""
    cells = event_cells(
        when=_when(row),
        kind=kind,
        model=row.text_if_any("Model"),
        tokens=tokens,
        cost=_cost(row, cost_column, is_billed=not has_kinds or kind == _ON_DEMAND),
        tags={
            "max_mode": row.text_if_any("Max Mode"),
            "cloud_agent": row.text_if_any("Cloud Agent ID"),
            "automation": row.text_if_any("Automation ID"),
        },
    )
    return {**cells, "principal": _principal(row)}


def _kind(row: Fields) -> str:
    kind = row.text("Kind")
    if kind == _ON_DEMAND or kind in _NOT_BILLED or kind.startswith("Included"):
        return kind
    if is_not_charged(kind):
        return kind
    known = row.one_of("Kind", (_ON_DEMAND, *_NOT_BILLED))
    return known or ""


def _cost(row: Fields, column: str | None, *, is_billed: bool) -> Cost:
    """Return what a row cost; requests instead of money say nothing about it."""
    if column is None:
        return Cost(None, None if is_billed else Fraction(0))
    spelled = (row.text_if_any(column) or "").strip()
    stated = exact(spelled.removeprefix("$"))
    if stated is None and spelled.lower() not in _WORDS:
        raise row.refused("bad-amount", column, "dollars such as 0.05 or $0.05, or Included or -")
    if not is_billed:
        return Cost(stated, Fraction(0))
    if stated is None and column == _COSTS[0] and spelled.lower() in _WORDS_FOR_NOTHING:
        return Cost(None, Fraction(0))
    if stated is None or stated < 0:
        raise row.refused("bad-amount", column, f"dollars such as 0.05, since it is {_ON_DEMAND}")
    return Cost(stated, stated)


def _principal(row: Fields) -> str | None:
    """Return who used it: a person, or else the agent or automation that no person stands for."""
    if user := row.text_if_any("User"):
        return user
    if agent := row.text_if_any("Cloud Agent ID"):
        return f"cloud-agent:{agent}"
    automation = row.text_if_any("Automation ID")
    return f"automation:{automation}" if automation else None


def _when(row: Fields) -> Mapping[str, object]:
    spelled = row.values.get("Date")
    if not isinstance(spelled, str) or not _DAY.fullmatch(spelled):
        return request_at(row.instant("Date"))
    try:
        # The oldest export gives the day alone, and does not say whether a row is one request.
        span = Span.of_day(date.fromisoformat(spelled))
    except ValueError as error:
        raise row.refused("bad-date", "Date", "a day as YYYY-MM-DD") from error
    return span.cells()
