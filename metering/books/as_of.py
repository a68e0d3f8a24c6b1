"""The books as they stood after a run: every query of every aggregate, without a change to it.

Rows are only ever added, and each carries the run that wrote it. So an earlier state is the rows
of the runs up to then. Temporary views of that, named like the tables, stand before the tables for
as long as a connection reads; what is asked of the tables is answered by the views.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Table, text

from metering.books.schema import all_tables
from metering.books.types import instant_text

_SQLITE: Final = "sqlite"


def show_as_of(connection: Connection, run_id: int) -> None:
    """Let a connection see the books as they stood after a run, from now until it is closed.

    Args:
        connection: of a read transaction that may still create views.
        run_id: the last run whose rows are seen.
    """
    sqlite = connection.dialect.name == _SQLITE
    home = "main" if sqlite else connection.execute(text("SELECT current_schema()")).scalar_one()
    for table in all_tables().sorted_tables:
        condition = _condition(table, run_id, home)
        if condition:
            seen = f'SELECT * FROM "{home}"."{table.name}" WHERE {condition}'  # noqa: S608 - our names
            connection.exec_driver_sql(f'CREATE TEMP VIEW "{table.name}" AS {seen}')


def last_run_by(connection: Connection, instant: datetime) -> int:
    """Return the last run before the first that began after an instant; 0 when all began later."""
    statement = text("""
        SELECT coalesce(max(id), 0) FROM run
        WHERE id < coalesce((SELECT min(id) FROM run WHERE started_at > :instant), id + 1)
    """)
    return int(connection.execute(statement, {"instant": instant_text(instant)}).scalar_one())


def _condition(table: Table, run_id: int, home: str) -> str:
    """Return when a row of a table was there; empty for content that means nothing by itself.

    A row without a run of its own, like a line of an invoice, came with the rows it refers to.
    """
    if table.name == "run":
        return f"id <= {run_id:d}"
    if "run_id" in table.columns:
        return f"run_id <= {run_id:d}"
    return " AND ".join(_came_with(table, run_id, home))


def _came_with(table: Table, run_id: int, home: str) -> Iterator[str]:
    for key in sorted(table.foreign_keys, key=lambda key: key.parent.name):
        condition = _condition(key.column.table, run_id, home)
        if condition:
            there = f'SELECT id FROM "{home}"."{key.column.table.name}" WHERE {condition}'  # noqa: S608 - our names
            yield f'"{key.parent.name}" IN ({there})'
