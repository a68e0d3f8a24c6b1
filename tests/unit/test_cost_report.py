"""The provider's cost report against priced usage: each reason only where the days show it."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from metering.core.closing.cost_report import (
    CostComparison,
    CostReport,
    Difference,
    PricedDay,
    ReportedDay,
    chosen_report,
    compare_costs,
)
from metering.core.money import NANOS_PER_UNIT

_CENT = NANOS_PER_UNIT // 100
_DAYS = [f"2026-10-{day:02d}" for day in range(1, 11)]
_OCTOBER = frozenset(_DAYS)


def _report(
    costs: Mapping[tuple[str, str], int],
    *,
    covered: frozenset[str] = _OCTOBER,
    step: int = 1,
    ingestor: str = "costs",
) -> CostReport:
    days = tuple(ReportedDay(name, day, nanos, 1) for (name, day), nanos in costs.items())
    return CostReport(ingestor, covered, days, step)


def _compared(priced: list[PricedDay], report: CostReport) -> CostComparison:
    found = compare_costs(priced, [report])
    assert found is not None
    return found


def _each_day(nanos: int, name: str = "gpt-5") -> list[PricedDay]:
    return [PricedDay(name, day, nanos) for day in _DAYS]


def _reasons(comparison: CostComparison) -> dict[str, int]:
    return {reason.value: nanos for reason, nanos in comparison.by_reason().items()}


def test_without_a_report_there_is_nothing_to_compare() -> None:
    assert compare_costs(_each_day(5), []) is None


def test_equal_sides_have_no_difference() -> None:
    found = _compared(_each_day(5), _report({("gpt-5", day): 5 for day in _DAYS}))
    assert _reasons(found) == {}
    assert found.families[0].differences == ()


def test_half_a_cent_a_row_is_rounding_and_more_is_not() -> None:
    def differing(nanos: int) -> dict[str, int]:
        costs = {("gpt-5", day): 7 * _CENT for day in _DAYS}
        priced = [
            PricedDay("gpt-5", day, 7 * _CENT + nanos * (-1) ** place)
            for place, day in enumerate(_DAYS)
        ]
        priced[0] = PricedDay("gpt-5", _DAYS[0], 7 * _CENT + nanos)
        priced.append(PricedDay("gpt-5", _DAYS[1], nanos))  # so that it does not cancel out
        return _reasons(_compared(priced, _report(costs, step=_CENT)))

    assert set(differing(_CENT // 2)) == {"rounding"}
    assert "rounding" not in differing(6 * _CENT)


def test_days_the_ledger_does_not_know_are_late_usage() -> None:
    costs = {("gpt-5", day): 500 for day in _DAYS}
    found = _compared(_each_day(500)[:-2], _report(costs))
    assert _reasons(found) == {"late-usage": 1000}
    assert found.families[0].differences[0].words == "2 days, 2026-10-09 to 2026-10-10"


def test_days_the_report_does_not_cover_are_not_reported() -> None:
    costs = {("gpt-5", day): 500 for day in _DAYS[:7]}
    found = _compared(_each_day(500), _report(costs, covered=frozenset(_DAYS[:7])))
    assert _reasons(found) == {"not-reported": -1500}


def test_priority_tier_is_what_the_report_leaves_out() -> None:
    priced = [*_each_day(500), PricedDay("gpt-5", _DAYS[3], 80, priority_nanos=80)]
    found = _compared(priced, _report({("gpt-5", day): 500 for day in _DAYS}))
    assert _reasons(found) == {"priority-tier": -80}


def test_a_free_tier_the_report_has_before_it_is_taken_off() -> None:
    priced = [*_each_day(500), PricedDay("gpt-5", _DAYS[9], -300, settled_nanos=-300)]
    found = _compared(priced, _report({("gpt-5", day): 500 for day in _DAYS}))
    assert _reasons(found) == {"free-tier": 300}


def test_one_multiple_of_our_price_from_a_day_on_is_drift() -> None:
    costs = {("gpt-5", day): 500 if day < _DAYS[4] else 550 for day in _DAYS}
    found = _compared(_each_day(500), _report(costs))
    assert _reasons(found) == {"price-drift": 6 * 50}
    assert found.families[0].differences[0].words == "110.00 % of our price from 2026-10-05"


def test_another_multiple_on_each_day_is_unexplained() -> None:
    costs = {("gpt-5", day): 500 + 60 * place for place, day in enumerate(_DAYS)}
    assert set(_reasons(_compared(_each_day(500), _report(costs)))) == {"unexplained"}


def test_one_day_more_than_priced_is_unexplained_and_tells_the_day() -> None:
    costs = {("gpt-5", day): 500 for day in _DAYS} | {("gpt-5", _DAYS[2]): 900}
    found = _compared(_each_day(500), _report(costs))
    assert _reasons(found) == {"unexplained": 400}
    assert found.families[0].differences[0].words == "2026-10-03"


def test_the_same_money_under_another_name_is_no_late_usage() -> None:
    priced = [*_each_day(500), *_each_day(70, "web search")]
    costs = {("gpt-5", day): 500 for day in _DAYS} | {("Searches", day): 70 for day in _DAYS}
    found = _compared(priced, _report(costs))
    assert _reasons(found) == {}
    told = {family.name: family.differences[0] for family in found.families if family.differences}
    assert {one.reason for one in told.values()} == {Difference.NAMED_OTHERWISE}
    assert (told["Searches"].nanos, told["web search"].nanos) == (700, -700)


def test_the_report_that_covers_most_is_compared_and_no_other_is_added() -> None:
    costs = {("gpt-5", day): 500 for day in _DAYS}
    short = _report(costs, covered=frozenset(_DAYS[:3]), ingestor="api")
    whole = _report(costs, ingestor="csv")
    found = compare_costs(_each_day(500), [short, whole])
    assert found is not None
    assert found.report.ingestor == "csv"
    assert found.others == ("api",)
    assert found.report.nanos == found.priced_nanos == 5000
    assert chosen_report([whole, _report(costs, ingestor="api")]) == _report(costs, ingestor="api")


_FAMILIES = st.sampled_from(["gpt-5", "gpt-5-mini", ""])
_MONEY = st.integers(-(10**12), 10**12)


@given(
    priced=st.lists(
        st.builds(
            PricedDay,
            _FAMILIES,
            st.sampled_from(_DAYS),
            _MONEY,
            priority_nanos=st.sampled_from([0, 0, 7]),
            settled_nanos=st.sampled_from([0, 0, -9]),
        ),
        max_size=20,
    ),
    costs=st.dictionaries(st.tuples(_FAMILIES, st.sampled_from(_DAYS)), _MONEY, max_size=20),
    covered=st.frozensets(st.sampled_from(_DAYS)),
    step=st.sampled_from([1, 1000, _CENT]),
)
def test_the_differences_sum_to_reported_less_priced(
    priced: list[PricedDay],
    costs: dict[tuple[str, str], int],
    covered: frozenset[str],
    step: int,
) -> None:
    found = _compared(priced, _report(costs, covered=covered, step=step))
    assert found.priced_nanos == sum(day.nanos for day in priced)
    assert sum(family.reported_nanos for family in found.families) == sum(costs.values())
    for family in found.families:
        parts = sum(part.nanos for part in family.differences)
        assert parts == family.reported_nanos - family.priced_nanos


def test_a_report_of_a_whole_month_is_compared_in_sum() -> None:
    days = tuple(f"2026-10-{day:02d}" for day in range(1, 32))
    told = ReportedDay("gpt-5", days[0], 10 * 500 + 7, 1)
    monthly = CostReport("billing-api", frozenset(days), (told,), step_nanos=1, is_of_range=True)

    found = compare_costs(_each_day(500), [monthly])

    assert found is not None
    (family,) = found.families
    assert family.reported_nanos - family.priced_nanos == 7
    assert [part.reason for part in family.differences] == [Difference.UNEXPLAINED]


def test_days_outside_a_range_are_told_apart_from_it() -> None:
    told = ReportedDay("gpt-5", "2026-10-01", 1000, 1)
    covered = frozenset({"2026-10-01", "2026-10-02"})
    report = CostReport("billing-api", covered, (told,), is_of_range=True)

    found = compare_costs(_each_day(500), [report])

    assert found is not None
    assert found.by_reason() == {Difference.NOT_REPORTED: -8 * 500}


def test_of_reports_that_cover_as_much_the_finest_is_compared() -> None:
    days = frozenset({"2026-10-01"})
    cents = CostReport("a", days, (), step_nanos=10_000_000)
    month = CostReport("b", days, (), is_of_range=True)
    exact = CostReport("c", days, ())

    assert chosen_report([cents, month, exact]) is exact
