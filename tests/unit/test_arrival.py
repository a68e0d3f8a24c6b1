"""A day is missed when a source that comes regularly does not, and never otherwise."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.core.closing.arrival import Rhythm, missing_days
from metering.core.periods import BillingPeriod

OCTOBER = BillingPeriod(2026, 10)
DAYS = [date(2026, 10, 1) + timedelta(days=n) for n in range(31)]
WEEKDAYS = [day for day in DAYS if day.weekday() < 5]
HISTORY = [date(2026, 8, 6) + timedelta(days=n) for n in range(56)]


def october(*numbers: int) -> tuple[date, ...]:
    return tuple(date(2026, 10, number) for number in numbers)


def test_a_daily_source_is_missed_on_its_first_absent_day() -> None:
    assert missing_days(set(DAYS) - set(october(14)), OCTOBER) == october(14)


def test_a_long_outage_is_missed_whole() -> None:
    out = october(*range(10, 22))

    assert missing_days({*HISTORY, *DAYS} - set(out), OCTOBER) == out


def test_a_source_that_stopped_is_missed_until_the_end() -> None:
    assert missing_days([day for day in HISTORY + DAYS if day < date(2026, 10, 25)], OCTOBER) == (
        october(*range(25, 32))
    )


def test_a_team_that_rests_on_weekends_is_not_missed_there() -> None:
    assert missing_days(WEEKDAYS, OCTOBER) == ()
    assert missing_days(set(WEEKDAYS) - set(october(14)), OCTOBER) == october(14)
    # A Friday beside the weekend is missed alone.
    assert missing_days(set(WEEKDAYS) - set(october(16)), OCTOBER) == october(16)


def test_a_source_is_not_missed_before_it_first_came() -> None:
    assert missing_days(DAYS[9:], OCTOBER) == ()


def test_a_source_that_comes_now_and_then_is_never_missed() -> None:
    assert missing_days(HISTORY[::2] + DAYS[::2], OCTOBER) == ()
    assert missing_days(october(3), OCTOBER) == ()
    assert missing_days((), OCTOBER) == ()


@pytest.mark.parametrize(
    ("rhythm", "came", "missing"),
    [
        (Rhythm.IRREGULAR, (), ()),
        (Rhythm.MONTHLY, (), october(1)),
        (Rhythm.MONTHLY, october(30), ()),
        (Rhythm.DAILY, DAYS[1:], october(1)),
        (Rhythm.WEEKDAYS, DAYS[2:], october(1, 2)),
        (Rhythm.WEEKDAYS, WEEKDAYS, ()),
    ],
)
def test_what_the_settings_say_is_not_learned(
    rhythm: Rhythm, came: tuple[date, ...], missing: tuple[date, ...]
) -> None:
    assert missing_days(came, OCTOBER, rhythm) == missing


@given(st.sets(st.sampled_from(HISTORY + DAYS)), st.sampled_from([None, *Rhythm]))
def test_what_is_missing_lies_in_the_month_and_did_not_come(
    came: set[date], rhythm: Rhythm | None
) -> None:
    found = missing_days(came, OCTOBER, rhythm)

    assert list(found) == sorted(set(found))
    assert not came.intersection(found)
    assert all(BillingPeriod.of(day) == OCTOBER for day in found)


@given(st.sets(st.sampled_from(DAYS), max_size=6), st.booleans())
def test_any_gaps_of_a_daily_source_with_history_are_missed(
    gone: set[date], weekends: bool
) -> None:
    regular = [day for day in HISTORY + DAYS if weekends or day.weekday() < 5]

    found = missing_days(set(regular) - gone, OCTOBER)

    assert set(found) == gone.intersection(regular)
