"""The charges that ought to be booked, and those that are lacking, added up."""

from typing import TYPE_CHECKING

from metering.engine.given import give_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import duckdb


def totals_by_debit(connection: "duckdb.DuckDBPyConnection") -> list[tuple[int, str, int]]:
    """Return (debit number, currency, nanos) of the table `charges`, see `price_lines`."""
    return connection.execute(
        "SELECT debit_no, currency, CAST(sum(amount_nanos) AS BIGINT) FROM charges"
        " GROUP BY ALL ORDER BY ALL"
    ).fetchall()


def lacking_by_basis(
    connection: "duckdb.DuckDBPyConnection",
) -> list[tuple[str, int, int, str, int, int]]:
    """Return what is lacking, days added up, see `engine.lacking.find_lacking`.

    Returns:
        Rows of (period, debit account id, basis id, currency, quantity, nanos), sorted; those in
        which the days cancel out are left out.
    """
    return connection.execute(
        "SELECT period, debit_account_id, basis_id, currency,"
        " CAST(sum(quantity) AS BIGINT) AS quantity, CAST(sum(amount_nanos) AS BIGINT) AS nanos"
        " FROM lacking GROUP BY period, debit_account_id, basis_id, currency"
        " HAVING quantity <> 0 OR nanos <> 0 ORDER BY ALL"
    ).fetchall()


def totals_to_settle(
    connection: "duckdb.DuckDBPyConnection", bases: "Sequence[tuple[int, bool]]"
) -> "list[tuple[date, int, int, int, int, int]]":
    """Return the charges of some bases, added up by day or by month.

    Args:
        connection: with the table `charges`.
        bases: (basis number, whether its days are to be kept apart).

    Returns:
        Rows of (day, debit number, basis number, quantity, nanos, nanos at list price), sorted;
        the day of a month's total is the month's last.
    """
    give_table(connection, "to_settle", {"basis_no": "BIGINT", "by_day": "BOOLEAN"}, bases)
    return connection.execute(
        """
        SELECT CASE WHEN by_day THEN day ELSE last_day(day) END AS settled_on, debit_no, basis_no,
            CAST(sum(quantity) AS BIGINT), CAST(sum(amount_nanos) AS BIGINT),
            CAST(sum(list_nanos) AS BIGINT)
        FROM charges JOIN to_settle USING (basis_no) GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()


def totals_by_bearer(
    connection: "duckdb.DuckDBPyConnection", groups: "Sequence[tuple[int, int]]"
) -> "list[tuple[date, int, int, int, int]]":
    """Return the charges of some groups of bases, added up by day and bearer.

    Args:
        connection: with the table `charges`.
        groups: (basis number, number of its group).

    Returns:
        Rows of (day, group, debit number, quantity, nanos), sorted.
    """
    give_table(connection, "grouped", {"basis_no": "BIGINT", "group_no": "BIGINT"}, groups)
    return connection.execute(
        """
        SELECT day, group_no, debit_no, CAST(sum(quantity) AS BIGINT),
            CAST(sum(amount_nanos) AS BIGINT)
        FROM charges JOIN grouped USING (basis_no) GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()


def add_charges(
    connection: "duckdb.DuckDBPyConnection", rows: "Sequence[tuple[date, int, int, str, int, int]]"
) -> None:
    """Add charges that have no list price to the table `charges`.

    Args:
        connection: with the table `charges`.
        rows: (day, debit number, basis number, currency, quantity, nanos).
    """
    types = {
        "day": "DATE",
        "debit_no": "BIGINT",
        "basis_no": "BIGINT",
        "currency": "VARCHAR",
        "quantity": "BIGINT",
        "nanos": "BIGINT",
    }
    give_table(connection, "added", types, rows)
    connection.execute(
        "INSERT INTO charges"
        " SELECT day, debit_no, basis_no, currency, quantity, nanos, 0 FROM added"
    )
