"""Sums of the lines as pandas frames, each checked against the control total to the nano.

pandas presents and never decides: nanos and quantities are nullable `Int64` (a null would turn an
integer column into float64), nothing is averaged, divided or rounded here. That no sum can wrap
around has been checked when the lines were made.
"""

from collections.abc import Sequence
from typing import Final

import pandas as pd
import pyarrow as pa

from metering.core.flat.money_alone import UNCOUNTED
from metering.core.ledger import AccountKind
from metering.core.periods import BillingPeriod
from metering.core.pricing.terms import SETTLED_METERS
from metering.core.sharing.allocation import SHARED_PRODUCT
from metering.core.sharing.splits import SHARE_METERS
from metering.errors import LedgerError
from metering.reporting.snapshot import Bearer, ChargeLines, History

# Accounts of shared cost are named for their kind, where an owner has a cost centre.
_SHARED: Final = (f"{AccountKind.POOL}:", f"{AccountKind.MARKUP}:")
SUMS: Final = ("quantity", "amount_nanos")
COSTS: Final = ("listed_nanos", "contracted_nanos", "amount_nanos")
"""List, contracted and billed cost of a line; what lies between the last two are contract terms."""


def frame_of(lines: ChargeLines) -> pd.DataFrame:
    """Return the lines as a frame: text as categories, nanos and quantities as `Int64`.

    `list_nanos` is nullable; `list_known` says where it is not null, so that a sum can be kept
    from mixing what is known with what is not. `contracted_nanos` is the price of the card in
    force, before allowances, tiers, minimums and credits, which are lines of their own.
    `listed_nanos` is the list price, and the contracted one where no list has one. `pool` is the
    pool of shared cost that a share comes from. A charge of money alone has the quantity zero.
    """
    frame = _frame(lines.table)
    frame["list_known"] = frame["list_nanos"].notna()
    shares = frame["meter"].isin(SHARE_METERS)
    frame["pool"] = frame["product"].where(shares).map(_pool, na_action="ignore")
    frame["quantity"] = frame["quantity"].mask(frame["meter"].isin(UNCOUNTED), 0)
    settled = frame["meter"].isin(SETTLED_METERS)
    frame["contracted_nanos"] = frame["amount_nanos"].mask(settled, 0)
    frame["listed_nanos"] = frame["list_nanos"].fillna(frame["contracted_nanos"])
    return frame


def _bearer(cost_centre: object) -> str:
    if not isinstance(cost_centre, str):
        return Bearer.UNATTRIBUTED.value
    return (Bearer.SHARED if cost_centre.startswith(_SHARED) else Bearer.OWNER).value


def _pool(product: str) -> str:
    return product.removeprefix(SHARED_PRODUCT)


def history_of(history: History) -> pd.DataFrame:
    """Return the history as a frame, typed as `frame_of` does; days as timestamps.

    `bearer` says whose an amount is: an owner's, unattributed, or in shared cost.
    """
    frame = _frame(history.table)
    frame["bearer"] = pd.Categorical([_bearer(name) for name in frame["cost_centre"]])
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
    view = grouped(frame, by, sums)
    check_total(view, total, " by ".join(by))
    return view


def grouped(
    frame: pd.DataFrame, by: Sequence[str], sums: Sequence[str] = ("amount_nanos",)
) -> pd.DataFrame:
    """Return the columns `by` and `sums` of part of the lines, as `summed` does, unchecked."""
    groups = frame.groupby(list(by), observed=True, dropna=False, sort=False)
    view = groups[list(sums)].sum().reset_index()
    for name in by:
        if isinstance(view[name].dtype, pd.CategoricalDtype):
            view[name] = view[name].astype(object)
    return view.sort_values(list(by), na_position="last", ignore_index=True, kind="stable")


def check_total(view: pd.DataFrame, total: int, name: str) -> None:
    """Raise `LedgerError` unless the view's amounts add up to the control total."""
    actual = sum(int(nanos) for nanos in view["amount_nanos"])
    if actual != total:
        raise LedgerError(f"the view {name} adds up to {actual} nanos, the book to {total}")


def prior_month(history: pd.DataFrame, period: BillingPeriod) -> pd.DataFrame:
    """Return what was billed in the month before, by bearer and owner."""
    rows = history[history["period"] == str(period.previous)]
    total = sum(int(nanos) for nanos in rows["amount_nanos"])
    owner = ("bearer", "cost_centre", "team", "project")
    return summed(rows, owner, total=total, sums=("amount_nanos",))


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
