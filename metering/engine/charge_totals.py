"""The charges that ought to be booked, added up per account."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def totals_by_debit(connection: "duckdb.DuckDBPyConnection") -> list[tuple[int, str, int]]:
    """Return (debit number, currency, nanos) of the table `charges`, see `engine.charges`."""
    return connection.execute(
        "SELECT debit_no, currency, CAST(sum(amount_nanos) AS BIGINT) FROM charges"
        " GROUP BY ALL ORDER BY ALL"
    ).fetchall()
