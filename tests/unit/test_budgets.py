"""Budget files are taken whole or refused; a budget covers what is below it."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from metering.books.budgets import budget_version, budgets_in_force, store_budgets
from metering.books.engine import begin_read, begin_write
from metering.books.versions import Version
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod
from metering.core.planning.budget_file import parse_budgets
from metering.core.planning.budgets import (
    Budget,
    Budgets,
    Charged,
    ForecastBy,
    Foreseen,
    Stand,
    State,
    first_month,
    stands,
)
from metering.errors import RefusedFileError
from tests.support.books_rows import a_run

ERRORS = Path(__file__).parent.parent / "errors"
HEADER = "cost_centre,team,project,period,amount,currency\n"
OCTOBER = BillingPeriod(2026, 10)
SEPTEMBER = BillingPeriod(2026, 9)
END = date(2026, 10, 31)
PAY, DATA = Owner("CC-1", "pay", "refunds"), Owner("CC-1", "data", "lake")


def _charged(owner: Owner, nanos: int, period: BillingPeriod = OCTOBER) -> Charged:
    return Charged(period, owner, "USD", nanos, nanos)


def _budget(owner: Owner, nanos: int, first: BillingPeriod = OCTOBER) -> Budget:
    return Budget(2, owner, first, OCTOBER, "USD", nanos)


@pytest.mark.parametrize(
    "source", sorted(ERRORS.glob("*/budgets.csv")), ids=lambda path: path.parent.name
)
def test_a_refused_file_is_told_place_by_place(source: Path, pytestconfig: pytest.Config) -> None:
    with pytest.raises(RefusedFileError) as caught:
        parse_budgets(source.read_text(encoding="utf-8"), source.name)

    expected = source.with_name(source.name + ".expected")
    if pytestconfig.getoption("--update-golden"):
        expected.write_text(f"{caught.value}\n", encoding="utf-8")
    assert f"{caught.value}\n" == expected.read_text(encoding="utf-8")
    assert f"error[{source.parent.name}]" in str(caught.value)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (",,,2026-10,1,USD", "missing-cost-centre"),
        ("CC-1,,refunds,2026-10,1,USD", "missing-field"),
        ("CC-1,,,2026-13,1,USD", "bad-period"),
        ("CC-1,,,2026-10,1e3,USD", "bad-amount"),
        ("CC-1,,,2026-10,,USD", "bad-amount"),
        ("CC-1,,,2026-10,1,usd", "bad-currency"),
    ],
)
def test_a_line_that_cannot_be_is_refused(line: str, code: str) -> None:
    with pytest.raises(RefusedFileError) as caught:
        parse_budgets(f"{HEADER}{line}\n", "f")

    assert caught.value.code == code


def test_budgets_come_back_as_they_were(any_books: Engine) -> None:
    text = f"{HEADER}CC-1,pay,refunds,2026-01..2026-12,12.5,USD\nCC-1,,,2026-10,0,EUR\n"
    budgets = parse_budgets(text, "budgets.csv")
    with begin_read(any_books) as connection:
        assert budgets_in_force(connection) == Budgets()
    with begin_write(any_books) as connection:
        first = store_budgets(connection, a_run(connection), budgets, "a")
        again = store_budgets(connection, a_run(connection), budgets, "a")
        assert first == again == budget_version(connection) == Version(1, "budgets.csv", "a")
        assert budgets_in_force(connection) == budgets

        store_budgets(connection, a_run(connection), Budgets(), "b")

        assert budgets_in_force(connection).lines == ()


def test_a_cost_centre_covers_its_teams_and_one_without_a_budget_is_told() -> None:
    budgets = [_budget(Owner("CC-1"), 100), _budget(Owner("CC-1", "pay"), 5)]
    charged = [_charged(PAY, 7), _charged(DATA, 30), _charged(Owner("CC-2", "x"), 4)]

    found = stands(budgets, charged, OCTOBER, END)

    assert [(one.owner, one.actual_nanos, one.state()) for one in found] == [
        (Owner("CC-1"), 37, State.WITHIN),
        (Owner("CC-1", "pay"), 7, State.OVER),
        (Owner("CC-2"), 4, State.NO_BUDGET),
    ]
    assert [one.variance_nanos for one in found] == [-63, 2, None]


def test_a_run_rate_goes_on_by_the_day() -> None:
    budget = _budget(Owner("CC-1"), 300)
    seats = Charged(OCTOBER, PAY, "USD", 50, 20)

    (early,) = stands([budget], [_charged(PAY, 80), seats], OCTOBER, date(2026, 10, 10))
    (before,) = stands([budget], [], OCTOBER, date(2026, 9, 30))
    (after,) = stands([budget], [_charged(PAY, 80)], OCTOBER, date(2026, 11, 5))

    assert (early.actual_nanos, early.forecast_nanos) == (130, 310)
    assert early.state() is State.FORECAST_OVER
    assert (before.actual_nanos, before.forecast_nanos) == (0, None)
    assert after.forecast_nanos == after.actual_nanos == 80


def test_a_forecast_takes_the_place_of_the_run_rate_and_goes_on_like_its_month() -> None:
    month = _budget(Owner("CC-1"), 300)
    quarter = Budget(3, Owner("CC-1"), SEPTEMBER, BillingPeriod(2026, 11), "USD", 900)
    charged = [_charged(PAY, 200, SEPTEMBER), _charged(PAY, 100)]
    foreseen = {(Owner("CC-1"), "USD"): Foreseen(310, 279, 341)}

    of_month, of_quarter = (
        stands([budget], charged, OCTOBER, date(2026, 10, 10), foreseen)[0]
        for budget in (month, quarter)
    )

    assert (of_month.forecast_nanos, of_month.bounds_nanos) == (310, (279, 341))
    assert of_month.state() is State.FORECAST_OVER
    # September as it was, October as foreseen, November's 30 days like October's 31.
    assert of_quarter.forecast_nanos == 200 + 310 + 300
    assert (of_quarter.bounds_nanos, of_quarter.forecast_by) == (None, ForecastBy.RUN_RATE)
    (without,) = stands([month], charged, OCTOBER, date(2026, 10, 10))
    assert (without.bounds_nanos, without.forecast_by) == (None, ForecastBy.RUN_RATE)


def test_a_stretch_of_months_is_one_budget() -> None:
    budget = _budget(Owner("CC-1"), 1_000, SEPTEMBER)
    charged = [_charged(PAY, 300, SEPTEMBER), _charged(PAY, 310)]

    (in_september,) = stands([budget], charged, SEPTEMBER, END)
    (in_october,) = stands([budget], charged, OCTOBER, END)

    assert first_month([budget], OCTOBER) == SEPTEMBER
    assert (in_september.actual_nanos, in_september.forecast_nanos) == (300, 610)
    assert (in_october.actual_nanos, in_october.forecast_nanos) == (610, 610)


def test_a_warning_comes_from_its_share_on() -> None:
    stand = Stand(Owner("CC-1"), "USD", _budget(Owner("CC-1"), 100), 80, 80)

    assert [stand.state(percent) for percent in (None, 81, 80)] == [
        State.WITHIN,
        State.WITHIN,
        State.WARNING,
    ]


@pytest.mark.parametrize(
    ("actual", "forecast", "state"),
    [
        (100, 100, State.WITHIN),
        (101, 101, State.OVER),
        (90, 100, State.WITHIN),
        (90, 101, State.FORECAST_OVER),
        (100, None, State.WITHIN),
        (101, None, State.OVER),
    ],
)
def test_a_budget_that_is_used_up_to_the_nano_is_kept(
    actual: int, forecast: int | None, state: State
) -> None:
    stand = Stand(Owner("CC-1"), "USD", _budget(Owner("CC-1"), 100), actual, forecast)

    assert stand.state() is state


def test_a_warning_looks_at_what_is_charged_where_nothing_is_foreseen() -> None:
    stand = Stand(Owner("CC-1"), "USD", _budget(Owner("CC-1"), 100), 80, None)

    assert (stand.state(80), stand.state(81)) == (State.WARNING, State.WITHIN)
    assert (stand.forecast_by, stand.variance_nanos) == (None, None)


def test_what_was_charged_in_other_months_and_currencies_is_left_out() -> None:
    over = Budget(1, Owner("CC-9"), SEPTEMBER, SEPTEMBER, "USD", 1)
    charged = [
        _charged(PAY, 7),
        replace(_charged(PAY, 100), currency="EUR"),
        _charged(PAY, 50, SEPTEMBER),
        _charged(Owner("CC-3"), 9, SEPTEMBER),
        _charged(Owner("CC-4"), 0),
    ]

    found = stands([over, _budget(Owner("CC-1"), 100)], charged, OCTOBER, END)

    assert [(one.owner, one.currency, one.actual_nanos) for one in found] == [
        (Owner("CC-1"), "EUR", 100),
        (Owner("CC-1"), "USD", 7),
    ]
    assert first_month([over], OCTOBER) == OCTOBER


@given(
    st.lists(
        st.builds(
            _charged,
            st.builds(Owner, st.sampled_from("AB"), st.sampled_from("xy"), st.sampled_from("pq")),
            st.integers(-(10**12), 10**15),
        ),
        max_size=8,
    )
)
def test_teams_add_up_to_their_cost_centre(charged: list[Charged]) -> None:
    owners = [Owner("A"), Owner("A", "x"), Owner("A", "y"), Owner("A", "x", "p")]
    found = stands([_budget(owner, 1) for owner in owners], charged, OCTOBER, END)
    actual = {one.owner: one.actual_nanos for one in found}

    assert actual[owners[0]] == actual[owners[1]] + actual[owners[2]]
    assert sum(actual[owner] for owner in actual if owner in (Owner("A"), Owner("B"))) == sum(
        one.amount_nanos for one in charged
    )
