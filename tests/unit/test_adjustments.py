"""True-ups and disputes: what is decided sums to what was decided about, whoever bears it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from metering.books.adjustments import add_adjustment, adjustments_in_force
from metering.books.engine import begin_read, begin_write
from metering.books.runs import record_run
from metering.core.closing.adjustments import (
    ADJUSTMENT_METERS,
    DEFAULT_POLICY,
    Adjustment,
    AdjustmentKind,
    AdjustmentLine,
    bearers,
    checked_policy,
    in_force,
    moved,
    true_up,
)
from metering.core.closing.invoices import Invoice, InvoiceCategory, InvoiceLine
from metering.core.closing.tieout import LedgerSide, Reason, TieOut, tie_out
from metering.core.ledger import UNATTRIBUTED, Account, owner_account
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod
from tests.support.ledgers import run

_OCTOBER = BillingPeriod(2026, 10)
_ONE, _OTHER, _TAX = (
    owner_account(Owner(team="t", project=name, cost_centre="CC-1"))
    for name in ("one", "other", "tax")
)
_NANOS = st.integers(-(10**13), 10**13)


def _tie(billed: int, *lines: tuple[InvoiceCategory, int]) -> TieOut:
    invoice = Invoice(
        "INV-1",
        "openai",
        "default",
        _OCTOBER,
        "USD",
        tuple(InvoiceLine(at, kind, "", nanos) for at, (kind, nanos) in enumerate(lines, start=2)),
    )
    (found,) = tie_out(_OCTOBER, [LedgerSide("openai", "default", "USD", billed)], [invoice])
    return found


@given(
    billed=_NANOS,
    lines=st.lists(
        st.tuples(st.sampled_from([kind for kind in InvoiceCategory if kind != "seats"]), _NANOS),
        min_size=1,
        max_size=6,
    ),
    charged=st.dictionaries(st.sampled_from([_ONE, _OTHER, UNATTRIBUTED]), _NANOS),
    target=st.sampled_from(["owners", "unattributed", "CC-1/t/tax"]),
)
def test_usage_and_true_up_are_what_is_invoiced(
    billed: int,
    lines: list[tuple[InvoiceCategory, int]],
    charged: dict[Account, int],
    target: str,
) -> None:
    tie = _tie(billed, *lines)
    policy = checked_policy({reason.value: target for reason in DEFAULT_POLICY})
    found = true_up(tie, charged, policy)
    assert billed + found.nanos == sum(nanos for _, nanos in lines)
    assert all(line.amount_nanos for line in found.lines)


def test_each_reason_goes_where_the_policy_sends_it() -> None:
    kinds = InvoiceCategory
    tie = _tie(1000, (kinds.USAGE, 1000), (kinds.TAX, 190), (kinds.CREDIT, -100))
    policy = checked_policy({"tax": "CC-1/t/tax"})
    found = true_up(tie, {_ONE: 300, _OTHER: 700}, policy)
    assert found.lines == (
        AdjustmentLine("credit", _ONE, -30),
        AdjustmentLine("credit", _OTHER, -70),
        AdjustmentLine("tax", _TAX, 190),
    )
    basis = found.basis(found.lines[2])
    assert (basis.meter, basis.conditions) == ("true_up_tax", '{"references":"INV-1"}')
    assert basis.meter in ADJUSTMENT_METERS


def test_seats_are_never_trued_up() -> None:
    tie = _tie(0, (InvoiceCategory.SEATS, 456))
    assert not true_up(tie, {}, checked_policy({})).lines
    with pytest.raises(ValueError, match="'seats' is not one of"):
        checked_policy({"seats": "owners"})


def test_what_is_unexplained_is_nobodys() -> None:
    tie = _tie(100, (InvoiceCategory.USAGE, 5 * 10**9))
    (line,) = true_up(tie, {_ONE: 100}, checked_policy({})).lines
    assert (line.reason, line.bearer) == (Reason.UNEXPLAINED.value, UNATTRIBUTED)


def test_an_amount_of_an_account_without_charges_is_nobodys() -> None:
    assert bearers("owners", 7, {}) == {UNATTRIBUTED: 7}
    assert bearers("owners", 7, {_ONE: -5}) == {UNATTRIBUTED: 7}


@pytest.mark.parametrize("target", ["", "/t/p", "a/b/c/d"])
def test_a_target_that_is_no_owner_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="not a cost centre"):
        checked_policy({"tax": target})


@given(
    charged=st.dictionaries(
        st.tuples(
            st.sampled_from(["openai", "aws"]),
            st.just("default"),
            st.just("USD"),
            st.sampled_from([_ONE, _OTHER]),
        ),
        st.integers(1, 10**12),
        min_size=1,
    ),
    share=st.integers(1, 1000),
)
def test_what_is_moved_is_taken_from_who_had_it(
    charged: dict[tuple[str, str, str, Account], int], share: int
) -> None:
    nanos = max(1, sum(charged.values()) * share // 1000)
    found = moved(
        charged, nanos, UNATTRIBUTED, key="dispute-1", period=_OCTOBER, references=("dispute 1",)
    )
    assert all(one.nanos == 0 for one in found)
    lines = [line for one in found for line in one.lines]
    assert sum(line.amount_nanos for line in lines if line.bearer == UNATTRIBUTED) == nanos
    assert sum(line.amount_nanos for line in lines if line.bearer != UNATTRIBUTED) == -nanos


def _adjustment(*lines: AdjustmentLine, key: str = "k") -> Adjustment:
    return Adjustment(
        AdjustmentKind.TRUE_UP, key, _OCTOBER, "openai", "default", "USD", ("INV-1",), lines
    )


def test_the_newest_of_a_key_is_in_force_and_an_empty_one_takes_back() -> None:
    first, second = (_adjustment(AdjustmentLine("tax", _ONE, nanos)) for nanos in (5, 9))
    other = _adjustment(AdjustmentLine("tax", _ONE, 1), key="other")
    assert in_force([first, other, second]) == (second, other)
    assert in_force([first, other, replace(first, lines=())]) == (other,)


def test_books_keep_adjustments_as_they_were_decided(any_books: Engine) -> None:
    first = _adjustment(
        AdjustmentLine("tax", _ONE, 5), AdjustmentLine("rounding", UNATTRIBUTED, -1)
    )
    second = replace(first, lines=(AdjustmentLine("tax", _OTHER, 6),))
    for decided in (first, second):
        with begin_write(any_books) as connection:
            who = run("invoices true-up")
            run_id = record_run(connection, who.command, who.arguments, who.started_at, who.user)
            add_adjustment(connection, run_id, decided, "final")
        with begin_read(any_books) as connection:
            assert adjustments_in_force(connection) == (decided,)
