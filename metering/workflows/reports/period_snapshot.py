"""Freeze one period of the book: everything a report says, read in one transaction.

The snapshot id is the beginning of the ledger hash: a report can be held against `metering verify`.
"""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Final

from metering.books import ledger_totals as total_book
from metering.books import periods as period_book
from metering.books import rate_cards as card_book
from metering.books import runs as run_book
from metering.books import sources as source_book
from metering.core.periods import BillingPeriod
from metering.errors import LedgerError
from metering.reporting.snapshot import (
    HISTORY_SCHEMA,
    CardUsed,
    History,
    ReportStatus,
    Snapshot,
    SourceReceipt,
)
from metering.workflows.book_hash import book_hash
from metering.workflows.closing.tie_out import tie_outs
from metering.workflows.intake.arrival import unmetered_in
from metering.workflows.posting.accounting import accounting_of
from metering.workflows.reading import no_charges
from metering.workflows.reports.charge_lines import read_charges
from metering.workflows.reports.period_plans import (
    asked_of_period,
    budgets_of_period,
    forecasts_of_period,
    pools_of_period,
    stretches_of_period,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings

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
    accounting = accounting_of(connection, settings, period)
    charged = read_charges(connection, period, accounting)
    if not charged.lines.table.num_rows:
        raise no_charges(period)
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
        lines=charged.lines,
        history=_history(connection, period),
        tie_outs=tie_outs(connection, settings, period),
        cards=_cards_used(connection, charged.cards),
        rules_version=accounting.rules_version or None,
        directory_version=accounting.directory_version or None,
        sources=tuple(_receipts(connection, period)),
        promoted=tuple(_promotions(charged.promoted, settings)),
        unmetered=tuple(_unmetered(connection, settings, period)),
        quarantined=len(source_book.quarantine_list(connection)),
        budgets=budgets_of_period(connection, period),
        stretches=stretches_of_period(connection, period),
        # A closed month is what it is: nothing of it is foreseen any more.
        forecasts=None if closed else forecasts_of_period(connection, period),
        asked=asked_of_period(connection, period),
        pools=pools_of_period(connection, settings, period),
    )


def _history(connection: "Connection", period: BillingPeriod) -> History:
    """Return what was billed in the last months, by day and owner."""
    first = period
    for _ in range(_HISTORY_MONTHS - 1):
        first = first.previous
    rows = [
        (month, date.fromisoformat(day), *(name or None for name in owner), currency, nanos)
        for month, day, *owner, currency, nanos in total_book.billed_by_owner(
            connection, str(first), str(period)
        )
    ]
    columns = map(list, zip(*rows, strict=True))
    return History.of(dict(zip(HISTORY_SCHEMA.names, columns, strict=True)))


def _cards_used(connection: "Connection", used: frozenset[str]) -> tuple[CardUsed, ...]:
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


def _unmetered(
    connection: "Connection", settings: "Settings", period: BillingPeriod
) -> Iterator[str]:
    first, end = str(period.first_day), str(period.end_day)
    for one in unmetered_in(connection, settings):
        if one.first_day < end and one.last_day >= first:
            yield f"{one.ingestor} tells of usage of {one.provider}, which nothing meters"


def _promotions(promoted: frozenset[tuple[str, str]], settings: "Settings") -> Iterator[str]:
    names = ", ".join(sorted(settings.promoted))
    for provider, account in sorted(promoted):
        yield (
            f"{provider}, account {account}: charged from detail ({names}), because metering.toml "
            f"says so; no metered source covers it"
        )
