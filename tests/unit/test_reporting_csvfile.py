"""The chargeback file is exact, honest about what is unknown, and safe in a spreadsheet."""

import csv
import io
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from metering.core.money import nanos_from_decimal_text
from metering.reporting.faces.csvfile import COLUMNS, chargeback_csv, spreadsheet_safe
from metering.reporting.snapshot import ChargeLines, ReportStatus, Snapshot
from metering.reporting.words import shown_name
from tests.support.reporting_specimen import HOSTILE_NAMES, company, lines_of, snapshot_of


def _read(snapshot: Snapshot) -> list[dict[str, str]]:
    text = chargeback_csv(snapshot).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_columns_are_those_that_finance_was_promised() -> None:
    header = chargeback_csv(company()).split(b"\r\n", 1)[0].decode()

    assert header == (
        "period,status,entity,cost_centre,cost_centre_owner,gl_account,project,capex_opex,"
        "cogs_or_rnd,provider,invoice_id,charge_category,service,model,token_class,quantity,unit,"
        "list_cost,contracted_cost,discount,markup,pricing_currency,fx_rate,fx_rate_date,"
        "billed_cost,booking_currency,allocation_type,allocation_rule_id,rule_version,"
        "price_version,source_batch,correction_of,outcome_count,snapshot_id"
    )


def test_the_file_adds_up_to_the_control_total() -> None:
    snapshot = company()

    billed = sum(nanos_from_decimal_text(row["billed_cost"] or "0") for row in _read(snapshot))

    assert {"USD": billed} == snapshot.lines.control_totals()


def test_list_less_discount_plus_markup_is_what_is_contracted() -> None:
    rows = [row for row in _read(company()) if row["list_cost"]]
    figures = [[nanos_from_decimal_text(row[name]) for name in COLUMNS[17:21]] for row in rows]

    assert len(rows) > 50
    assert all(
        listed - discount + markup == contracted for listed, contracted, discount, markup in figures
    )
    assert any(discount for _, _, discount, _ in figures)


def test_a_line_says_what_it_is() -> None:
    row = {"quantity": 12, "amount_nanos": 1_500_000_000, "list_nanos": 2_000_000_000}

    [written] = _read(snapshot_of(lines_of(row), rules_version=4))

    assert {name: value for name, value in written.items() if value} == {
        "period": "2026-10",
        "status": "estimate",
        "cost_centre": "CC-1",
        "cost_centre_owner": "Team",
        "project": "Project",
        "provider": "openai",
        "charge_category": "Usage",
        "service": "openai-api",
        "model": "gpt-5",
        "token_class": "output",
        "quantity": "12",
        "unit": "tokens",
        "list_cost": "2",
        "contracted_cost": "1.5",
        "discount": "0.5",
        "markup": "0",
        "pricing_currency": "USD",
        "billed_cost": "1.5",
        "booking_currency": "USD",
        "allocation_type": "direct",
        "allocation_rule_id": "by key",
        "rule_version": "4",
        "price_version": "openai-list v1",
        "snapshot_id": "9f2c61d07ab4",
    }


def test_an_unknown_price_is_empty_and_a_price_of_zero_is_zero() -> None:
    lines = lines_of(
        {"bearer": "unpriced", "status": "unpriced", "quantity": 9, "list_nanos": None},
        {"status": "zero_rated", "quantity": 8},
        {"model": "gpt-5-mini", "quantity": 7, "amount_nanos": 10**9, "list_nanos": None},
    )

    shown = {
        row["quantity"]: (row["list_cost"], row["contracted_cost"], row["billed_cost"])
        for row in _read(snapshot_of(lines))
    }

    assert shown == {"9": ("", "", ""), "8": ("0", "0", "0"), "7": ("", "1", "1")}


def test_what_nobody_owns_is_unallocated_and_names_no_cost_centre() -> None:
    lines = lines_of(
        {"bearer": "unattributed", "cost_centre": None, "amount_nanos": 1},
    )

    [row] = _read(snapshot_of(lines))

    assert (row["allocation_type"], row["cost_centre"]) == ("unallocated", "")


def test_a_row_that_corrects_a_closed_period_names_it() -> None:
    lines = lines_of(
        {"charge_day": date(2026, 9, 30), "corrects": "2026-09", "amount_nanos": -1},
        {"charge_day": date(2026, 10, 1), "amount_nanos": 1},
    )

    rows = _read(snapshot_of(lines, status=ReportStatus.FINAL))

    assert sorted((row["status"], row["correction_of"]) for row in rows) == [
        ("correction", "2026-09"),
        ("final", ""),
    ]


def test_the_order_of_the_lines_does_not_change_a_byte() -> None:
    snapshot = company()
    table = snapshot.lines.table
    backwards = table.take(pa.array(range(table.num_rows - 1, -1, -1)))

    shuffled = replace(snapshot, lines=ChargeLines.of(backwards))

    assert chargeback_csv(shuffled) == chargeback_csv(snapshot)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "  =1",
        "\N{NO-BREAK SPACE}@x",
        "\N{FULLWIDTH EQUALS SIGN}1",
    ],
)
def test_a_text_cell_that_could_be_a_formula_gets_an_apostrophe(text: str) -> None:
    assert spreadsheet_safe(text) == "'" + text


@pytest.mark.parametrize(
    "text",
    ["\tx", "\r=1", "\n=1", "\0x", "a\nb", "CC\u202e-1", "CC-1\u200b", "CC\xad-1", "\u061cCC-1"],
)
def test_a_character_that_nobody_sees_is_seen_as_on_the_page(text: str) -> None:
    assert spreadsheet_safe(text) == shown_name(text)
    assert "\N{REPLACEMENT CHARACTER}" in shown_name(text)


@pytest.mark.parametrize("text", ["", "CC-4100", "a=b", "Équipe", "<b>", "👩\u200d💻"])
def test_any_other_text_cell_stays_as_it_is(text: str) -> None:
    assert spreadsheet_safe(text) == text


def test_a_negative_amount_stays_a_number_and_a_negative_name_does_not() -> None:
    [row] = _read(snapshot_of(lines_of({"team": "-5", "amount_nanos": -5 * 10**9})))

    assert (row["cost_centre_owner"], row["billed_cost"]) == ("'-5", "-5")


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_name_is_one_cell(name: str) -> None:
    row = {"cost_centre": name, "team": name, "project": name, "model": name, "amount_nanos": 1}

    [written] = _read(snapshot_of(lines_of(row)))

    assert {
        written[column].removeprefix("'") for column in ("cost_centre", "project", "model")
    } == {shown_name(name)}
