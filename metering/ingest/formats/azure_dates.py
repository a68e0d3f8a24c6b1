"""Dates of Azure's exports: classic files write them the American way, newer ones as ISO does."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from metering.ingest.bulk.layout import instant
from metering.ingest.values import day_order
from metering.ingest.values.day_order import MONTHS, DayOrder

EXPECTED: Final = "a day as MM/DD/YYYY or YYYY-MM-DD, from 2000 to 2099"

_SLASHED: Final = r"^(\d{1,2})/(\d{1,2})/(20\d\d)$"
_ISO: Final = r"20\d\d-\d\d-\d\d"
_DO: Final = "export with dates as MM/DD/YYYY or YYYY-MM-DD, and with the billing period"


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
        for order in (DayOrder.DAY_FIRST, DayOrder.MONTH_FIRST, DayOrder.UNDECIDED)
    )
    return f"CASE {decided} ELSE '{DayOrder.YEAR_FIRST}' END"


def refuse_doubt(orders: Collection[str], path: Path) -> None:
    """Refuse a file in which a date may mean two days.

    Args:
        orders: what the rows decide, as `order_of` says it.
        path: the file, for the message.

    Raises:
        SourceError: `ambiguous-date`.
    """
    day_order.refuse_doubt(orders, path, _DO)


def _order(text: str) -> str:
    first, second = (f"regexp_extract({text}, '{_SLASHED}', {place})::INT" for place in (1, 2))
    return (
        f"CASE WHEN regexp_matches({text}, '^{_ISO}') THEN '{DayOrder.YEAR_FIRST}'"
        f" WHEN {text} IS NULL OR NOT regexp_matches({text}, '{_SLASHED}') THEN NULL"
        f" WHEN {first} > {MONTHS} THEN '{DayOrder.DAY_FIRST}'"
        f" WHEN {second} > {MONTHS} THEN '{DayOrder.MONTH_FIRST}'"
        f" ELSE '{DayOrder.UNDECIDED}' END"
    )
