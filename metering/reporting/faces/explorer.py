"""What the page's own script is given: the detail of a currency, exact, packed for a browser.

Nanos and quantities are whole numbers of any size, so they travel as text and are added up as
BigInt: a browser's numbers end at 53 bits. Days come deflated, since a month of them is the bulk of
the page and most readers never open one.
"""

import base64
import json
import zlib
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from metering.core.money import minor_digits
from metering.core.periods import BillingPeriod
from metering.reporting.frames import (
    frame_of,
    grouped,
    history_of,
    in_currency,
    prior_month,
)
from metering.reporting.numerals import current_numerals
from metering.reporting.pack.detail import DETAIL_KEY, Detail, details_of, priced
from metering.reporting.pack.tree import BEARER_WORDS, LEVEL_WORDS, LEVELS
from metering.reporting.snapshot import Bearer, OwnerAmount, Snapshot
from metering.reporting.words import meter_label, meter_unit, month_text, shown_name

_NAMED: Final = (*LEVELS, "provider", "model", "meter")
_BEARERS: Final = (Bearer.OWNER, *BEARER_WORDS)
_SAFE: Final = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def explorers(snapshot: Snapshot) -> dict[str, str]:
    """Return the data of every currency of a snapshot, by currency."""
    frame = frame_of(snapshot.lines)
    history = history_of(snapshot.history)
    return {
        currency: explorer_data(
            priced(details_of(frame, currency, total=total)),
            in_currency(frame, currency),
            prior_month(in_currency(history, currency), snapshot.period),
            snapshot.period,
            currency,
            plans=(snapshot.budgets, snapshot.forecasts),
        )
        for currency, total in snapshot.totals().items()
    }


def explorer_data(
    details: Sequence[Detail],
    lines: pd.DataFrame,
    prior: pd.DataFrame,
    period: BillingPeriod,
    currency: str,
    *,
    plans: Sequence[tuple[OwnerAmount, ...] | None],
) -> str:
    """Return the data of one currency as JSON that may stand inside a script element.

    Args:
        details: of `detail.details_of`, without usage that has no rate.
        lines: the lines of that currency, for the days.
        prior: the month before by bearer and `LEVELS`.
        period: the month.
        currency: ISO 4217 code.
        plans: budgets and forecasts, of any currencies.
    """
    names = {name: _Names() for name in _NAMED}
    rows: dict[str, list[int]] = {
        name: [names[name].index(getattr(row, name)) for row in details] for name in _NAMED
    }
    numerals = current_numerals()
    data = {
        "currency": currency,
        "digits": minor_digits(currency),
        "numerals": [
            numerals.decimal,
            numerals.group,
            numerals.first_group,
            numerals.other_groups,
        ],
        "firstDay": str(period.first_day),
        "months": [month_text(period), month_text(period.previous)],
        "bearers": list(BEARER_WORDS.values()),
        "levels": list(LEVEL_WORDS),
        "rows": {
            "bearer": [_BEARERS.index(Bearer(row.bearer)) for row in details],
            **rows,
            **{
                name: _joined(getattr(row, name) for row in details)
                for name in ("quantity", "listed", "contracted", "amount")
            },
        },
        "prior": _owned(prior, names),
        "plans": [None if plan is None else _planned(plan, currency, names) for plan in plans],
        "days": _days(details, lines, period.first_day),
        "units": [meter_unit(name) for name in names["meter"].known],
        "names": {
            name: [shown_name(meter_label(text) if name == "meter" else text) for text in of.known]
            for name, of in names.items()
        },
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_SAFE)


class _Names:
    """Names by number, in the order they are met; an empty name is -1."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    @property
    def known(self) -> list[str]:
        """The names, by their number."""
        return list(self._numbers)

    def index(self, name: str) -> int:
        """Return the number of a name."""
        return self._numbers.setdefault(name, len(self._numbers)) if name else -1


def _joined(numbers: Iterable[int]) -> str:
    return ",".join(map(str, numbers))


def _owned(view: pd.DataFrame, names: dict[str, _Names]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        level: [names[level].index(name if isinstance(name, str) else "") for name in view[level]]
        for level in LEVELS
    }
    columns["bearer"] = [_BEARERS.index(Bearer(bearer)) for bearer in view["bearer"]]
    return columns | {"amount": _joined(int(nanos) for nanos in view["amount_nanos"])}


def _planned(
    plans: Sequence[OwnerAmount], currency: str, names: dict[str, _Names]
) -> dict[str, Any]:
    mine = [plan for plan in plans if plan.currency == currency]
    columns: dict[str, Any] = {
        level: [names[level].index(getattr(plan, level)) for plan in mine] for level in LEVELS
    }
    return columns | {"amount": _joined(plan.nanos for plan in mine)}


def _days(details: Sequence[Detail], lines: pd.DataFrame, first_day: date) -> str:
    """Return the days of each row: how many, then day, quantity and amount of each, deflated."""
    places = {tuple(row[: len(DETAIL_KEY)]): place for place, row in enumerate(details)}
    view = grouped(lines, (*DETAIL_KEY, "charge_day"), ("quantity", "amount_nanos"))
    keys = zip(*(view[name] for name in DETAIL_KEY), strict=True)
    place = [places.get(tuple(k if isinstance(k, str) else "" for k in key), -1) for key in keys]
    table = pa.table(
        {
            "place": place,
            "day": pa.array(view["charge_day"], pa.date32()),
            "quantity": pa.array(view["quantity"], pa.int64()),
            "amount": pa.array(view["amount_nanos"], pa.int64()),
        }
    )
    table = table.filter(pc.field("place") >= 0).sort_by(
        [("place", "ascending"), ("day", "ascending")]
    )
    offsets = pc.subtract(table["day"].cast(pa.int32()), pa.scalar(_day_number(first_day)))
    packed = json.dumps(
        {
            "place": _text(table["place"]),
            "day": _text(offsets),
            "quantity": _text(table["quantity"]),
            "amount": _text(table["amount"]),
        },
        separators=(",", ":"),
    )
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    content = squeezed.compress(packed.encode()) + squeezed.flush()
    return base64.b64encode(content).decode("ascii")


def _text(column: "pa.ChunkedArray[Any]") -> str:
    return ",".join(map(str, column.to_pylist()))


def _day_number(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()
