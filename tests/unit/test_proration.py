"""The share of one day, and the months and years that amounts are shared over."""

from datetime import date

import pytest

from metering.core.flat.proration import (
    day_share,
    days_between,
    month_of,
    months_later,
    next_day,
    per_million,
    remaining_share,
    year_of,
)


def test_the_first_days_take_what_is_left_over() -> None:
    first, end = date(2026, 2, 1), date(2026, 2, 4)

    assert [day_share(11, first, end, day) for day in days_between(first, end)] == [4, 4, 3]
    assert [day_share(-11, first, end, day) for day in days_between(first, end)] == [-3, -4, -4]


@pytest.mark.parametrize("whole", [11, -11, 0, 3])
def test_what_is_left_is_a_day_s_share_and_those_after_it(whole: int) -> None:
    first, end = date(2026, 2, 1), date(2026, 2, 4)
    days = days_between(first, end)
    shares = [day_share(whole, first, end, day) for day in days]

    assert [remaining_share(whole, first, end, day) for day in days] == [
        sum(shares[place:]) for place in range(3)
    ]


def test_a_month_later_is_the_same_day_or_the_month_s_last() -> None:
    assert month_of(date(2026, 12, 31)) == (date(2026, 12, 1), date(2027, 1, 1))
    assert months_later(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert months_later(date(2028, 1, 31), 1) == date(2028, 2, 29)
    assert months_later(date(2026, 11, 30), 13) == date(2027, 12, 30)


@pytest.mark.parametrize(
    ("begins", "day", "year"),
    [
        ("2025-03-15", "2025-03-15", ("2025-03-15", "2026-03-15")),
        ("2025-03-15", "2026-03-14", ("2025-03-15", "2026-03-15")),
        ("2025-03-15", "2026-03-15", ("2026-03-15", "2027-03-15")),
        ("2024-02-29", "2025-02-27", ("2024-02-29", "2025-02-28")),
        ("2024-02-29", "2025-02-28", ("2025-02-28", "2026-02-28")),
        ("2024-02-29", "2028-02-29", ("2028-02-29", "2029-02-28")),
    ],
)
def test_a_year_is_counted_from_the_day_on_which_the_first_began(
    begins: str, day: str, year: tuple[str, str]
) -> None:
    found = year_of(date.fromisoformat(begins), date.fromisoformat(day))

    assert found == tuple(map(date.fromisoformat, year))


def test_days_are_counted_to_the_end_and_no_further() -> None:
    assert days_between(date(2026, 2, 28), date(2026, 3, 2)) == [
        date(2026, 2, 28),
        date(2026, 3, 1),
    ]
    assert days_between(date(2026, 3, 2), date(2026, 3, 1)) == []
    assert next_day(date(2026, 2, 28)) == date(2026, 3, 1)
    assert next_day(date.max) == date.max


def test_a_million_units_cost_nothing_known_where_there_are_none() -> None:
    assert per_million(3, 2_000_000) == 2
    assert per_million(1, 2_000_000) == 0
    assert per_million(5, 1) == 5_000_000
    assert per_million(5, 0) is None
