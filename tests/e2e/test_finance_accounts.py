"""What finance books by: accounts and classes on the day, frozen with the month; exchange rates."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from metering.core.periods import BillingPeriod
from metering.reporting.faces.journal import JournalTemplate
from metering.settings import Settings
from metering.workflows.closing.close import close_period
from metering.workflows.closing.journal import write_journal
from metering.workflows.closing.refusals import RefusalCode
from metering.workflows.posting.post import post
from metering.workflows.pricing.card_imports import import_card
from metering.workflows.pricing.fx import import_fx
from metering.workflows.reports.report import ReportFormat, report_chargeback
from tests.support.ledgers import fresh_ledger, ingest, run, take_owners
from tests.support.messages_pages import OPUS, messages_page

OCTOBER = BillingPeriod(2026, 10)
ACCEPT_ALL = dict.fromkeys(RefusalCode, "a test")
OWNERS = """\
key,person,team,project,cost_centre,valid_from,valid_to
key_a,Ana,payments,refunds,CC-1,,
key_b,,search,,CC-2,,
"""
CENTRES = """\
cost_centre,owner,gl_account,capex_opex,cogs_or_rnd,valid_from,valid_to
CC-1,dana@example.com,6420,opex,cogs,,2026-10-16
CC-1,dana@example.com,6430,opex,rnd,2026-10-16,
"""
PROJECTS = "project,team,cost_centre,gl_account,capex_opex\nrefunds,payments,CC-1,,capex\n"
MICROS = 1_000_000


@pytest.fixture
def ledger(tmp_path: Path) -> Settings:
    settings = fresh_ledger(tmp_path / "ledger")
    take_owners(settings, owners=OWNERS, cost_centres=CENTRES, projects=PROJECTS, rules="# none\n")
    return settings


def use(settings: Settings) -> None:
    days = {
        day: {(key, OPUS): tokens * MICROS for key, tokens in used.items()}
        for day, used in (("2026-10-15", {"key_a": 1, "key_b": 2}), ("2026-10-16", {"key_a": 4}))
    }
    ingest(settings, messages_page(settings.home / "page.json", days))
    post(settings, run("post"))


def rows_of(settings: Settings) -> list[dict[str, str]]:
    folder = settings.home / "reports"
    (path,) = report_chargeback(settings, OCTOBER, folder, (ReportFormat.CSV,)).paths
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def booked(settings: Settings) -> list[tuple[str, ...]]:
    names = ("cost_centre", "cost_centre_owner", "gl_account", "capex_opex", "cogs_or_rnd")
    return [(*(row[name] for name in names), row["billed_cost"]) for row in rows_of(settings)]


def journal(settings: Settings) -> list[tuple[str, str, str]]:
    written = write_journal(settings, OCTOBER, settings.home, JournalTemplate.GENERIC)
    rows = csv.DictReader(io.StringIO(written.path.read_text(encoding="utf-8"), newline=""))
    return [
        (row["gl_account"], row["cost_centre"], row["debit"])
        for row in rows
        if float(row["debit"] or 0) and row["entry"] != "reversal"
    ]


CHANGED = [
    ("CC-1", "dana@example.com", "6420", "capex", "cogs", "25"),
    ("CC-1", "dana@example.com", "6430", "capex", "rnd", "100"),
    ("CC-2", "search", "", "", "", "50"),
]


def test_an_account_that_changes_within_the_month_makes_two_rows(ledger: Settings) -> None:
    use(ledger)

    assert sorted(booked(ledger)) == CHANGED


def test_the_journal_books_on_the_same_accounts(ledger: Settings) -> None:
    use(ledger)

    assert sorted(journal(ledger)) == [
        ("6420", "CC-1", "25.00"),
        ("6430", "CC-1", "100.00"),
        ("AI usage expense", "CC-2", "50.00"),
    ]


def test_what_the_directory_does_not_say_metering_toml_does(ledger: Settings) -> None:
    use(ledger)
    said = {"expense_accounts": {"CC-1": "9999", "CC-2": "6600"}}
    told = replace(ledger, journal=said)

    assert [row[2] for row in sorted(booked(told))] == ["6420", "6430", "6600"]
    assert sorted(account for account, _, _ in journal(told)) == ["6420", "6430", "6600"]


def test_a_closed_month_keeps_its_accounts_and_versions(ledger: Settings) -> None:
    use(ledger)
    close_period(ledger, run("period close"), OCTOBER, accept=ACCEPT_ALL)
    before, journal_before = rows_of(ledger), journal(ledger)

    moved = OWNERS.replace("key_a,Ana,payments,refunds,CC-1", "key_new,Ana,search,,CC-2")
    take_owners(ledger, owners=moved, cost_centres=CENTRES.replace("6420", "7000"))
    posted = post(ledger, run("post"))

    assert posted.postings == 0
    assert without_snapshot(rows_of(ledger)) == without_snapshot(before)
    assert journal(ledger) == journal_before


def without_snapshot(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Leave out the id, which is that of the whole book and not of the month."""
    return [{name: said for name, said in row.items() if name != "snapshot_id"} for row in rows]


def test_a_rotated_and_a_deleted_key_leave_a_closed_month_byte_for_byte(ledger: Settings) -> None:
    use(ledger)
    closed = close_period(ledger, run("period close"), OCTOBER, accept=ACCEPT_ALL)
    folder = ledger.home / "reports"
    formats = tuple(ReportFormat)
    as_of = str(closed.run_id)

    def bytes_of() -> list[bytes]:
        written = report_chargeback(ledger, OCTOBER, folder, formats, as_of=as_of)
        return [path.read_bytes() for path in written.paths]

    before = bytes_of()
    take_owners(ledger, owners=OWNERS.replace("key_a", "key_rotated"))
    assert post(ledger, run("post")).postings == 0
    take_owners(ledger, owners=OWNERS.splitlines()[0] + "\n")
    assert post(ledger, run("post")).postings == 0

    assert bytes_of() == before


def test_the_json_file_adds_up_by_account(ledger: Settings) -> None:
    use(ledger)
    folder = ledger.home / "reports"
    (path,) = report_chargeback(ledger, OCTOBER, folder, (ReportFormat.JSON,)).paths

    (account,) = json.loads(path.read_text(encoding="utf-8"))["accounts"]

    assert [
        (row["cost_centre"], row["gl_account"], row["cogs_or_rnd"], row["billed"])
        for row in account["general_ledger"]
    ] == [
        ("CC-1", "6420", "cogs", "25"),
        ("CC-1", "6430", "rnd", "100"),
        ("CC-2", None, None, "50"),
    ]
    assert account["billed"] == "175"


CARD = """
[card]
name = "contract-anthropic"
kind = "contract"
currency = "EUR"

[[rates]]
provider = "anthropic"
platform = "anthropic-api"
models = ["claude-opus-5"]
from = 2026-01-01T00:00:00Z
prices = { output = "20" }
source = "contract"
read = 2026-11-02
evidence = "contract"
"""
RATES = """\
date,from,to,rate,source
2026-10-15,EUR,USD,1.08,ecb
2026-10-16,EUR,USD,1.10,ecb
"""


def test_converted_money_says_its_rate_and_its_day(ledger: Settings) -> None:
    rates, card = ledger.home / "fx.csv", ledger.home / "card.toml"
    rates.write_text(RATES, encoding="utf-8")
    card.write_text(CARD, encoding="utf-8")
    import_fx(ledger, run("prices fx import"), rates, dry_run=False)
    import_card(ledger, run("prices import"), card, dry_run=False)
    use(ledger)

    names = ("pricing_currency", "fx_rate", "fx_rate_date", "booking_currency", "billed_cost")
    found = sorted(tuple(row[name] for name in names) for row in rows_of(ledger))

    assert found == [
        ("EUR", "1.08", "2026-10-15", "USD", "20"),
        ("EUR", "1.08", "2026-10-15", "USD", "40"),
        ("EUR", "1.10", "2026-10-16", "USD", "80"),
    ]


def test_money_without_a_rate_is_booked_as_it_is(ledger: Settings) -> None:
    use(ledger)

    names = ("fx_rate", "fx_rate_date", "booking_currency")
    assert {tuple(row[name] for name in names) for row in rows_of(ledger)} == {("", "", "USD")}
