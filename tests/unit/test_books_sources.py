"""A file is known again, its receipt adds up, and a refused record stays until it is dealt with."""

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from metering.books.engine import begin_read, begin_write
from metering.books.sources import (
    ReceiptTotals,
    add_quarantine,
    add_source,
    find_source,
    list_sources,
    quarantine_list,
    quarantine_show,
    receipt_totals,
    resolve_quarantine,
)
from metering.errors import Rejection
from tests.support.books_rows import a_run, a_source, source

_REFUSED = (
    Rejection(7, "bad-quantity", "output", "'1,204'", "a whole number"),
    Rejection(3, "bad-instant", "start", "'noon'", "an instant with its offset"),
)


def test_a_source_comes_back_as_it_was(any_books: Engine) -> None:
    new = source(noise={"empty lines": 2}, forced=True, first_day=None, last_day=None)
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        number = add_source(connection, run_id, new)

    with begin_read(any_books) as connection:
        found = find_source(connection, "a.json", "openai-usage", "default")
        assert list_sources(connection) == (found,)
    assert found is not None
    assert (found.id, found.run_id, found.source) == (number, run_id, new)


def test_the_same_content_for_another_account_is_another_source(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        a_source(connection, a_run(connection))

        assert find_source(connection, "a.json", "openai-usage", "emea") is None


def test_a_receipt_that_does_not_add_up_is_refused(any_books: Engine) -> None:
    with (
        pytest.raises(IntegrityError, match="receipt_adds_up"),
        begin_write(any_books) as connection,
    ):
        a_source(connection, a_run(connection), records_in=3)


def test_receipts_are_added_up(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        empty = receipt_totals(connection)
        run_id = a_run(connection)
        a_source(connection, run_id)
        a_source(
            connection, run_id, "b.json", records_in=9, already_known=4, rejected=3, superseded=1
        )

        assert empty == ReceiptTotals(0, 0, 0, 0, 0, 0)
        assert receipt_totals(connection) == ReceiptTotals(2, 11, 4, 4, 3, 1)


def test_refused_records_are_listed_by_line_until_they_are_dealt_with(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        source_id = a_source(connection, run_id)
        add_quarantine(connection, run_id, source_id, _REFUSED)
        add_quarantine(connection, run_id, source_id, ())
        listed = quarantine_list(connection)
        resolve_quarantine(connection, run_id, [listed[0].id], "retried")

        assert [one.rejection for one in listed] == [_REFUSED[1], _REFUSED[0]]
        assert {(one.path, one.ingestor) for one in listed} == {("exports/a.json", "openai-usage")}
        assert quarantine_list(connection) == listed[1:]
        assert [one.resolution for one in quarantine_list(connection, open_only=False)] == [
            "retried",
            "",
        ]
        assert quarantine_show(connection, listed[1].id) == listed[1]
        assert quarantine_show(connection, 4711) is None


def test_a_refused_record_is_dealt_with_once(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        add_quarantine(connection, run_id, a_source(connection, run_id), _REFUSED)
        number = quarantine_list(connection)[0].id
        resolve_quarantine(connection, run_id, [number], "retried")

        with pytest.raises(IntegrityError):
            resolve_quarantine(connection, run_id, [number], "accepted")
        connection.rollback()
