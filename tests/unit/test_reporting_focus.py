"""FOCUS files: the rules of the specification that no outside validator looks at."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.core.ledger import UNPRICED, Account, Basis, owner_account
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod
from metering.core.pricing.terms import TermKind
from metering.reporting.focus.columns import FocusVersion, focus_columns
from metering.reporting.focus.dataset import (
    FocusExport,
    FocusLines,
    focus_csv,
    focus_metadata,
    focus_parquet,
    focus_table,
)
from metering.reporting.snapshot import ReportStatus
from metering.reporting.words import shown_name
from tests.support.reporting_specimen import HOSTILE_NAMES

_CACHE_READ = Basis(
    provider="anthropic",
    platform="bedrock",
    billing_account="123456789012",
    product="api",
    model_raw="eu.anthropic.claude-sonnet-4-6-20260217-v1:0",
    model="anthropic.claude-sonnet-4-6",
    meter="cache_read",
    conditions='{"processing":"batch","region":"eu-central-1"}',
    status="priced",
    reason="",
    currency="USD",
    card="contract v2",
    rate_ids=("3726cf8dcdbb87ed", "batch"),
    unit_price_nanos=330_000_000,
    per=1_000_000,
    factor_num=1,
    factor_den=2,
    list_unit_price_nanos=3_300,
    list_per=10,
)
_UNKNOWN = replace(
    _CACHE_READ,
    model="orion-preview-1",
    model_raw="orion-preview-1",
    meter="output",
    conditions="{}",
    status="unpriced",
    reason="no_model",
    rate_ids=(),
    card="",
    unit_price_nanos=None,
    per=None,
    factor_den=1,
    list_unit_price_nanos=None,
    list_per=None,
)
_CREDIT = replace(
    _CACHE_READ, meter=TermKind.CREDIT.value, unit_price_nanos=None, per=None, rate_ids=()
)
_TEAM = owner_account(Owner(team="search", project="p1", cost_centre="CC-1"))
_OCTOBER = BillingPeriod(2026, 10)


def _export(
    rows: Sequence[tuple[Account, Basis, int, int]],
    *,
    corrects: str = "",
    invoices: dict[tuple[str, str, str], str] | None = None,
) -> FocusExport:
    bases = list(dict.fromkeys(row[1] for row in rows))
    accounts = list(dict.fromkeys(row[0] for row in rows))
    return FocusExport(
        period=_OCTOBER,
        status=ReportStatus.ESTIMATE,
        snapshot_id="abc",
        made_at=datetime(2026, 11, 3, 4, 5, 6, tzinfo=UTC),
        lines=FocusLines(
            accounts=accounts,
            bases=bases,
            days=[date(2026, 10, 31)] * len(rows),
            debits=[accounts.index(row[0]) for row in rows],
            reasons=[bases.index(row[1]) for row in rows],
            currencies=["USD"] * len(rows),
            quantities=[row[2] for row in rows],
            billed_nanos=[row[3] for row in rows],
            list_nanos=[0] * len(rows),
            corrects=[corrects] * len(rows),
        ),
        invoices=invoices or {},
    )


def _row(export: FocusExport, version: FocusVersion = FocusVersion.V1_2) -> dict[str, Any]:
    (row,) = focus_table(export, version).to_pylist()
    return dict(row)


@pytest.mark.parametrize(("version", "count"), [(FocusVersion.V1_2, 57), (FocusVersion.V1_4, 65)])
def test_a_file_has_every_column_of_its_version(version: FocusVersion, count: int) -> None:
    names = [column.name for column in focus_columns(version)]
    assert len([name for name in names if not name.startswith("x_")]) == count
    assert len(set(names)) == len(names)
    assert all(len(name) <= 50 for name in names)
    assert focus_table(_export([]), version).column_names == names


def test_the_removed_columns_are_gone_and_the_new_ones_filled() -> None:
    row = _row(_export([(_TEAM, _CACHE_READ, 5, 0)]), FocusVersion.V1_4)
    assert "ProviderName" not in row
    assert "PublisherName" not in row
    assert row["ServiceProviderName"] == row["HostProviderName"] == "Anthropic"


def test_what_a_bill_states_is_counted_in_its_currency_and_never_in_nanos() -> None:
    stated = replace(
        _CACHE_READ,
        meter="billed_nanos",
        unit_price_nanos=1,
        per=1,
        factor_num=1,
        factor_den=1,
        list_unit_price_nanos=None,
        list_per=None,
    )

    row = _row(_export([(_TEAM, stated, 12_340_000_000, 12_340_000_000)]))

    assert row["PricingQuantity"] == row["ConsumedQuantity"] == Decimal("12.34")
    assert row["PricingUnit"] == row["ConsumedUnit"] == "USD"
    assert row["ContractedUnitPrice"] == 1
    assert row["ContractedCost"] == row["ListCost"] == row["BilledCost"] == Decimal("12.34")


def test_a_cost_is_its_price_times_its_quantity_digit_for_digit() -> None:
    row = _row(_export([(_TEAM, _CACHE_READ, 1_250_401, 206_316_165)]))
    assert row["ContractedUnitPrice"] == Decimal("0.165")
    assert row["ListUnitPrice"] == Decimal("0.33")  # quoted for ten, told for a million
    assert row["PricingQuantity"] == Decimal("1.250401")
    assert row["ContractedCost"] == Decimal("0.206316165")
    assert row["ListCost"] == row["ListUnitPrice"] * row["PricingQuantity"]
    assert row["BilledCost"] == row["EffectiveCost"] == Decimal("0.206316165")
    assert (row["PricingUnit"], row["ConsumedUnit"]) == ("1000000 Tokens", "Tokens")
    assert row["ConsumedQuantity"] == 1_250_401


@given(
    st.lists(
        st.tuples(
            st.sampled_from([_CACHE_READ, _UNKNOWN, _CREDIT]),
            st.integers(-(10**15), 10**15),
            st.integers(-(10**17), 10**17),
        ),
        max_size=20,
    )
)
def test_the_billed_costs_are_those_of_the_ledger(rows: list[tuple[Basis, int, int]]) -> None:
    export = _export([(_TEAM, basis, quantity, nanos) for basis, quantity, nanos in rows])
    table = focus_table(export, FocusVersion.V1_2).to_pylist()
    assert sum(row["BilledCost"] for row in table) == Decimal(sum(row[2] for row in rows)).scaleb(
        -9
    )
    for row in table:
        if row["ContractedUnitPrice"] is not None:
            exact = row["ContractedUnitPrice"] * row["PricingQuantity"]
            assert row["ContractedCost"] == exact


def test_periods_are_half_open_and_in_utc() -> None:
    row = _row(_export([(_TEAM, _CACHE_READ, 5, 0)]))
    assert row["ChargePeriodStart"] == datetime(2026, 10, 31, tzinfo=UTC)
    assert row["ChargePeriodEnd"] == row["BillingPeriodEnd"] == datetime(2026, 11, 1, tzinfo=UTC)
    assert row["BillingPeriodStart"] == datetime(2026, 10, 1, tzinfo=UTC)


def test_the_sku_tells_the_model_the_class_the_tier_and_the_rate() -> None:
    row = _row(_export([(_TEAM, _CACHE_READ, 5, 0)]))
    assert row["SkuId"] == "anthropic.claude-sonnet-4-6-cache-read"
    assert row["SkuPriceId"] == f"{row['SkuId']}-batch-eu-central-1-3726cf8dcdbb87ed"
    assert row["SkuMeter"] == "Cache Read Input Tokens"
    details = json.loads(row["SkuPriceDetails"])
    assert details["x_TokenDirection"] == "Input"
    assert details["x_TokenCacheAction"] == "Read"
    assert details["x_ModelDeveloper"] == row["PublisherName"] == "Anthropic"
    assert details["x_ModelVersion"] == "20260217"
    assert all(name.startswith("x_") for name in details)
    assert row["RegionId"] == row["RegionName"] == "eu-central-1"


def test_usage_without_a_rate_has_no_price_and_says_so() -> None:
    row = _row(_export([(UNPRICED, _UNKNOWN, 1000, 0)]))
    assert row["ContractedUnitPrice"] is None
    assert row["ListUnitPrice"] is None
    assert row["BilledCost"] == row["ListCost"] == 0
    assert (row["x_RatingStatus"], row["x_RatingReason"]) == ("unpriced", "no_model")
    assert row["PricingCategory"] == "Other"
    assert row["x_AllocationType"] == "unallocated"
    assert json.loads(row["Tags"]) == {}


def test_a_credit_is_no_usage() -> None:
    row = _row(_export([(_TEAM, _CREDIT, 0, -7_000_000_000)]))
    assert row["ChargeCategory"] == "Credit"
    assert row["BilledCost"] == row["EffectiveCost"] == row["ListCost"] == -7
    for name in ("ConsumedQuantity", "PricingQuantity", "SkuId", "SkuPriceId", "PricingCategory"):
        assert row[name] is None


def test_a_seat_is_a_purchase_that_recurs() -> None:
    seats = replace(
        _CACHE_READ, meter="seat_day", model="", model_raw="", conditions="{}", per=31, factor_den=1
    )
    row = _row(_export([(_TEAM, seats, 62, 660_000_000)]))
    assert (row["ChargeCategory"], row["ChargeFrequency"]) == ("Purchase", "Recurring")
    assert (row["PricingUnit"], row["PricingQuantity"]) == ("31 Seat Days", 2)
    assert row["ConsumedQuantity"] is None
    assert row["ContractedCost"] == row["ContractedUnitPrice"] * row["PricingQuantity"]


@pytest.mark.parametrize(
    ("meter", "category"),
    [
        ("true_up_tax", "Tax"),
        ("true_up_credit", "Credit"),
        ("true_up_late_usage", "Adjustment"),
        ("dispute", "Adjustment"),
    ],
)
def test_what_was_decided_is_money_alone(meter: str, category: str) -> None:
    decided = replace(_CREDIT, meter=meter)
    row = _row(_export([(_TEAM, decided, 0, 5_000_000_000)]))
    assert row["ChargeCategory"] == category
    assert row["BilledCost"] == row["EffectiveCost"] == 5
    assert row["PricingQuantity"] is None


def test_a_correction_is_marked_and_on_no_invoice() -> None:
    invoices = {("anthropic", "123456789012", "USD"): "ANT-1"}
    row = _row(_export([(_TEAM, _CACHE_READ, 5, 0)], corrects="2026-09", invoices=invoices))
    assert (row["ChargeClass"], row["x_CorrectsPeriod"]) == ("Correction", "2026-09")
    assert row["InvoiceId"] is None
    assert _row(_export([(_TEAM, _CACHE_READ, 5, 0)], invoices=invoices))["InvoiceId"] == "ANT-1"


def test_the_same_export_gives_the_same_bytes() -> None:
    export = _export([(_TEAM, _CACHE_READ, 5, 3), (UNPRICED, _UNKNOWN, 7, 0)])
    one, two = (focus_table(export, FocusVersion.V1_4) for _ in range(2))
    assert focus_parquet(one) == focus_parquet(two)
    assert focus_csv(one) == focus_csv(two)


def test_csv_leaves_nulls_empty_and_lets_no_name_be_a_formula() -> None:
    names = [*HOSTILE_NAMES, "+1", "\t=1"]
    owners = [owner_account(Owner(team=name, project="p", cost_centre=name)) for name in names]
    export = _export([(owner, _CACHE_READ, 5, 1) for owner in owners])
    text = focus_csv(focus_table(export, FocusVersion.V1_2)).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["x_Team"].removeprefix("'") for row in rows] == [*map(shown_name, names)]
    assert not [row for row in rows if row["x_Team"][:1] in "=+-@"]
    assert {row["ChargePeriodEnd"] for row in rows} == {"2026-11-01T00:00:00Z"}
    assert {row["InvoiceId"] for row in rows} == {""}
    assert rows[0]["ConsumedQuantity"] == "5.000000000000"


def test_the_metadata_describes_each_column() -> None:
    metadata = json.loads(focus_metadata(_export([]), FocusVersion.V1_4, "9.9"))
    described = [column["ColumnName"] for column in metadata["ColumnDefinition"]]
    assert described == [column.name for column in focus_columns(FocusVersion.V1_4)]
    assert metadata["FocusVersion"] == "1.4"
    assert metadata["CreationDate"] == "2026-11-03T04:05:06Z"
