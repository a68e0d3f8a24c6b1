"""E4 and E8 from what the ledger and the lake tell, against cases worked out by hand."""

from datetime import date
from fractions import Fraction

from metering.books.item_spend import ItemSpend
from metering.core.outcomes.funnel import UNIT, Answered, FunnelRow, Stages
from metering.core.periods import BillingPeriod
from metering.engine.work_counts import WorkCount
from metering.workflows.economics.observed import Observed, Outcomes
from metering.workflows.economics.work import chain_of, clients_of, failures_of, token_worth
from metering.workflows.outcomes.answered_days import AnsweredDay
from metering.workflows.outcomes.funnel import Funnel

SEPTEMBER, OCTOBER = BillingPeriod(2026, 9), BillingPeriod(2026, 10)


def _items(month: str, prompt: int, output: int) -> list[ItemSpend]:
    """Return a million prompt tokens and their answers at some price."""
    owner = ("CC-1", "pay", "refunds", "one", "big")
    return [
        ItemSpend(month, *owner, "input_uncached", "USD", 1_000_000, prompt),
        ItemSpend(month, *owner, "output", "USD", 200_000, output),
    ]


def _count(month: str, requests: int | None, reasoning: int | None = 50_000) -> WorkCount:
    return WorkCount(month, 0, "one", "big", "api", requests, None, reasoning, 200_000)


def _observed(requests: int | None, reasoning: int | None = 50_000) -> Observed:
    outcomes = {date(2026, 9, 10): Fraction(4), date(2026, 10, 10): Fraction(5)}
    return Observed(
        counts={
            ("2026-09", "pay/refunds"): [_count("2026-09", 100)],
            ("2026-10", "pay/refunds"): [_count("2026-10", requests, reasoning)],
        },
        outcomes={"pay/refunds": Outcomes(outcomes, settles_days=0)},
    )


def test_the_chain_is_what_a_hand_works_out() -> None:
    items = [*_items("2026-09", 2_000, 4_000), *_items("2026-10", 3_000, 8_000)]

    chain = chain_of(items, _observed(200), OCTOBER)

    assert chain is not None
    assert chain.base_model == "one/big"
    # October: 200 turns for 5 outcomes, 5,000 tokens a turn; a quarter of the output is reasoning.
    assert dict(chain.after) == {
        "turns": 40,
        "context": 5_000,
        "output": Fraction(3_000 + 6_000, 3_000),
        "reasoning": Fraction(11_000, 9_000),
        "frontier": 1,
        "base_price": Fraction(3, 1_000),
    }
    assert sum(chain.effects.values()) == 11_000 // 5 - 6_000 // 4
    assert (chain.uncounted, chain.without_reasoning) == ((), ())


def test_turns_and_context_are_one_factor_where_requests_are_not_counted() -> None:
    items = [*_items("2026-09", 2_000, 4_000), *_items("2026-10", 3_000, 8_000)]

    chain = chain_of(items, _observed(None, None), OCTOBER)

    assert chain is not None
    assert (chain.uncounted, chain.without_reasoning) == (("one",), ("one",))
    assert chain.after["turns"] == 200_000
    assert chain.after["context"] == 1
    assert sum(chain.effects.values()) == 700


def test_a_feed_that_began_this_month_is_not_compared() -> None:
    items = [*_items("2026-09", 2_000, 4_000), *_items("2026-10", 3_000, 8_000)]
    late = {date(2026, 10, 10): Fraction(5)}
    outcomes = {"pay/refunds": Outcomes(late, settles_days=0, since=date(2026, 10, 10))}

    assert chain_of(items, Observed(outcomes=outcomes), OCTOBER) is None


def _funnel(month: BillingPeriod, value: int | None, settled: int, tokens: int) -> Funnel:
    row = FunnelRow(
        "pay",
        "refunds",
        "USD",
        Answered(),
        tokens,
        Stages(attempted=10 * UNIT, settled=settled * UNIT),
        None,
        14,
        None,
        value,
    )
    return Funnel(month, str(month.last_day), (row,), {}, (), ())


def test_value_per_token_is_three_factors_and_their_changes_sum() -> None:
    before = _funnel(SEPTEMBER, 4_000, 4, 1_000)
    found = token_worth(before, _funnel(OCTOBER, 10_000, 5, 2_000), "USD")["pay/refunds"]

    assert dict(found.after.factors) == {
        "value_per_outcome": 2_000,
        "yield": Fraction(1, 2),
        "mix": Fraction(1, 200),
    }
    assert found.before is not None
    assert found.effects is not None
    assert found.after.per_token == 5
    assert sum(found.effects.values()) == found.after.per_token - found.before.per_token == 1
    assert token_worth(None, _funnel(OCTOBER, None, 5, 2_000), "USD") == {}


def test_clients_and_failures_are_of_the_period_alone() -> None:
    days = [
        AnsweredDay(date(2026, 10, 1), "api", "pay", "refunds", "USD", 600, 600, is_pending=False),
        AnsweredDay(date(2026, 10, 2), "api", "pay", "refunds", "USD", 200, 0, is_pending=True),
        AnsweredDay(date(2026, 10, 2), "ide", "pay", "refunds", "USD", 100, 0, is_pending=False),
        AnsweredDay(date(2026, 9, 30), "api", "pay", "refunds", "USD", 999, 0, is_pending=False),
    ]

    api, ide = clients_of(days, _observed(200), OCTOBER, "USD")

    assert (api.nanos, api.settled_nanos, api.requests) == (800, 600, 200)
    assert (ide.nanos, ide.requests) == (100, None)
    assert api.answered == 1
    assert ide.answered == 0
    failed = WorkCount("2026-10", 0, "one", "big", "api", 200, 3, None, 200_000)
    observed = Observed(counts={("2026-10", "pay/refunds"): [failed]})
    [one] = failures_of(_items("2026-10", 3_000, 1_001), observed, OCTOBER, {"output"})
    # 1,001 x 3 / 200 is 15.015.
    assert (one.nanos, one.failed, one.failed_nanos) == (1_001, 3, 15)
