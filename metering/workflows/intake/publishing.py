"""Put staged usage into its place in the lake, and say what the book has to name."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.books import lake as lake_book
from metering.errors import LedgerError, SourceError, SourceRef
from metering.usage.staged import StagedDay, describe

if TYPE_CHECKING:
    import duckdb
    from sqlalchemy import Connection

    from metering.ingest.contract import Ingestor
    from metering.usage.lake import Lake


_LARGEST: Final = 2**63 - 1


def live_paths(connection: "Connection", lake: "Lake", ingestor: "Ingestor") -> dict[str, Path]:
    """Return where the events of an ingestor stand, by the path the book knows each file under."""
    return {
        file.path: lake.path_of(file.path)
        for file in lake_book.event_files(connection, ingestor.name)
        if file.path is not None
    }


def refuse_too_much(path: Path, days: Sequence[StagedDay]) -> None:
    """Refuse usage whose counts of a day add up to more than the books hold: one of them is wrong.

    Args:
        path: of the file, or of the first of several that were read together.
        days: what it holds.

    Raises:
        SourceError: `amount-too-large`.
    """
    for day in days:
        if day.quantity > _LARGEST:
            raise SourceError(
                SourceRef(str(path)),
                "amount-too-large",
                f"its counts of {day.day} add up to {day.quantity:,}",
                details=(f"expected: at most {_LARGEST:,}, which the books can hold",),
                do="look for the wrong count, correct it and ingest the file again",
            )


def publish_day(
    lake: "Lake", ingestor: "Ingestor", day: StagedDay, *, source_id: int | None, source: str
) -> lake_book.NewLakeFile:
    """Place the usage of one day and return its row for the book.

    Args:
        lake: where it goes.
        ingestor: what read it.
        day: in at most one file; in none where a day is reported as without usage.
        source_id: of the source it is from; None for several, each record naming its own.
        source: digest of what it was read from, hexadecimal.
    """
    if len(day.files) > 1:
        raise LedgerError(f"{day.day} of one import is staged in several files")
    placed = lake.publish_usage(day.files[0], day=day.day, source=source) if day.files else None
    return lake_book.NewLakeFile(
        source_id=source_id,
        ingestor=ingestor.name,
        role=ingestor.role.value,
        identity=ingestor.identity.value,
        day=day.day,
        path=placed.path if placed else None,
        sha256=placed.sha256 if placed else "",
        size_bytes=placed.size_bytes if placed else 0,
        records=day.records,
        meters=_json(day.other_meters),
        models=_json(day.models),
        quantity=day.quantity,
    )


def publish_rewritten(
    connection: "Connection",
    duck: "duckdb.DuckDBPyConnection",
    lake: "Lake",
    ingestor: "Ingestor",
    superseded: Mapping[str, Path | None],
) -> tuple[list[int], list[lake_book.NewLakeFile]]:
    """Place what is left of files that lost records; return the ids to retire and the new rows."""
    if not superseded:
        return [], []
    listed = {file.path: file for file in lake_book.event_files(connection, ingestor.name)}
    retired, rows = [], []
    for path, left in sorted(superseded.items()):
        old = listed[path]
        retired.append(old.id)
        if left is not None:
            (day,) = describe(duck, (left,))
            rows.append(
                publish_day(lake, ingestor, day, source_id=old.source_id, source=Path(path).name)
            )
    return retired, rows


def _json(value: Sequence[object]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
