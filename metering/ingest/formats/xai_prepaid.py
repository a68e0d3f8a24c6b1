"""xAI's list of changes to a team's prepaid credit: what usage drew down, month by month.

Amounts are cents as text and carry the sign of a debt: a purchase is negative, spending positive.
Spending belongs to the billing month that its `spendBpKey…` names, and is what xAI says that month
cost beyond what it invoiced; it is recorded beside the usage, as a cost report, and never charged.
Purchases and refunds move money and not usage: their invoices say so. The total is what is left.

Source: source formats note, sections 0.2 and 3.1, read 2026-11-21; xAI's `billing.proto`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.core.periods import BillingPeriod
from metering.errors import Rejection
from metering.ingest.contract import Identity, Reading, Repeat, Sample, Slice, SourceRole, Verdict
from metering.ingest.marks import by_keys
from metering.ingest.shapes.buckets import Span
from metering.ingest.shapes.pages import Row, read_row_pages
from metering.ingest.shapes.records import given, metered, readings, reported
from metering.ingest.values.exact_decimals import amount, nanos
from metering.ingest.values.fields import FieldRefused, Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_LIST: Final = "changes"
_SPEND: Final = "SPEND"
_MOVED: Final = {
    "PURCHASE": "credit that was bought",
    "REFUND": "credit that was paid back",
    "MANUAL": "changes by xAI's staff",
}
_CENTS: Final = 100
_YEARS: Final = range(2000, 2100)
_MONTHS: Final = range(1, 13)


class XaiPrepaid:
    """One record per month's spending of credit."""

    name = "xai-prepaid"
    version = 1
    role = SourceRole.COST
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "xAI management API: what usage drew from prepaid credit, by month (JSON)"
    export = "GET /v1/billing/teams/{team}/prepaid/balance with a management key"
    cannot_tell = "what was invoiced and not paid from credit; days, keys, models and tokens"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the members of a change."""
        return by_keys(sample, (_LIST, "changeOrigin"), {}, "it lists changes of xAI's credit")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield what each month drew, then the months from the first to the last."""
        noise: Counter[str] = Counter()
        months: set[BillingPeriod] = set()
        pages = read_row_pages(path, reader, _LIST)
        rows = chain.from_iterable(page.rows for page in pages)
        yield from readings(_records(rows, noise, months), noise)
        if months:
            first, last = min(months).first_day, max(months).last_day
            yield Slice("prepaid", "width=month", first.isoformat(), last.isoformat())


def _records(
    rows: Iterator[Row], noise: Counter[str], months: set[BillingPeriod]
) -> Iterator[Mapping[str, object] | Rejection]:
    for row in rows:
        try:
            change = row.fields
            change.text("changeOrigin")
            origin = change.one_of("changeOrigin", (_SPEND, *_MOVED)) or ""
            if origin != _SPEND:
                noise[_MOVED[origin]] += 1
                continue
            month = _month(change)
            yield {"row_no": row.line, **_cells(change, month)}
            months.add(month)
        except FieldRefused as refusal:
            yield refusal.at(row.line)


def _month(change: Fields) -> BillingPeriod:
    year, month = change.whole_number("spendBpKeyYear"), change.whole_number("spendBpKeyMonth")
    if year not in _YEARS:
        raise change.refused("bad-period", "spendBpKeyYear", "a year from 2000 to 2099")
    if month not in _MONTHS:
        raise change.refused("bad-period", "spendBpKeyMonth", "a month from 1 to 12")
    return BillingPeriod(year, month)


def _cells(change: Fields, month: BillingPeriod) -> Mapping[str, object]:
    cents = change.part("amount")
    spent = nanos(amount(cents, "val") / _CENTS)
    if spent < 0:
        raise cents.refused("bad-amount", "val", "cents of 0 or more, since it was spent")
    return {
        **Span(_midnight(month.first_day), _midnight(month.end_day)).cells(),
        "provider": "xai",
        "platform": "xai-api",
        "product": "api",
        "tags": given({"invoice": change.text_if_any("invoiceNumber")}),
        # Of two answers for one month the one that says more is the later.
        **metered({Meter.BILLED_NANOS: spent}),
        **reported(spent, "USD", "billed"),
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
