"""Seals: every change of the books is sealed as it is committed; each holds the one before.

Triggers refuse to change rows; whoever removes the triggers can still change them. A seal says how
many rows each table gained by a run, and their digest; its own digest covers that and the seal
before. A row that is changed, removed or slipped in afterwards contradicts its seal, and a seal
that is rewritten contradicts every later one. What no book can tell by itself is that its end was
cut off or rewritten as a whole: for that, keep the digest that `metering verify` prints elsewhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, Table, UniqueConstraint, insert, text

from metering.books.schema import (
    BookTable,
    reference,
    row_id,
    strict,
    table_named,
    table_names,
    table_of,
    whole,
    words,
)
from metering.core.digests import Block, rows_digest, value_digest

# Where `record_run` leaves the id of a run whose transaction is not sealed yet.
UNSEALED: Final = "metering_unsealed_run"

_FIRST: Final = "0" * 64
_ROWS_FETCHED: Final = 10_000
_LEAST: Final = -(2**63)


class RunSealRow(BookTable, table=True):
    """The seal of one transaction, named by the last run that wrote in it."""

    __tablename__: ClassVar[Any] = "run_seal"
    __table_args__ = strict(UniqueConstraint("run_id"))

    id: int | None = row_id()
    run_id: int = reference("run.id")
    previous: str = words()
    digest: str = words()


class SealedRowsRow(BookTable, table=True):
    """What one table gained in a sealed transaction: the rows up to an id that were not there."""

    __tablename__: ClassVar[Any] = "sealed_rows"
    __table_args__ = strict(UniqueConstraint("table_name", "last_id"))

    id: int | None = row_id()
    run_seal_id: int = reference("run_seal.id", index=True)
    table_name: str = words()
    rows: int = whole()
    last_id: int = whole()
    digest: str = words()


_SEAL: Final = table_of(RunSealRow)
_SEALED: Final = table_of(SealedRowsRow)
_NOT_SEALED: Final = frozenset({_SEAL.name, _SEALED.name})

_CHAIN: Final = text("""
    SELECT s.id, s.run_id, s.previous, s.digest, r.command, r.started_at, r.started_by
    FROM run_seal s LEFT JOIN run r ON r.id = s.run_id ORDER BY s.id
""")
_CONTENT: Final = text("""
    SELECT run_seal_id, table_name, rows, last_id, digest FROM sealed_rows
    ORDER BY run_seal_id, id
""")


@dataclass(frozen=True, slots=True)
class Gained:
    """What one table gained in a sealed transaction.

    Attributes:
        table: its name.
        rows: how many.
        last_id: the greatest id of them.
        digest: of them, by id, see `core.digests.rows_digest`.
    """

    table: str
    rows: int
    last_id: int
    digest: str


def chain_head(connection: Connection) -> str:
    """Return the digest of the last seal: it stands for every row of the books."""
    found = connection.execute(
        text("SELECT digest FROM run_seal ORDER BY id DESC LIMIT 1")
    ).scalar_one_or_none()
    return str(found) if found is not None else _FIRST


def seal(connection: Connection, run_id: int) -> None:
    """Seal what this transaction has written; the last thing before it is committed."""
    gained = tuple(_gained(connection))
    previous = chain_head(connection)
    digest = _digest(previous, run_id, gained)
    result = connection.execute(
        insert(_SEAL).values(run_id=run_id, previous=previous, digest=digest)
    )
    (seal_id,) = result.inserted_primary_key or (0,)
    connection.execute(
        insert(_SEALED),
        [
            {
                "run_seal_id": seal_id,
                "table_name": one.table,
                "rows": one.rows,
                "last_id": one.last_id,
                "digest": one.digest,
            }
            for one in gained
        ],
    )


def gained_by_run(connection: Connection) -> dict[int, dict[str, int]]:
    """Return, for each run that sealed a transaction, table to how many rows it gained."""
    found: dict[int, dict[str, int]] = {}
    statement = text("""
        SELECT s.run_id, t.table_name, t.rows
        FROM sealed_rows t JOIN run_seal s ON s.id = t.run_seal_id ORDER BY t.id
    """)
    for row in connection.execute(statement):
        found.setdefault(row.run_id, {})[row.table_name] = row.rows
    return found


def digests_by_run(connection: Connection) -> dict[int, str]:
    """Return the digest of the seal of each run that has one."""
    rows = connection.execute(text("SELECT run_id, digest FROM run_seal ORDER BY id"))
    return {row.run_id: row.digest for row in rows}


def broken_seals(connection: Connection) -> Iterator[str]:
    """Yield where rows or seals are not what was sealed, a sentence each; reads every row."""
    content: dict[int, list[Gained]] = {}
    for row in connection.execute(_CONTENT):
        content.setdefault(row.run_seal_id, []).append(
            Gained(row.table_name, row.rows, row.last_id, row.digest)
        )
    reached: dict[str, int] = {}
    previous = _FIRST
    for row in connection.execute(_CHAIN).all():
        gained = content.pop(row.id, [])
        who = f"run {row.run_id} ({row.command}, {row.started_by}, {row.started_at})"
        if row.previous != previous or row.digest != _digest(row.previous, row.run_id, gained):
            yield f"the seal of {who} was changed, or one before it was removed"
        previous = row.digest
        for one in gained:
            table = table_named(one.table)
            if table is None:
                yield f"{one.table}: the rows that {who} wrote are gone with their table"
                continue
            after = reached.get(one.table, _LEAST)
            reached[one.table] = one.last_id
            rows, digest = rows_digest(_rows(connection, table, after, one.last_id))
            if (rows, digest) != (one.rows, one.digest):
                held = f"it wrote {one.rows:,} and {rows:,} are there"
                what = held if rows != one.rows else "their content was changed afterwards"
                yield f"{one.table}: the rows of {who} are not those it wrote: {what}"
    for left in content.values():
        yield f"{left[0].table}: rows are sealed by a seal that was removed"
    for name, last_id in _last_ids(connection).items():
        if last_id > reached.get(name, _LEAST):
            yield f"{name}: rows after id {reached.get(name, 0)} were written by no command"


def _gained(connection: Connection) -> Iterator[Gained]:
    """Yield what each table gained since it was sealed last."""
    sealed = {
        row.table_name: row.last_id
        for row in connection.execute(
            text("SELECT table_name, max(last_id) AS last_id FROM sealed_rows GROUP BY table_name")
        )
    }
    for name, last_id in _last_ids(connection).items():
        after = sealed.get(name, _LEAST)
        if last_id > after and (table := table_named(name)) is not None:
            rows, digest = rows_digest(_rows(connection, table, after, last_id))
            yield Gained(name, rows, last_id, digest)


def _last_ids(connection: Connection) -> dict[str, int]:
    """Return the greatest id of each table that has rows, by name."""
    statement = " UNION ALL ".join(
        f"SELECT '{name}' AS name, max(id) AS last_id FROM {name}"  # noqa: S608 - our own names
        for name in table_names()
        if name not in _NOT_SEALED
    )
    rows = connection.execute(text(statement))
    return {row.name: row.last_id for row in rows if row.last_id is not None}


def _rows(connection: Connection, table: Table, after: int, last_id: int) -> Iterator[Block]:
    # The driver's cursor: SQLAlchemy's rows take three times as long.
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    cursor: Any = connection.connection.cursor()
    cursor.execute(
        f"SELECT {columns} FROM {table.name}"  # noqa: S608 - our own names, whole numbers
        f" WHERE id > {after:d} AND id <= {last_id:d} ORDER BY id"
    )
    while block := cursor.fetchmany(_ROWS_FETCHED):
        yield block
    cursor.close()


def _digest(previous: str, run_id: int, gained: Sequence[Gained]) -> str:
    return value_digest(
        [previous, run_id, [[one.table, one.rows, one.last_id, one.digest] for one in gained]]
    )
