"""Money whose owner is in question: usage nobody owns, and keys of people who have left.

Nothing is priced anew. What the charges came to is divided among their usage (`usage_shares`), so
that what is told adds up to `suspense:unattributed` to the nano.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.engine.charging.charges import OWNED_CELLS, unowned_columns
from metering.engine.charging.usage_shares import amounts_by_usage
from metering.engine.given import give_table
from metering.engine.owners import NO_OWNER
from metering.usage.rows import usage_rows

if TYPE_CHECKING:
    import duckdb

LEAVER: Final = "leaver_no"
"""Column of cells and lines: number of a key's owner who had left by then, or null."""

Claim = tuple[int, str, date, date]
"""Number of a leaver, a key, and the days since they left; half-open, disjoint for one key."""

Doubt = tuple[str, str, str, int, list[int]]
"""Field, value, currency, nanos without an owner, and debit numbers of who bears like usage."""


def mark_leavers(
    connection: "duckdb.DuckDBPyConnection", claims: Sequence[Claim], fields: Sequence[str]
) -> None:
    """Give the open cells the column LEAVER.

    Args:
        connection: with the cells opened.
        claims: keys of people who have left.
        fields: columns that may hold the key; the first that does tells.
    """
    types = {LEAVER: "BIGINT", "key": "VARCHAR", "from_day": "DATE", "to_day": "DATE"}
    give_table(connection, "leavers", types, claims)
    joins = " ".join(
        f'LEFT JOIN leavers l{at} ON c."{field}" = l{at}.key'
        f" AND c.day >= l{at}.from_day AND c.day < l{at}.to_day"
        for at, field in enumerate(fields)
    )
    found = ", ".join(f"l{at}.{LEAVER}" for at, _ in enumerate(fields))
    connection.execute("ALTER VIEW cells RENAME TO cells_of_everybody")
    connection.execute(
        f"CREATE TEMP VIEW cells AS SELECT c.*, coalesce({found}) AS {LEAVER}"
        f" FROM cells_of_everybody c {joins}"
    )


def money_at_stake(
    connection: "duckdb.DuckDBPyConnection",
    unowned: Sequence[str],
    days: tuple[date, date],
    *,
    leavers: bool = False,
) -> None:
    """Make the table `at_stake`: debit_no, currency, what usage said, and amount_nanos.

    Args:
        connection: with the table `charges`, and lines that kept `unowned`.
        unowned: columns of the cells that lines kept where nobody owns them.
        days: first and last charge day, inclusive.
        leavers: whether lines kept LEAVER too.

    Charges without usage (seats, settlements, true-ups) are there and say nothing.
    """
    keys = [*unowned_columns(unowned), *([LEAVER] if leavers else [])]
    told = "".join(f", l.{key}" for key in keys)
    asked = f"debit_no = {NO_OWNER}"
    if leavers:
        asked += f" OR line_no IN (SELECT line_no FROM usage_of_charges WHERE {LEAVER} IS NOT NULL)"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE numbered_charges AS"
        " SELECT row_number() OVER () AS line_no, * FROM charges"
        f" WHERE day BETWEEN DATE '{days[0]}' AND DATE '{days[1]}'"
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE usage_of_charges AS
        SELECT c.line_no, sum(l.quantity) AS share{told}
        FROM lines l
        JOIN basis_of o USING (key_no, product, ingestor, meter, decision_no)
        JOIN numbered_charges c
            ON c.day = l.day AND c.debit_no = l.owner_no AND c.basis_no = o.basis_no
        GROUP BY ALL
        """
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE asked_charges AS FROM numbered_charges WHERE {asked}"
    )
    shares = "SELECT * FROM usage_of_charges SEMI JOIN asked_charges USING (line_no)"
    told = "".join(f", p.{key}" for key in keys)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE at_stake AS
        SELECT c.debit_no, c.currency{told},
            CAST(sum(coalesce(p.nanos, c.amount_nanos)) AS BIGINT) AS amount_nanos
        FROM asked_charges c
        LEFT JOIN ({amounts_by_usage("asked_charges", shares, keys)}) p USING (line_no)
        GROUP BY ALL
        """
    )


def without_owner(
    connection: "duckdb.DuckDBPyConnection", fields: Sequence[str]
) -> list[tuple[int | None, str | None, str, int]]:
    """Return the money nobody owns by the first of its columns that says something.

    Args:
        connection: with the table `at_stake`.
        fields: those it was made with.

    Returns:
        Rows of (place in `fields`, value, currency, nanos), most money first; None and None for
        what names nobody at all.
    """
    columns = unowned_columns(fields)
    place = " ".join(f"WHEN {column} IS NOT NULL THEN {at}" for at, column in enumerate(columns))
    return connection.execute(
        f"""
        SELECT CASE {place} END AS place, coalesce({", ".join(columns)}) AS said, currency,
            CAST(sum(amount_nanos) AS BIGINT) AS nanos
        FROM at_stake WHERE debit_no = {NO_OWNER}
        GROUP BY ALL HAVING nanos <> 0 ORDER BY currency, nanos DESC, place, said
        """
    ).fetchall()


def since_they_left(
    connection: "duckdb.DuckDBPyConnection",
) -> list[tuple[int, int, str, int]]:
    """Return (leaver, debit number, currency, nanos) of keys whose owner had left, most first."""
    return connection.execute(
        f"""
        SELECT {LEAVER}, debit_no, currency, CAST(sum(amount_nanos) AS BIGINT) AS nanos
        FROM at_stake WHERE {LEAVER} IS NOT NULL
        GROUP BY ALL HAVING nanos <> 0 ORDER BY currency, nanos DESC, {LEAVER}, debit_no
        """
    ).fetchall()


def doubts(connection: "duckdb.DuckDBPyConnection", fields: Sequence[str]) -> list[Doubt]:
    """Return the money nobody owns by everything its usage says, and who bears what says the same.

    Args:
        connection: with the table `at_stake`, and OWNED_CELLS.
        fields: those it was made with.

    Returns:
        Sorted by field and value. The amounts of one field and currency add up to the money that
        says something there; the same money is told again by every field.
    """
    columns = unowned_columns(fields)
    listed = ", ".join(columns)
    said = ", ".join(
        f'"{field}" AS {column}' for field, column in zip(fields, columns, strict=True)
    )
    given = " ".join(f"WHEN '{column}' THEN {at}" for at, column in enumerate(columns))
    rows = connection.execute(
        f"""
        WITH doubtful AS (
            SELECT field, said, currency, CAST(sum(amount_nanos) AS BIGINT) AS nanos
            FROM (FROM at_stake WHERE debit_no = {NO_OWNER}) UNPIVOT (said FOR field IN ({listed}))
            GROUP BY ALL
        ), borne AS (
            SELECT DISTINCT owner_no, {said} FROM {OWNED_CELLS} WHERE owner_no <> {NO_OWNER}
        ), bearers AS (
            SELECT field, said, list(DISTINCT owner_no ORDER BY owner_no) AS bearers
            FROM borne UNPIVOT (said FOR field IN ({listed}))
            SEMI JOIN doubtful USING (field, said)
            GROUP BY ALL
        )
        SELECT CASE field {given} END AS place, said, currency, nanos,
            coalesce(bearers, []) AS bearers
        FROM doubtful LEFT JOIN bearers USING (field, said)
        ORDER BY place, said, currency
        """
    ).fetchall()
    return [(fields[place], *row) for place, *row in rows]


def tags_told(
    connection: "duckdb.DuckDBPyConnection", files: Sequence[Path]
) -> list[tuple[str, int]]:
    """Return the tags that usage carries, with about how many values each has, sorted.

    To count the ids of millions of requests exactly would need memory for all of them.

    Args:
        connection: the engine.
        files: live usage files.
    """
    if not files:
        return []
    return connection.execute(
        f"""
        SELECT entry.key AS tag, approx_count_distinct(entry.value) FROM (
            SELECT unnest(map_entries(tags)) AS entry
            FROM {usage_rows(files)}
        ) GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
