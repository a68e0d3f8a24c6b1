"""A driver: a measure of a house's own that shared cost is divided by, as CSV.

Its columns are `period, target, weight`: a month as YYYY-MM, an owner as COST_CENTRE[/TEAM
[/PROJECT]], and a whole number of whatever is measured. The file's name without its ending is what
a split calls it. It is taken whole or refused whole, with every mistake at once.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from metering.core.csv_table import Row, read_table
from metering.core.periods import BillingPeriod
from metering.core.sharing.sharing_file import Known
from metering.core.sharing.splits import Target
from metering.errors import WHOLE_FILE_REMEDY, RefusedFileError, RejectedError, Rejection, shown

DRIVER_COLUMNS: Final = ("period", "target", "weight")
_WEIGHT: Final = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class DriverWeight:
    """One line of a driver file."""

    line: int
    period: BillingPeriod
    target: Target
    weight: int


@dataclass(frozen=True, slots=True)
class Driver:
    """A driver file.

    Attributes:
        name: what splits call it.
        weights: in file order.
    """

    name: str
    weights: tuple[DriverWeight, ...] = ()

    def of(self, period: BillingPeriod) -> Mapping[Target, int]:
        """Return the weights of a month."""
        return {one.target: one.weight for one in self.weights if one.period == period}


def parse_driver(text: str, path: str, known: Known, *, name: str) -> Driver:
    """Return the driver that a file holds.

    Args:
        text: the whole file, decoded.
        path: the file as the user named it, for messages.
        known: the owners it may name.
        name: what splits call it.

    Raises:
        RefusedFileError: a column is missing, a month, target or weight cannot be used, or a
            target is there twice in a month; every such place is told.
    """
    table = read_table(text, DRIVER_COLUMNS)
    rejections = list(table.rejections)
    lines: dict[tuple[BillingPeriod, Target], int] = {}
    weights: list[DriverWeight] = []
    for row in table.rows:
        try:
            one = _weight(row, known)
            first = lines.setdefault((one.period, one.target), row.line)
            if first != row.line:
                expected = f"a target of its own for the month; line {first} has this one"
                raise _refused(row, "overlapping-targets", "target", expected)
            weights.append(one)
        except RejectedError as error:
            rejections.append(error.rejection)
    if rejections:
        raise RefusedFileError(path, rejections)
    return Driver(name, tuple(weights))


def _weight(row: Row, known: Known) -> DriverWeight:
    try:
        period = BillingPeriod.parse(row.cells["period"])
    except ValueError as error:
        raise _refused(row, "bad-period", "period", "a month as YYYY-MM") from error
    try:
        target = Target.parse(row.cells["target"])
    except ValueError as error:
        expected = "an owner: COST_CENTRE[/TEAM[/PROJECT]]"
        raise _refused(row, "bad-value", "target", expected) from error
    if target.pool or target.is_each or not known.knows(target):
        expected = "an owner that the owners file or a rule names"
        raise _refused(row, "unknown-target", "target", expected)
    if not _WEIGHT.fullmatch(row.cells["weight"]):
        raise _refused(row, "bad-quantity", "weight", "a whole number, 0 or more")
    return DriverWeight(row.line, period, target, int(row.cells["weight"]))


def _refused(row: Row, code: str, column: str, expected: str) -> RejectedError:
    found = shown(row.cells[column])
    return RejectedError(Rejection(row.line, code, column, found, expected, WHOLE_FILE_REMEDY))
