"""An earlier state of the books is seen through every query, and nothing can be changed in it."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DatabaseError

from metering.books.as_of import last_run_by
from metering.books.engine import begin_read, begin_write
from metering.books.invoices import InvoiceLine, NewInvoice, add_invoice
from metering.books.runs import record_run
from metering.books.schema import all_tables
from metering.books.sources import list_sources, quarantine_list
from tests.support.books_rows import NOW, a_run, a_source

# Content that means nothing by itself: a row is there, or is not referred to.
_KEPT_BY_CONTENT = {"account", "charge_basis"}


def _contents(engine: Engine, *, as_of: int | None = None) -> dict[str, list[tuple[object, ...]]]:
    with begin_read(engine, as_of=as_of) as connection:
        return {
            name: [tuple(row) for row in connection.execute(select(table).order_by(table.c.id))]
            for name, table in all_tables().tables.items()
        }


def test_every_table_is_seen_as_it_was(any_books: Engine) -> None:
    invoice = NewInvoice("1", "openai", "a", "2026-10", "USD", 7, (InvoiceLine(1, "tax", "", 7),))
    then = {}
    for number in range(1, 4):
        with begin_write(any_books) as connection:
            run_id = a_run(connection)
            a_source(connection, run_id, f"{number}.json")
            add_invoice(
                connection,
                run_id,
                NewInvoice(
                    **{
                        **{name: getattr(invoice, name) for name in NewInvoice.__slots__},
                        "invoice_id": str(number),
                    }
                ),
            )
        then[run_id] = _contents(any_books)

    assert {run_id: _contents(any_books, as_of=run_id) for run_id in then} == then
    assert len({str(content) for content in then.values()}) == 3


def test_every_table_comes_with_a_run_or_with_rows_that_do() -> None:
    def dated(table: object) -> bool:
        columns = getattr(table, "columns", {})
        keys = getattr(table, "foreign_keys", ())
        return "run_id" in columns or any(dated(key.column.table) for key in keys)

    undated = {name for name, table in all_tables().tables.items() if not dated(table)}

    assert undated == {*_KEPT_BY_CONTENT, "run"}


def test_an_earlier_state_cannot_be_changed(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        a_source(connection, a_run(connection))

    with begin_read(any_books, as_of=1) as connection, pytest.raises(DatabaseError):
        connection.execute(text("INSERT INTO period_event VALUES (1, 1, '2026-10', 'open', 'x')"))
    with begin_read(any_books) as connection:
        assert len(list_sources(connection)) == 1


def test_before_the_first_run_there_is_nothing(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        a_source(connection, a_run(connection))

    with begin_read(any_books, as_of=0) as connection:
        assert list_sources(connection) == ()
        assert quarantine_list(connection) == ()


@pytest.mark.parametrize(("at", "expected"), [(-1, 0), (0, 1), (4, 1), (5, 3), (9, 3), (30, 5)])
def test_a_moment_is_the_last_run_before_one_that_began_later(
    books: Engine, at: int, expected: int
) -> None:
    with begin_write(books) as connection:
        # The third began before the second, and waited for it; so did the fifth.
        for second in (0, 5, 3, 10, 7):
            record_run(connection, "post", {}, NOW + timedelta(seconds=second), "nina")

    with begin_read(books) as connection:
        assert last_run_by(connection, NOW + timedelta(seconds=at)) == expected
