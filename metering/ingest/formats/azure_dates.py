"""Dates of Azure's exports: classic files write them the American way, newer ones as ISO does.

One file writes all its dates alike, so that a date which can be read in one way only decides for
the others. Where none does, or one decides for the day first, the file is refused: nobody can say
what 06/07/2026 means in it.
"""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from metering.errors import SourceError, SourceRef
from metering.ingest.bulk.layout import instant

EXPECTED: Final = "a day as MM/DD/YYYY or YYYY-MM-DD, from 2000 to 2099"

_SLASHED: Final = r"^(\d{1,2})/(\d{1,2})/(20\d\d)$"
_ISO: Final = r"20\d\d-\d\d-\d\d"
_MONTHS: Final = 12

_MONTH_FIRST: Final = "month first"
_DAY_FIRST: Final = "day first"
_YEAR_FIRST: Final = "year first"
_UNDECIDED: Final = "undecided"


def midnight(text: str) -> str:
    """Return an expression for the midnight (UTC) a date begins with; null for anything else.

    The day stands first only where it cannot be the month; then `refuse_doubt` refuses the file.
    """
    american = f"try_strptime({text}, '%m/%d/%Y')"
    european = f"try_strptime({text}, '%d/%m/%Y')"
    day = f"({text} || 'T00:00:00Z')"
    return (
        f"CASE WHEN regexp_matches({text}, '{_SLASHED}')"
        f" THEN coalesce({american}, {european})::TIMESTAMPTZ"
        f" WHEN regexp_full_match({text}, '{_ISO}') THEN {instant(day, zoneless_is_utc=False)}"
        f" ELSE date_trunc('day', {instant(text, zoneless_is_utc=True)}) END"
    )


def order_of(texts: Iterable[str]) -> str:
    """Return an expression for what the dates of one row decide about their order."""
    orders = f"[{', '.join(map(_order, texts))}]"
    decided = " ".join(
        f"WHEN list_contains({orders}, '{order}') THEN '{order}'"
        for order in (_DAY_FIRST, _MONTH_FIRST, _UNDECIDED)
    )
    return f"CASE {decided} ELSE '{_YEAR_FIRST}' END"


def refuse_doubt(orders: Collection[str], path: Path) -> None:
    """Refuse a file in which a date may mean two days.

    Args:
        orders: what the rows decide, as `order_of` says it.
        path: the file, for the message.

    Raises:
        SourceError: `ambiguous-date`.
    """
    if _DAY_FIRST in orders:
        what = "dates are written with the day first"
    elif _UNDECIDED in orders and _MONTH_FIRST not in orders:
        what = "no date of the file tells the month from the day"
    else:
        return
    raise SourceError(
        SourceRef(str(path)),
        "ambiguous-date",
        what,
        do="export with dates as MM/DD/YYYY or YYYY-MM-DD, and with the billing period",
    )


def _order(text: str) -> str:
    return (
        f"CASE WHEN regexp_matches({text}, '^{_ISO}') THEN '{_YEAR_FIRST}'"
        f" WHEN {text} IS NULL OR NOT regexp_matches({text}, '{_SLASHED}') THEN NULL"
        f" WHEN regexp_extract({text}, '{_SLASHED}', 1)::INT > {_MONTHS} THEN '{_DAY_FIRST}'"
        f" WHEN regexp_extract({text}, '{_SLASHED}', 2)::INT > {_MONTHS} THEN '{_MONTH_FIRST}'"
        f" ELSE '{_UNDECIDED}' END"
    )
