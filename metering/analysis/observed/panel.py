"""The panel: what every detector looks at, as cost objects by days.

A panel is made from `Frames`, plain tables whose columns, types and units are written down here and
nowhere else; a folder of exports and a ledger give the same tables. Money in a panel is float USD
for statistics alone: sums that are shown to finance come from exact integers elsewhere.
A measure that the source does not count is absent from the panel, and is never read as zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from metering.analysis.observed.constant_prices import TOKEN_CLASSES, priced

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.int64]

COUNTED: Final = (
    "requests",
    *TOKEN_CLASSES,
    "reasoning_tokens",
    "distinct_prompts",
    "sessions",
    "failed_requests",
    "offhours_requests",
)
"""The counts of usage; the tokens of an input are disjoint, reasoning lies inside the output."""

DAYS_PER_WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class Frames:
    """The input of the detectors: tables sorted by their first columns.

    Attributes:
        first_day: the day that `day` columns count from (UTC).
        last_day: the last day with usage; the last week ends on it.
        objects: object (0, 1, … without gaps), team, project, function ("" when not said),
            headcount, start_date (null when not said), attribution_window_days. Objects that are
            workflows have workflow and has_outcomes, too.
        cells: object, day, provider, model, the columns of COUNTED (null: not counted), cost_usd
            (what was paid), constant_usd and USD by class of token at the first prices (null where
            `prices` tell them).
        outcomes: object, day, net (weight of accepted work, reversals taken off on their day),
            accepted, events, squares (sum of squared weights), reversals, reversed (weight).
        lags: object, lag (days from a task's last usage to its outcome), events.
        people: object, week, people, top_share, top_five_share, concentration.
        persons: object, person (a number that no name and no rank can be told from), week,
            provider, model, usd (what was paid).
        keys: object, week (of last use), keys, lost_keys, usd, lost_usd (without an outcome).
        targets: object, above, below: months of people around a round amount of USD.
        workflows: object, workflow, week, usd.
        prices: provider, model, day, and USD per million tokens of each token class.
        events: first, last (days; null when open), kind, scope, detail.
    """

    first_day: date
    last_day: date
    objects: pd.DataFrame
    cells: pd.DataFrame
    outcomes: pd.DataFrame
    lags: pd.DataFrame
    people: pd.DataFrame
    persons: pd.DataFrame
    keys: pd.DataFrame
    targets: pd.DataFrame
    workflows: pd.DataFrame
    prices: pd.DataFrame
    events: pd.DataFrame


@dataclass(frozen=True)
class Panel:
    """Cost objects by days.

    Attributes:
        frames: what it was made from.
        spend: USD at the prices of the first day, so that a changed list price moves nothing.
        paid: USD as charged.
        constant: `spend` by cell of `frames.cells`.
        counts: name of COUNTED -> objects by days; only what is counted.
        class_usd: token class -> USD at constant prices.
        net: weight of outcomes, reversals taken off.
        accepted: weight of outcomes before reversals.
        squares: sum of squared weights.
    """

    frames: Frames
    spend: Floats
    paid: Floats
    constant: Floats
    counts: Mapping[str, Floats]
    class_usd: Mapping[str, Floats]
    net: Floats
    accepted: Floats
    squares: Floats

    @property
    def objects(self) -> int:
        """How many cost objects there are."""
        return len(self.spend)

    @property
    def days(self) -> int:
        """How many days there are."""
        return int(self.spend.shape[1])

    @property
    def weeks(self) -> int:
        """How many whole weeks there are; the last one ends on the last day."""
        return self.days // DAYS_PER_WEEK

    @cached_property
    def teams(self) -> tuple[str, ...]:
        """The team of each object."""
        return tuple(self.frames.objects["team"].astype(str))

    @cached_property
    def projects(self) -> tuple[str, ...]:
        """The project of each object."""
        return tuple(self.frames.objects["project"].astype(str))

    @cached_property
    def functions(self) -> tuple[str, ...]:
        """What each object's people do; "" when nobody said."""
        return tuple(self.frames.objects["function"].astype(str))

    @cached_property
    def window_days(self) -> Ints:
        """How many days after usage an outcome may answer for it."""
        return self.frames.objects["attribution_window_days"].to_numpy(np.int64)

    def day(self, number: int) -> date:
        """Return the date of a day."""
        return self.frames.first_day + timedelta(days=int(number))

    def by_week(self, grid: Floats) -> Floats:
        """Return objects by whole weeks, the last of which ends on the last day."""
        skipped = self.days - self.weeks * DAYS_PER_WEEK
        whole = grid[:, skipped:].reshape(self.objects, self.weeks, DAYS_PER_WEEK)
        return np.asarray(whole.sum(axis=2), np.float64)

    def on_days(self, table: pd.DataFrame, column: str) -> Floats:
        """Return a column of a table with object and day, summed to objects by days."""
        return _grid(table, table[column].to_numpy(np.float64), (self.objects, self.days))

    def on_grid(self, values: Floats) -> Floats:
        """Return a column of `frames.cells` summed to objects by days."""
        cells = self.frames.cells
        return _grid(cells, values, (self.objects, self.days))


def panel_of(frames: Frames) -> Panel:
    """Return the panel of some frames; equal frames give equal panels, bit for bit."""
    cells, reached = frames.cells, frames.outcomes
    shape = (len(frames.objects), (frames.last_day - frames.first_day).days + 1)
    prices = priced(cells, frames.prices)
    counted = [name for name in COUNTED if not cells[name].isna().any()]
    return Panel(
        frames=frames,
        spend=_grid(cells, prices.constant, shape),
        paid=_grid(cells, cells["cost_usd"].to_numpy(np.float64), shape),
        constant=prices.constant,
        counts={name: _grid(cells, cells[name].to_numpy(np.float64), shape) for name in counted},
        class_usd={name: _grid(cells, usd, shape) for name, usd in prices.by_class.items()},
        net=_grid(reached, reached["net"].to_numpy(np.float64), shape),
        accepted=_grid(reached, reached["accepted"].to_numpy(np.float64), shape),
        squares=_grid(reached, reached["squares"].to_numpy(np.float64), shape),
    )


def _grid(table: pd.DataFrame, values: Floats, shape: tuple[int, int]) -> Floats:
    place = table["object"].to_numpy(np.int64) * shape[1] + table["day"].to_numpy(np.int64)
    summed = np.bincount(place, weights=values, minlength=shape[0] * shape[1])
    return summed.reshape(shape).astype(np.float64)
