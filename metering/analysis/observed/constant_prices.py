"""Spend at the prices of the first day, so that volume and mix are seen without price changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

TOKEN_CLASSES: Final = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "output_tokens",
)
_PER: Final = 1e6


@dataclass(frozen=True, slots=True)
class Priced:
    """Cells priced at one date.

    Attributes:
        constant: USD per cell.
        by_class: token class -> USD per cell; zero where the model has no list price.
    """

    constant: npt.NDArray[np.float64]
    by_class: Mapping[str, npt.NDArray[np.float64]]


def has_first_prices(cells: pd.DataFrame) -> bool:
    """Say whether the cells hold what they would have cost at the first prices."""
    return "constant_usd" in cells and not cells["constant_usd"].isna().any()


def priced(cells: pd.DataFrame, prices: pd.DataFrame) -> Priced:
    """Return what the cells would have cost at the first price of each model.

    What was paid is scaled by the list price of the first day over the list price of the cell's
    day, so that discounts stay. A model that came later has its first price; a model without a list
    price keeps what was paid. Cells that say what they would have cost are taken at their word.
    """
    if has_first_prices(cells):
        return Priced(
            cells["constant_usd"].to_numpy(np.float64),
            {name: cells[f"{name}_usd"].to_numpy(np.float64) for name in TOKEN_CLASSES},
        )
    constant = cells["cost_usd"].to_numpy(np.float64).copy()
    by_class = {name: np.zeros(len(cells)) for name in TOKEN_CLASSES}
    days = cells["day"].to_numpy(np.int64)
    tokens = {name: cells[name].fillna(0).to_numpy(np.float64) for name in TOKEN_CLASSES}
    rows = cells.groupby(["provider", "model"], sort=True).indices
    for model, listed in prices.groupby(["provider", "model"], sort=True):
        here = rows.get(model)
        if here is None:
            continue
        since = listed["day"].to_numpy(np.int64)
        base = max(0, int(np.searchsorted(since, 0, side="right")) - 1)
        current = np.maximum(base, np.searchsorted(since, days[here], side="right") - 1)
        first, now = np.zeros(len(here)), np.zeros(len(here))
        for name in TOKEN_CLASSES:
            price = listed[name].to_numpy(np.float64)
            usd = tokens[name][here] * price[base] / _PER
            by_class[name][here] = usd
            first += usd
            now += tokens[name][here] * price[current] / _PER
        constant[here] *= np.divide(first, now, out=np.ones(len(here)), where=now > 0)
    return Priced(constant, by_class)
