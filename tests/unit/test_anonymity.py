"""What rests on few people is not shown, nor what would tell it by subtraction."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.analysis.anonymity import FEWEST_PEOPLE, hidden, tells_of_few
from metering.core.findings.economics_rules import EconomicsRules
from metering.core.flat.seats import SeatPlan, SeatTerm
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod
from metering.engine.work_counts import PersonUse
from metering.workflows.economics.observed import Observed, SeatsHeld
from metering.workflows.economics.plans import SeatQuestion, seat_question

_MONTH = BillingPeriod.parse("2026-10")
_USD = 10**9
_PARTS = st.dictionaries(st.text(min_size=1, max_size=3), st.integers(0, 30), max_size=8)


@given(_PARTS)
@settings(max_examples=150)
def test_no_hidden_part_can_be_worked_out_from_the_whole(parts: dict[str, int]) -> None:
    gone = hidden(parts)
    shown = {name: count for name, count in parts.items() if name not in gone}

    assert all(count == 0 or count >= FEWEST_PEOPLE for count in shown.values())
    rest = sum(parts.values()) - sum(shown.values())
    # What subtraction tells is of nobody, of k people or more in two parts or more, or of all.
    assert rest == 0 or (rest >= FEWEST_PEOPLE and len(gone) > 1) or not any(shown.values())


@given(_PARTS)
@settings(max_examples=150)
def test_no_more_is_hidden_than_has_to_be(parts: dict[str, int]) -> None:
    gone = hidden(parts)
    few = {name for name, count in parts.items() if 0 < count < FEWEST_PEOPLE}

    assert few <= gone
    further = gone - few
    if further:
        last = max(further, key=lambda name: parts[name])
        without = gone - {last}
        assert len(without) == 1 or sum(parts[name] for name in without) < FEWEST_PEOPLE


def test_the_smallest_other_part_goes_with_the_only_hidden_one() -> None:
    assert hidden({"a": 3, "b": 9, "c": 20}) == {"a", "b"}
    assert hidden({"a": 3, "b": 4, "c": 20}) == {"a", "b"}  # seven together
    assert hidden({"a": 1, "b": 2, "c": 20, "d": 6}) == {"a", "b", "d"}
    assert hidden({"a": 5, "b": 0}) == frozenset()


def _asked(
    uses: int, held: int = 0, counts: dict[str, int] | None = None, fewest: int = FEWEST_PEOPLE
) -> SeatQuestion:
    used = [PersonUse((at + 1) * _USD, 1_000) for at in range(uses)]
    since = date(2026, 1, 1)
    unused = Owner("CC-1", "shared", "seats")
    plan = SeatPlan("team", "acme", "", "USD", 20 * _USD, SeatTerm.MONTH, since, None, unused)
    people = {(str(_MONTH), name): count for name, count in (counts or {}).items()}
    return seat_question(
        Observed(
            people=people,
            uses=used,
            seats=[SeatsHeld(plan, used[:held])] if held else [],
            fewest_people=fewest,
        ),
        EconomicsRules(seat=("USD", 20 * _USD)),
        dict.fromkeys(counts or {}, 100 * _USD),
        _MONTH,
        "USD",
    )


@pytest.mark.parametrize(
    ("uses", "held", "told"),
    [
        (4, 0, [False]),
        (5, 0, [True]),
        (30, 4, [False, True]),  # the plan is of four
        (30, 20, [True, True]),  # ten are without it
        (30, 27, [True, False]),  # three are without it: everybody less the plan would tell of them
        (30, 30, [True, True]),
    ],
)
def test_a_bill_of_few_people_is_not_shown(uses: int, held: int, told: list[bool]) -> None:
    found = _asked(uses, held)

    assert [plan.bills is not None for plan in found.plans] == told
    assert [bool(plan.needs) for plan in found.plans] == [not one for one in told]


def test_neither_the_people_of_a_project_nor_what_tells_them_is_shown() -> None:
    found = _asked(38, counts={"a/one": 3, "a/two": 9, "b/three": 26})

    shown = {one.project: (one.people, one.per_head) for one in found.projects}
    assert shown == {
        "a/one": (None, None),
        "a/two": (None, None),
        "b/three": (26, Fraction(100, 20 * 26)),
    }


def test_where_line_managers_read_along_ten_are_few() -> None:
    assert [plan.bills for plan in _asked(9, fewest=10).plans] == [None]
    assert [plan.bills is not None for plan in _asked(30, 21, fewest=10).plans] == [True, False]

    found = _asked(38, counts={"a/one": 9, "a/two": 10, "b/three": 26}, fewest=10)

    assert {one.project: one.people for one in found.projects} == {
        "a/one": None,
        "a/two": None,
        "b/three": 26,
    }


def test_a_difference_tells_of_few_unless_it_is_nobody() -> None:
    assert [tells_of_few(30, part) for part in (30, 29, 26, 25, 0)] == [
        False,
        True,
        True,
        False,
        False,
    ]
