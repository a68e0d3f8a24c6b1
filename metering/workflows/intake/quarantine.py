"""Quarantine: look at refused records, and read their files again."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from metering.books import sources as source_book
from metering.books.engine import begin_read, begin_write, open_engine
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.errors import BookError
from metering.ingest.contract import SourceRole
from metering.ingest.fingerprints import fingerprint_of
from metering.workflows.intake.ingest import ingest_files
from metering.workflows.intake.order import Order
from metering.workflows.intake.settling_snapshots import Said
from metering.workflows.intake.whereabouts import Whereabouts
from metering.workflows.outcomes.outcome_imports import ingest_outcomes
from metering.workflows.reading import reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from metering.ingest.contract import Ingestor
    from metering.ingest.outcomes.contract import OutcomeIngestor
    from metering.settings import Settings
    from metering.workflows.intake.receipts import Receipt
    from metering.workflows.runs import Run


@dataclass(frozen=True, slots=True)
class Retried:
    """What a retry came to.

    Attributes:
        resolved: refused records whose file was read again in a corrected form.
        still_open: refused records left, new ones of the corrected files included.
        missing: files that are not at their place any more.
    """

    resolved: int
    still_open: int
    missing: tuple[str, ...]


def quarantined(settings: "Settings", *, open_only: bool) -> tuple[source_book.Quarantined, ...]:
    """Return the refused records by source and line, each where its file stands now."""
    with reading(settings) as connection:
        found = source_book.quarantine_list(connection, open_only=open_only)
        return _where_they_stand(settings, connection, found)


def one_quarantined(settings: "Settings", number: int) -> source_book.Quarantined | None:
    """Return one refused record, or None when there is no such number."""
    with reading(settings) as connection:
        found = source_book.quarantine_show(connection, number)
        return _where_they_stand(settings, connection, [found])[0] if found else None


def retry(
    settings: "Settings",
    run: "Run",
    ingestors: "Sequence[Ingestor]",
    outcome_ingestors: "Sequence[OutcomeIngestor]" = (),
) -> Retried:
    """Ingest the files of open refused records again, where their content has changed.

    The records of a corrected file that were recorded before are known again; so is the whole of
    it, where it was ingested by hand. A file whose bytes are what they were is refused as before,
    so its records stay where they are. A file of the inbox is looked for where its night has moved
    it to.
    """
    waiting = quarantined(settings, open_only=True)
    books = open_engine(settings.books_url)
    with begin_read(books) as connection:
        stored = source_book.list_sources(connection)
    sources = {one.id: one.source for one in stored}
    resolved, missing = 0, []
    for source_id, paths, numbers in _by_delivery(waiting, sources):
        source = sources[source_id]
        if not all(path.is_file() for path in paths):
            missing.append(source.path)
            continue
        forced = source.ingestor if source.forced else None
        receipts: Iterator[Receipt]
        if source.role == SourceRole.OUTCOME:
            receipts = ingest_outcomes(settings, run, paths, outcome_ingestors, forced=forced)
        else:
            said = Said.NOTHING if _is_followed(source_id, stored) else Said.LATER
            order = Order(ingestors, forced=forced, account=source.billing_account, said=said)
            receipts = ingest_files(settings, run, paths, order)
        known = [receipt.known_before for receipt in receipts]
        if all(known) and _are_as_they_were(paths, source, sources):
            continue
        with begin_write(books) as connection:
            run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
            source_book.resolve_quarantine(connection, run_id, numbers, "retried")
        resolved += len(numbers)
    return Retried(resolved, len(quarantined(settings, open_only=True)), tuple(missing))


def _by_delivery(
    waiting: "Sequence[source_book.Quarantined]", sources: "Mapping[int, source_book.NewSource]"
) -> "Iterator[tuple[int, list[Path], list[int]]]":
    """Yield a source of refused records, the files that count with it, and the records' numbers."""
    found: dict[int | str, list[source_book.Quarantined]] = {}
    for one in waiting:
        found.setdefault(sources[one.source_id].delivery or one.source_id, []).append(one)
    for refused in found.values():
        source, path = sources[refused[0].source_id], Path(refused[0].path)
        paths = [path]
        if source.delivery:
            # Its files stand side by side.
            together = (one for one in sources.values() if one.delivery == source.delivery)
            paths = [path.parent / one.name for one in together]
        yield refused[0].source_id, paths, [one.id for one in refused]


def _are_as_they_were(
    paths: "Sequence[Path]",
    source: source_book.NewSource,
    sources: "Mapping[int, source_book.NewSource]",
) -> bool:
    """Say whether files still hold the bytes of which records were refused."""
    refused = {source.content_sha256}
    if source.delivery:
        refused |= {
            one.content_sha256 for one in sources.values() if one.delivery == source.delivery
        }
    return all(fingerprint_of(path).sha256 in refused for path in paths)


def _is_followed(source_id: int, stored: "Sequence[source_book.StoredSource]") -> bool:
    """Say whether another export of the same days may have come after a source.

    A corrected file is later than the one it corrects, and not than what came after that.
    """
    (source,) = (one.source for one in stored if one.id == source_id)
    return any(
        one.id > source_id
        and (one.source.ingestor, one.source.billing_account)
        == (source.ingestor, source.billing_account)
        and not (source.delivery and one.source.delivery == source.delivery)
        and _may_overlap(one.source, source)
        for one in stored
    )


def _may_overlap(one: source_book.NewSource, other: source_book.NewSource) -> bool:
    if None in (one.first_day, one.last_day, other.first_day, other.last_day):
        # Of a file without any record it is not known of which days it was to be.
        return True
    return str(one.first_day) <= str(other.last_day) and str(other.first_day) <= str(one.last_day)


def _where_they_stand(
    settings: "Settings", connection: "Connection", found: "Sequence[source_book.Quarantined]"
) -> tuple[source_book.Quarantined, ...]:
    """Return refused records with the path to which a night has moved their file, if one has."""
    gone = {one.source_id for one in found if not Path(one.path).is_file()}
    if not gone:
        return tuple(found)
    whereabouts = Whereabouts(settings, connection)
    moved = {
        stored.id: whereabouts.of(stored)
        for stored in source_book.list_sources(connection)
        if stored.id in gone
    }
    return tuple(replace(one, path=moved.get(one.source_id, one.path)) for one in found)


def assign(settings: "Settings", run: "Run", numbers: "Sequence[int]", owner: str) -> int:
    """Say who sees to refused records, and return the run that did.

    A period can be closed while a refused record is left that somebody sees to.

    Args:
        settings: where the books are.
        run: who does this, when.
        numbers: of the records; all of them open.
        owner: a person or team, in any words.

    Raises:
        BookError: `unknown-quarantine`: there is no such open record; nothing is changed.
    """
    books = open_books(settings.books_url)
    with begin_write(books) as connection:
        known = {one.id for one in source_book.quarantine_list(connection)}
        unknown = [number for number in numbers if number not in known]
        if unknown:
            raise BookError(
                "unknown-quarantine",
                f"there is no open refused record {unknown[0]}",
                do="see `metering quarantine list`",
            )
        run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
        source_book.assign_quarantine(connection, run_id, numbers, owner)
        return run_id


def as_json(found: source_book.Quarantined) -> dict[str, object]:
    """Return one refused record as scripts read it."""
    return {
        "id": found.id,
        "path": found.path,
        "line": found.rejection.line,
        "code": found.rejection.code,
        "field": found.rejection.field,
        "found": found.rejection.found,
        "expected": found.rejection.expected,
        "remedy": found.rejection.remedy,
        "ingestor": found.ingestor,
        "resolution": found.resolution or "open",
        "owner": found.owner,
    }
