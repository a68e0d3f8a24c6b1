"""True-ups and disputes from the command line: decided, posted, taken back, and never edited."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from metering.settings import FILE_NAME, Settings
from tests.support.command_line import done, metering, told
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest_and_post

_OPENAI = "usage/openai/completions-2026-10.json"
_MONTH = "2026-10"


@pytest.fixture
def ledger(tmp_path: Path) -> Settings:
    settings = fresh_ledger(tmp_path / "ledger")
    ingest_and_post(settings, [SAMPLE / _OPENAI])
    return settings


def _tie(ledger: Settings) -> dict[str, Any]:
    (tie,) = [one for one in told(ledger, "tie-out", _MONTH) if one["provider"] == "openai"]
    return dict(tie)


def _charged(ledger: Settings) -> int:
    (period,) = [one for one in told(ledger, "period", "list") if one["period"] == _MONTH]
    return int(period["billed_nanos"])


def test_a_true_up_brings_the_book_to_the_invoice_and_back(ledger: Settings) -> None:
    before = _charged(ledger)
    invoices = str(SAMPLE / "invoices" / "invoices-2026-10.csv")
    done(ledger, "invoices", "ingest", invoices)

    decided = metering(
        ledger, "invoices", "true-up", _MONTH, "--account", "openai/default", "--reason", "final"
    )
    assert decided.exit_code == 0, decided.output
    assert _charged(ledger) == before  # the decision alone charges nothing
    done(ledger, "post")
    tie = _tie(ledger)
    assert _charged(ledger) == tie["invoiced_nanos"]
    assert any("the book holds what is invoiced" in note for note in tie["notes"])
    done(ledger, "verify", "--full")

    again = told(ledger, "invoices", "true-up", _MONTH, "--reason", "final")
    assert not [one for one in again if one["provider"] == "openai" and one["recorded"]]
    done(ledger, "invoices", "true-up", _MONTH, "--undo", "--reason", "wrong invoice")
    done(ledger, "post")
    assert _charged(ledger) == before


def test_a_policy_sends_tax_to_one_owner(ledger: Settings) -> None:
    settings = ledger.home / FILE_NAME
    text = settings.read_text(encoding="utf-8")
    settings.write_text(f'{text}\n[true_up]\ntax = "CC-9000/finance/tax"\n', encoding="utf-8")
    metering(ledger, "invoices", "ingest", str(SAMPLE / "invoices" / "invoices-2026-10.csv"))

    (decided,) = [
        one
        for one in told(ledger, "invoices", "true-up", _MONTH, "--reason", "final")
        if one["provider"] == "openai"
    ]

    assert [line["bearer"] for line in decided["lines"] if line["reason"] == "tax"] == [
        "owner:CC-9000/finance/tax"
    ]


def test_an_account_without_an_invoice_is_refused(ledger: Settings) -> None:
    refused = metering(
        ledger, "invoices", "true-up", _MONTH, "--account", "openai/default", "--reason", "x"
    )
    assert refused.exit_code == 1
    assert "error[not-invoiced]" in refused.stderr


def test_a_dispute_moves_its_amount_and_keeps_the_total(ledger: Settings) -> None:
    before = _charged(ledger)
    cell = f"{_MONTH}/CC-4400/support/helpdesk"
    whole = sum(told(ledger, "explain", cell)["amounts"].values())
    (opened,) = told(
        ledger,
        "dispute",
        "open",
        cell,
        "--reason",
        "not ours",
        "--owner",
        "finops",
        "--deadline",
        "2026-11-30",
        "--amount",
        "10.50",
    )
    assert (opened["state"], opened["amount_nanos"]) == ("open", 10_500_000_000)

    (settled,) = told(
        ledger, "dispute", "accept", "1", "--to", "CC-4200/platform/build-farm", "--note", "theirs"
    )
    assert settled["state"] == "accepted"
    done(ledger, "post")
    assert _charged(ledger) == before
    assert sum(told(ledger, "explain", cell)["amounts"].values()) == whole - 10_500_000_000
    moved = told(ledger, "explain", f"{_MONTH}/CC-4200/platform/build-farm")
    assert 10_500_000_000 in [one["amount_nanos"] for one in moved["explained"]]
    done(ledger, "verify", "--full")

    again = metering(ledger, "dispute", "reject", "1", "--note", "too late")
    assert again.exit_code == 1
    assert "error[dispute-settled]" in again.stderr


@pytest.mark.parametrize("amount", ["0", "-1", "99999999", "many"])
def test_what_is_no_part_of_the_amount_is_not_disputable(ledger: Settings, amount: str) -> None:
    refused = metering(
        ledger,
        "dispute",
        "open",
        f"{_MONTH}/CC-4400",
        "--reason",
        "x",
        "--owner",
        "y",
        "--amount",
        amount,
    )
    assert refused.exit_code == 1
    assert "error[not-disputable]" in refused.stderr


def test_a_dispute_nobody_opened_is_unknown(ledger: Settings) -> None:
    refused = metering(ledger, "dispute", "withdraw", "7", "--note", "x")
    assert refused.exit_code == 1
    assert "error[unknown-dispute]" in refused.stderr


def _dispute(ledger: Settings, cell: str) -> None:
    done(ledger, "dispute", "open", cell, "--reason", "not ours", "--owner", "finops")


def _accept(ledger: Settings, number: int) -> Result:
    to = "CC-4200/platform/build-farm"
    return metering(ledger, "dispute", "accept", number, "--to", to, "--note", "theirs")


@pytest.mark.parametrize("is_posted", [True, False])
@pytest.mark.parametrize("second", ["CC-4400/support/helpdesk", "CC-4400"])
def test_an_amount_moves_once_whoever_disputes_it(
    ledger: Settings, second: str, *, is_posted: bool
) -> None:
    _dispute(ledger, f"{_MONTH}/CC-4400")
    _dispute(ledger, f"{_MONTH}/{second}")
    assert _accept(ledger, 1).exit_code == 0
    if is_posted:
        done(ledger, "post")

    again = _accept(ledger, 2)

    assert again.exit_code == 1
    assert "error[not-disputable]" in again.stderr
    assert [one["state"] for one in told(ledger, "dispute", "list")] == ["accepted", "open"]


def test_what_is_charged_nothing_is_not_disputable(ledger: Settings) -> None:
    _dispute(ledger, f"{_MONTH}/CC-4400")
    _accept(ledger, 1)
    done(ledger, "post")

    refused = metering(
        ledger, "dispute", "open", f"{_MONTH}/CC-4400", "--reason", "x", "--owner", "y"
    )

    assert refused.exit_code == 1
    assert "0.00 is no part of the 0.00" in refused.stderr


def test_a_decision_says_who_decided_it_and_what_it_rests_on(ledger: Settings) -> None:
    _dispute(ledger, f"{_MONTH}/CC-4400")
    _accept(ledger, 1)
    done(ledger, "post")

    (moved,) = [
        one
        for one in told(ledger, "explain", f"{_MONTH}/CC-4200/platform/build-farm")["explained"]
        if one["meter"] == "dispute"
    ]
    shown = done(ledger, "explain", f"{_MONTH}/CC-4200/platform/build-farm/")

    assert moved["decided"].endswith(": theirs")
    assert "charge     Moved by a dispute, 2026-10-31" in shown
    assert "rests on   dispute 1" in shown


def test_what_was_decided_about_a_closed_month_says_so(ledger: Settings) -> None:
    done(ledger, "period", "close", _MONTH)
    done(ledger, "invoices", "ingest", SAMPLE / "invoices" / "invoices-2026-10.csv")
    done(ledger, "invoices", "true-up", _MONTH, "--account", "openai/default", "--reason", "final")
    _dispute(ledger, f"{_MONTH}/CC-4400/support/helpdesk")
    _accept(ledger, 1)
    done(ledger, "post")

    corrected = told(ledger, "period", "show", _MONTH)["corrections"]

    assert {one["reason"] for one in corrected} == {"true-up", "dispute"}


def test_a_month_without_invoices_has_nothing_to_true_up(ledger: Settings) -> None:
    refused = metering(ledger, "invoices", "true-up", _MONTH, "--reason", "final")
    assert refused.exit_code == 1
    assert "error[not-invoiced]: no invoice of that month" in refused.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("invoices", "true-up", _MONTH, "--reason", " "),
        ("dispute", "open", _MONTH, "--owner", "finops", "--reason", ""),
        ("dispute", "open", _MONTH, "--owner", " ", "--reason", "x"),
        ("dispute", "accept", "1", "--note", " "),
        ("owners", "reveal", "person-0123456789abcdef", "--reason", " "),
        ("findings", "dismiss", "0123abcd", "--note", " "),
    ],
)
def test_a_reason_is_not_blank(ledger: Settings, arguments: tuple[str, ...]) -> None:
    assert "it is empty" in metering(ledger, *arguments).stderr


_TYPED = "invoice_id,provider,billing_account,period,category,description,amount,currency\n"


def _ingest_invoice(ledger: Settings, amount: str, number: str = "OAI-7") -> dict[str, Any]:
    path = ledger.home / f"invoice-{amount}.csv"
    path.write_text(
        f"{_TYPED}{number},openai,default,{_MONTH},usage,October,{amount},USD\n", encoding="utf-8"
    )
    (receipt,) = told(ledger, "invoices", "ingest", path)
    return dict(receipt)


def _cancel(ledger: Settings, *more: str) -> None:
    done(ledger, "invoices", "cancel", "openai", "OAI-7", "--reason", "mistyped", *more)


def test_a_cancelled_invoice_counts_nowhere_and_its_number_is_free(ledger: Settings) -> None:
    _ingest_invoice(ledger, "11.00")
    before = told(ledger, "verify")["ledger_hash"]

    _cancel(ledger)

    assert _tie(ledger)["invoice_ids"] == []
    assert _ingest_invoice(ledger, "10.00")["recorded"]
    assert (_tie(ledger)["invoice_ids"], _tie(ledger)["invoiced_nanos"]) == (["OAI-7"], 10**10)
    assert [
        (one["total_nanos"], one["state"], one["reason"])
        for one in told(ledger, "invoices", "list", _MONTH)
    ] == [(11 * 10**9, "cancelled", "mistyped"), (10**10, "in-force", None)]
    assert told(ledger, "verify", "--full")["sound"]
    assert told(ledger, "verify")["ledger_hash"] == before


def test_reading_the_file_of_a_cancelled_invoice_again_changes_nothing(ledger: Settings) -> None:
    _ingest_invoice(ledger, "11.00")
    _cancel(ledger)

    again = _ingest_invoice(ledger, "11.00")

    assert (again["recorded"], again["cancelled"]) == (False, True)
    assert _tie(ledger)["invoice_ids"] == []
    _cancel(ledger, "--undo")
    assert _tie(ledger)["invoiced_nanos"] == 11 * 10**9


def test_of_one_number_one_invoice_is_in_force(ledger: Settings) -> None:
    _ingest_invoice(ledger, "11.00")
    _cancel(ledger)
    _ingest_invoice(ledger, "10.00")

    refused = metering(ledger, "invoices", "cancel", "openai", "OAI-7", "--reason", "no", "--undo")

    assert refused.exit_code == 1
    assert "error[conflicting-invoice]" in refused.stderr
    assert _tie(ledger)["invoiced_nanos"] == 10**10


def test_what_was_trued_up_to_a_cancelled_invoice_is_taken_back(ledger: Settings) -> None:
    before = _charged(ledger)
    _ingest_invoice(ledger, "9999.00")
    done(ledger, "invoices", "true-up", _MONTH, "--reason", "final")
    done(ledger, "post")
    assert _charged(ledger) == 9_999 * 10**9
    run = told(ledger, "audit")[-1]["run_id"]

    _cancel(ledger)
    done(ledger, "invoices", "true-up", _MONTH, "--reason", "it was no invoice of ours")
    done(ledger, "post")

    assert _charged(ledger) == before
    assert told(ledger, "invoices", "list", "--as-of", run)[0]["state"] == "in-force"
    assert "no invoice of 2024-01 is recorded" in done(ledger, "invoices", "list", "2024-01")
