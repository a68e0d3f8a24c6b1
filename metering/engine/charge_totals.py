"""The charges that ought to be booked, and those that are lacking, added up."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def totals_by_debit(connection: "duckdb.DuckDBPyConnection") -> list[tuple[int, str, int]]:
    """Return (debit number, currency, nanos) of the table `charges`, see `engine.charges`."""
    return connection.execute(
        "SELECT debit_no, currency, CAST(sum(amount_nanos) AS BIGINT) FROM charges"
        " GROUP BY ALL ORDER BY ALL"
    ).fetchall()


def lacking_by_basis(
    connection: "duckdb.DuckDBPyConnection",
) -> list[tuple[str, int, int, str, int, int]]:
    """Return what is lacking, days added up, see `engine.charges.find_lacking`.

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
