"""The statement of one owner: one page that says what it is charged, for what, and why.

It is cut from the same snapshot as the pack: the totals of all statements and of what nobody owns
add up to the control total.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import pandas as pd

from metering.core.money import plain_decimal
from metering.reporting.figures import amount_text, change_text, share_text
from metering.reporting.frames import (
    COSTS,
    frame_of,
    history_of,
    in_currency,
    prior_month,
    summed,
)
from metering.reporting.lines import Line
from metering.reporting.pack.cover import cost_lines, unlisted_note
from metering.reporting.pack.rankings import Ranking, ranking_by_model
from metering.reporting.pack.shared import PoolShown, corrections_shown, pools_shown
from metering.reporting.pack.suspense import provisional_spend
from metering.reporting.pack.tree import LEVELS, Cut, Plans, Statement, owner_statement
from metering.reporting.pack.trend import Trend, trend_of
from metering.reporting.snapshot import Bearer, OwnerAmount, Snapshot
from metering.reporting.words import instant_text, month_text, shortened, shown_name, status_note

_SLUG_CHARACTERS: Final = 60
_DIGEST_CHARACTERS: Final = 8
# With more than these, only what they add up to is shown.
_POOL_LINES: Final = 5


class Room(NamedTuple):
    """How much a statement shows, so that it is one page.

    Attributes:
        cut: of the lines by team and project.
        panels, bars: of the charts; without panels the charts are left out.
        pools: of shared cost; those beyond are only counted.
        title: characters of the owner's name.
    """

    cut: Cut
    panels: int
    bars: int
    pools: int
    title: int


ROOMS: Final = (
    Room(Cut(12, 60), 8, 10, 4, 120),
    Room(Cut(7, 60), 8, 10, 4, 120),
    Room(Cut(5, 60), 8, 8, 3, 120),
    Room(Cut(4, 44), 4, 6, 2, 80),
    Room(Cut(3, 44), 4, 4, 1, 80),
    Room(Cut(3, 44), 0, 0, 0, 80),
    Room(Cut(2, 30), 0, 0, 0, 60),
    Room(Cut(1, 30), 0, 0, 0, 60),
)
"""From all that a page may hold to the least that is still a statement."""


@dataclass(frozen=True, slots=True)
class StatementAccount:
    """The statement in one currency.

    Attributes:
        total, change, exact: billed; since the month before; to the nano.
        share: of what all owners and suspense bear together.
        costs, unlisted: from list price to billed, and what has no list price.
        owners: teams and projects below the owner; its nodes are those of the pack.
        trend, by_model: None where there is no room for charts.
        pools, corrections, provisional: what of it is shared, corrects a closed period, or may
            still change; empty for nothing. `more_pools` have no room.
    """

    currency: str
    total: str
    change: str
    exact: str
    share: str
    prior: str
    costs: tuple[Line, ...]
    unlisted: str
    owners: Statement
    has_budget: bool
    has_forecast: bool
    trend: Trend | None
    by_model: Ranking | None
    pools: tuple[PoolShown, ...]
    more_pools: int
    corrections: tuple[Line, ...]
    provisional: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class OwnerStatement:
    """What one owner is told.

    Attributes:
        owner: the cost centre, and the team where it is a team's; foreign text.
        slug: part of a file name, made of letters, digits and hyphens alone.
    """

    owner: str
    slug: str
    period: str
    month: str
    month_before: str
    month_before_short: str
    status: str
    status_note: str
    snapshot_id: str
    made_at: str
    accounts: tuple[StatementAccount, ...]


def owners_of(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the cost centres of a snapshot, by name."""
    names = snapshot.lines.table["cost_centre"].unique().to_pylist()
    return tuple(sorted(name for name in names if name))


def teams_of(snapshot: Snapshot, cost_centre: str) -> tuple[str, ...]:
    """Return the teams of a cost centre, by name."""
    table = snapshot.lines.table
    pairs = zip(table["cost_centre"].to_pylist(), table["team"].to_pylist(), strict=True)
    return tuple(sorted({team for name, team in pairs if name == cost_centre and team}))


class Statements:
    """Statements of one snapshot, cut one after the other from frames that are made once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        lines = frame_of(snapshot.lines)
        self._lines = lines[lines["bearer"] == Bearer.OWNER]
        self._history = history_of(snapshot.history)
        self._totals = snapshot.totals()

    def of(self, cost_centre: str, team: str = "", room: Room = ROOMS[0]) -> OwnerStatement:
        """Return the statement of a cost centre, or of one of its teams, as there is room."""
        snapshot, period = self._snapshot, self._snapshot.period
        owner = (cost_centre, team) if team else (cost_centre,)
        lines, history = (_of_owner(rows, owner) for rows in (self._lines, self._history))
        used = set(lines["currency"].astype(str)) or {snapshot.currency}
        return OwnerStatement(
            owner=shortened(" / ".join(map(shown_name, owner)), room.title),
            slug=file_slug(owner),
            period=str(period),
            month=month_text(period),
            month_before=month_text(period.previous),
            month_before_short=month_text(period.previous, short=True),
            status=snapshot.status.value,
            status_note=status_note(snapshot.status.value),
            snapshot_id=snapshot.snapshot_id,
            made_at=instant_text(snapshot.made_at),
            accounts=tuple(
                self._account(
                    in_currency(lines, currency),
                    in_currency(history, currency),
                    currency,
                    owner,
                    room,
                )
                for currency in self._totals
                if currency in used
            ),
        )

    def _account(
        self,
        lines: pd.DataFrame,
        history: pd.DataFrame,
        currency: str,
        owner: tuple[str, ...],
        room: Room,
    ) -> StatementAccount:
        snapshot, period = self._snapshot, self._snapshot.period
        total = int(lines["amount_nanos"].sum())
        before = history[history["period"] == str(period.previous)]
        prior = int(before["amount_nanos"].sum())
        budgets, forecasts = (
            Plans.of(_plans_of(plans, owner), currency)
            for plans in (snapshot.budgets, snapshot.forecasts)
        )
        pools = pools_shown(lines, snapshot.pools, currency)
        return StatementAccount(
            currency=currency,
            total=amount_text(total, currency),
            change=change_text(total, prior),
            exact=plain_decimal(total),
            share=share_text(total, self._totals[currency]),
            prior=amount_text(prior, currency),
            costs=cost_lines(lines, currency, total),
            unlisted=unlisted_note(lines, currency),
            owners=owner_statement(
                summed(lines, ("bearer", *LEVELS), total=total, sums=COSTS),
                prior_month(history, period),
                currency,
                budgets=budgets,
                forecasts=forecasts,
                cut=room.cut,
            ),
            has_budget=budgets is not None,
            has_forecast=forecasts is not None,
            trend=(
                trend_of(history, period, currency, total=total, most=room.panels)
                if room.panels
                else None
            ),
            by_model=(
                ranking_by_model(lines, currency, total=total, most=room.bars)
                if room.bars
                else None
            ),
            pools=tuple(_shortened(pool, room) for pool in pools[: room.pools]),
            more_pools=max(len(pools) - room.pools, 0),
            corrections=corrections_shown(lines, currency),
            provisional=provisional_spend(lines, currency, total),
        )


def _shortened(pool: PoolShown, room: Room) -> PoolShown:
    lines = tuple(
        replace(
            line,
            label=shortened(line.label, room.cut.characters),
            note=shortened(line.note, room.cut.characters),
        )
        for line in pool.lines
    )
    return replace(
        pool,
        name=shortened(pool.name, room.cut.characters),
        rule=shortened(pool.rule, room.title),
        lines=lines if len(lines) <= _POOL_LINES else lines[-1:],
    )


def file_slug(names: tuple[str, ...]) -> str:
    """Return names as part of a file name: no path, no device, and two owners never the same.

    A digest follows whenever something of the names is not in the slug, as it does not tell small
    letters from capitals: only a name in capitals, as cost centres are, goes without.
    """
    plain = "/".join(names)
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:_SLUG_CHARACTERS].strip("-")
    if slug and plain == slug.upper():
        return slug
    digest = hashlib.sha256("\0".join(names).encode("utf-8", "surrogatepass")).hexdigest()
    return "-".join(filter(None, (slug, digest[:_DIGEST_CHARACTERS])))


def _of_owner(rows: pd.DataFrame, owner: tuple[str, ...]) -> pd.DataFrame:
    for level, name in zip(LEVELS, owner, strict=False):
        rows = rows[(rows[level] == name).fillna(value=False)]
    return rows


def _plans_of(
    plans: tuple[OwnerAmount, ...] | None, owner: tuple[str, ...]
) -> tuple[OwnerAmount, ...] | None:
    if plans is None:
        return None
    return tuple(plan for plan in plans if (plan.cost_centre, plan.team)[: len(owner)] == owner)
