"""The economics of a month of the sample company: every division sums to the same change."""

from datetime import date
from fractions import Fraction

import pytest

from metering.analysis.economics.exploration import Criticality
from metering.books.engine import begin_read, open_engine
from metering.books.ledger_totals import billed_by_owner
from metering.core.findings.economics_rules import EconomicsRules
from metering.core.periods import BillingPeriod
from metering.errors import BookError
from metering.settings import Settings
from metering.workflows.economics.observed import Observed, Outcomes
from metering.workflows.economics.period import economics_of_period
from metering.workflows.posting.post import post
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest, run

OCTOBER = BillingPeriod(2026, 10)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    found = fresh_ledger(tmp_path_factory.mktemp("economics") / "ledger")
    usage = SAMPLE / "usage"
    ingest(
        found,
        *(usage / "openai" / f"completions-2026-{month}.json" for month in ("09", "10")),
        *(usage / "anthropic" / f"messages-2026-{month}.json" for month in ("09", "10")),
    )
    post(found, run("post"))
    return found


def _billed(settings: Settings, period: str) -> int:
    with begin_read(open_engine(settings.books_url)) as connection:
        return sum(row[-1] for row in billed_by_owner(connection, period, period))


def _observed(name: str, days: dict[date, Fraction]) -> Observed:
    return Observed(outcomes={name: Outcomes(days, settles_days=0)})


def test_projects_and_vendors_sum_to_the_company_and_the_company_to_the_ledger(
    settings: Settings,
) -> None:
    found = economics_of_period(settings, OCTOBER)

    company = found.company
    assert (company.before, company.after) == (
        _billed(settings, "2026-09"),
        _billed(settings, "2026-10"),
    )
    for parts in (found.by_project, found.by_provider):
        assert sum(part.effects.total for part in parts.values()) == company.effects.total
        assert sum(part.after for part in parts.values()) == company.after
        assert all(part.effects.total == part.after - part.before for part in parts.values())
    assert sum(found.by_class.values()) == company.after


def test_without_outcomes_nothing_is_said_of_them(settings: Settings) -> None:
    found = economics_of_period(settings, OCTOBER)

    assert found.company.effects.efficiency is None
    assert (found.with_feed, found.rebound_with_feed) == (None, None)
    assert set(found.classes.values()) == {Criticality.UNKNOWN}
    assert found.rebound.outcome_elasticity is None


def test_outcomes_of_a_project_make_its_efficiency(settings: Settings) -> None:
    without = economics_of_period(settings, OCTOBER)
    name = max(
        (name for name in without.by_project if name and without.by_project[name].before),
        key=lambda name: without.by_project[name].after,
    )
    days = {date(2026, month, day): Fraction(5) for month in (9, 10) for day in range(1, 31)}

    found = economics_of_period(
        settings,
        OCTOBER,
        _observed(name, days),
        EconomicsRules(services=frozenset({name})),
    )

    part = found.by_project[name]
    assert part.effects.efficiency is not None
    # As many outcomes in both months: nothing of the change is volume.
    assert part.effects.volume == 0
    assert found.with_feed == part
    assert found.company == without.company


def test_outcomes_of_late_weeks_make_a_project_grow(settings: Settings) -> None:
    found = economics_of_period(settings, OCTOBER)
    name = next(name for name in found.by_project if name)
    two_months = {date(2026, month, day): Fraction(1) for month in (9, 10) for day in (3, 12, 21)}

    classes = economics_of_period(settings, OCTOBER, _observed(name, two_months)).classes

    # Nine weeks of twenty-six are no steady service, but more than in the first half.
    assert classes[name] is Criticality.GROWING


def test_a_month_without_charges_is_refused(settings: Settings) -> None:
    with pytest.raises(BookError, match="no charges of 2031-01"):
        economics_of_period(settings, BillingPeriod(2031, 1))


def test_the_same_ledger_gives_the_same_economics(settings: Settings) -> None:
    assert economics_of_period(settings, OCTOBER) == economics_of_period(settings, OCTOBER)
