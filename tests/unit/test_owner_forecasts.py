"""Forecasts of owners are made one by one, and divided so that parts add up to their whole."""

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from metering.analysis.forecast import MonthForecast
from metering.books.daily_spend import OwnerDaySum
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod
from metering.workflows.planning.owner_forecasts import OwnerForecasts, divided, forecasts_of

OCTOBER = BillingPeriod(2026, 10)
FIRST = date(2026, 5, 4)
KNOWN_TO = date(2026, 10, 12)

Shape = dict[tuple[str, str, str], int]


def _rows(shape: Shape, since: date = FIRST) -> list[OwnerDaySum]:
    days = [since + timedelta(days=at) for at in range((KNOWN_TO - since).days + 1)]
    return [
        OwnerDaySum(str(BillingPeriod.of(day)), str(day), *names, "USD", 1, a_day)
        for names, a_day in shape.items()
        for day in days
    ]


def _of(rows: list[OwnerDaySum]) -> OwnerForecasts:
    return forecasts_of(rows, OCTOBER, KNOWN_TO)


def test_a_steady_owner_goes_on_and_seats_are_not_forecast() -> None:
    seats = OwnerDaySum("2026-10", "2026-10-01", "CC-1", "pay", "refunds", "USD", 0, 500)

    found = _of([*_rows({("CC-1", "pay", "refunds"): 10}), seats])

    line = found.lines[Owner("CC-1"), "USD"]
    assert (line.known_nanos, line.fixed_nanos, line.total_nanos) == (120, 500, 810)
    assert divided(found) == {
        (Owner("CC-1"), "USD"): 810,
        (Owner("CC-1", "pay"), "USD"): 810,
        (Owner("CC-1", "pay", "refunds"), "USD"): 810,
    }


def test_who_began_this_month_has_a_run_rate() -> None:
    found = _of(_rows({("CC-1", "pay", "refunds"): 10}, since=date(2026, 10, 1)))

    key = (Owner("CC-1"), "USD")
    assert not isinstance(found.lines[key].forecast, MonthForecast)
    assert found.total(key) == found.run_rate(key) == 310


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.tuples(
            st.sampled_from(["A", "B"]), st.sampled_from(["", "x", "y"]), st.sampled_from(["", "p"])
        ),
        st.integers(0, 10**12),
        min_size=1,
        max_size=8,
    )
)
def test_parts_never_exceed_their_whole_and_add_up_where_all_have_names(shape: Shape) -> None:
    found = divided(_of(_rows(shape)))
    for centre in {names[0] for names in shape}:
        teams = [
            nanos
            for (owner, _), nanos in found.items()
            if owner.cost_centre == centre and owner.team and not owner.project
        ]
        assert sum(teams) <= found[Owner(centre), "USD"]
        own = [names for names in shape if names[0] == centre and not names[1]]
        if teams and not own:
            assert sum(teams) == found[Owner(centre), "USD"]
