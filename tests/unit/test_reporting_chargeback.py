"""What the chargeback report says, before any markup."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

import pytest

from metering.core.closing.invoices import Invoice, InvoiceCategory, InvoiceLine
from metering.core.closing.tieout import LedgerSide, tie_out
from metering.reporting.figures import MINUS, NIL
from metering.reporting.lines import Line
from metering.reporting.pack.chargeback import Account, chargeback_report
from metering.reporting.pack.tree import Node, OwnerLine
from metering.reporting.snapshot import HISTORY_SCHEMA, History, ReportStatus
from tests.support.reporting_specimen import PERIOD, company, lines_of, snapshot_of


@pytest.fixture(scope="module")
def account() -> Account:
    [account] = chargeback_report(company()).accounts
    return account


def _minor(shown: str) -> int:
    """Read a shown figure back as minor units."""
    if shown in {"", NIL}:
        return 0
    return int(shown.replace(",", "").replace(".", "").replace(MINUS, "-"))


def _adds_up(lines: Sequence[Line | OwnerLine]) -> bool:
    *parts, total = lines
    return sum(_minor(line.amount) for line in parts) == _minor(total.amount)


def _nodes(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _nodes(node.children)


def test_shown_figures_add_up_at_every_level_of_the_drill_down(account: Account) -> None:
    opened = [node for node in _nodes(account.owners.nodes) if node.children]

    assert {node.level for node in _nodes(account.owners.nodes)} == {
        "cost centre",
        "team",
        "project",
        "suspense",
    }
    for node in opened:
        parts = [
            *(child.line for child in node.children),
            *([node.rounding] if node.rounding else []),
        ]
        assert sum(_minor(part.amount) for part in parts) == _minor(node.line.amount)
        for name in ("listed", "discount", "contracted", "prior"):
            shown = [_minor(getattr(part, name)) for part in parts]
            assert sum(shown) == _minor(getattr(node.line, name))


def test_list_less_discount_is_contracted_on_every_line_as_shown(account: Account) -> None:
    lines = [node.line for node in _nodes(account.owners.nodes)] + list(account.owners.foot)

    assert len(lines) > 20
    for line in lines:
        assert _minor(line.listed) - _minor(line.discount) == _minor(line.contracted)
    assert any(_minor(line.discount) for line in lines)


def test_the_drill_down_ends_with_the_total_of_the_cover(account: Account) -> None:
    tops = [*(node.line for node in account.owners.nodes), *account.owners.foot]

    assert _adds_up(tops)
    assert account.owners.foot[-1].amount == account.total


def test_every_table_adds_up_to_the_same_total(account: Account) -> None:
    tables = (account.summary, account.by_model.lines, account.by_meter.lines)

    assert all(_adds_up(table) for table in tables)
    assert {table[-1].amount for table in tables} == {account.total}


def test_every_month_of_the_teams_adds_up(account: Account) -> None:
    *parts, total = account.trend.rows

    assert account.trend.months[0] == "May 2026"
    for place, whole in enumerate(total.amounts):
        assert sum(_minor(part.amounts[place]) for part in parts) == _minor(whole)
    assert total.amounts[-1] == account.total


def test_a_tie_out_adds_up_as_shown(account: Account) -> None:
    invoiced, awaited = account.tie_outs

    assert (invoiced.verdict, awaited.verdict) == ("ties", "no invoice yet")
    assert _adds_up(invoiced.lines)
    assert _adds_up(awaited.lines)


def test_what_is_owed_is_told_with_what_it_is_for_before_the_invoice_comes() -> None:
    ledger = LedgerSide(
        "deepseek",
        "acme",
        "USD",
        22_550_000_000,
        settled=((InvoiceCategory.CREDIT, -20_000_000_000),),
        drawn_nanos=-20_000_000_000,
        agreed=((InvoiceCategory.SEATS, 5_000_000_000),),
        unpriced=(("input_uncached", 240_000),),
    )
    snapshot = snapshot_of(
        lines_of({"amount_nanos": 22_550_000_000}), tie_outs=tie_out(PERIOD, [ledger], [])
    )

    [account] = chargeback_report(snapshot).accounts

    [tie] = account.tie_outs
    assert (tie.owed, tie.invoiced) == ("7.55", "")
    assert [(line.label, line.amount) for line in tie.lines] == [
        ("priced from usage", "22.55"),
        ("credit: settled by rate card", f"{MINUS}20.00"),
        ("seats", "5.00"),
        ("Owed", "7.55"),
    ]
    # The open points name meters as a reader knows them; once is enough.
    assert tie.remarks == ("usage without a rate has no amount here; the open points list it",)


def test_a_difference_without_a_reason_is_an_open_point() -> None:
    line = InvoiceLine(2, InvoiceCategory.USAGE, "usage", 9_000_000_000)
    bill = Invoice("INV-1", "openai", "acme", PERIOD, "USD", (line,))
    ties = tie_out(PERIOD, [LedgerSide("openai", "acme", "USD", 10**9)], [bill])
    snapshot = snapshot_of(lines_of({"amount_nanos": 10**9, "list_nanos": 10**9}), tie_outs=ties)

    [account] = chargeback_report(snapshot).accounts

    assert not account.is_settled
    assert [(line.label, line.note, line.amount) for line in account.unexplained] == [
        ("openai", "invoice INV-1", "8.00"),
        ("Total", "", "8.00"),
    ]


def test_unpriced_usage_is_listed_with_its_quantity_and_its_reason(account: Account) -> None:
    no_rate = "the model has no rate for this meter"

    told = [(row.model, row.meter, row.quantity, row.reason, row.days) for row in account.unpriced]

    assert told == [
        ("gpt-6-preview", "Input, not cached", "8,113,270", no_rate, "2026-10-05"),
        ("gpt-6-preview", "Output", "911,204", no_rate, "2026-10-09"),
    ]


def test_unattributed_spend_is_listed_and_in_the_total(account: Account) -> None:
    [line, total] = account.unattributed

    assert (line.label, line.note, line.amount) == ("gpt-5", "openai · acme", "206.40")
    assert total.amount == "206.40"
    assert account.owners.nodes[-1].line.label == "Unattributed"


def test_the_cover_says_what_is_provisional_and_what_corrects_earlier_periods(
    account: Account,
) -> None:
    asides = {line.label: line.amount for line in account.asides}

    assert asides["of which corrections of earlier periods"] == f"{MINUS}0.01"
    assert asides["of which provisional"] == account.provisional[-1].amount
    assert "September 2026" in asides


def test_an_owner_who_stopped_spending_still_shows_the_month_before() -> None:
    earlier = {
        "period": "2026-09",
        "charge_day": date(2026, 9, 3),
        "cost_centre": "CC-9",
        "team": "Gone",
        "project": "Old",
        "currency": "USD",
        "amount_nanos": 7 * 10**9,
    }
    snapshot = snapshot_of(
        lines_of({"amount_nanos": 10**9}),
        earlier=History.of({name: [earlier[name]] for name in HISTORY_SCHEMA.names}),
    )

    [account] = chargeback_report(snapshot).accounts

    shown = [(node.line.label, node.line.prior, node.line.amount) for node in account.owners.nodes]
    assert shown == [("CC-1", NIL, "1.00"), ("CC-9", "7.00", NIL)]
    assert account.change == f"{MINUS}85.7 %"


def test_two_currencies_are_two_accounts_and_never_one_sum() -> None:
    lines = lines_of(
        {"currency": "EUR", "amount_nanos": 2 * 10**9}, {"currency": "USD", "amount_nanos": 10**9}
    )

    report = chargeback_report(snapshot_of(lines))

    assert report.currency == "USD and EUR, never added up"
    assert [(account.currency, account.total) for account in report.accounts] == [
        ("USD", "1.00"),
        ("EUR", "2.00"),
    ]


def test_a_period_without_a_line_is_a_report_of_nil() -> None:
    report = chargeback_report(snapshot_of(lines_of(), status=ReportStatus.FINAL))

    [account] = report.accounts
    assert (account.total, account.owners.nodes, account.is_settled) == (NIL, (), True)


def test_a_report_is_settled_only_when_nothing_waits() -> None:
    snapshot = snapshot_of(lines_of({"amount_nanos": 10**9}))

    [settled] = chargeback_report(snapshot).accounts
    [held] = chargeback_report(replace(snapshot, quarantined=1)).accounts
    [open_] = chargeback_report(company()).accounts
    assert (settled.is_settled, held.is_settled, open_.is_settled) == (True, False, False)


def test_a_missing_team_is_said_and_not_left_blank() -> None:
    lines = lines_of({"team": None, "project": "", "amount_nanos": 10**9})

    [account] = chargeback_report(snapshot_of(lines)).accounts

    [cost_centre] = account.owners.nodes
    [team] = cost_centre.children
    assert (team.line.label, team.is_named) == ("no team named", False)
    assert team.children[0].line.label == "no project named"
    assert [panel.label for panel in account.trend.panels] == ["no team named"]


def test_many_small_teams_do_not_flatten_the_panels_of_the_large_ones() -> None:
    rows = [{"team": f"Team {n:02d}", "amount_nanos": (100 - n) * 10**9} for n in range(40)]

    [account] = chargeback_report(snapshot_of(lines_of(*rows))).accounts

    *singly, rest = account.trend.panels
    assert [panel.label for panel in singly] == [f"Team {n:02d}" for n in range(7)]
    assert (rest.label, rest.note) == ("33 other teams", "own scale · 78.9 %")
    assert len(account.trend.rows) == 41
