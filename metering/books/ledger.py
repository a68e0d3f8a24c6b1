"""The ledger: accounts, the bases of charges, and postings.

A posting is one transfer, so the ledger balances by construction. Postings are many (hundreds of
thousands a month): their table is narrow, they are written in blocks by the driver, and what is
read of them is summed by the database.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, ClassVar, Final, NamedTuple

from sqlalchemy import (
    CheckConstraint,
    Connection,
    func,
    select,
)

from metering.books.engine import POSTGRESQL
from metering.books.periods import closed_periods
from metering.books.schema import (
    BookTable,
    reference,
    row_id,
    strict,
    table_of,
    whole,
    words,
)
from metering.core.ledger import HOLDING_KINDS
from metering.errors import BookError


class PostingRow(BookTable, table=True):
    """One transfer between two accounts; inserted, never updated, never deleted."""

    __tablename__: ClassVar[Any] = "posting"
    __table_args__ = strict(
        CheckConstraint("debit_account_id <> credit_account_id", name="between_two_accounts"),
        CheckConstraint(
            "quantity <> 0 OR amount_nanos <> 0 OR list_nanos <> 0", name="says_something"
        ),
    )

    id: int | None = row_id()
    run_id: int = reference("run.id")
    kind: str = words()
    period: str = words(index=True)
    charge_day: str = words(index=True)
    debit_account_id: int = reference("account.id")
    credit_account_id: int = reference("account.id")
    basis_id: int = reference("charge_basis.id")
    currency: str = words()
    quantity: int = whole()
    amount_nanos: int = whole()
    list_nanos: int = whole()
    corrects_period: str | None = words()
    reason: str = words()


_POSTING: Final = table_of(PostingRow)

# Rows in one INSERT: a third faster than one by one, and below the 999 values that every build of
# SQLite takes in one statement.
_ROWS_AT_ONCE: Final = 64
ROWS_FETCHED: Final = 10_000


class NewPosting(NamedTuple):
    """One transfer to append; a plain tuple in this order will do.

    Attributes:
        kind: a `core.ledger.PostingKind`.
        period: the billing period it is booked in, YYYY-MM; must be open.
        charge_day: ISO day of the usage.
        quantity: whole units of the meter of the basis.
        amount_nanos: nanos of `currency` that are charged.
        list_nanos: the same at list price.
        corrects_period: the closed period that a correction belongs to, else None.
        reason: why a correction was made, a `core.ledger.CorrectionReason`; "" for a charge.
    """

    kind: str
    period: str
    charge_day: str
    debit_account_id: int
    credit_account_id: int
    basis_id: int
    currency: str
    quantity: int
    amount_nanos: int
    list_nanos: int
    corrects_period: str | None
    reason: str = ""


class NetLine(NamedTuple):
    """What the ledger says of one day, pair of accounts and basis, all postings added up.

    Attributes:
        period: the billing period it is booked in.
        charge_day: ISO day of the usage.
        corrects_period: the closed period that a correction belongs to, else None.
        quantity: whole units of `meter`.
        amount_nanos, list_nanos: nanos of `currency`, charged and at list price.
        debit, credit: names of the accounts; the rest describes the debit account and the basis,
            see `core.ledger.Account` and `core.ledger.Basis`. `rate_ids` is a JSON list.
    """

    period: str
    charge_day: str
    corrects_period: str | None
    currency: str
    quantity: int
    amount_nanos: int
    list_nanos: int
    debit: str
    debit_kind: str
    cost_centre: str
    team: str
    project: str
    credit: str
    basis: str
    provider: str
    platform: str
    billing_account: str
    product: str
    model_raw: str
    model: str
    meter: str
    conditions: str
    status: str
    reason: str
    card: str
    rate_ids: str
    unit_price_nanos: int | None
    per: int | None
    factor_num: int
    factor_den: int
    list_unit_price_nanos: int | None
    list_per: int | None
    list_factor_num: int
    list_factor_den: int
    promoted: int
    divided_by: str


_SUMMED: Final = ("quantity", "amount_nanos", "list_nanos")
# A sum beyond 64 bits raises on both databases; PostgreSQL would else answer with a numeric.
SUMS: Final = ", ".join(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in _SUMMED)
HOLDING: Final = ", ".join(f"'{kind.value}'" for kind in sorted(HOLDING_KINDS))
SOMETHING: Final = " OR ".join(f"sum({name}) <> 0" for name in _SUMMED)

_BOOKED_KEY: Final = (
    "charge_day",
    "debit_account_id",
    "credit_account_id",
    "basis_id",
    "currency",
)
_BOOKED_COLUMNS: Final = (*_BOOKED_KEY, *_SUMMED)
_BOOKED: Final = f"""
    SELECT {", ".join(_BOOKED_KEY)}, {SUMS} FROM posting
    WHERE charge_day BETWEEN {{mark}} AND {{mark}}
    GROUP BY {", ".join(_BOOKED_KEY)} HAVING {SOMETHING}
"""  # noqa: S608 - our own column names

NET_KEY: Final = ", ".join(("period", "corrects_period", *_BOOKED_KEY))
# The columns are those of `NetLine`, in its order.
_NET: Final = f"""
    SELECT n.period, n.charge_day, n.corrects_period, n.currency,
        n.quantity, n.amount_nanos, n.list_nanos,
        d.name, d.kind, d.cost_centre, d.team, d.project, c.name,
        b.digest, b.provider, b.platform, b.billing_account, b.product, b.model_raw, b.model,
        b.meter, b.conditions, b.status, b.reason, b.card, b.rate_ids, b.unit_price_nanos, b.per,
        b.factor_num, b.factor_den, b.list_unit_price_nanos, b.list_per, b.list_factor_num,
        b.list_factor_den, b.promoted, b.divided_by
    FROM (
        SELECT {NET_KEY}, {SUMS} FROM posting WHERE {{condition}}
        GROUP BY {NET_KEY} HAVING {SOMETHING}
    ) n
    JOIN account d ON d.id = n.debit_account_id
    JOIN account c ON c.id = n.credit_account_id
    JOIN charge_basis b ON b.id = n.basis_id
    ORDER BY n.charge_day, d.name {{binary}}, b.digest {{binary}}, c.name {{binary}}, n.currency,
        n.period, coalesce(n.corrects_period, '')
"""  # noqa: S608 - our own column names


def booked(connection: Connection, first_day: str, last_day: str) -> dict[str, Sequence[Any]]:
    """Return what is booked for some charge days, all postings of a line added up, as columns.

    Args:
        connection: of either kind of transaction.
        first_day: ISO charge day.
        last_day: inclusive.

    Returns:
        charge_day, debit_account_id, credit_account_id, basis_id, currency, quantity,
        amount_nanos, list_nanos: equally long columns, without lines that cancelled out.
    """
    rows = fetched(connection, _BOOKED, (first_day, last_day)).fetchall()
    columns = tuple(zip(*rows, strict=True)) or ((),) * len(_BOOKED_COLUMNS)
    return dict(zip(_BOOKED_COLUMNS, columns, strict=True))


def add_postings(
    connection: Connection, run_id: int, rows: Iterable[NewPosting | tuple[Any, ...]]
) -> int:
    """Append postings and return how many.

    Args:
        connection: of a write transaction.
        run_id: the run that appends them.
        rows: in the order of `NewPosting`; consumed in blocks, so a generator will do. Rows sorted
            by charge day are written fastest.

    Raises:
        BookError: `period-closed`: a posting is booked in a closed period. The transaction must
            be given up; its end does so.
    """
    closed = closed_periods(connection)
    if closed:
        rows = _refusing(rows, closed)
    if connection.dialect.name == POSTGRESQL:
        return _copy_postings(connection, run_id, rows)
    return _insert_postings(connection, run_id, rows)


def net_lines(connection: Connection, period: str | None = None) -> Iterator[NetLine]:
    """Yield the net lines of a billing period, or of all, in an order of content alone.

    Lines that cancelled out are left out. The order is that of charge day, debit account, basis,
    credit account, currency and period, the same on every database and for any order of imports.
    """
    condition = "1 = 1" if period is None else "period = {mark}"
    values = () if period is None else (period,)
    cursor = fetched(connection, _NET.replace("{condition}", condition), values)
    while rows := cursor.fetchmany(ROWS_FETCHED):
        yield from map(NetLine._make, rows)


def posting_line(connection: Connection, posting_id: int) -> NetLine | None:
    """Return one posting as a line of its own, or None when there is none with this id."""
    statement = _NET.replace("{condition}", "id = {mark}")
    row = fetched(connection, statement, (posting_id,)).fetchone()
    return None if row is None else NetLine._make(row)


def lines_of_basis(connection: Connection, digest: str) -> list[NetLine]:
    """Return the net lines of one basis, in the order of `net_lines`."""
    condition = "basis_id = (SELECT id FROM charge_basis WHERE digest = {mark})"
    rows = fetched(connection, _NET.replace("{condition}", condition), (digest,)).fetchall()
    return [NetLine._make(row) for row in rows]


def unpriced_lines(connection: Connection) -> list[NetLine]:
    """Return the net lines of usage that has no rate, in the order of `net_lines`."""
    condition = "basis_id IN (SELECT id FROM charge_basis WHERE status = 'unpriced')"
    rows = fetched(connection, _NET.replace("{condition}", condition), ()).fetchall()
    return [NetLine._make(row) for row in rows]


def posting_count(connection: Connection) -> int:
    """Return how many postings there are."""
    return connection.execute(select(func.count()).select_from(_POSTING)).scalar_one()


def fetched(connection: Connection, statement: str, values: tuple[str | int, ...]) -> Any:
    """Return the driver's cursor on a statement of many rows, inside our transaction.

    SQLAlchemy's rows take three times as long.

    Args:
        connection: of either kind of transaction.
        statement: `{mark}` stands for each value, `{binary}` for how text is to be sorted.
        values: in the order of their marks.
    """
    postgresql = connection.dialect.name == POSTGRESQL
    cursor: Any = connection.connection.cursor()
    # PostgreSQL sorts text by its locale; the order must be the same on every database.
    binary = 'COLLATE "C"' if postgresql else ""
    cursor.execute(statement.format(mark="%s" if postgresql else "?", binary=binary), values)
    return cursor


def _refusing(rows: Iterable[tuple[Any, ...]], closed: frozenset[str]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        if row[1] in closed:
            raise BookError(
                "period-closed",
                f"period {row[1]} is closed; nothing can be booked in it",
                do="book it in an open period, as a correction of this one",
            )
        yield row


def _insert_postings(connection: Connection, run_id: int, rows: Iterable[tuple[Any, ...]]) -> int:
    columns = NewPosting._fields
    marks = f"({run_id:d}, {', '.join('?' * len(columns))})"
    into = f"INSERT INTO posting (run_id, {', '.join(columns)}) VALUES "  # noqa: S608 - our own names
    whole_block = into + ", ".join([marks] * _ROWS_AT_ONCE)
    # The driver's cursor, inside our transaction: SQLAlchemy would look at each value once more.
    cursor = connection.connection.cursor()
    count = 0
    remaining = iter(rows)
    while block := list(islice(remaining, _ROWS_AT_ONCE)):
        full = len(block) == _ROWS_AT_ONCE
        statement = whole_block if full else into + ", ".join([marks] * len(block))
        cursor.execute(statement, list(chain.from_iterable(block)))
        count += len(block)
    cursor.close()
    return count


def _copy_postings(connection: Connection, run_id: int, rows: Iterable[tuple[Any, ...]]) -> int:
    columns = ", ".join(NewPosting._fields)
    cursor: Any = connection.connection.cursor()
    count = 0
    with cursor.copy(f"COPY posting (run_id, {columns}) FROM STDIN") as copy:
        for count, row in enumerate(rows, start=1):  # noqa: B007 - the last one is returned
            copy.write_row((run_id, *row))
    cursor.close()
    return count
