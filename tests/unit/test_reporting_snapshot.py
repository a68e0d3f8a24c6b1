"""A snapshot that does not hold together is never made into a report."""

from dataclasses import replace

import pyarrow as pa
import pytest

from metering.errors import LedgerError
from metering.reporting.snapshot import LINE_SCHEMA, ChargeLines, History
from tests.support.reporting_specimen import company, lines_of, snapshot_of


def test_the_control_total_is_exact_beyond_what_a_float_holds() -> None:
    lines = lines_of({"amount_nanos": 9_007_199_254_740_993}, {"amount_nanos": 1})

    assert lines.control_totals() == {"USD": 9_007_199_254_740_994}


def test_currencies_are_totalled_apart() -> None:
    lines = lines_of({"amount_nanos": 5, "currency": "USD"}, {"amount_nanos": 7, "currency": "EUR"})

    assert lines.control_totals() == {"EUR": 7, "USD": 5}


@pytest.mark.parametrize("column", ["amount_nanos", "quantity", "list_nanos"])
def test_sums_that_could_wrap_around_are_refused(column: str) -> None:
    half = 2**62

    with pytest.raises(LedgerError, match=column):
        lines_of({column: half}, {column: half})


def test_sums_are_refused_on_magnitude_so_that_no_part_can_wrap_around_either() -> None:
    with pytest.raises(LedgerError, match="amount_nanos"):
        lines_of({"amount_nanos": 2**62}, {"amount_nanos": -(2**62)})


def test_a_missing_column_is_named() -> None:
    columns: dict[str, list[object]] = {name: [] for name in LINE_SCHEMA.names if name != "meter"}

    with pytest.raises(LedgerError, match="'meter'"):
        ChargeLines.of(columns)


def test_a_null_where_none_may_be_is_refused() -> None:
    with pytest.raises(LedgerError, match="'provider'"):
        lines_of({"provider": None})


def test_a_number_of_another_kind_is_refused() -> None:
    with pytest.raises(LedgerError, match="not what it says"):
        lines_of({"amount_nanos": 2**63})


def test_lines_may_come_as_a_table_with_further_columns() -> None:
    table = lines_of({"amount_nanos": 3}).table.append_column("more", pa.array([1]))

    assert ChargeLines.of(table).table.column_names == LINE_SCHEMA.names


def test_a_history_that_disagrees_with_the_lines_is_refused() -> None:
    snapshot = snapshot_of(lines_of({"amount_nanos": 3}))

    with pytest.raises(LedgerError, match="different totals"):
        replace(snapshot, history=History.of(snapshot.history.table.slice(0, 0)))


def test_a_tie_out_that_does_not_add_up_is_refused() -> None:
    snapshot = company()
    broken = replace(snapshot.tie_outs[0], invoiced_nanos=1)

    with pytest.raises(LedgerError, match="anthropic/acme"):
        replace(snapshot, tie_outs=(broken,))


def test_a_receipt_that_does_not_add_up_is_refused() -> None:
    receipt = company().sources[0]

    with pytest.raises(LedgerError, match="does not add up"):
        replace(receipt, rejected=receipt.rejected + 1)
