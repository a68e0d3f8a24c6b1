"""The journal balances to the cent, names its lines by what they are for, and imports anywhere."""

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.core.closing.journal import (
    ChartOfAccounts,
    EntryKind,
    JournalEntry,
    Transfer,
    journal_entries,
)
from metering.core.ledger import UNATTRIBUTED, owner_account, prepaid_account, provider_account
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod
from metering.reporting.faces.journal import Journal, JournalTemplate, journal_csv
from tests.support.reporting_specimen import HOSTILE_NAMES

_OCTOBER = BillingPeriod(2026, 10)
_CHART = ChartOfAccounts(
    expense="6420",
    suspense="1999",
    clearing="2190",
    prepaid="1400",
    expense_of={"CC-2": "6430"},
    clearing_of={"openai": "2191"},
    entity="1000",
)
_CENT = 10_000_000


def _charged(
    nanos: int,
    cost_centre: str = "CC-1",
    provider: str = "anthropic",
    *,
    project: str = "p",
    currency: str = "USD",
    corrects: str = "",
) -> Transfer:
    owner = owner_account(Owner(team="t", project=project, cost_centre=cost_centre))
    return Transfer(
        owner if cost_centre else UNATTRIBUTED,
        provider_account(provider, "default"),
        currency,
        corrects,
        nanos,
    )


def _entries(*charges: Transfer, closed: bool = False) -> tuple[JournalEntry, ...]:
    return journal_entries(_OCTOBER, charges, _CHART, closed=closed)


def test_an_open_period_is_accrued_and_reversed_on_the_first_of_the_next() -> None:
    accrual, reversal = _entries(_charged(5 * _CENT))
    assert (accrual.kind, accrual.booked_on) == (EntryKind.ACCRUAL, date(2026, 10, 31))
    assert (reversal.kind, reversal.booked_on) == (EntryKind.REVERSAL, date(2026, 11, 1))
    assert [(line.debit, line.credit) for line in accrual.lines] == [(5, 0), (0, 5)]
    assert [(line.debit, line.credit) for line in reversal.lines] == [(0, 5), (5, 0)]


def test_a_closed_period_has_its_actual_entry_alone() -> None:
    (actual,) = _entries(_charged(5 * _CENT), closed=True)
    assert actual.kind is EntryKind.ACTUAL


def test_lines_go_to_the_accounts_of_cost_centre_and_provider() -> None:
    (actual,) = _entries(
        _charged(5 * _CENT, "CC-2", "openai"), _charged(7 * _CENT, ""), closed=True
    )
    assert [(line.account, line.cost_centre, line.debit) for line in actual.lines[:2]] == [
        ("1999", "", 7),
        ("6430", "CC-2", 5),
    ]
    assert [(line.account, line.holder, line.credit) for line in actual.lines[2:]] == [
        ("2190", "anthropic/default", 7),
        ("2191", "openai/default", 5),
    ]


def test_what_is_given_back_is_a_credit() -> None:
    (actual,) = _entries(_charged(-5 * _CENT), closed=True)
    assert [(line.account, line.debit, line.credit) for line in actual.lines] == [
        ("2190", 5, 0),
        ("6420", 0, 5),
    ]


def test_credit_bought_is_an_asset_that_usage_draws_on() -> None:
    credit = prepaid_account("block")
    owed = provider_account("openai", "default")
    bought = Transfer(credit, owed, "USD", "", 100 * _CENT)
    drawn = Transfer(owed, credit, "USD", "", 30 * _CENT)
    (actual,) = _entries(bought, drawn, _charged(30 * _CENT, "CC-1", "openai"), closed=True)
    assert [(line.account, line.holder, line.debit, line.credit) for line in actual.lines] == [
        ("1400", "prepaid:block", 70, 0),
        ("6420", "", 30, 0),
        ("2191", "openai/default", 0, 100),
    ]


def test_currencies_are_entries_of_their_own() -> None:
    found = _entries(_charged(5 * _CENT), _charged(3 * 10**9, currency="JPY"), closed=True)
    assert [(entry.currency, entry.total) for entry in found] == [("JPY", 3), ("USD", 5)]


def test_a_correction_is_a_line_of_its_own() -> None:
    (actual,) = _entries(_charged(5 * _CENT), _charged(2 * _CENT, corrects="2026-09"), closed=True)
    assert [(line.corrects, line.debit) for line in actual.lines if line.debit] == [
        ("", 5),
        ("2026-09", 2),
    ]


def test_the_id_of_a_line_does_not_depend_on_its_amount() -> None:
    one, other = (_entries(_charged(nanos), closed=True)[0] for nanos in (5 * _CENT, 9 * _CENT))
    assert [line.external_id for line in one.lines] == [line.external_id for line in other.lines]
    assert len({line.external_id for line in one.lines}) == len(one.lines)


_CHARGES = st.builds(
    _charged,
    st.integers(-(10**12), 10**12),
    st.sampled_from(["CC-1", "CC-2", ""]),
    st.sampled_from(["openai", "anthropic"]),
    project=st.sampled_from(["", "p", "q"]),
    currency=st.sampled_from(["USD", "JPY"]),
    corrects=st.sampled_from(["", "2026-09"]),
)


@given(st.lists(_CHARGES, max_size=20), st.booleans())
def test_every_entry_balances_and_nothing_is_left_out(
    charges: list[Transfer], closed: bool
) -> None:
    found = _entries(*charges, closed=closed)
    for entry in found:
        assert entry.total == sum(line.credit for line in entry.lines)
        assert all((line.debit > 0) != (line.credit > 0) for line in entry.lines)
        ids = [line.external_id for line in entry.lines]
        assert len(set(ids)) == len(ids)
    for entry in found:
        if entry.kind is EntryKind.REVERSAL:
            continue
        step = _CENT if entry.currency == "USD" else 10**9
        whole = sum(one.nanos for one in charges if one.currency == entry.currency)
        expenses = ("6420", "6430", "1999")
        net = sum(line.debit - line.credit for line in entry.lines if line.account in expenses)
        assert abs(net * step - whole) < step * len(entry.lines)


def _journal(*charges: Transfer, closed: bool = False) -> Journal:
    return Journal(_OCTOBER, "1000", "abc", _entries(*charges, closed=closed))


def _number(text: str) -> Decimal:
    return Decimal(text.replace(",", ".")) if text else Decimal(0)


@pytest.mark.parametrize("template", JournalTemplate)
@pytest.mark.parametrize("decimal", [".", ","])
def test_every_layout_is_a_table_that_balances(template: JournalTemplate, decimal: str) -> None:
    journal = _journal(_charged(123_456 * _CENT), _charged(7 * _CENT, ""), _charged(-_CENT, "CC-2"))
    text = journal_csv(journal, template, decimal).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    own_reversal = template in (JournalTemplate.GENERIC, JournalTemplate.QUICKBOOKS)
    lines = [
        line
        for entry in journal.entries
        for line in entry.lines
        if own_reversal or entry.kind is not EntryKind.REVERSAL
    ]
    assert len(rows) == len(lines)
    assert None not in rows[0]
    if template is JournalTemplate.SAP:
        sums = {
            key: sum(_number(row["WRBTR"]) for row in rows if row["BSCHL"] == key)
            for key in ("40", "50")
        }
        assert sums["40"] == sums["50"] > 1234
        assert {row["STODT"] for row in rows} == {"20261101"}
        return
    names = list(rows[0])
    debit = next(name for name in names if name.lower().startswith("debit"))
    credit = next(name for name in names if name.lower().startswith("credit"))
    assert sum(_number(row[debit]) for row in rows) == sum(_number(row[credit]) for row in rows)
    assert f"1234{decimal}56" in {row[debit] for row in rows}


@pytest.mark.parametrize("template", JournalTemplate)
def test_a_closed_period_is_never_reversed(template: JournalTemplate) -> None:
    text = journal_csv(_journal(_charged(5 * _CENT), closed=True), template).decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == 3
    assert not [cell for row in rows[1:] for cell in row if "11/01" in cell or "20261101" in cell]


@pytest.mark.parametrize("template", JournalTemplate)
def test_a_name_is_neither_a_formula_nor_another_row(template: JournalTemplate) -> None:
    names = [*HOSTILE_NAMES, "=1+1", "a\nb", 'a"b,c']
    journal = _journal(
        *(_charged(5 * _CENT, name, project=name, provider=name) for name in names), closed=True
    )
    text = journal_csv(journal, template).decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert len(rows) == 1 + len(journal.entries[0].lines)
    assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+@\t\r")]


def test_a_reversal_is_of_the_period_of_its_date() -> None:
    text = journal_csv(_journal(_charged(5 * _CENT)), JournalTemplate.GENERIC).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {(row["entry"], row["date"], row["period"]) for row in rows} == {
        ("accrual", "2026-10-31", "2026-10"),
        ("reversal", "2026-11-01", "2026-11"),
    }


def test_a_template_of_the_company_takes_the_place_of_ours(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "sap.csv.j2").write_text(
        "{% for entry in journal.entries %}\n"
        "{{ [entry.kind.value, 'a, b'] | row }}\n"
        "{% endfor %}\n",
        encoding="utf-8",
    )
    journal = _journal(_charged(5 * _CENT), closed=True)

    assert journal_csv(journal, JournalTemplate.SAP, own=tmp_path) == b'actual,"a, b"\r\n'
    ours = journal_csv(journal, JournalTemplate.GENERIC)
    assert journal_csv(journal, JournalTemplate.GENERIC, own=tmp_path) == ours
