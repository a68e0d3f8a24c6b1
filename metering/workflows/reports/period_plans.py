"""What was planned and foreseen for a period and how its shared cost is divided, for its report."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from metering.books import budgets as budget_book
from metering.books import disputes as dispute_book
from metering.books import ledger_totals as total_book
from metering.books import periods as period_book
from metering.books import sharing as sharing_book
from metering.books.disputes import DisputeState
from metering.books.engine import begin_read, open_engine
from metering.core.ledger import AccountKind
from metering.core.money import apportion, divide_half_even
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod
from metering.core.planning.budgets import Budget, first_month
from metering.core.sharing.splits import WHOLE, By, Split
from metering.errors import first_of
from metering.reporting.snapshot import BudgetStretch, OwnerAmount, OwnerAsked, SharedPool
from metering.workflows.explaining.references import lines_of
from metering.workflows.planning.owner_forecasts import divided, owner_forecasts

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings

_TARGETS_NAMED: Final = 6
_DIVIDED: Final = {
    By.EVEN: "in equal parts",
    By.FIXED: "by fixed shares",
    By.SPEND: "in proportion to what each spends",
    By.TOKENS: "in proportion to the tokens each uses",
    By.HEADCOUNT: "by the days people work for each",
    By.DRIVER: "by the driver {driver}",
}


def budgets_of_period(
    connection: "Connection", period: BillingPeriod
) -> tuple[OwnerAmount, ...] | None:
    """Return the budgets of one month, or None where there are none.

    Of a budget of several months it is the month's share, by its days; the shares of all its
    months add up to it.
    """
    found = tuple(
        OwnerAmount(
            budget.owner.cost_centre,
            budget.owner.team,
            budget.owner.project,
            budget.currency,
            _share(budget, period),
        )
        for budget in budget_book.budgets_in_force(connection).lines
        if budget.holds_in(period)
    )
    return found or None


def stretches_of_period(
    connection: "Connection", period: BillingPeriod
) -> tuple[BudgetStretch, ...]:
    """Return the budgets of several months that a month is in, with what is left of them."""
    lines = [
        budget
        for budget in budget_book.budgets_in_force(connection).lines
        if budget.holds_in(period) and budget.first != budget.last
    ]
    if not lines:
        return ()
    first = first_month(lines, period)
    spent = list(total_book.spend_by_owner(connection, str(first), str(period), ""))

    def charged(budget: Budget, since: BillingPeriod) -> int:
        return sum(
            nanos
            for month, centre, team, project, currency, nanos, _ in spent
            if BillingPeriod.parse(month) >= since
            and currency == budget.currency
            and budget.covers(Owner(centre, team, project))
        )

    return tuple(
        BudgetStretch(
            budget.owner.cost_centre,
            budget.owner.team,
            budget.owner.project,
            budget.currency,
            months=budget.months,
            budget_nanos=budget.amount_nanos,
            share_nanos=_share(budget, period),
            month_nanos=charged(budget, period),
            charged_nanos=charged(budget, budget.first),
        )
        for budget in lines
    )


def _share(budget: Budget, period: BillingPeriod) -> int:
    days: dict[str, int] = {}
    month = budget.last
    while month >= budget.first:
        days[str(month)] = month.days
        month = month.previous
    return apportion(budget.amount_nanos, days)[str(period)]


def forecasts_of_period(
    connection: "Connection", period: BillingPeriod
) -> tuple[OwnerAmount, ...] | None:
    """Return what each owner will come to; None where no day of the month is left, or none known.

    What is still to come of a cost centre is divided among its teams and projects, so that they
    add up to it.
    """
    forecasts = owner_forecasts(connection, period)
    if forecasts is None or forecasts.days_known in (0, period.days):
        return None
    return tuple(
        OwnerAmount(owner.cost_centre, owner.team, owner.project, currency, nanos)
        for (owner, currency), nanos in sorted(divided(forecasts).items())
    )


def asked_of_period(connection: "Connection", period: BillingPeriod) -> tuple[OwnerAsked, ...]:
    """Return who was asked about spend of the month that has no owner: its open disputes."""
    opened = dispute_book.opened_days(connection)
    return tuple(
        OwnerAsked(provider, account, dispute.said.owner, opened[dispute.id])
        for dispute in dispute_book.disputes(connection)
        if dispute.state is DisputeState.OPEN and dispute.said.period == str(period)
        for provider, account in sorted(
            {
                (line.provider, line.billing_account)
                for line in lines_of(connection, dispute.said.reference)
                if line.debit_kind == AccountKind.SUSPENSE
            }
        )
    )


def pools_of_period(
    connection: "Connection", settings: "Settings", period: BillingPeriod
) -> tuple[SharedPool, ...]:
    """Return the pools that were given on in a period, each with its splits in words.

    A closed period keeps the splits it was closed with, whatever file came later.
    """
    closed = period_book.owners_of_closed(connection).get(str(period))
    if closed is None:
        return tuple(_pools(connection, period))
    with begin_read(open_engine(settings.books_url), as_of=closed) as then:
        return tuple(_pools(then, period))


def _pools(connection: "Connection", period: BillingPeriod) -> Iterator[SharedPool]:
    sharing = sharing_book.sharing_in_force(connection)
    version = f"version {sharing_book.sharing_version(connection).version}"
    for pool in sharing.pools:
        splits = [
            split for split in sharing.splits if split.pool == pool.name and split.holds_in(period)
        ]
        if splits:
            rule = "; ".join(f"{split.name}: {_rule(split)}" for split in splits)
            yield SharedPool(pool.name, rule, version)


def _rule(split: Split) -> str:
    words = _DIVIDED[split.by].format(driver=split.driver)
    named = first_of([str(target) for target, _ in split.targets], _TARGETS_NAMED)
    among = f" among {', '.join(named)}" if named else ""
    return words + among + _markup(split.markup)


def _markup(markup: int) -> str:
    if not markup:
        return ""
    tenths = divide_half_even(abs(markup) * 1000, WHOLE)
    word = "mark-up" if markup > 0 else "subsidy"
    return f", with a {word} of {tenths // 10}.{tenths % 10} %"
