"""Credits drawn from each card by day or hour, out of Salesforce's Digital Wallet: CSV, Parquet.

The rules, from the source formats note (section 6.1, read 2026-11-21):

* Of the hourly object only rows that say PROCESSED count; the others are noise.
* Late events change the totals: an import replaces its days.
* A day is a day in UTC. A total that begins at another hour is rejected.
* Credits are no money; see `salesforce-wallet-events`, which says the same in detail.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import texts_without_nul
from metering.ingest.bulk.layout import Check, Fields, Layout, Snapshot, instant
from metering.ingest.bulk.layout import text as said
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats import salesforce_wallet_names as wallet
from metering.ingest.marks import by_columns, header_of

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_DAY: Final = "utilizationdate"
_HOUR: Final = "usagehourbucket"
_REQUIRED: Final = (wallet.CARD, wallet.UNITS)
_FIELDS: Final[Fields] = dict.fromkeys((*_REQUIRED, _DAY, _HOUR, "rowdetail"), "VARCHAR")

_STEPS: Final = (
    *wallet.STEPS,
    {
        "stamp": f"coalesce(nullif({_DAY}, ''), {_HOUR})",
        "width": f"CASE WHEN nullif({_DAY}, '') IS NOT NULL THEN 'day' ELSE 'hour' END",
    },
    {"started": instant("stamp", zoneless_is_utc=False)},
)
_COLUMNS: Final = {
    "start": "started",
    "end": "started + CASE width WHEN 'day' THEN INTERVAL 1 DAY ELSE INTERVAL 1 HOUR END",
    "grain": "width",
    **wallet.PROVIDER_COLUMNS,
    "model_raw": said(wallet.CARD),
    **wallet.CREDIT_COLUMNS,
}
_CHECKS: Final = (
    *request_logs.when(f"{_DAY} or {_HOUR}", "stamp", "started"),
    Check(
        fails="date_trunc(width, started) <> started",
        code="not-a-day-bucket",
        field=f"{_DAY} or {_HOUR}",
        found="stamp",
        expected="the beginning of a day or of an hour, in UTC",
    ),
    *texts_without_nul([(wallet.CARD, wallet.CARD)]),
    *wallet.credit_checks(),
)
_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=_REQUIRED,
    steps=_STEPS,
    columns=_COLUMNS,
    checks=_CHECKS,
    noise=(
        "CASE WHEN upper(rowdetail) NOT IN ('', 'PROCESSED')"
        " THEN 'rows that are ' || left(rowdetail, 40) END"
    ),
    snapshot=Snapshot(
        scope="'*'",
        day="strftime(started, '%Y-%m-%d')",
        signature="'width=' || width || ';dimensions=card'",
    ),
    spelling=wallet.spelling,
)


class SalesforceWalletTotals:
    """One record per card and day, or card and hour."""

    name = "salesforce-wallet-totals"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Salesforce Digital Wallet: credits by card and day or hour (CSV, Parquet)"
    export = "Data 360 query of TenantDailyEntitlementConsumption or the hourly object, as CSV"
    cannot_tell = "dollars; persons, actions, models and tokens"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the card, its credits and a day or hour; events have neither of these."""
        verdict = by_columns(sample, _REQUIRED, spelling=wallet.spelling)
        columns = {wallet.spelling(column) for column in sample.columns or header_of(sample)}
        if verdict.matches and columns.isdisjoint({_DAY, _HOUR}):
            return Verdict(matches=False, because=f"its columns lack {_DAY!r} and {_HOUR!r}")
        return verdict

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read the totals, and the days that they replace."""
        yield from reader.bulk(path, _LAYOUT)
