"""The appendices of the pack on paper: each project by model and meter, and the month by day.

On a screen a line opens; paper has it all at once, as far as pages are read: beyond that the lines
are counted and added up, and stand in the workbook.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from metering.reporting.figures import (
    amount_text,
    minor_text,
    quantity_text,
    rounding_left,
    share_text,
)
from metering.reporting.frames import grouped
from metering.reporting.pack.detail import Detail, details_of, priced
from metering.reporting.pack.tree import BEARER_WORDS
from metering.reporting.snapshot import Bearer
from metering.reporting.words import meter_label, meter_unit, shown_name

_LINES: Final = 1200
_COST_CENTRES: Final = 5


@dataclass(frozen=True, slots=True)
class MeterLine:
    """What one project bears of one meter of one model, as shown; kind as of `Line`."""

    kind: str
    model: str
    meter: str
    quantity: str
    amount: str
    share: str


@dataclass(frozen=True, slots=True)
class ProjectLines:
    """One project with its lines, the largest first; the amount is of all its lines."""

    owner: str
    amount: str
    lines: tuple[MeterLine, ...]


@dataclass(frozen=True, slots=True)
class DayLine:
    """One day of use, or the total; an amount for each column."""

    kind: str
    day: str
    amounts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Appendix:
    """Both appendices in one currency.

    Attributes:
        projects: owners by name, and what nobody owns; `more` says what has no room.
        columns: cost centres, the rest as one, and all of it.
        days: of use, in order; rounding where the shown days miss the total; the total.
    """

    projects: tuple[ProjectLines, ...]
    more: str
    columns: tuple[str, ...]
    days: tuple[DayLine, ...]


def appendix_of(lines: pd.DataFrame, currency: str, *, total: int) -> Appendix:
    """Return the appendices of one currency.

    Args:
        lines: of that currency.
        currency: ISO 4217 code.
        total: control total, in nanos.

    Raises:
        LedgerError: a view does not add up to the control total.
    """
    details = [row for row in priced(details_of(lines, currency, total=total)) if row.amount]
    ranked = sorted(details, key=lambda row: -row.amount)
    kept, rest = ranked[:_LINES], ranked[_LINES:]
    more = ""
    if rest:
        left = amount_text(sum(row.amount for row in rest), currency)
        more = f"{quantity_text(len(rest))} smaller lines, together {left}, are in the workbook."
    columns, days = _by_day(lines, currency)
    return Appendix(_projects(kept, _wholes(details), currency), more, columns, days)


def _wholes(details: Sequence[Detail]) -> dict[tuple[str, ...], int]:
    wholes: dict[tuple[str, ...], int] = {}
    for row in details:
        wholes[row[:4]] = wholes.get(row[:4], 0) + row.amount
    return wholes


def _quantity(row: Detail) -> str:
    if row.counted is None:
        return ""
    return f"{quantity_text(row.counted)} {meter_unit(row.meter)}".strip()


def _projects(
    details: Sequence[Detail], wholes: Mapping[tuple[str, ...], int], currency: str
) -> tuple[ProjectLines, ...]:
    by_owner: dict[tuple[str, ...], list[Detail]] = {}
    for row in sorted(details, key=lambda row: (row.bearer != Bearer.OWNER, row[:4])):
        by_owner.setdefault(row[:4], []).append(row)
    return tuple(
        ProjectLines(
            owner=_owner(rows[0]),
            amount=amount_text(whole, currency),
            lines=tuple(
                MeterLine(
                    kind="item",
                    model=shown_name(" ".join(filter(None, (row.provider, row.model)))),
                    meter=shown_name(meter_label(row.meter)),
                    quantity=_quantity(row),
                    amount=amount_text(row.amount, currency),
                    share=share_text(row.amount, whole),
                )
                for row in sorted(rows, key=lambda row: (-row.amount, row[4:7]))
            ),
        )
        for owner, rows in by_owner.items()
        for whole in (wholes[owner],)
    )


def _owner(row: Detail) -> str:
    if row.bearer != Bearer.OWNER:
        return BEARER_WORDS.get(row.bearer, "Unpriced")
    return shown_name(" / ".join(filter(None, (row.cost_centre, row.team, row.project))))


def _by_day(lines: pd.DataFrame, currency: str) -> tuple[tuple[str, ...], tuple[DayLine, ...]]:
    view = grouped(lines, ("charge_day", "bearer", "cost_centre"))
    sums: dict[str, dict[str, int]] = {}
    for day, bearer, cost_centre, nanos in view.itertuples(index=False):
        name = str(cost_centre) if bearer == Bearer.OWNER else BEARER_WORDS.get(bearer, "Unpriced")
        of_day = sums.setdefault(f"{day:%Y-%m-%d}", {})
        of_day[name] = of_day.get(name, 0) + int(nanos)
    wholes: dict[str, int] = {}
    for of_day in sums.values():
        for name, nanos in of_day.items():
            wholes[name] = wholes.get(name, 0) + nanos
    ranked = sorted((name for name in wholes if wholes[name]), key=lambda n: (-wholes[n], n))
    singly = ranked if len(ranked) <= _COST_CENTRES + 1 else ranked[:_COST_CENTRES]
    others = ranked[len(singly) :]

    def amounts(of: dict[str, int]) -> list[int]:
        rest = [sum(of.get(name, 0) for name in others)] if others else []
        return [*(of.get(name, 0) for name in singly), *rest, sum(of.values())]

    table = {day: amounts(of_day) for day, of_day in sorted(sums.items()) if any(of_day.values())}
    whole = amounts(wholes)
    left = [
        rounding_left((row[at] for row in table.values()), nanos, currency)
        for at, nanos in enumerate(whole)
    ]
    shown = [_day("item", day, row, currency) for day, row in table.items()]
    if any(left):
        texts = tuple(minor_text(minor, currency) if minor else "" for minor in left)
        shown.append(DayLine("rounding", "rounding", texts))
    columns = (*map(shown_name, singly), *([f"{len(others)} others"] if others else []), "All")
    return columns, (*shown, _day("total", "Total", whole, currency))


def _day(kind: str, day: str, nanos: Sequence[int], currency: str) -> DayLine:
    return DayLine(kind, day, tuple(amount_text(one, currency) for one in nanos))
