"""The manifest of outcomes: a file of the lake that no row here names does not exist."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, Connection, UniqueConstraint, insert, select

from metering.books.schema import BookTable, reference, row_id, strict, table_of, whole, words


class OutcomeFileRow(BookTable, table=True):
    """The outcomes that one source added."""

    __tablename__: ClassVar[Any] = "outcome_file"
    __table_args__ = strict(
        UniqueConstraint("path"), CheckConstraint("outcomes > 0", name="holds_something")
    )

    id: int | None = row_id()
    run_id: int = reference("run.id")
    source_id: int = reference("source.id", index=True)
    ingestor: str = words()
    system: str = words()
    path: str = words()
    sha256: str = words()
    size_bytes: int = whole()
    outcomes: int = whole()
    first_day: str = words()
    last_day: str = words()
    digest: str = words()


_FILE: Final = table_of(OutcomeFileRow)


@dataclass(frozen=True, slots=True)
class NewOutcomeFile:
    """The outcomes that one source added.

    Attributes:
        source_id: the source they come from.
        system: of record, which several formats may export.
        path: relative to the lake.
        outcomes: rows of the file.
        first_day, last_day: ISO days, UTC, between which the source's outcomes lie.
        digest: of its rows in any order; those of several files can be joined.
    """

    source_id: int
    ingestor: str
    system: str
    path: str
    sha256: str
    size_bytes: int
    outcomes: int
    first_day: str
    last_day: str
    digest: str


def add_outcome_file(connection: Connection, run_id: int, file: NewOutcomeFile) -> None:
    """Name a file of outcomes, which makes it exist.

    Raises:
        sqlalchemy.exc.IntegrityError: its path is named already, or it holds nothing.
    """
    connection.execute(insert(_FILE).values(run_id=run_id, **asdict(file)))


def outcome_files(connection: Connection, system: str | None = None) -> tuple[NewOutcomeFile, ...]:
    """Return every file of outcomes, or those of one system, in the order they came."""
    names = list(NewOutcomeFile.__dataclass_fields__)
    statement = select(*(_FILE.c[name] for name in names)).order_by(_FILE.c.id)
    if system is not None:
        statement = statement.where(_FILE.c.system == system)
    return tuple(NewOutcomeFile(*row) for row in connection.execute(statement))
