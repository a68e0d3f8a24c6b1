"""Freeze one period of the book: everything a report says, read in one transaction.

The snapshot id is the beginning of the ledger hash: a report can be held against `metering verify`.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Final

from metering.books import ledger as ledger_book
from metering.books import owners as owner_book
from metering.books import periods as period_book
from metering.books import rate_cards as card_book
from metering.books import runs as run_book
from metering.books import sources as source_book
from metering.core.allocation import SHARE_METERS, SPLIT_ID
from metering.core.ledger import HOLDING_KINDS, UNATTRIBUTED, UNPRICED, AccountKind
from metering.core.periods import BillingPeriod
from metering.errors import BookError, LedgerError
from metering.reporting.snapshot import (
    HISTORY_SCHEMA,
    LINE_SCHEMA,
    Bearer,
    CardUsed,
    ChargeLines,
    History,
    ReportStatus,
    Snapshot,
    SourceReceipt,
)
from metering.workflows.book_hash import book_hash
from metering.workflows.period_plans import budgets_of_period, pools_of_period
from metering.workflows.tie_out import tie_outs

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings

_SHARED: Final = frozenset({AccountKind.POOL, AccountKind.MARKUP})
_ID_CHARACTERS: Final = 12
_HISTORY_MONTHS: Final = 6


def snapshot_of_period(
    connection: "Connection", settings: "Settings", period: BillingPeriod
) -> Snapshot:
    """Return the snapshot of a period.

    Args:
        connection: of a read transaction; all of the snapshot is one state of the book.
        settings: the reporting currency, and which sources were promoted.
        period: the month.

    Raises:
        BookError: `no-charges`: the book holds none of that period.
    """
    collected = _Collected(ledger_book.net_lines(connection, str(period)))
    if not collected.rows:
        raise BookError(
            "no-charges",
            f"the book holds no charges of {period}",
            do="run `metering post`, or see `metering period list` for the periods it has",
        )
    last_run = run_book.last_run(connection)
    if last_run is None:
        raise LedgerError("there are postings, and no run has written them")
    closed = str(period) in period_book.closed_periods(connection)
    return Snapshot(
        period=period,
        currency=settings.currency,
        status=ReportStatus.FINAL if closed else ReportStatus.ESTIMATE,
        snapshot_id=book_hash(connection)[:_ID_CHARACTERS],
        made_at=last_run.started_at,
        lines=collected.lines(),
        history=_history(connection, period),
        tie_outs=tie_outs(connection, settings, period),
        cards=_cards_used(connection, collected.cards),
        rules_version=owner_book.rule_set_version(connection).version or None,
        directory_version=owner_book.directory_version(connection).version or None,
        sources=tuple(_receipts(connection, period)),
        promoted=tuple(_promotions(collected.promoted, settings)),
        quarantined=len(source_book.quarantine_list(connection)),
        budgets=budgets_of_period(connection, period),
        pools=pools_of_period(connection, settings, period),
    )


class _Collected:
    """What a report needs of the ledger's lines, gathered while they pass by."""

    def __init__(self, lines: Iterable[ledger_book.NetLine]) -> None:
        self.rows: list[tuple[object, ...]] = []
        self.cards: set[str] = set()
        self.promoted: set[tuple[str, str]] = set()
        days: dict[str, date] = {}
        for line in lines:
            if line.debit_kind in HOLDING_KINDS:
                continue
            day = days.get(line.charge_day)
            if day is None:
                day = days.setdefault(line.charge_day, date.fromisoformat(line.charge_day))
            self.rows.append(_row(line, day))
            if line.card:
                self.cards.add(line.card)
            if line.promoted:
                self.promoted.add((line.provider, line.billing_account))

    def lines(self) -> ChargeLines:
        """Return the lines of the period."""
        columns = zip(*self.rows, strict=True)
        return ChargeLines.of(dict(zip(LINE_SCHEMA.names, map(list, columns), strict=True)))


def _history(connection: "Connection", period: BillingPeriod) -> History:
    """Return what was billed in the last months, by day and owner."""
    first = period
    for _ in range(_HISTORY_MONTHS - 1):
        first = first.previous
    rows = [
        (month, date.fromisoformat(day), *(name or None for name in owner), currency, nanos)
        for month, day, *owner, currency, nanos in ledger_book.billed_by_owner(
            connection, str(first), str(period)
        )
    ]
    columns = map(list, zip(*rows, strict=True))
    return History.of(dict(zip(HISTORY_SCHEMA.names, columns, strict=True)))


def _row(line: ledger_book.NetLine, day: date) -> tuple[object, ...]:
    """Return a line as the columns of `LINE_SCHEMA`, in order."""
    listed = None if line.list_unit_price_nanos is None else line.list_nanos
    return (
        day,
        _bearer(line).value,
        *(line.cost_centre or None, line.team or None, line.project or None),
        line.provider,
        line.billing_account,
        line.platform,
        line.product or None,
        line.model or line.model_raw or None,
        line.meter,
        line.status,
        line.reason or None,
        _rule(line),
        line.card or None,
        line.currency,
        line.quantity,
        line.amount_nanos,
        listed,
        line.corrects_period,
    )


def _rule(line: ledger_book.NetLine) -> str | None:
    # Which rule found an owner is not kept with a charge; `metering explain` finds it.
    if line.meter not in SHARE_METERS:
        return None
    return str(json.loads(line.rate_ids)[0]).removeprefix(SPLIT_ID)


def _bearer(line: ledger_book.NetLine) -> Bearer:
    if line.debit_kind in _SHARED:
        return Bearer.SHARED
    if line.debit_kind == AccountKind.OWNER:
        return Bearer.OWNER
    if line.debit == UNATTRIBUTED.name:
        return Bearer.UNATTRIBUTED
    if line.debit == UNPRICED.name:
        return Bearer.UNPRICED
    raise LedgerError(f"a report does not know the account {line.debit}")


def _cards_used(connection: "Connection", used: set[str]) -> tuple[CardUsed, ...]:
    return tuple(
        CardUsed(
            name=card.name,
            version=card.version,
            kind=card.kind.value,
            currency=card.currency,
            source=" ".join(filter(None, (card.source_name, card.source_version))),
        )
        for card in card_book.card_versions(connection)
        if f"{card.name} v{card.version}" in used
    )


def _receipts(connection: "Connection", period: BillingPeriod) -> Iterator[SourceReceipt]:
    """Yield the receipts of the sources whose days reach into the period, by name."""
    first, end = str(period.first_day), str(period.end_day)
    sources = [stored.source for stored in source_book.list_sources(connection)]
    for source in sorted(sources, key=lambda source: (source.name, source.content_sha256)):
        if not source.first_day or not source.last_day:
            continue
        if source.first_day >= end or source.last_day < first:
            continue
        yield SourceReceipt(
            name=source.name,
            ingestor=f"{source.ingestor} {source.ingestor_version}",
            role=source.role,
            first_day=date.fromisoformat(source.first_day),
            last_day=date.fromisoformat(source.last_day),
            records_in=source.records_in,
            recorded=source.recorded,
            already_known=source.already_known,
            rejected=source.rejected,
            content_sha256=source.content_sha256,
        )


def _promotions(promoted: set[tuple[str, str]], settings: "Settings") -> Iterator[str]:
    names = ", ".join(sorted(settings.promoted))
    for provider, account in sorted(promoted):
        yield (
            f"{provider}, account {account}: charged from detail ({names}), because metering.toml "
            f"says so; no metered source covers it"
        )
