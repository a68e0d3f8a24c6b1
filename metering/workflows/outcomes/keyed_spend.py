"""What a period was charged, under the keys of the usage it was charged for.

Charges are those of the book; the cells, and the finer usage that divides them, tell under which
keys the usage was.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING

from metering.books import lake as lake_book
from metering.books import ledger as ledger_book
from metering.core.ledger import HOLDING_KINDS, Account
from metering.core.outcomes.outcome_rules import OutcomeRules, checked_rules
from metering.core.ownership.tickets import ticket_in
from metering.engine.charging import charges as engine
from metering.engine.outcomes import spend as spend_engine
from metering.usage.lake import Lake
from metering.workflows.posting.desired import desired_charges
from metering.workflows.posting.policy import Policy
from metering.workflows.reading import no_charges

if TYPE_CHECKING:
    import duckdb
    from sqlalchemy import Connection

    from metering.core.periods import BillingPeriod
    from metering.settings import Settings
    from metering.workflows.posting.day_cells import DayCells


@dataclass(frozen=True, slots=True)
class KeyedSpend:
    """Who bears the usage of the engine's table `spend`.

    Attributes:
        debits: debit number to account; none where there is no usage.
        is_divided: whether finer usage divided some of it.
    """

    debits: Mapping[int, Account] = field(default_factory=dict)
    is_divided: bool = False

    def tokens(self, duck: "duckdb.DuckDBPyConnection") -> Mapping[tuple[str, str], int]:
        """Return the tokens of each team and project."""
        if not self.debits:
            return {}
        return self._by_owner(spend_engine.tokens_by_debit(duck, is_divided=self.is_divided))

    def sessions(self, duck: "duckdb.DuckDBPyConnection") -> Mapping[tuple[str, str], int]:
        """Return the sessions of each team and project, where cells keep them."""
        if not self.debits:
            return {}
        return self._by_owner(spend_engine.sessions_by_debit(duck, is_divided=self.is_divided))

    def _by_owner(self, counted: Iterable[tuple[int, int]]) -> Mapping[tuple[str, str], int]:
        counts: dict[tuple[str, str], int] = {}
        for number, count in counted:
            owner = (self.debits[number].team, self.debits[number].project)
            counts[owner] = counts.get(owner, 0) + count
        return counts


def open_keyed_spend(
    duck: "duckdb.DuckDBPyConnection",
    connection: "Connection",
    settings: "Settings",
    policy: Policy,
    cells: "DayCells",
    *periods: "BillingPeriod",
) -> KeyedSpend:
    """Make the engine's table `spend` of what the book holds of some periods, in order.

    Raises:
        BookError: `no-charges`: it holds none; `bad-settings`.
    """
    rules = checked_rules(settings.outcomes)
    spend_engine.give_booked(duck, _booked(connection, periods))
    if cells.first is None or cells.last is None:
        spend_engine.spend_without_usage(duck, rules.keys)
        return KeyedSpend()
    engine.open_cells(duck, cells.files)
    debits = _spend(duck, policy, rules, (cells.first, cells.last), cells)
    days = (periods[0].first_day, periods[-1].last_day)
    _follow_keys(duck, connection, settings, rules, days)
    return KeyedSpend(debits, is_divided=bool(cells.detail))


def _booked(
    connection: "Connection", periods: "Sequence[BillingPeriod]"
) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {name: [] for name in spend_engine.SPEND_TYPES}
    booked = (ledger_book.net_lines(connection, str(period)) for period in periods)
    for line in chain.from_iterable(booked):
        if line.debit_kind in HOLDING_KINDS:
            continue
        row = (
            date.fromisoformat(line.charge_day),
            line.team,
            line.project,
            line.currency,
            line.debit,
            line.basis,
            line.product,
            line.quantity,
            line.amount_nanos,
        )
        for column, cell in zip(columns.values(), row, strict=True):
            column.append(cell)
    if not columns["day"]:
        raise no_charges(periods[-1])
    return columns


def _spend(
    duck: "duckdb.DuckDBPyConnection",
    policy: Policy,
    rules: OutcomeRules,
    days: tuple[date, date],
    cells: "DayCells",
) -> Mapping[int, Account]:
    kept = engine.Kept(tuple(dict.fromkeys(rules.keys.values())))
    desired = desired_charges(duck, policy, days, kept=kept, detail=cells.detail)
    spend_engine.spend_by_keys(
        duck,
        [(number, account.name) for number, account in desired.debits.items()],
        [(number, basis.digest) for number, basis in enumerate(desired.bases)],
        rules.keys,
        is_divided=bool(cells.detail),
    )
    return desired.debits


def _follow_keys(
    duck: "duckdb.DuckDBPyConnection",
    connection: "Connection",
    settings: "Settings",
    rules: OutcomeRules,
    days: tuple[date, date],
) -> None:
    """Go from session to branch and from branch to ticket, where spend does not say them."""
    if {"session", "branch"} <= rules.keys.keys():
        lake = Lake(settings.lake)
        first, last = (day.isoformat() for day in days)
        spend_engine.follow_sessions(
            duck,
            [
                lake.path_of(file.path)
                for file in lake_book.live_files(connection, ("detail",), first, last)
                if file.path is not None
            ],
        )
    if {"branch", "ticket"} <= rules.keys.keys():
        found = ((name, ticket_in(name)) for name in spend_engine.branches_without_ticket(duck))
        spend_engine.give_tickets(duck, [(name, ticket) for name, ticket in found if ticket])
