"""DeepSeek's `cost` export: money by day and model, from the wallet that paid it.

It lies beside the `amount` export, names the currency and knows no keys. What a granted wallet paid
is no cash, and is told apart as credits. Nothing of it is charged.

Source: source formats note, section 3.2, read 2026-11-21.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats.deepseek_days import grouping_of, local_day, require_dates
from metering.ingest.marks import by_header
from metering.ingest.shapes.records import given, reported
from metering.ingest.shapes.reports import report_of
from metering.ingest.shapes.tables import read_table
from metering.ingest.values.amounts import currency
from metering.ingest.values.exact_decimals import amount, nanos
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_SCOPE: Final = "costs"
_REQUIRED: Final = ("user_id", "model", "wallet_type", "cost", "currency")
_KINDS: Final = {"Paid": "billed", "Granted": "credits"}


class DeepSeekCostCsv:
    """One record per row."""

    name = "deepseek-cost-csv"
    version = 1
    role = SourceRole.COST
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "DeepSeek cost export: money by day, model and wallet (CSV)"
    export = "platform.deepseek.com, Usage, Export: cost-*.csv of the archive"
    cannot_tell = "keys; tokens"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the header alone: people rename the files they download."""
        return by_header(sample, _REQUIRED)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield what each model cost each day, then the days that the file covers."""
        table = read_table(path, reader, _REQUIRED, {})
        require_dates(table, str(path))
        yield from report_of(
            table.rows,
            lambda row: _cells(row.fields),
            view=(_SCOPE, grouping_of(table.rows)),
            refused=table.refused,
            noise={"empty line": table.empty_lines},
        )


def _cells(row: Fields) -> Mapping[str, object]:
    wallet = row.one_of("wallet_type", tuple(_KINDS)) or row.text("wallet_type")
    code = currency(row, "currency")
    return {
        **local_day(row).cells(),
        "provider": "deepseek",
        "platform": "deepseek-api",
        "product": "api",
        "model_raw": row.text_if_any("model"),
        "principal": row.text_if_any("user_id"),
        "tags": given({"wallet": wallet}),
        **reported(nanos(amount(row, "cost")), code, _KINDS[wallet]),
    }
