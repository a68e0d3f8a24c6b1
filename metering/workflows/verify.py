"""Verify: are the books sound, and which ledger do they hold?

The fast part reads the book and looks whether every lake file it names is there. The full part
hashes every file and recomputes every charge from the lake and the rules.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metering.books import coverage as coverage_book
from metering.books import lake as lake_book
from metering.books import ledger as ledger_book
from metering.books import ledger_totals as total_book
from metering.books import outcomes as outcome_book
from metering.books import period_content as content_book
from metering.books import periods as period_book
from metering.books import seals as seal_book
from metering.books import sources as source_book
from metering.books.engine import begin_read, open_engine
from metering.books.migrations import database_problems, open_books
from metering.core.ledger import UNATTRIBUTED
from metering.core.periods import BillingPeriod
from metering.engine import trace
from metering.engine.charging.lacking import lacking_totals
from metering.engine.connection import open_duckdb
from metering.usage.lake import Lake, file_sha256
from metering.workflows.book_hash import book_hash, changed_closed_periods
from metering.workflows.closing.tie_out import tie_outs
from metering.workflows.posting.post import FIRST_DAY, LAST_DAY, lacking
from metering.workflows.posting.rating_answers import conditions_text
from metering.workflows.transactions import transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings


@dataclass(frozen=True, slots=True)
class Verified:
    """What the books say about themselves.

    Attributes:
        ledger_hash: of the net ledger and the versions in force; equal ledgers have equal hashes.
        chain: of every row of the books, in the order they came; see `books.seals`.
        sources: files ingested.
        records: usage records in the lake, as they stand.
        outcomes: rows of outcomes in the lake.
        recorded, already_known, rejected: receipts of all sources, added up.
        postings: rows of the ledger.
        billed_nanos: net charges by currency.
        unpriced_records: usage records with a quantity that has no rate.
        unattributed_nanos: net charges without an owner, by currency.
        unexplained_nanos: what invoices hold beyond any reason, by currency.
        open_periods: periods with charges that still take postings.
        quarantined: refused records nobody has dealt with.
        problems: why the books are not sound, a sentence each; empty when they are.
    """

    ledger_hash: str
    chain: str
    sources: int
    records: int
    outcomes: int
    recorded: int
    already_known: int
    rejected: int
    postings: int
    billed_nanos: dict[str, int]
    unpriced_records: int
    unattributed_nanos: dict[str, int]
    unexplained_nanos: dict[str, int]
    open_periods: tuple[str, ...]
    quarantined: int
    problems: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with the books."""
        return not self.problems


def verify(settings: "Settings", *, full: bool = False) -> Verified:
    """Check the books and return what they say about themselves.

    Args:
        settings: where the books and the lake are.
        full: also hash every lake file and recompute every charge; as long as a `post`.
    """
    books = open_books(settings.books_url)
    deep = tuple(_deep_problems(settings)) if full else ()
    with begin_read(books) as connection:
        totals = source_book.receipt_totals(connection)
        live = lake_book.live_files(connection)
        control = total_book.control_totals(connection)
        closed = period_book.closed_periods(connection)
        periods = content_book.booked_periods(connection)
        return Verified(
            ledger_hash=book_hash(connection),
            chain=seal_book.chain_head(connection),
            sources=totals.sources,
            records=sum(file.records for file in live),
            outcomes=sum(file.outcomes for file in outcome_book.outcome_files(connection)),
            recorded=totals.recorded,
            already_known=totals.already_known,
            rejected=totals.rejected,
            postings=ledger_book.posting_count(connection),
            billed_nanos={total.currency: total.billed_nanos for total in control},
            unpriced_records=_unpriced_records(
                settings, live, ledger_book.unpriced_lines(connection)
            ),
            unattributed_nanos={
                total.currency: total.suspense_nanos.get(UNATTRIBUTED.name, 0) for total in control
            },
            unexplained_nanos=_unexplained(connection, settings, periods),
            open_periods=tuple(period for period in periods if period not in closed),
            quarantined=len(source_book.quarantine_list(connection, open_only=True)),
            problems=tuple(dict.fromkeys((*book_problems(connection, settings), *deep))),
        )


def book_problems(connection: "Connection", settings: "Settings") -> Iterator[str]:
    """Yield why the books are not sound, a sentence each, without recomputing any charge."""
    live = lake_book.live_files(connection)
    yield from database_problems(connection)
    yield from seal_book.broken_seals(connection)
    yield from changed_closed_periods(connection)
    lake = Lake(settings.lake)
    for name, size_bytes, _ in _named_files(connection, live):
        path = lake.path_of(name)
        try:
            if not path.is_file():
                yield f"{name}: the book names this lake file, and it is not there"
            elif path.stat().st_size != size_bytes:
                yield f"{name}: has {path.stat().st_size} bytes, not {size_bytes}"
        except OSError as error:
            yield _unreadable(name, error)
    yield from _lost_records(connection, live)
    yield from _overlaps(connection, settings)


def _named_files(
    connection: "Connection", live: Iterable[lake_book.LakeFile]
) -> Iterator[tuple[str, int, str]]:
    """Yield path, size and SHA-256 of every file that has to be in the lake."""
    for file in live:
        if file.path is not None:
            yield file.path, file.size_bytes, file.sha256
    for outcomes in outcome_book.outcome_files(connection):
        yield outcomes.path, outcomes.size_bytes, outcomes.sha256


def _unreadable(name: str, error: OSError) -> str:
    return f"{name}: the book names this lake file, and it cannot be read: {error.strerror}"


def _lost_records(connection: "Connection", live: Sequence[lake_book.LakeFile]) -> Iterator[str]:
    """Yield where the lake holds other events than the receipts say were recorded."""
    expected: Counter[str] = Counter()
    for stored in source_book.list_sources(connection):
        source = stored.source
        if source.identity == "event" and source.role != "invoice":
            expected[source.ingestor] += source.recorded - source.superseded
    held: Counter[str] = Counter()
    for outcomes in outcome_book.outcome_files(connection):
        held[outcomes.ingestor] += outcomes.outcomes
    for file in live:
        if file.identity == "event":
            held[file.ingestor] += file.records
    for ingestor in sorted(expected.keys() | held.keys()):
        if expected[ingestor] != held[ingestor]:
            yield (
                f"{ingestor}: receipts say {expected[ingestor]} records, "
                f"the lake holds {held[ingestor]}"
            )


def _overlaps(connection: "Connection", settings: "Settings") -> Iterator[str]:
    """Yield usage that two sources meter, which a change of [roles] can bring about."""
    for clash in coverage_book.overlapping_claims(connection):
        one, other = clash
        if settings.is_metered(one.ingestor, one.role) and settings.is_metered(
            other.ingestor, other.role
        ):
            yield (
                f"{one.provider} account '{one.billing_account}' on {one.day} is metered by both "
                f"{one.ingestor} and {other.ingestor}: say under [roles] which one only divides"
            )


def _unexplained(
    connection: "Connection", settings: "Settings", periods: Sequence[str]
) -> dict[str, int]:
    found: Counter[str] = Counter()
    for name in periods:
        for account in tie_outs(connection, settings, BillingPeriod.parse(name)):
            if account.is_invoiced:
                found[account.currency] += abs(account.unexplained_nanos)
    return dict(sorted(found.items()))


def _unpriced_records(
    settings: "Settings",
    live: Sequence[lake_book.LakeFile],
    lines: Sequence[ledger_book.NetLine],
) -> int:
    unpriced = {(_kind(line), line.conditions, line.meter) for line in lines}
    days = {kind.day for kind, _, _ in unpriced}
    lake = Lake(settings.lake)
    files = [
        lake.path_of(file.path)
        for file in live
        if file.path is not None
        and file.day in days
        and settings.is_metered(file.ingestor, file.role)
    ]
    if not files:
        return 0
    with (
        lake.staging() as scratch,
        open_duckdb(
            scratch, memory_limit=settings.memory_limit, threads=settings.threads
        ) as connection,
    ):
        trace.open_usage(connection, files, sorted({kind for kind, _, _ in unpriced}))
        return sum(
            count
            for *kind, meters, count in trace.kinds_of_records(connection)
            if _is_unpriced(kind, meters, unpriced)
        )


def _is_unpriced(
    columns: Sequence[str | None],
    meters: Sequence[str],
    unpriced: set[tuple[trace.Kind, str, str]],
) -> bool:
    used, conditions = columns[: 1 + len(trace.USED_FOR)], columns[1 + len(trace.USED_FOR) :]
    kind = trace.Kind(*(value or "" for value in used))
    return any((kind, conditions_text(conditions), meter) in unpriced for meter in meters)


def _kind(line: ledger_book.NetLine) -> trace.Kind:
    return trace.Kind(
        line.charge_day,
        line.provider,
        line.platform,
        line.billing_account,
        line.product,
        line.model_raw,
    )


def _deep_problems(settings: "Settings") -> Iterator[str]:
    books = open_engine(settings.books_url)
    lake = Lake(settings.lake)
    with begin_read(books) as connection:
        for name, _, sha256 in _named_files(connection, lake_book.live_files(connection)):
            # Of a file that is not there the fast part tells.
            try:
                if lake.path_of(name).is_file() and file_sha256(lake.path_of(name)) != sha256:
                    yield f"{name}: its bytes are not those that were recorded"
            except OSError as error:
                yield _unreadable(name, error)
    # New accounts and bases would be named on the way: a transaction that is rolled back.
    with (
        lake.staging() as staging,
        transaction(books, dry_run=True) as connection,
        lacking(connection, settings, staging, FIRST_DAY, LAST_DAY) as found,
    ):
        count = sum(row[4] for row in lacking_totals(found.duck))
        if count:
            yield (
                f"the book lacks {count} postings of what the usage ought to cost: "
                "run `metering post`"
            )


def as_json(verified: Verified) -> Mapping[str, object]:
    """Return the object that scripts read."""
    return {
        "ledger_hash": verified.ledger_hash,
        "chain": verified.chain,
        "sources": verified.sources,
        "records": verified.records,
        "outcomes": verified.outcomes,
        "recorded": verified.recorded,
        "already_known": verified.already_known,
        "rejected": verified.rejected,
        "postings": verified.postings,
        "billed_nanos": verified.billed_nanos,
        "unpriced_records": verified.unpriced_records,
        "unattributed_nanos": verified.unattributed_nanos,
        "unexplained_nanos": verified.unexplained_nanos,
        "open_periods": list(verified.open_periods),
        "quarantined": verified.quarantined,
        "sound": verified.sound,
        "problems": list(verified.problems),
    }
