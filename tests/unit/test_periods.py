"""A billing period is a calendar month of this century, half-open."""

from datetime import date

import pytest

from metering.core.periods import BillingPeriod


@pytest.mark.parametrize("text", ["2000-01", "2026-02", "2028-02", "2026-12", "2099-12"])
def test_a_period_is_what_it_was_written_as_and_has_neighbours(text: str) -> None:
    period = BillingPeriod.parse(text)

    assert str(period) == text
    assert BillingPeriod.of(period.first_day) == period == BillingPeriod.of(period.last_day)
    assert BillingPeriod.of(period.end_day) != period


def test_february_of_a_leap_year_has_a_day_more() -> None:
    assert BillingPeriod.parse("2028-02").end_day == date(2028, 3, 1)
    assert BillingPeriod.parse("2028-02").last_day == date(2028, 2, 29)


@pytest.mark.parametrize("text", ["", "2026-13", "2026-00", "2026-1", " 2026-01", "٢٠٢٦-01"])
def test_other_words_are_no_period(text: str) -> None:
    with pytest.raises(ValueError, match="write it as YYYY-MM"):
        BillingPeriod.parse(text)


@pytest.mark.parametrize("text", ["0000-01", "0001-01", "1999-12", "2100-01", "9999-12"])
def test_a_month_of_another_century_is_no_period(text: str) -> None:
    with pytest.raises(ValueError, match="is not a period from 2000 to 2099"):
        BillingPeriod.parse(text)
