"""DeepSeek's `amount` export: tokens by day, key, model and kind, each with its unit price.

* A row is charged its amount times its price: the price of the export stands above every list.
* At peak hours the price doubles, so several rows differ in the price alone. All of them count.
* `request_count` rows count requests; they have no price and are not tokens.
* The table does not name its currency. It is the one in which DeepSeek published the prices that
  the table holds, which no price of the other currency equals; or that of a column `currency`,
  where somebody added one. A table whose currency cannot be told so is refused.

Source: source formats note, section 3.2, read 2026-11-21.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.errors import SourceError, SourceRef
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats.deepseek_days import grouping_of, local_day, require_dates
from metering.ingest.marks import by_header
from metering.ingest.shapes.pages import Row
from metering.ingest.shapes.records import given, metered, reported
from metering.ingest.shapes.reports import report_of
from metering.ingest.shapes.tables import count, read_table
from metering.ingest.values.amounts import currency
from metering.ingest.values.exact_decimals import amount, exact, nanos, plain
from metering.ingest.values.fields import FieldRefused, Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_SCOPE: Final = "tokens"
_REQUIRED: Final = ("user_id", "model", "api_key_name", "api_key", "type", "price", "amount")
_CURRENCY: Final = "currency"
_HIT, _MISS, _OUTPUT = "input_cache_hit_tokens", "input_cache_miss_tokens", "output_tokens"
_REQUESTS: Final = "request_count"
_METERS: Final = {_HIT: Meter.CACHE_READ, _MISS: Meter.INPUT_UNCACHED, _OUTPUT: Meter.OUTPUT}

# Every price that DeepSeek has published, for a million tokens; at peak hours it is twice that.
# Those in dollars are the ones of the bundled rate cards, oldest first; a test holds them equal.
_PUBLISHED: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "USD": {
        _HIT: (
            *("0.035", "0.07", "0.14", "0.028", "0.0028", "0.003625"),
            *("0.007", "0.022", "0.003"),
        ),
        _MISS: (
            *("0.135", "0.27", "0.55", "0.56", "0.28", "0.14", "1.74", "0.435"),
            *("0.22", "0.66", "0.15"),
        ),
        _OUTPUT: (
            *("0.55", "1.10", "2.19", "1.68", "0.42", "0.28", "3.48", "0.87"),
            *("0.66", "1.98", "0.60"),
        ),
    },
    "CNY": {_HIT: ("0.02", "0.025"), _MISS: ("1", "3"), _OUTPUT: ("2", "6")},
}
_PER: Final = 10**6
_PEAK: Final = 2
_LARGEST_NANOS: Final = 2**63 - 1


def _prices_of(published: Mapping[str, Sequence[str]]) -> frozenset[tuple[str, Fraction]]:
    return frozenset(
        (kind, Fraction(price) * factor / _PER)
        for kind, prices in published.items()
        for price in prices
        for factor in (1, _PEAK)
    )


PRICES: Final = {code: _prices_of(published) for code, published in _PUBLISHED.items()}


class DeepSeekAmountCsv:
    """One record per row."""

    name = "deepseek-amount-csv"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "DeepSeek usage export: tokens by day, key and model with their prices (CSV)"
    export = "platform.deepseek.com, Usage, Export: amount-*.csv of the archive"
    cannot_tell = "its currency, which follows from the prices; persons"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the header alone: people rename the files they download."""
        return by_header(sample, _REQUIRED)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield every row at the price it was billed at, then the days that the file covers."""
        table = read_table(path, reader, _REQUIRED, {"amount": count})
        require_dates(table, str(path))
        money = None if _CURRENCY in table.header else _currency_of(table.rows, str(path))

        def cells_of(row: Row) -> Mapping[str, object]:
            return _cells(row.fields, money)

        yield from report_of(
            table.rows,
            cells_of,
            view=(_SCOPE, grouping_of(table.rows)),
            refused=table.refused,
            noise={"empty line": table.empty_lines},
        )


def _currency_of(rows: Sequence[Row], path: str) -> str:
    """Return the only currency in which the prices of the rows were published.

    Raises:
        SourceError: `unknown-currency`; there is none, or more than one.
    """
    prices = {(str(row.member("type")), exact(row.member("price"))) for row in rows}
    found = [code for code, published in PRICES.items() if prices & published]
    if len(found) == 1 or not any(kind in _METERS for kind, _ in prices):
        return next(iter(found), "USD")
    raise SourceError(
        SourceRef(path),
        "unknown-currency",
        "its prices are not those that DeepSeek published in one of " + " or ".join(PRICES),
        do="add a column 'currency' to the table, as the cost file of the archive has it",
    )


def _cells(row: Fields, money: str | None) -> Mapping[str, object]:
    kind = row.one_of("type", (*_METERS, _REQUESTS)) or row.text("type")
    used = row.whole_number("amount")
    key_name = row.text_if_any("api_key_name")
    cells: dict[str, object] = {
        **local_day(row).cells(),
        "provider": "deepseek",
        "platform": "deepseek-api",
        "product": "api",
        "model_raw": row.text_if_any("model"),
        "api_key": row.text_if_any("api_key"),
        "principal": row.text_if_any("user_id"),
    }
    if kind == _REQUESTS:
        return {**cells, "requests": used, "tags": given({"api_key_name": key_name})}
    price = amount(row, "price")
    if price < 0:
        raise row.refused("negative-price", "price", "0 or more")
    code = money or currency(row, _CURRENCY)
    return {
        **cells,
        "tags": given({"api_key_name": key_name, "unit_price": plain(price)}),
        **metered({_METERS[kind]: used}),
        **reported(_billed(price * used), code, "billed"),
    }


def _billed(units: Fraction) -> int:
    billed = nanos(units)
    if billed > _LARGEST_NANOS:
        raise FieldRefused(
            "bad-amount", "amount", f"{plain(units)} with its price", "less than nine billion"
        )
    return billed
