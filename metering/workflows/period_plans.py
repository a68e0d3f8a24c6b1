"""What was planned for a period and how its shared cost is divided, as its report says it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from metering.books import budgets as budget_book
from metering.books import periods as period_book
from metering.books import sharing as sharing_book
from metering.books.engine import begin_read, open_engine
from metering.core.allocation import WHOLE, By, Split
from metering.core.money import divide_half_even
from metering.core.periods import BillingPeriod
from metering.reporting.snapshot import OwnerAmount, SharedPool

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
    """Return the budgets of one month alone, or None where there are none.

    A budget of several months says nothing of one of them; `metering budgets show` has it.
    """
    found = tuple(
        OwnerAmount(
            budget.owner.cost_centre,
            budget.owner.team,
            budget.owner.project,
            budget.currency,
            budget.amount_nanos,
        )
        for budget in budget_book.budgets_in_force(connection).lines
        if budget.first == budget.last == period
    )
    return found or None


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
    named = [str(target) for target, _ in split.targets]
    if len(named) > _TARGETS_NAMED:
        named = [*named[: _TARGETS_NAMED - 1], f"{len(named) - _TARGETS_NAMED + 1} more"]
    among = f" among {', '.join(named)}" if named else ""
    return words + among + _markup(split.markup)


def _markup(markup: int) -> str:
    if not markup:
        return ""
    tenths = divide_half_even(abs(markup) * 1000, WHOLE)
    word = "mark-up" if markup > 0 else "subsidy"
    return f", with a {word} of {tenths // 10}.{tenths % 10} %"
