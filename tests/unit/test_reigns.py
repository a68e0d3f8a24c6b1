"""Every day has one reign: that of its closed period, or the one in force now."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from metering.core.ownership.attribution import Directory, RuleSet
from metering.core.sharing.reigns import ALWAYS, Reign, between, clipped

FIRST = date(2026, 1, 1)
days = st.integers(0, 60).map(lambda number: FIRST + timedelta(days=number))


@given(st.sets(st.integers(0, 9)), days)
def test_a_day_is_taken_or_left_and_never_both(weeks: set[int], day: date) -> None:
    taken = [(FIRST + timedelta(weeks=n), FIRST + timedelta(weeks=n + 1)) for n in weeks]
    left = Reign(RuleSet(), Directory(), between(taken))

    assert left.holds_on(day) != any(first <= day < end for first, end in taken)


@given(days, days, days, days, days)
def test_a_clipped_stretch_holds_the_days_of_both(
    a: date, b: date, c: date, d: date, day: date
) -> None:
    inside = list(clipped([(min(a, b), max(a, b))], min(c, d), max(c, d)))

    in_both = min(a, b) <= day < max(a, b) and min(c, d) <= day < max(c, d)
    assert any((s or date.min) <= day < (e or date.max) for s, e in inside) == in_both


def test_what_is_unbounded_stays_so() -> None:
    assert list(clipped([ALWAYS], None, None)) == [ALWAYS]
    assert list(clipped([ALWAYS], FIRST, None)) == [(FIRST, None)]
    assert between([]) == (ALWAYS,)
