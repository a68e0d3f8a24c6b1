"""FOCUS: a period's charges as the cost and usage dataset that FinOps tools read.

One row for each net line of the ledger: a day, an owner, a SKU and a price. The billed costs of a
file add up to the ledger, to the nano. What is decided once per reason of a charge or once per
account is decided once and spread over the rows by index.

Three choices the specification leaves to who generates a file:

* A cost is its unit price times its quantity, digit for digit (24 decimals); the billed cost is
  what was booked, rounded once to the nano.
* Where no list price is known, the list cost is the contracted cost and `x_ListPrice` says
  "unknown". Usage without a rate has a billed cost of zero, which it has in the ledger too, no
  unit price, and `x_RatingStatus` says "unpriced".
* `InvoiceId` is set once an account ties to one invoice without a difference; a file whose costs
  do not add up to the invoice must not claim to be on it.

Source: FOCUS 1.2 and 1.4, Cost and Usage; "Decimal" formats; "Correction Handling" (style: ledger).
"""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from metering.core.flat.flat_money import SEAT_METERS
from metering.core.ledger import Account, AccountKind, Basis
from metering.core.meters import Meter
from metering.core.money import NANO_DIGITS, divide_half_even
from metering.core.periods import BillingPeriod
from metering.errors import LedgerError
from metering.reporting.faces.csvfile import spreadsheet_safe
from metering.reporting.focus.basis import (
    ADJUSTING,
    charge_category,
    charge_description,
    contracted_price,
    list_price,
    pricing_block,
    pricing_category,
    region_of,
)
from metering.reporting.focus.columns import (
    COST_SCALE,
    PRICE_SCALE,
    QUANTITY_SCALE,
    FocusColumn,
    FocusVersion,
    focus_columns,
)
from metering.reporting.focus.words import (
    canonical_json,
    issuer_name,
    model_maker,
    pricing_unit,
    service_name,
    sku_of,
)
from metering.reporting.snapshot import ReportStatus

_COST_OF_NANO: Final = 10 ** (COST_SCALE - NANO_DIGITS)
_QUANTITY_ONE: Final = 10**QUANTITY_SCALE
_DECIMAL_BYTES: Final = 16
_INSTANT_TEXT: Final = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class FocusLines:
    """The net ledger lines of one period, in the order they are written.

    Attributes:
        accounts, bases: what the indexes point to.
        days: charge day of each line.
        debits, reasons: index of its account and of its basis.
        currencies: ISO code of each line.
        quantities: whole units of the meter.
        billed_nanos, list_nanos: of its currency.
        corrects: the closed period it corrects, or "".
    """

    accounts: Sequence[Account]
    bases: Sequence[Basis]
    days: Sequence[date]
    debits: Sequence[int]
    reasons: Sequence[int]
    currencies: Sequence[str]
    quantities: Sequence[int]
    billed_nanos: Sequence[int]
    list_nanos: Sequence[int]
    corrects: Sequence[str]


@dataclass(frozen=True, slots=True)
class FocusExport:
    """What a FOCUS file is made from: one period of the book, frozen.

    Attributes:
        snapshot_id, made_at: as on every other face of the same snapshot.
        invoices: invoice id by provider, billing account and currency, where the account ties to
            one invoice without a difference.
    """

    period: BillingPeriod
    status: ReportStatus
    snapshot_id: str
    made_at: datetime
    lines: FocusLines
    invoices: Mapping[tuple[str, str, str], str]


def focus_table(export: FocusExport, version: FocusVersion) -> pa.Table:
    """Return a period's charges with the columns of a version, typed.

    Raises:
        LedgerError: the billed costs do not add up to the ledger.
    """
    spread = _Spread(export)
    columns = focus_columns(version)
    arrays = [spread.column(column) for column in columns]
    schema = pa.schema([pa.field(column.name, column.arrow) for column in columns])
    table = pa.table(arrays, schema=schema)
    _check(table, export.lines)
    return table


def focus_parquet(table: pa.Table) -> bytes:
    """Return a table as Parquet; the same table gives the same bytes."""
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def focus_csv(table: pa.Table) -> bytes:
    """Return a table as CSV: nulls are empty, instants end in Z, no cell is a formula."""
    shown = pa.table([_as_text(column) for column in table.columns], names=table.column_names)
    sink = io.BytesIO()
    pyarrow.csv.write_csv(shown, sink)
    return sink.getvalue()


def focus_metadata(export: FocusExport, version: FocusVersion, generator: str) -> bytes:
    """Return the metadata that goes beside a delivery, never into its data file.

    Args:
        export: what the file was made from.
        version: of the specification.
        generator: version of this program.
    """
    metadata = {
        "DataGenerator": "metering",
        "DataGeneratorVersion": generator,
        "FocusVersion": version.value,
        "SchemaId": f"metering-focus-{version.value}",
        "CreationDate": export.made_at.strftime(_INSTANT_TEXT),
        "CorrectionStyle": "Ledger",
        "x_SnapshotId": export.snapshot_id,
        "x_PeriodStatus": export.status.value,
        "ColumnDefinition": [column.described() for column in focus_columns(version)],
    }
    return (json.dumps(metadata, indent=2, ensure_ascii=False) + "\n").encode()


class _Spread:
    """The columns of an export, made once for each basis and account, then spread over the rows."""

    def __init__(self, export: FocusExport) -> None:
        self._export = export
        self._lines = export.lines
        self._count = len(export.lines.days)
        self._debits = pa.array(export.lines.debits, pa.int32())
        self._reasons = pa.array(export.lines.reasons, pa.int32())
        self._skus = [sku_of(basis) for basis in export.lines.bases]
        self._usage = [basis.meter not in ADJUSTING for basis in export.lines.bases]
        # What is bought for a stretch of time has a quantity that is priced, and none consumed.
        self._consumed = [charge_category(basis) == "Usage" for basis in export.lines.bases]
        self._contracted = [contracted_price(basis) for basis in export.lines.bases]
        self._listed = [list_price(basis) for basis in export.lines.bases]
        self._pers = [pricing_block(basis) for basis in export.lines.bases]
        self._billed = [basis.meter == Meter.BILLED_NANOS for basis in export.lines.bases]
        self._pricing = self._pricing_quantities()
        made = {**self._money(), **self._whens(), **self._reasons_texts(), **self._owners_texts()}
        self._made: Final[Mapping[str, pa.Array[Any]]] = made

    def column(self, column: FocusColumn) -> "pa.Array[Any]":
        """Return a column of the file; one that says nothing is null throughout."""
        made: pa.Array[Any] = self._made.get(column.name, pa.nulls(self._count))
        return made.cast(column.arrow)

    def _pricing_quantities(self) -> list[int]:
        lines, pers = self._lines, self._pers
        return [
            divide_half_even(quantity * _QUANTITY_ONE, pers[reason])
            for quantity, reason in zip(lines.quantities, lines.reasons, strict=True)
        ]

    def _money(self) -> "dict[str, pa.Array[Any]]":
        lines = self._lines
        billed = [nanos * _COST_OF_NANO for nanos in lines.billed_nanos]
        contracted = self._costs(self._contracted, billed)
        usage = [self._usage[reason] for reason in lines.reasons]
        quantities = [
            quantity if counts else None
            for quantity, counts in zip(self._pricing, usage, strict=True)
        ]
        consumed = [
            (pricing if self._billed[reason] else quantity * _QUANTITY_ONE)
            if self._consumed[reason]
            else None
            for quantity, pricing, reason in zip(
                lines.quantities, self._pricing, lines.reasons, strict=True
            )
        ]
        contracted_prices = [self._contracted[reason] for reason in lines.reasons]
        list_prices = [self._listed[reason] for reason in lines.reasons]
        prices = {
            "ContractedUnitPrice": _decimals(contracted_prices, PRICE_SCALE),
            "ListUnitPrice": _decimals(list_prices, PRICE_SCALE),
        }
        effective = _decimals(billed, COST_SCALE)
        return {
            "BilledCost": effective,
            "EffectiveCost": effective,
            "ContractedCost": _decimals(contracted, COST_SCALE),
            "ListCost": _decimals(self._costs(self._listed, contracted), COST_SCALE),
            "PricingQuantity": _decimals(quantities, QUANTITY_SCALE),
            "ConsumedQuantity": _decimals(consumed, QUANTITY_SCALE),
            **prices,
            **{f"PricingCurrency{name}": array for name, array in prices.items()},
            "PricingCurrencyEffectiveCost": effective,
        }

    def _costs(self, prices: Sequence[int | None], otherwise: Sequence[int]) -> list[int]:
        lines = self._lines
        return [
            known if (price := prices[reason]) is None else price * quantity
            for reason, quantity, known in zip(lines.reasons, self._pricing, otherwise, strict=True)
        ]

    def _whens(self) -> "dict[str, pa.Array[Any]]":
        period = self._export.period
        days = pa.array(self._lines.days, pa.date32())
        following = pa.array(days.cast(pa.int32()).to_numpy() + 1, pa.int32()).cast(pa.date32())
        return {
            "ChargePeriodStart": _midnight(days),
            "ChargePeriodEnd": _midnight(following),
            "BillingPeriodStart": _midnight(self._same(period.first_day, pa.date32())),
            "BillingPeriodEnd": _midnight(self._same(period.end_day, pa.date32())),
        }

    def _reasons_texts(self) -> "dict[str, pa.Array[Any]]":
        bases, lines = self._lines.bases, self._lines
        skus = list(zip(bases, self._skus, self._usage, strict=True))
        texts: dict[str, list[str | None]] = {
            "BillingAccountId": [basis.billing_account for basis in bases],
            "BillingAccountName": [basis.billing_account for basis in bases],
            "InvoiceIssuerName": [issuer_name(basis.provider) for basis in bases],
            "ProviderName": [issuer_name(basis.provider) for basis in bases],
            "ServiceProviderName": [issuer_name(basis.provider) for basis in bases],
            "HostProviderName": [issuer_name(basis.provider) for basis in bases],
            "PublisherName": [model_maker(basis) for basis in bases],
            "ServiceName": [service_name(basis.platform) for basis in bases],
            "ChargeCategory": [charge_category(basis) for basis in bases],
            "ChargeFrequency": [
                "Recurring" if basis.meter in SEAT_METERS else "Usage-Based" for basis in bases
            ],
            "ChargeDescription": [charge_description(basis, sku) for basis, sku, _ in skus],
            "PricingCategory": [pricing_category(basis) for basis in bases],
            "PricingUnit": [
                pricing_unit(basis.meter, basis.per or 1) if counts else None
                for basis, _, counts in skus
            ],
            "ConsumedUnit": [
                sku.consumed_unit if consumed else None
                for (_, sku, _), consumed in zip(skus, self._consumed, strict=True)
            ],
            "SkuId": [sku.sku_id if counts else None for _, sku, counts in skus],
            "SkuPriceId": [sku.price_id if counts else None for _, sku, counts in skus],
            "SkuMeter": [sku.meter if counts else None for _, sku, counts in skus],
            "SkuPriceDetails": [sku.details if counts else None for _, sku, counts in skus],
            "RegionId": [region_of(basis) for basis in bases],
            "RegionName": [region_of(basis) for basis in bases],
            "x_ListPrice": ["known" if price is not None else "unknown" for price in self._listed],
            "x_RateCard": [basis.card or None for basis in bases],
            "x_RatingReason": [basis.reason or None for basis in bases],
            "x_RatingStatus": [basis.status for basis in bases],
            "x_TokenClass": [basis.meter for basis in bases],
        }
        spread = {name: pa.array(values).take(self._reasons) for name, values in texts.items()}
        currencies = pa.array(lines.currencies, pa.string())
        billed = pa.array(self._billed, pa.bool_()).take(self._reasons)
        for name in ("PricingUnit", "ConsumedUnit"):
            spread[name] = pc.if_else(billed, currencies, spread[name].cast(pa.string()))
        return {
            **spread,
            "BillingCurrency": currencies,
            "PricingCurrency": currencies,
            "InvoiceId": pa.array(self._invoice_ids(), pa.string()),
            "ServiceCategory": self._same("AI and Machine Learning", pa.string()),
            "ServiceSubcategory": self._same("Generative AI", pa.string()),
            "BillingAccountType": self._same("Billing Account", pa.string()),
            "ChargeClass": pa.array(
                ["Correction" if period else None for period in lines.corrects], pa.string()
            ),
            "x_CorrectsPeriod": pa.array([period or None for period in lines.corrects]),
            "x_PeriodStatus": self._same(self._export.status.value, pa.string()),
            "x_SnapshotId": self._same(self._export.snapshot_id, pa.string()),
        }

    def _owners_texts(self) -> "dict[str, pa.Array[Any]]":
        accounts = self._lines.accounts
        owned = [account.kind is AccountKind.OWNER for account in accounts]
        texts: dict[str, list[str | None]] = {
            "Tags": [_tags(account) for account in accounts],
            "x_AllocationType": ["direct" if owner else "unallocated" for owner in owned],
            "x_CostCentre": [account.cost_centre or None for account in accounts],
            "x_Team": [account.team or None for account in accounts],
            "x_Project": [account.project or None for account in accounts],
        }
        return {name: pa.array(values).take(self._debits) for name, values in texts.items()}

    def _invoice_ids(self) -> list[str | None]:
        lines, invoices = self._lines, self._export.invoices
        keys = [(basis.provider, basis.billing_account) for basis in lines.bases]
        return [
            None if corrected else invoices.get((*keys[reason], currency))
            for reason, currency, corrected in zip(
                lines.reasons, lines.currencies, lines.corrects, strict=True
            )
        ]

    def _same(self, value: str | date, kind: "pa.DataType") -> "pa.Array[Any]":
        return pa.array([value], kind).take(pa.array([0] * self._count, pa.int32()))


def _tags(account: Account) -> str:
    owner = {
        "cost_centre": account.cost_centre,
        "team": account.team,
        "project": account.project,
    }
    return canonical_json(owner) or "{}"


def _midnight(days: "pa.Array[Any]") -> "pa.Array[Any]":
    return days.cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))


def _decimals(values: Iterable[int | None], scale: int) -> "pa.Array[Any]":
    """Return whole steps of a scale as decimals, bit for bit; Arrow's own way makes each an object.

    Raises:
        LedgerError: one has more digits than a decimal of FOCUS can hold.
    """
    known = list(values)
    try:
        data = b"".join((v or 0).to_bytes(_DECIMAL_BYTES, "little", signed=True) for v in known)
    except OverflowError as error:
        raise LedgerError("an amount of the FOCUS file has more than 38 digits") from error
    valid = pa.array([v is not None for v in known], pa.bool_()).buffers()[1]
    kind = pa.decimal128(38, scale)
    return pa.Array.from_buffers(kind, len(known), [valid, pa.py_buffer(data)])


def _check(table: pa.Table, lines: FocusLines) -> None:
    written = pc.sum(table["BilledCost"]).as_py() or Decimal()
    booked = sum(lines.billed_nanos)
    if int(written.scaleb(NANO_DIGITS)) != booked:
        raise LedgerError(f"the FOCUS file adds up to {written}, the book to {booked} nanos")


def _as_text(column: Any) -> Any:
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column.cast(pa.timestamp("s")), format=_INSTANT_TEXT)
    if pa.types.is_decimal(column.type):
        return column
    texts = column.combine_chunks().dictionary_encode()
    safe = [spreadsheet_safe(text) for text in texts.dictionary.to_pylist()]
    return pa.array(safe, pa.string()).take(texts.indices)
