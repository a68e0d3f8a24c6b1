"""A closed period takes no posting and loses none: not from our code, not from anybody's SQL."""

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DatabaseError

from metering.books.accounts import ensure_accounts, ensure_bases
from metering.books.engine import begin_read, begin_write
from metering.books.ledger import add_postings
from metering.books.migrations import database_problems
from metering.books.period_content import period_digest
from metering.books.periods import (
    Accepted,
    AccountEstimate,
    Close,
    PeriodState,
    accepted_at,
    add_close,
    add_estimate,
    add_period_event,
    closes_in_force,
    last_estimates,
    owners_of_closed,
    period_history,
    restate_owners,
)
from metering.core.ledger import UNATTRIBUTED, provider_account
from tests.support.books_rows import a_run, basis, posting

CLOSED = "its period is closed"
INSERT = (
    "INSERT INTO posting (run_id, kind, period, charge_day, debit_account_id, credit_account_id,"
    " basis_id, currency, quantity, amount_nanos, list_nanos, reason) VALUES"
    " (1, 'charge', '{period}', '2026-10-05', 1, 2, 1, 'USD', 1, 1, 1, '')"
)


def booked_and_closed(connection: Connection, period: str = "2026-10") -> int:
    """Book a posting in October and one in November, and close a period."""
    accounts = ensure_accounts(connection, [UNATTRIBUTED, provider_account("openai", "default")])
    bases = ensure_bases(connection, [basis()])
    run_id = a_run(connection, "period close")
    row = posting(*accounts.values(), *bases.values())
    add_postings(connection, run_id, [row, row._replace(period="2026-11")])
    return add_period_event(connection, run_id, period, PeriodState.CLOSED, "tied out")


def test_sql_cannot_insert_into_a_closed_period(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        booked_and_closed(connection)

    with pytest.raises(DatabaseError, match=CLOSED), begin_write(any_books) as connection:
        connection.execute(text(INSERT.format(period="2026-10")))
    with begin_write(any_books) as connection:
        connection.execute(text(INSERT.format(period="2026-11")))
    with begin_read(any_books) as connection:
        counts = connection.execute(
            text("SELECT period, count(*) FROM posting GROUP BY period ORDER BY period")
        )
        assert list(map(tuple, counts)) == [("2026-10", 1), ("2026-11", 2)]


def test_one_statement_with_one_closed_row_inserts_none(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        booked_and_closed(connection)
    many = (
        INSERT.format(period="2026-11")
        + ", (1, 'charge', '2026-10', '2026-10-05', 1, 2, 1, 'USD', 1, 1, 1, '')"
    )

    with pytest.raises(DatabaseError, match=CLOSED), begin_write(any_books) as connection:
        connection.execute(text(many))

    with begin_read(any_books) as connection:
        assert connection.execute(text("SELECT count(*) FROM posting")).scalar_one() == 2


@pytest.mark.postgres
def test_not_even_by_copy(postgresql_books: Engine) -> None:
    with begin_write(postgresql_books) as connection:
        booked_and_closed(connection)

    with begin_write(postgresql_books) as connection:
        cursor: Any = connection.connection.cursor()
        with pytest.raises(psycopg.DatabaseError, match=CLOSED):
            _copied(cursor, (1, "charge", "2026-10", "2026-10-05", 1, 2, 1, "USD", 1, 1, 1, ""))
        connection.rollback()


def _copied(cursor: Any, row: tuple[int | str, ...]) -> None:
    columns = INSERT.partition("(")[2].partition(")")[0]
    with cursor.copy(f"COPY posting ({columns}) FROM STDIN") as copy:
        copy.write_row(row)


@pytest.mark.parametrize(
    "change",
    ["UPDATE posting SET amount_nanos = 1", "DELETE FROM posting", "DELETE FROM period_event"],
)
def test_sql_cannot_change_what_is_closed(any_books: Engine, change: str) -> None:
    with begin_write(any_books) as connection:
        booked_and_closed(connection)

    with pytest.raises(DatabaseError, match="rows are inserted"), begin_write(any_books) as writing:
        writing.execute(text(change))


@pytest.mark.parametrize("table", ["posting", "period_event", "period_close", "run"])
def test_a_bare_connection_cannot_replace_a_row(books: Engine, table: str) -> None:
    with begin_write(books) as connection:
        event = booked_and_closed(connection)
        add_close(connection, 1, event, _CLOSE, ())
    bare = sqlite3.connect(Path(str(books.url.database)))
    columns = [row[1] for row in bare.execute(f"PRAGMA table_info({table})")]
    values = bare.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE id = 1").fetchone()
    changed = [
        "2026-12" if name == "period" else value
        for name, value in zip(columns, values, strict=True)
    ]

    with pytest.raises(sqlite3.IntegrityError, match="rows are inserted"):
        bare.execute(
            f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(columns))})", changed
        )
    bare.close()


def test_a_reopened_period_takes_postings_again(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        booked_and_closed(connection)
        add_period_event(connection, 1, "2026-10", PeriodState.REOPENED, "late invoice")

        connection.execute(text(INSERT.format(period="2026-10")))

        states = [one.state for one in period_history(connection, "2026-10")]
    assert states == [PeriodState.CLOSED, PeriodState.REOPENED]


def test_the_trigger_that_keeps_periods_closed_is_missed(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        on = "" if connection.dialect.name == "sqlite" else " ON posting"
        connection.execute(text(f"DROP TRIGGER posting_in_open_period{on}"))

        problems = database_problems(connection)
        connection.rollback()

    assert problems == ["posting: the trigger that keeps closed periods closed is gone"]


_CLOSE = Close("2026-10", "aa", "bb", "cc", 1, {"USD": 2_000_000_000}, {"rules": "dd"})


def test_a_close_comes_back_as_it_was_until_the_period_is_reopened(any_books: Engine) -> None:
    accepted = (Accepted("unpriced", "2 lines", "contract is being signed"),)
    with begin_write(any_books) as connection:
        event = booked_and_closed(connection)
        add_close(connection, 1, event, _CLOSE, accepted)

        assert closes_in_force(connection) == {"2026-10": _CLOSE}
        assert accepted_at(connection, event) == accepted
        assert owners_of_closed(connection) == {"2026-10": 1}

        later = a_run(connection, "post")
        restate_owners(connection, later, "2026-10")
        assert owners_of_closed(connection) == {"2026-10": later}

        add_period_event(connection, later, "2026-10", PeriodState.REOPENED, "late invoice")
        assert closes_in_force(connection) == {}
        assert owners_of_closed(connection) == {}


def test_the_last_estimate_of_a_period_counts(any_books: Engine) -> None:
    first = AccountEstimate("openai", "default", "USD", 10, 5, 20, 2)
    second = AccountEstimate("openai", "default", "USD", 12, 3, 21, 1)
    with begin_write(any_books) as connection:
        run_id = a_run(connection, "period estimate")
        for estimate in (first, second):
            event = add_period_event(connection, run_id, "2026-10", PeriodState.ESTIMATED, "")
            add_estimate(connection, run_id, event, [estimate])

        assert last_estimates(connection) == {"2026-10": (second,)}
    assert second.estimate_nanos == 15


def test_the_digest_of_a_period_is_of_what_it_says(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        booked_and_closed(connection, "2026-09")
        before = period_digest(connection, "2026-10")
        accounts = ensure_accounts(
            connection, [UNATTRIBUTED, provider_account("openai", "default")]
        )
        debit, credit = accounts.values()
        row = posting(debit, credit, 1)
        back = row._replace(quantity=-1_000_000, amount_nanos=-2 * 10**9, list_nanos=-2 * 10**9)

        add_postings(connection, 1, [row, back])
        assert period_digest(connection, "2026-10") == before
        add_postings(connection, 1, [row._replace(amount_nanos=1)])
        assert period_digest(connection, "2026-10") != before
