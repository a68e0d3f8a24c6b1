"""Sums of the lines as pandas frames, each checked against the control total to the nano.

pandas presents and never decides: nanos and quantities are nullable `Int64` (a null would turn an
integer column into float64), nothing is averaged, divided or rounded here. That no sum can wrap
around has been checked when the lines were made.
"""

from collections.abc import Sequence
from typing import Final

import pandas as pd
import pyarrow as pa

from metering.core.periods import BillingPeriod
from metering.errors import LedgerError
from metering.reporting.snapshot import ChargeLines, History

SUMS: Final = ("quantity", "amount_nanos")


def frame_of(lines: ChargeLines) -> pd.DataFrame:
    """Return the lines as a frame: text as categories, nanos and quantities as `Int64`.

    `list_nanos` is nullable; `list_known` says where it is not null, so that a sum can be kept
    from mixing what is known with what is not.
    """
    frame = _frame(lines.table)
    frame["list_known"] = frame["list_nanos"].notna()
    return frame


def history_of(history: History) -> pd.DataFrame:
    """Return the history as a frame, typed as `frame_of` does; days as timestamps."""
    frame = _frame(history.table)
    frame["charge_day"] = pd.to_datetime(frame["charge_day"])
    return frame


def in_currency(frame: pd.DataFrame, currency: str) -> pd.DataFrame:
    """Return the rows of one currency."""
    return frame[frame["currency"] == currency]


def summed(
    frame: pd.DataFrame, by: Sequence[str], *, total: int, sums: Sequence[str] = SUMS
) -> pd.DataFrame:
    """Return one row per combination of `by`, nulls kept as a combination of their own.

    Args:
        frame: lines of one currency.
        by: columns to keep, in order; rows come sorted by them, nulls last.
        total: the control total in nanos.
        sums: columns to add up; `amount_nanos` is among them.

    Raises:
        LedgerError: the view does not add up to the control total.
    """
    grouped = frame.groupby(list(by), observed=True, dropna=False, sort=False)
    view = grouped[list(sums)].sum().reset_index()
    for name in by:
        if isinstance(view[name].dtype, pd.CategoricalDtype):
            view[name] = view[name].astype(object)
    view = view.sort_values(list(by), na_position="last", ignore_index=True, kind="stable")
    check_total(view, total, " by ".join(by))
    return view


def check_total(view: pd.DataFrame, total: int, name: str) -> None:
    """Raise `LedgerError` unless the view's amounts add up to the control total."""
    actual = sum(int(nanos) for nanos in view["amount_nanos"])
    if actual != total:
        raise LedgerError(f"the view {name} adds up to {actual} nanos, the book to {total}")


def prior_month(history: pd.DataFrame, period: BillingPeriod) -> pd.DataFrame:
    """Return what was billed in the month before, per owner; null owners are suspense."""
    rows = history[history["period"] == str(period.previous)]
    total = sum(int(nanos) for nanos in rows["amount_nanos"])
    return summed(rows, ("cost_centre", "team", "project"), total=total, sums=("amount_nanos",))


def _frame(table: pa.Table) -> pd.DataFrame:
    columns: dict[str, pd.Series] = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_string(column.type):
            columns[name] = column.dictionary_encode().to_pandas()
        elif pa.types.is_int64(column.type):
            columns[name] = column.to_pandas(types_mapper=_nullable)
        else:
            columns[name] = column.to_pandas()
    return pd.DataFrame(columns)


def _nullable(_kind: pa.DataType) -> pd.Int64Dtype:
    return pd.Int64Dtype()
