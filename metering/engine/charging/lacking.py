"""What the book lacks to equal the charges: the difference that `post` appends, and no more."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from metering.engine.given import give_columns, give_table

if TYPE_CHECKING:
    import duckdb

# What `find_lacking` is given of the book: a column each.
BOOKED_TYPES: Final = {
    "charge_day": "VARCHAR",
    "debit_account_id": "BIGINT",
    "credit_account_id": "BIGINT",
    "basis_id": "BIGINT",
    "currency": "VARCHAR",
    "quantity": "BIGINT",
    "amount_nanos": "BIGINT",
    "list_nanos": "BIGINT",
}

LACKING_COLUMNS: Final = (
    "kind",
    "period",
    "charge_day",
    "debit_account_id",
    "credit_account_id",
    "basis_id",
    "currency",
    "quantity",
    "amount_nanos",
    "list_nanos",
    "corrects_period",
    "reason",
)
_FETCH_ROWS: Final = 50_000


def find_lacking(
    connection: "duckdb.DuckDBPyConnection",
    accounts: Sequence[tuple[int, int]],
    basis_ids: Sequence[tuple[int, int, int]],
    booked: Mapping[str, Sequence[Any]],
    closed: Sequence[tuple[str, str]],
) -> None:
    """Find what the book lacks to equal the charges; the result is the table `lacking`.

    Args:
        connection: with the table `charges`.
        accounts: (debit number, account id).
        basis_ids: (basis number, basis id, id of the provider account that is credited).
        booked: net of what is posted for the same days, as the columns BOOKED_TYPES.
        closed: (closed period, the open period its corrections are posted into).

    A difference of a closed period is a correction in the open one. The table is empty when the
    book is right.
    """
    give_table(connection, "account_ids", {"debit_no": "BIGINT", "account_id": "BIGINT"}, accounts)
    give_table(
        connection,
        "basis_ids",
        dict.fromkeys(("basis_no", "basis_id", "credit_account_id"), "BIGINT"),
        basis_ids,
    )
    give_table(connection, "closed", {"closed_period": "VARCHAR", "open_period": "VARCHAR"}, closed)
    give_columns(connection, "booked", BOOKED_TYPES, [booked[name] for name in BOOKED_TYPES])
    key = "charge_day, debit_account_id, credit_account_id, basis_id, currency"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE lacking AS
        WITH every AS (
            SELECT CAST(c.day AS VARCHAR) AS charge_day, a.account_id AS debit_account_id,
                b.credit_account_id, b.basis_id, c.currency, c.quantity, c.amount_nanos,
                c.list_nanos
            FROM charges c JOIN account_ids a USING (debit_no) JOIN basis_ids b USING (basis_no)
            UNION ALL
            SELECT {key}, -quantity, -amount_nanos, -list_nanos FROM booked
        ), net AS (
            SELECT {key}, CAST(sum(quantity) AS BIGINT) AS quantity,
                CAST(sum(amount_nanos) AS BIGINT) AS amount_nanos,
                CAST(sum(list_nanos) AS BIGINT) AS list_nanos
            FROM every GROUP BY {key}
            HAVING quantity <> 0 OR amount_nanos <> 0 OR list_nanos <> 0
        )
        SELECT CASE WHEN closed_period IS NULL THEN 'charge' ELSE 'correction' END AS kind,
            coalesce(open_period, left(charge_day, 7)) AS period, net.*,
            closed_period AS corrects_period, '' AS reason
        FROM net LEFT JOIN closed ON closed_period = left(charge_day, 7)
        """
    )


def lacking_rows(
    connection: "duckdb.DuckDBPyConnection",
) -> Iterator[tuple[str | int | None, ...]]:
    """Yield the postings to append, as LACKING_COLUMNS, in the order of their days and accounts."""
    cursor = connection.execute(
        f"SELECT {', '.join(LACKING_COLUMNS)} FROM lacking"
        " ORDER BY charge_day, debit_account_id, basis_id"
    )
    while rows := cursor.fetchmany(_FETCH_ROWS):
        yield from rows


def lacking_totals(
    connection: "duckdb.DuckDBPyConnection",
) -> list[tuple[str, str, str, int, int, int, int]]:
    """Return what is lacking per account.

    Returns:
        Rows of (kind, period, currency, debit account id, postings, of them those that add usage
        rather than take it back, nanos), sorted.
    """
    return connection.execute(
        "SELECT kind, period, currency, debit_account_id, count(*), count(*) FILTER (quantity > 0),"
        " CAST(sum(amount_nanos) AS BIGINT) FROM lacking GROUP BY ALL ORDER BY ALL"
    ).fetchall()
