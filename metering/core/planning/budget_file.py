"""The budget file: what owners may spend, as CSV.

Its columns are `cost_centre, team, project, period, amount, currency`; team and project may be
empty. `period` is a month, 2026-10, or a stretch of months, 2026-01..2026-12, for all of which
together the amount is. Two budgets of one owner and currency never overlap.

The file is taken whole or refused whole, with every mistake at once.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from metering.core.csv_table import Row, read_rows, read_table
from metering.core.money import nanos_from_decimal_text
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod
from metering.core.planning.budgets import Budget, Budgets
from metering.errors import WHOLE_FILE_REMEDY, RefusedFileError, RejectedError, Rejection, shown

BUDGET_COLUMNS: Final = ("cost_centre", "team", "project", "period", "amount", "currency")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_LARGEST_NANOS: Final = 2**63 - 1


def parse_budgets(text: str, path: str, *, name: str = "budgets.csv") -> Budgets:
    """Return the budgets that a file holds.

    Args:
        text: the whole file, decoded.
        path: the file as the user named it, for messages.
        name: what explanations call the file.

    Raises:
        RefusedFileError: a column or cell is missing, a period, amount or currency cannot be used,
            or two budgets of one owner overlap; every such place is told.
    """
    lines, rejections = read_rows(read_table(text, BUDGET_COLUMNS), _budget)
    rejections += _overlaps(lines)
    if rejections:
        raise RefusedFileError(path, rejections)
    return Budgets(name, tuple(lines))


def _budget(row: Row) -> Budget:
    cells = row.cells
    if not cells["cost_centre"]:
        expected = "text: every budget is a cost centre's, or of something below one"
        raise _refused(row, "missing-cost-centre", "cost_centre", expected)
    if cells["project"] and not cells["team"]:
        raise _refused(row, "missing-field", "team", "the team of the project")
    first, last = _months(row)
    if not _CURRENCY.fullmatch(cells["currency"]):
        expected = "three capital letters of ISO 4217, like USD"
        raise _refused(row, "bad-currency", "currency", expected)
    owner = Owner(cells["cost_centre"], cells["team"], cells["project"])
    return Budget(row.line, owner, first, last, cells["currency"], _amount(row))


def _months(row: Row) -> tuple[BillingPeriod, BillingPeriod]:
    expected = "a month as YYYY-MM, or YYYY-MM..YYYY-MM, the first one first"
    written, dots, until = row.cells["period"].partition("..")
    try:
        first = BillingPeriod.parse(written)
        last = BillingPeriod.parse(until) if dots else first
    except ValueError as error:
        raise _refused(row, "bad-period", "period", expected) from error
    if last < first:
        raise _refused(row, "bad-period", "period", expected)
    return first, last


def _amount(row: Row) -> int:
    expected = "a plain decimal, 0 or more, below 9 billion, with at most nine decimals"
    try:
        nanos = nanos_from_decimal_text(row.cells["amount"])
    except ValueError as error:
        raise _refused(row, "bad-amount", "amount", expected) from error
    if not 0 <= nanos <= _LARGEST_NANOS:
        raise _refused(row, "bad-amount", "amount", expected)
    return nanos


def _refused(row: Row, code: str, column: str, expected: str) -> RejectedError:
    found = shown(row.cells[column]) if row.cells[column] else "empty"
    return RejectedError(Rejection(row.line, code, column, found, expected, WHOLE_FILE_REMEDY))


def _overlaps(lines: Sequence[Budget]) -> Iterator[Rejection]:
    for at, one in enumerate(lines):
        for other in lines[:at]:
            same = (one.owner, one.currency) == (other.owner, other.currency)
            if same and one.first <= other.last and other.first <= one.last:
                yield Rejection(
                    one.line,
                    "overlapping-validity",
                    "period",
                    shown(one.months),
                    f"months that line {other.line} has no budget of this owner for",
                    WHOLE_FILE_REMEDY,
                )
                break
