"""When price windows are open, which stretches they cover, and which two may be open at once."""

from typing import Any

import pytest

from metering.core.pricing.rates import Window
from metering.core.pricing.windows import is_open, may_overlap, stretches
from tests.support.rate_books import instant

MONDAY, SUNDAY = 1, 7


def window(start: str, end: str, *weekdays: int, zone: str = "UTC", **said: Any) -> Window:
    return Window(frozenset(weekdays or range(1, 8)), start, end, zone, **said)


def spans(one: Window, first: str, last: str) -> list[tuple[str, str]]:
    found = stretches(one, instant(first), instant(last))
    return [(f"{opens:%d %H:%M}", f"{closes:%d %H:%M}") for opens, closes in found]


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        (window("01:00", "04:00"), window("04:00", "05:00"), False),
        (window("01:00", "04:01"), window("04:00", "05:00"), True),
        (window("01:00", "04:00", MONDAY), window("01:00", "04:00", 2), False),
        (window("22:00", "02:00", MONDAY), window("01:00", "03:00", 2), True),
        (window("22:00", "02:00", MONDAY), window("02:00", "03:00", 2), False),
        (window("22:00", "02:00", MONDAY), window("21:00", "22:00", MONDAY), False),
        (window("22:00", "02:00", SUNDAY), window("01:59", "03:00", MONDAY), True),
        (window("22:00", "02:00", SUNDAY), window("02:00", "22:00", MONDAY), False),
        (window("00:00", "00:00", MONDAY), window("23:59", "00:00", MONDAY), True),
        (window("00:00", "00:00", MONDAY), window("00:00", "01:00", 2), False),
        (window("01:00", "02:00"), window("12:00", "13:00", zone="Asia/Tokyo"), True),
    ],
)
def test_two_windows_overlap_where_both_may_be_open(
    one: Window, other: Window, overlap: bool
) -> None:
    assert (may_overlap(one, other), may_overlap(other, one)) == (overlap, overlap)


def test_a_stretch_that_only_touches_is_left_out() -> None:
    night = window("22:00", "02:00")

    assert spans(night, "2026-09-21T02:00", "2026-09-21T22:00") == []
    assert spans(night, "2026-09-21T01:59", "2026-09-21T22:01") == [
        ("20 22:00", "21 02:00"),
        ("21 22:00", "22 02:00"),
    ]


def test_stretches_open_on_their_weekdays_alone() -> None:
    # The 20th is a Sunday; its night reaches into the Monday.
    sundays = window("22:00", "02:00", SUNDAY)

    assert spans(sundays, "2026-09-20", "2026-09-23") == [("20 22:00", "21 02:00")]
    assert [
        is_open(sundays, instant(at))
        for at in ("2026-09-20T01:00", "2026-09-20T22:00", "2026-09-21T01:59", "2026-09-21T02:00")
    ] == [False, True, True, False]


def test_a_window_of_a_whole_day_is_open_all_day() -> None:
    mondays = window("00:00", "00:00", MONDAY)

    assert spans(mondays, "2026-09-20", "2026-09-23") == [("21 00:00", "22 00:00")]


def test_hours_are_those_of_the_zone_on_the_day() -> None:
    berlin = window("08:00", "09:00", zone="Europe/Berlin")

    # Clocks go back on the 25th.
    assert spans(berlin, "2026-10-24", "2026-10-26") == [
        ("24 06:00", "24 07:00"),
        ("25 07:00", "25 08:00"),
    ]
