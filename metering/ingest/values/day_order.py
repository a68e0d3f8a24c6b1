"""Dates with slashes: whether the month stands first, as far as the dates of a file tell.

One file writes all its dates alike, so that a date which can be read in one way only decides for
the others. Where none does, or one decides for the day first, the file is refused: nobody can say
what 06/07/2026 means in it.
"""

import re
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import Final

from metering.errors import SourceError, SourceRef

MONTHS: Final = 12
_SLASHED: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(?:\d\d){1,2}", re.ASCII)


class DayOrder(StrEnum):
    """What a date decides about the order of day and month."""

    MONTH_FIRST = "month first"
    DAY_FIRST = "day first"
    YEAR_FIRST = "year first"
    UNDECIDED = "undecided"


def order_of(date: object) -> DayOrder:
    """Return what one date decides; one without slashes says nothing against any other."""
    slashed = _SLASHED.fullmatch(date) if isinstance(date, str) else None
    if slashed is None:
        return DayOrder.YEAR_FIRST
    first, second = map(int, slashed.groups())
    if first > MONTHS:
        return DayOrder.DAY_FIRST
    return DayOrder.MONTH_FIRST if second > MONTHS else DayOrder.UNDECIDED


def refuse_doubt(orders: Collection[str], path: Path, do: str) -> None:
    """Refuse a file in which a date may mean two days.

    Args:
        orders: what its dates decide, each a `DayOrder`.
        path: the file, for the message.
        do: what the user does.

    Raises:
        SourceError: `ambiguous-date`.
    """
    if DayOrder.DAY_FIRST in orders:
        what = "dates are written with the day first"
    elif DayOrder.UNDECIDED in orders and DayOrder.MONTH_FIRST not in orders:
        what = "no date of the file tells the month from the day"
    else:
        return
    raise SourceError(SourceRef(str(path)), "ambiguous-date", what, do=do)
