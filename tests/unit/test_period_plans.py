"""A report says what was planned for its month, and by which rule shared cost was divided."""

from fractions import Fraction
from pathlib import Path

import pytest

from metering.books.engine import begin_read, open_engine
from metering.core.periods import BillingPeriod
from metering.reporting.snapshot import OwnerAmount, SharedPool
from metering.settings import Settings
from metering.workflows.planning.budgets import import_budgets
from metering.workflows.reports.period_plans import budgets_of_period, pools_of_period
from metering.workflows.sharing.pools import import_file
from tests.support.ledgers import SAMPLE, fresh_ledger, run

_OCTOBER = BillingPeriod(2026, 10)
_SHARING = """
[[pool]]
name = "evaluation"
match = { team = "shared" }

[[split]]
name = "by tokens"
pool = "evaluation"
by = "tokens"
among = ["CC-4100/*"]
markup = 5
from = "2026-10-01"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return fresh_ledger(tmp_path / "ledger")


def _budgets(settings: Settings, period: BillingPeriod) -> tuple[OwnerAmount, ...] | None:
    with begin_read(open_engine(settings.books_url)) as connection:
        return budgets_of_period(connection, period)


def _pools(settings: Settings, period: BillingPeriod) -> tuple[SharedPool, ...]:
    with begin_read(open_engine(settings.books_url)) as connection:
        return pools_of_period(connection, settings, period)


def test_a_month_has_its_budgets_and_its_share_of_longer_ones(settings: Settings) -> None:
    assert _budgets(settings, _OCTOBER) is None
    import_budgets(settings, run(), SAMPLE / "owners" / "budgets.csv")

    found = _budgets(settings, _OCTOBER)

    assert found is not None
    assert OwnerAmount("CC-4200", "platform", "build-farm", "USD", 2000 * 10**9) in found
    # 15,000 for the 184 days from July to December; the shares of the months add up to it.
    shares = [
        next(one.nanos for one in held if one.cost_centre == "CC-4300")
        for month in range(7, 13)
        if (held := _budgets(settings, BillingPeriod(2026, month)))
    ]
    assert len(shares) == 6
    assert sum(shares) == 15_000 * 10**9
    assert abs(shares[3] - Fraction(15_000 * 10**9 * 31, 184)) < 1
    assert _budgets(settings, BillingPeriod(2026, 6)) is None


def test_pools_are_shown_with_their_splits_in_words(settings: Settings) -> None:
    assert _pools(settings, _OCTOBER) == ()
    import_file(settings, run(), SAMPLE / "owners" / "sharing.toml")

    search, assistants = _pools(settings, _OCTOBER)

    assert search.rule == (
        "search serves three teams: in equal parts among "
        "CC-4100/payments, CC-4300/data, CC-4400/support"
    )
    assert assistants.rule == (
        "assistants by people: by the days people work for each among "
        "CC-4100/*, CC-4200/*, CC-4300/*"
    )
    assert search.version == "version 1"


def test_a_split_is_shown_only_where_it_is_in_force(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "sharing.toml"
    file.write_text(_SHARING, encoding="utf-8")
    import_file(settings, run(), file)

    assert _pools(settings, _OCTOBER.previous) == ()
    [pool] = _pools(settings, _OCTOBER)
    assert pool.rule == (
        "by tokens: in proportion to the tokens each uses among CC-4100/*, with a mark-up of 5.0 %"
    )
