"""What Alembic runs for every command: the books' tables on a connection that is handed in.

`metering.books.migrations` hands in a connection inside a transaction of its own, so that a
revision that fails leaves nothing. On the command line (`alembic revision`), the books are those
of METERING_BOOKS_URL. Logging is left as the program has set it up.
"""

import os
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.types import TypeDecorator

from metering.books.engine import begin_write, open_engine
from metering.books.schema import all_tables


def render_item(kind: str, item: Any, _: Any) -> str | Literal[False]:
    # A revision must not change when our column types do, so it holds what they are made of.
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=all_tables(),
        render_item=render_item,
        transactional_ddl=True,
        # SQLite alters a table by rebuilding it.
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


handed_in = context.config.attributes.get("connection")
if handed_in is not None:
    run(handed_in)
else:
    with begin_write(open_engine(os.environ["METERING_BOOKS_URL"], must_exist=False)) as own:
        run(own)
