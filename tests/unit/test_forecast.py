"""The forecast of a month: by hand, on invented companies, and when it is refused."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.analysis.forecast import (
    DailySpend,
    MonthForecast,
    Refusal,
    month_forecast,
)
from metering.core.periods import BillingPeriod
from tests.benchmarks.forecast import Measured, measured, total_of
from tests.support.spending import TIMES, companies, companies_in

OCTOBER = BillingPeriod(2026, 10)
# A Monday, twenty weeks before the first Monday of October.
MONDAY = date(2026, 5, 18)
WEEK = (100, 100, 100, 100, 100, 20, 10)


def _spend(last: date, *, first: date = MONDAY, times: int = 1) -> DailySpend:
    days = (last - first).days + 1
    return DailySpend(
        first, tuple(WEEK[(first + timedelta(days=at)).weekday()] * times for at in range(days))
    )


def _made(spend: DailySpend, period: BillingPeriod = OCTOBER) -> MonthForecast:
    found = month_forecast(spend, period)
    assert isinstance(found, MonthForecast), found
    return found


def test_a_company_that_repeats_its_week_goes_on_doing_so() -> None:
    found = _made(_spend(date(2026, 10, 10)))

    # The 1st is a Thursday: 2 + 5 weekdays, two Saturdays and a Sunday are known.
    assert found.known == 7 * 100 + 2 * 20 + 10
    assert found.days == (_spend(date(2026, 10, 31)).nanos[-21:])
    assert (found.low, found.high) == (found.total, found.total)
    assert found.held == found.tried > 0


def test_the_level_of_the_last_two_weeks_lifts_the_rest() -> None:
    usual = _spend(date(2026, 10, 10)).nanos
    doubled = DailySpend(MONDAY, (*usual[:-14], *(2 * nanos for nanos in usual[-14:])))

    found = _made(doubled)

    # Eight weekdays' medians stay as they were, so the level alone carries the rise.
    assert found.days == tuple(2 * nanos for nanos in _made(_spend(date(2026, 10, 10))).days)


def test_a_month_that_is_known_is_its_own_forecast() -> None:
    found = _made(_spend(date(2026, 10, 31)))

    assert found.days == ()
    assert found.low == found.total == found.high == sum(_spend(date(2026, 10, 31)).nanos[-31:])


def test_a_month_can_be_forecast_before_it_begins() -> None:
    found = _made(_spend(date(2026, 9, 30)))

    assert found.known == 0
    assert found.total == sum(_spend(date(2026, 10, 31)).nanos[-31:])


def test_a_month_beyond_a_gap_is_refused() -> None:
    found = month_forecast(_spend(date(2026, 9, 29)), OCTOBER)

    assert found == Refusal("nothing is known of the days before 2026-10-01")


def test_days_beyond_the_month_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="2026-11-01 lies beyond 2026-10"):
        month_forecast(_spend(date(2026, 11, 1)), OCTOBER)


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (date(2026, 9, 20), "21 days of history, 28 are needed"),
        (date(2026, 7, 30), "4 weeks of the past to try it on, 8 are needed"),
    ],
)
def test_too_little_history_is_refused_with_what_is_missing(first: date, reason: str) -> None:
    assert month_forecast(_spend(date(2026, 10, 10), first=first), OCTOBER) == Refusal(reason)


def test_days_before_the_first_spend_are_no_history() -> None:
    late = DailySpend(MONDAY, (*(0,) * 100, *_spend(date(2026, 10, 10)).nanos[100:]))

    assert isinstance(month_forecast(late, OCTOBER), Refusal)


def test_a_company_that_spends_nothing_has_no_forecast() -> None:
    nothing = DailySpend(MONDAY, (0,) * 146)

    assert month_forecast(nothing, OCTOBER) == Refusal("0 days of history, 28 are needed")


def test_flagged_excess_is_taken_out_of_the_days_to_come_alone() -> None:
    honest = _spend(date(2026, 10, 10))
    doubled = _spend(date(2026, 10, 10), times=2)

    found = month_forecast(doubled, OCTOBER, honest.nanos)

    assert isinstance(found, MonthForecast)
    assert found.without_excess == found.known + sum(_made(honest).days)


@given(
    st.lists(st.integers(0, 10**13), min_size=150, max_size=170),
    st.integers(0, 30),
    st.integers(2, 1000),
)
def test_whole_nanos_and_bounds_in_order_at_any_scale(
    nanos: list[int], known: int, times: int
) -> None:
    first = OCTOBER.first_day + timedelta(days=known - len(nanos))

    found = month_forecast(DailySpend(first, tuple(nanos)), OCTOBER)
    scaled = month_forecast(DailySpend(first, tuple(times * n for n in nanos)), OCTOBER)

    if isinstance(found, MonthForecast):
        assert isinstance(scaled, MonthForecast)
        assert len(found.days) == 31 - known
        assert found.known <= found.low <= found.total <= found.high
        assert min(found.days) >= 0
        assert scaled.total == pytest.approx(times * found.total, rel=1e-9, abs=times)


def test_forecasts_beat_run_rate_and_their_intervals_hold_on_invented_companies() -> None:
    found = Measured()
    for company in companies(range(2), objects=24):
        measured(company, found)

    assert found.better_than_run_rate() >= 0.95
    assert 0.72 <= found.coverage("object") <= 0.88
    assert sum(cell.tried for (level, _), cell in found.cells.items() if level == "object") >= 500


@pytest.mark.parametrize("name", TIMES)
def test_intervals_of_companies_hold_through_times_of_all_kinds(name: str) -> None:
    found = Measured()
    for company in companies_in(name, range(10), objects=6):
        found.add("company", total_of(company.values()))

    # A month after the only Christmas there is, nobody knows how often there is one.
    assert 0.72 <= found.coverage("company") <= (0.92 if name == "holidays" else 0.88)
    assert found.better_than_run_rate() >= 0.8


def test_bounds_that_say_nothing_are_refused() -> None:
    usual = _spend(date(2026, 10, 10)).nanos
    launched = DailySpend(MONDAY, (*usual[:-30], *(40 * nanos for nanos in usual[-30:])))

    found = month_forecast(launched, OCTOBER)

    assert isinstance(found, Refusal)
    assert found.reason.startswith("going by past errors, the highest it may come to is")
    assert found.reason.endswith("times the lowest; more than 4 times says nothing")
