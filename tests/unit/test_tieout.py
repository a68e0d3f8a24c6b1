"""An invoice ties to the ledger with a reason for every nano, or says what is unexplained."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.core.closing.cost_report import (
    CostComparison,
    CostReport,
    PricedDay,
    ReportedDay,
    compare_costs,
)
from metering.core.closing.invoices import Booking, Invoice, InvoiceCategory, InvoiceLine
from metering.core.closing.tieout import LedgerSide, Reason, TieOut, TieOutLine, tie_out
from metering.core.money import nanos_from_decimal_text
from metering.core.periods import BillingPeriod

OCTOBER = BillingPeriod(2026, 10)
C = InvoiceCategory


def nanos(text: str) -> int:
    return nanos_from_decimal_text(text)


def invoice(*lines: tuple[C, str], number: str = "INV-1", currency: str = "USD") -> Invoice:
    return Invoice(
        number,
        "openai",
        "default",
        OCTOBER,
        currency,
        tuple(
            InvoiceLine(at, category, f"{category} line", nanos(amount))
            for at, (category, amount) in enumerate(lines, start=2)
        ),
    )


def side(amount: str, **more: object) -> LedgerSide:
    return LedgerSide("openai", "default", "USD", nanos(amount), **more)  # type: ignore[arg-type]  # by name


def only(ledger: list[LedgerSide], *invoices: Invoice) -> TieOut:
    (found,) = tie_out(OCTOBER, ledger, invoices)
    return found


def test_an_invoice_that_differs_by_tax_and_a_credit_ties() -> None:
    ledger = side("1502.574")
    billed = invoice((C.USAGE, "1502.57"), (C.CREDIT, "-150.00"), (C.TAX, "256.99"))

    found = only([ledger], billed)

    assert found.lines == (
        TieOutLine("priced from usage", Reason.USAGE, nanos("1502.574")),
        TieOutLine("tax: tax line", Reason.TAX, nanos("256.99")),
        TieOutLine("credit: credit line", Reason.CREDIT, nanos("-150")),
        TieOutLine("rounding on the invoice", Reason.ROUNDING, nanos("-0.004")),
    )
    assert found.invoiced_nanos == nanos("1609.56")
    assert found.ties


def test_what_the_ledger_settles_ties_to_an_invoice_that_names_it() -> None:
    ledger = side("99.853", settled=((C.DISCOUNT, nanos("-0.147")),))

    found = only([ledger], invoice((C.USAGE, "100.00"), (C.DISCOUNT, "-0.15")))

    assert [(line.reason, line.nanos) for line in found.lines] == [
        (Reason.USAGE, nanos("100")),
        (Reason.DISCOUNT, nanos("-0.15")),
    ]
    assert (found.ties, found.notes) == (True, ())


def test_and_to_one_whose_usage_is_net_of_it() -> None:
    ledger = side("99.85", settled=((C.DISCOUNT, nanos("-0.15")),))

    found = only([ledger], invoice((C.USAGE, "99.85")))

    assert [(line.reason, line.nanos) for line in found.lines] == [
        (Reason.USAGE, nanos("100")),
        (Reason.DISCOUNT, nanos("-0.15")),
    ]
    assert found.ties


def test_a_discount_that_differs_from_the_settled_one_is_told() -> None:
    ledger = side("90", settled=((C.DISCOUNT, nanos("-10")),))

    found = only([ledger], invoice((C.USAGE, "100.00"), (C.DISCOUNT, "-8.00")))

    assert found.notes == ("the ledger settles -10.00 of discount, the invoice -8.00",)


@pytest.mark.parametrize(
    ("named", "told"),
    [
        (["-9.99"], False),
        (["-9.989999999"], True),
        (["-5.00", "-4.98"], False),
        ([], False),
    ],
)
def test_a_discount_that_differs_by_a_cent_a_line_is_not_told(named: list[str], told: bool) -> None:
    ledger = side("90", settled=((C.DISCOUNT, nanos("-10")),))
    billed = invoice((C.USAGE, "90.00"), *((C.DISCOUNT, amount) for amount in named))

    assert any("settles" in note for note in only([ledger], billed).notes) is told


def test_credit_that_was_paid_for_pays_without_being_asked_for_again() -> None:
    drawn = nanos("-30")
    ledger = side("100", drawn_nanos=drawn, settled=((C.CREDIT, drawn),))

    waiting = only([ledger])
    net = only([ledger], invoice((C.USAGE, "70.00")))
    named = only([ledger], invoice((C.USAGE, "100.00"), (C.CREDIT, "-30.00")))

    assert [(line.reason, line.nanos) for line in waiting.lines] == [
        (Reason.USAGE, nanos("100")),
        (Reason.CREDIT, drawn),
        (Reason.NOT_INVOICED, nanos("-70")),
    ]
    assert (net.ties, named.ties) == (True, True)


@pytest.mark.parametrize(
    ("lines", "reason", "difference"),
    [
        (["456.00"], None, "0"),
        (["456.005"], Reason.ROUNDING, "0.005"),
        (["228.00", "228.01"], Reason.ROUNDING, "0.01"),
        (["456.005000001"], Reason.UNEXPLAINED, "0.005000001"),
        (["437.00"], Reason.UNEXPLAINED, "-19"),
        ([], Reason.NOT_INVOICED, "-456"),
    ],
)
def test_what_is_agreed_on_is_compared_with_the_lines_of_its_category(
    lines: list[str], reason: Reason | None, difference: str
) -> None:
    ledger = side("10", agreed=((C.SEATS, nanos("456")),))
    billed = invoice((C.USAGE, "10.00"), *((C.SEATS, amount) for amount in lines))

    found = only([ledger], billed)

    assert [(line.reason, line.nanos) for line in found.lines] == [
        (Reason.USAGE, nanos("10")),
        (Reason.SEATS, nanos("456")),
        *([(reason, nanos(difference))] if reason else []),
    ]
    assert found.ties is (reason is not Reason.UNEXPLAINED)


def test_what_is_agreed_on_is_owed_until_an_invoice_comes() -> None:
    agreed = ((C.SEATS, nanos("456")), (C.CREDIT, nanos("100")))

    found = only([side("10", agreed=agreed)])

    assert [(line.reason, line.nanos) for line in found.lines] == [
        (Reason.USAGE, nanos("10")),
        (Reason.SEATS, nanos("456")),
        (Reason.CREDIT, nanos("100")),
        (Reason.NOT_INVOICED, nanos("-566")),
    ]


def test_several_lines_of_one_category_are_counted() -> None:
    found = only([], invoice((C.TAX, "1.00"), (C.TAX, "2.00")))

    assert found.lines == (TieOutLine("tax: 2 lines", Reason.TAX, nanos("3")),)


@pytest.mark.parametrize(
    ("billed", "note"),
    [
        ("12.00", "trued up by 2.00: the book holds what is invoiced"),
        ("13.00", "trued up by 2.00: the book holds 12.00"),
    ],
)
def test_a_true_up_is_told_and_compared_with_nothing(billed: str, note: str) -> None:
    found = only([side("10", adjusted_nanos=nanos("2"))], invoice((C.USAGE, billed)))

    assert found.notes == (note,)
    assert found.unexplained_nanos == nanos(billed) - nanos("10")


@pytest.mark.parametrize(
    ("ledger", "lines", "reason"),
    [
        ("10.005", ["10.00"], Reason.ROUNDING),
        ("10.005000001", ["10.00"], Reason.UNEXPLAINED),
        ("10.01", ["5.00", "5.00"], Reason.ROUNDING),
        ("9.989999999", ["5.00", "5.00"], Reason.UNEXPLAINED),
        ("0.001", [], Reason.UNEXPLAINED),
    ],
)
def test_rounding_is_at_most_half_a_cent_for_each_usage_line(
    ledger: str, lines: list[str], reason: Reason
) -> None:
    billed = invoice(*((C.USAGE, amount) for amount in lines), (C.SEATS, "1.00"))

    found = only([side(ledger)], billed)

    assert found.lines[-1].reason is reason
    assert found.ties is (reason is Reason.ROUNDING)


@pytest.mark.parametrize(
    ("currency", "rounds", "does_not"),
    [
        ("JPY", "0.4", "0.6"),
        ("XOF", "0.4", "0.6"),
        ("EUR", "0.004", "0.006"),
        ("KWD", "0.0004", "0.0006"),
    ],
)
def test_an_invoice_rounds_to_the_minor_unit_of_its_currency(
    currency: str, rounds: str, does_not: str
) -> None:
    def differing_by(amount: str) -> Reason:
        ledger = LedgerSide("openai", "default", currency, nanos("1000") + nanos(amount))
        return only([ledger], invoice((C.USAGE, "1000"), currency=currency)).lines[-1].reason

    assert differing_by(rounds) is Reason.ROUNDING
    assert differing_by(does_not) is Reason.UNEXPLAINED


def test_usage_without_an_invoice_does_not_tie() -> None:
    found = only([side("12.5")])

    assert found.invoiced_nanos == 0
    assert [(line.reason, line.nanos) for line in found.lines] == [
        (Reason.USAGE, nanos("12.5")),
        (Reason.NOT_INVOICED, nanos("-12.5")),
    ]
    assert found.unexplained_nanos == 0
    assert not found.ties


def test_an_invoice_without_usage_in_the_ledger_is_unexplained() -> None:
    found = only([], invoice((C.USAGE, "12.50")))

    assert found.unexplained_nanos == nanos("12.5")


def test_seats_need_no_usage() -> None:
    assert only([], invoice((C.SEATS, "456.00"))).ties


def test_two_invoices_of_one_account_are_taken_together() -> None:
    first = invoice((C.USAGE, "6.00"), number="INV-2")
    second = invoice((C.USAGE, "4.00"), number="INV-1")

    found = only([side("10")], first, second)

    assert found.invoice_ids == ("INV-1", "INV-2")
    assert found.ties


def test_an_invoice_that_came_twice_is_told_until_it_is_taken_back() -> None:
    said = ((C.USAGE, "10.00"), (C.TAX, "1.90"))
    first, again = (invoice(*said, number=number) for number in ("INV-1", "INV-2"))
    back = invoice((C.TAX, "-1.90"), (C.USAGE, "-10.00"), number="INV-2-R")

    twice = only([side("10")], first, again)
    taken_back = only([side("10")], first, again, back)

    (told,) = twice.notes
    assert told.startswith("INV-2 has the lines of INV-1;")
    assert not twice.ties
    assert taken_back.ties
    assert taken_back.notes == ()


def test_an_invoice_that_was_taken_back_is_not_told_for_what_others_leave_open() -> None:
    said = ((C.USAGE, "10.00"), (C.TAX, "1.90"))
    first, again = (invoice(*said, number=number) for number in ("INV-1", "INV-2"))
    back = invoice((C.TAX, "-1.90"), (C.USAGE, "-10.00"), number="INV-2-R")

    found = only([side("7")], first, again, back)

    assert found.unexplained_nanos == nanos("3")
    assert found.notes == ()


def test_equal_invoices_of_two_halves_that_tie_are_not_told() -> None:
    halves = (invoice((C.USAGE, "5.00"), number=number) for number in ("INV-1", "INV-2"))

    found = only([side("10")], *halves)

    assert found.ties
    assert found.notes == ()


def test_an_invoice_of_another_month_is_left_out() -> None:
    september = Invoice("INV-0", "openai", "default", BillingPeriod(2026, 9), "USD", ())

    assert only([side("10")], september).invoice_ids == ()


def test_accounts_and_currencies_are_kept_apart() -> None:
    euros = invoice((C.USAGE, "9.00"), number="INV-EUR", currency="EUR")

    found = tie_out(OCTOBER, [side("10")], [euros])

    assert [(tie.currency, tie.unexplained_nanos, tie.ties) for tie in found] == [
        ("EUR", nanos("9"), False),
        ("USD", 0, False),
    ]
    assert found[0].notes == ("this account also has amounts in USD; they are not converted",)


def test_what_finance_booked_is_told_and_not_compared() -> None:
    booking = Booking("EUR", nanos("6108.99"), "0.8640", date(2026, 11, 4))
    line = InvoiceLine(2, C.USAGE, "usage", nanos("7070.59"), booking)
    billed = Invoice("ANT-1006", "openai", "default", OCTOBER, "USD", (line,))

    found = only([side("7070.5940966")], billed)

    assert found.ties
    assert found.notes == ("ANT-1006 is booked as EUR 6108.99, at 0.8640 of 2026-11-04",)


def with_costs(
    reported: str, day: str = "2026-10-02"
) -> dict[tuple[str, str, str], CostComparison]:
    """Return a report with what one more day of a model cost, beside one day of 100.00."""
    told = (
        ReportedDay("gpt-5", "2026-10-01", nanos("100"), 1),
        ReportedDay("gpt-5", day, nanos(reported), 1),
    )
    october = frozenset(f"2026-10-{number:02d}" for number in range(1, 32))
    priced = [PricedDay("gpt-5", "2026-10-01", nanos("100"))]
    found = compare_costs(priced, [CostReport("openai-costs", october, told)])
    assert found is not None
    return {("openai", "default", "USD"): found}


def test_a_cost_report_that_agrees_with_the_invoice_gives_its_reasons() -> None:
    billed = invoice((C.USAGE, "112.35"))

    (found,) = tie_out(OCTOBER, [side("100")], [billed], with_costs("12.3456"))

    assert found.ties
    assert [(line.reason, line.nanos) for line in found.lines] == [
        (Reason.USAGE, nanos("100")),
        (Reason.LATE_USAGE, nanos("12.3456")),
        (Reason.ROUNDING, nanos("0.0044")),
    ]
    assert "gpt-5" in found.lines[1].label


def test_a_cost_report_that_says_something_else_explains_nothing() -> None:
    (found,) = tie_out(OCTOBER, [side("100")], [invoice((C.USAGE, "130"))], with_costs("12.3456"))

    assert not found.ties
    assert found.unexplained_nanos == nanos("30")
    assert found.notes == (
        "the provider's cost report says 112.3456, the usage lines of the invoice 130.00",
    )


def test_what_a_cost_report_cannot_explain_stays_unexplained() -> None:
    october = frozenset(f"2026-10-{number:02d}" for number in range(1, 32))
    told = (
        ReportedDay("", "2026-10-01", nanos("7"), 1),
        ReportedDay("gpt-5", "2026-10-01", nanos("150"), 1),
    )
    priced = [PricedDay("gpt-5", "2026-10-01", nanos("100"))]
    costs = compare_costs(priced, [CostReport("openai-costs", october, told)])
    assert costs is not None

    (found,) = tie_out(
        OCTOBER,
        [side("100")],
        [invoice((C.USAGE, "157.00"))],
        {("openai", "default", "USD"): costs},
    )

    assert found.lines[1:] == (
        TieOutLine("late usage, by the cost report: no model", Reason.LATE_USAGE, nanos("7")),
        TieOutLine("unexplained", Reason.UNEXPLAINED, nanos("50")),
    )


@pytest.mark.parametrize(("lines", "told"), [(["56.17", "56.17"], False), (["112.36"], True)])
def test_a_cost_report_may_differ_from_an_invoice_by_half_a_cent_a_line(
    lines: list[str], told: bool
) -> None:
    billed = invoice(*((C.USAGE, amount) for amount in lines))

    (found,) = tie_out(OCTOBER, [side("100")], [billed], with_costs("12.35"))

    assert any("cost report says" in note for note in found.notes) is told


def test_a_cost_report_of_an_account_without_usage_or_invoice_is_shown() -> None:
    (found,) = tie_out(OCTOBER, [], [], with_costs("5"))

    assert found.costs is not None
    assert not found.lines


def test_usage_without_a_rate_is_named() -> None:
    ledger = side("10", unpriced=(("image", 136), ("code_interpreter_session", 29)))

    found = only([ledger], invoice((C.USAGE, "16.58")))

    assert found.unexplained_nanos == nanos("6.58")
    assert found.notes == ()
    assert (
        found.unpriced_note
        == "the ledger holds usage without a rate: 29 code_interpreter_session, 136 image"
    )


amounts = st.integers(-(10**15), 10**15)
invoice_lines = st.lists(
    st.builds(InvoiceLine, st.just(2), st.sampled_from(C), st.just(""), amounts), max_size=5
)


@given(st.none() | amounts, st.lists(invoice_lines, max_size=3))
def test_the_lines_sum_to_what_is_invoiced(
    billed: int | None, several: list[list[InvoiceLine]]
) -> None:
    ledger = [] if billed is None else [LedgerSide("openai", "default", "USD", billed)]
    invoices = [
        Invoice(f"INV-{at}", "openai", "default", OCTOBER, "USD", tuple(lines))
        for at, lines in enumerate(several)
    ]

    found = tie_out(OCTOBER, ledger, invoices)

    assert sum(tie.invoiced_nanos for tie in found) == sum(i.total_nanos for i in invoices)
    for tie in found:
        assert sum(line.nanos for line in tie.lines) == tie.invoiced_nanos
