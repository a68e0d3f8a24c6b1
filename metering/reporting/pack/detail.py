"""The detail of a period: what each owner bears by provider, model and meter, exact, in one order.

The page, the workbook and the JSON file show these rows; none of them sums on its own.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import pandas as pd

from metering.core.flat.money_alone import UNCOUNTED
from metering.reporting.frames import COSTS, in_currency, summed
from metering.reporting.pack.tree import LEVELS
from metering.reporting.snapshot import Bearer

DETAIL_KEY: Final = ("bearer", *LEVELS, "provider", "model", "meter")


class Detail(NamedTuple):
    """What an owner bears of one meter of one model; names as the book has them, empty for none.

    Attributes:
        bearer: a `Bearer`.
        quantity: whole units of the meter; zero for a charge of money alone.
        listed, contracted, amount: nanos; list price (contracted where no list has one), contracted
            price, billed.
    """

    bearer: str
    cost_centre: str
    team: str
    project: str
    provider: str
    model: str
    meter: str
    quantity: int
    listed: int
    contracted: int
    amount: int

    @property
    def counted(self) -> int | None:
        """The quantity as it is shown; None for a charge of money alone."""
        return None if self.meter in UNCOUNTED else self.quantity


def details_of(frame: pd.DataFrame, currency: str, *, total: int) -> tuple[Detail, ...]:
    """Return the detail of a currency, sorted by its names; usage without a rate is in it.

    Args:
        frame: the lines of `frames.frame_of`, of any currencies.
        currency: ISO 4217 code.
        total: the control total of the currency, in nanos.

    Raises:
        LedgerError: the rows do not add up to the control total.
    """
    rows = in_currency(frame, currency)
    view = summed(rows, DETAIL_KEY, total=total, sums=("quantity", *COSTS))
    return tuple(_details(view))


def priced(details: tuple[Detail, ...]) -> tuple[Detail, ...]:
    """Return the detail without usage that has no rate, which has no amount to show."""
    return tuple(
        row for row in details if row.bearer != Bearer.UNPRICED or row.amount or row.listed
    )


def _details(view: pd.DataFrame) -> Iterator[Detail]:
    names = [view[name].tolist() for name in DETAIL_KEY]
    figures = [view[name].tolist() for name in ("quantity", *COSTS)]
    for *texts, quantity, listed, contracted, amount in zip(*names, *figures, strict=True):
        shown = (text if isinstance(text, str) else "" for text in texts)
        yield Detail._make((*shown, int(quantity), int(listed), int(contracted), int(amount)))
