"""Detail divides metered: finer usage decides who bears what a bill charges, and adds nothing.

Within one day, billing account, model and meter, the metered usage that a detail source covers is
divided among the owners of the detail, by their quantities; what the detail does not cover (a
larger metered quantity, a model or meter it never saw, detail that nobody owns) stays with the
owner of the metered usage. A bill that is charged as it stands has no quantity but its money: it is
divided by what the detail is worth at list prices, and covered as far as that reaches. Detail of
which nobody named the account is of the one account that is billed, where there is one. Every line
is divided by largest remainder, ties by the name of the account: quantity, amount and list amount
of the parts add up to the line.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.ledger import DEFAULT_ACCOUNT
from metering.engine.given import give_table
from metering.engine.owners import NO_OWNER, OwnerAnswers, owner_joins
from metering.usage.columns import METER_COLUMNS

if TYPE_CHECKING:
    import duckdb

DIVIDER: Final = "divider"
"""Column of cells and lines: number of the detail source that may divide them, or NO_OWNER."""

DETAIL_CELLS: Final = "detail_cells"

Seen = tuple[date, str, str, str, str]
"""Day, provider, platform, billing account and model of detail usage, as the source spells it."""

_SEEN: Final = {
    "day": "DATE",
    **dict.fromkeys(("provider", "platform", "billing_account", "model_raw"), "VARCHAR"),
}

_AMOUNTS: Final = ("quantity", "amount_nanos", "list_nanos")


def open_detail(
    connection: "duckdb.DuckDBPyConnection",
    files: Sequence[Path],
) -> None:
    """Make the cells of detail usage the ones that divide."""
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {DETAIL_CELLS} AS FROM read_parquet([{listed}],"
        " hive_partitioning = true, hive_types = {'day': DATE}, union_by_name = true)"
    )


def mark_divided(connection: "duckdb.DuckDBPyConnection", dividers: Sequence[OwnerAnswers]) -> None:
    """Give the open cells the column DIVIDER.

    Args:
        connection: with the cells opened.
        dividers: which detail source divides usage, as who bears it is answered.
    """
    joins, divider = owner_joins(connection, dividers, kind="divider")
    connection.execute("ALTER VIEW cells RENAME TO metered_cells")
    connection.execute(
        f"CREATE TEMP VIEW cells AS SELECT c.*, CAST({divider} AS BIGINT) AS {DIVIDER}"
        f" FROM metered_cells c {joins}"
    )


def weigh(
    connection: "duckdb.DuckDBPyConnection",
    owners: Sequence[OwnerAnswers],
    ingestors: Sequence[str],
    keep: Sequence[str] = (),
) -> list[Seen]:
    """Sum the detail usage that somebody owns: the table `weighed`, by model as it is spelled.

    Args:
        connection: with the detail cells opened.
        owners: the answers of the attribution rules for detail usage.
        ingestors: detail sources by their number.
        keep: columns of the cells that the table shall not be summed over.

    Returns:
        What was seen, sorted, for which the caller finds canonical models.
    """
    joins, owner = owner_joins(connection, owners, kind="detail_owner")
    sums = ", ".join(f"CAST(sum(c.{name}) AS HUGEINT) AS {name}" for name in METER_COLUMNS)
    kept = "".join(f'c."{name}", ' for name in keep)
    give_table(
        connection,
        "ingestors",
        {"ingestor": "VARCHAR", DIVIDER: "BIGINT"},
        [(name, number) for number, name in enumerate(ingestors)],
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE weighed AS
        WITH summed AS (
            SELECT c.day, i.{DIVIDER}, c.provider, c.platform, c.billing_account,
                coalesce(c.model_raw, '') AS model_raw, CAST({owner} AS BIGINT) AS owner_no,
                {kept}
                c.other_meter, CAST(sum(c.other_quantity) AS HUGEINT) AS other_quantity, {sums}
            FROM {DETAIL_CELLS} c JOIN ingestors i ON i.ingestor = c.ingestor {joins}
            GROUP BY ALL
        ), by_meter AS (
            SELECT * EXCLUDE (other_meter, other_quantity)
            FROM summed UNPIVOT (weight FOR meter IN ({", ".join(METER_COLUMNS)}))
            UNION ALL BY NAME
            SELECT * EXCLUDE ({", ".join(METER_COLUMNS)}, other_meter, other_quantity),
                other_meter AS meter, other_quantity AS weight
            FROM summed WHERE other_meter IS NOT NULL
        )
        FROM by_meter WHERE weight > 0 AND owner_no <> {NO_OWNER}
        """
    )
    return connection.execute(
        "SELECT DISTINCT day, provider, platform, billing_account, model_raw"
        " FROM weighed ORDER BY ALL"
    ).fetchall()


def weighed_meters(connection: "duckdb.DuckDBPyConnection") -> list[str]:
    """Return the meters of the detail usage that somebody owns, sorted."""
    rows = connection.execute("SELECT DISTINCT meter FROM weighed ORDER BY ALL").fetchall()
    return [meter for (meter,) in rows]


def value(
    connection: "duckdb.DuckDBPyConnection",
    prices: Sequence[tuple[*Seen, str, int, int]],
    meter: str,
) -> None:
    """Add to `weighed` what the detail usage is worth, as a quantity of a meter.

    Args:
        connection: after `weigh`.
        prices: what was seen, its meter, and nanos as a fraction that one unit of it is worth.
        meter: of the value, in whole nanos; what is less is left out.
    """
    types = {**_SEEN, "meter": "VARCHAR", "nanos": "HUGEINT", "units": "HUGEINT"}
    give_table(connection, "worth", types, prices)
    connection.execute(
        f"""
        INSERT INTO weighed BY NAME
        SELECT w.* EXCLUDE (meter, weight, nanos, units), $meter AS meter,
            CAST(w.weight * w.nanos // w.units AS HUGEINT) AS weight
        FROM (FROM weighed JOIN worth USING ({", ".join(_SEEN)}, meter)) w
        WHERE w.weight * w.nanos >= w.units
        """,
        {"meter": meter},
    )


def find_divided(
    connection: "duckdb.DuckDBPyConnection",
    models: Sequence[tuple[*Seen, str, str, str]],
    bases: Sequence[tuple[int, str, str, str, str]],
) -> list[tuple[int, int]]:
    """Match the lines of metered usage with the detail that divides them.

    Args:
        connection: with `lines` that kept DIVIDER, and `charges`.
        models: of all detail usage that was seen: the canonical model, then the meter of its value
            and how a bill's line of that meter names the model.
        bases: (basis number, provider, billing account, model, meter) of what can be divided.

    Returns:
        (basis number, divider) of what is divided, sorted; the caller makes bases for them.
    """
    names = ("model", "value_meter", "billed_model")
    give_table(connection, "detail_models", _SEEN | dict.fromkeys(names, "VARCHAR"), models)
    named = ("provider", "billing_account", "model", "meter")
    types = {"basis_no": "BIGINT", **dict.fromkeys(named, "VARCHAR")}
    give_table(connection, "divisible", types, bases)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE portions AS
        SELECT l.day, l.owner_no AS debit_no, o.basis_no, l.{DIVIDER},
            CAST(sum(l.quantity) AS HUGEINT) AS quantity
        FROM lines l
        JOIN basis_of o USING (key_no, product, ingestor, meter, decision_no)
        JOIN divisible USING (basis_no)
        GROUP BY ALL
        """
    )
    # A log of which nobody named the account is of the only one that its provider bills that day.
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE only_accounts AS
        SELECT p.day, p.{DIVIDER}, d.provider, min(d.billing_account) AS only_account
        FROM portions p JOIN divisible d USING (basis_no)
        WHERE p.{DIVIDER} <> {NO_OWNER}
        GROUP BY ALL HAVING count(DISTINCT d.billing_account) = 1
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE weights AS
        SELECT w.day, w.{DIVIDER}, w.provider,
            CASE w.billing_account WHEN $unnamed THEN coalesce(o.only_account, $unnamed)
                ELSE w.billing_account END AS billing_account,
            CASE w.meter WHEN m.value_meter THEN m.billed_model ELSE m.model END AS model,
            w.meter, w.owner_no, CAST(sum(w.weight) AS HUGEINT) AS weight
        FROM weighed w
        JOIN detail_models m USING (day, provider, platform, billing_account, model_raw)
        LEFT JOIN only_accounts o USING (day, {DIVIDER}, provider)
        GROUP BY ALL
        """,
        {"unnamed": DEFAULT_ACCOUNT},
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE divided AS
        WITH metered AS (
            SELECT p.day, p.{DIVIDER}, d.provider, d.billing_account, d.model, d.meter,
                sum(p.quantity) AS whole
            FROM portions p JOIN divisible d USING (basis_no)
            WHERE p.{DIVIDER} <> {NO_OWNER} AND p.quantity > 0 GROUP BY ALL
        ), covered AS (
            SELECT day, {DIVIDER}, provider, billing_account, model, meter, sum(weight) AS covered
            FROM weights GROUP BY ALL
        )
        SELECT row_number() OVER () AS group_no, m.*,
            CAST(greatest(m.whole - c.covered, 0) AS HUGEINT) AS rest
        FROM metered m
        JOIN covered c USING (day, {DIVIDER}, provider, billing_account, model, meter)
        """
    )
    return connection.execute(
        f"SELECT DISTINCT basis_no, {DIVIDER} FROM portions p JOIN divisible d USING (basis_no)"
        f" JOIN divided USING (day, {DIVIDER}, provider, billing_account, model, meter)"
        " ORDER BY ALL"
    ).fetchall()


def divide(
    connection: "duckdb.DuckDBPyConnection",
    debits: Sequence[tuple[int, str]],
    bases: Sequence[tuple[int, int, int]],
) -> None:
    """Give the divided part of the table `charges` to the owners of the detail.

    Args:
        connection: after `find_divided`.
        debits: (debit number, account name); names decide ties.
        bases: (basis number, divider, basis number of the parts).
    """
    ordered = sorted(debits, key=lambda debit: debit[1])
    give_table(
        connection,
        "places",
        {"debit_no": "BIGINT", "place": "BIGINT"},
        [(number, place) for place, (number, _) in enumerate(ordered)],
    )
    types = dict.fromkeys(("basis_no", DIVIDER, "part_basis_no"), "BIGINT")
    give_table(connection, "part_bases", types, bases)
    line = ("day", "debit_no", "basis_no")
    # A line may be metered in part by what is divided: first it falls into those portions.
    first = _parted(
        f"""
        SELECT p.day, p.debit_no, p.basis_no, p.{DIVIDER}, c.currency,
            {", ".join(f"CAST(c.{name} AS HUGEINT) AS {name}" for name in _AMOUNTS)},
            p.quantity AS weight, p.{DIVIDER} AS place
        FROM portions p JOIN charges c USING (day, debit_no, basis_no)
        SEMI JOIN part_bases b USING (basis_no)
        """,
        line,
    )
    second = _parted(
        f"""
        WITH grouped AS (
            SELECT f.*, g.group_no, g.rest, g.provider, g.billing_account, g.model, g.meter
            FROM portioned f JOIN divisible USING (basis_no)
            JOIN divided g USING (day, {DIVIDER}, provider, billing_account, model, meter)
        )
        SELECT g.day, g.debit_no, g.basis_no, g.{DIVIDER}, g.currency, g.quantity, g.amount_nanos,
            g.list_nanos, w.owner_no AS taker, w.weight, 2 * n.place AS place
        FROM grouped g
        JOIN weights w USING (day, {DIVIDER}, provider, billing_account, model, meter)
        JOIN places n ON n.debit_no = w.owner_no
        UNION ALL
        SELECT g.day, g.debit_no, g.basis_no, g.{DIVIDER}, g.currency, g.quantity, g.amount_nanos,
            g.list_nanos, NULL, g.rest, 2 * n.place + 1
        FROM grouped g JOIN places n USING (debit_no) WHERE g.rest > 0
        """,
        (*line, DIVIDER),
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE portioned AS {first}")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE parts AS FROM ({second}) WHERE taker IS NOT NULL"
    )
    sums = ", ".join(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in _AMOUNTS)
    taken = ", ".join(f"-{name} AS {name}" for name in _AMOUNTS)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE charges AS
        WITH every AS (
            SELECT day, debit_no, basis_no, currency, {", ".join(_AMOUNTS)} FROM charges
            UNION ALL
            SELECT day, debit_no, basis_no, currency, {taken} FROM parts
            UNION ALL
            SELECT day, taker, part_basis_no, currency, {", ".join(_AMOUNTS)}
            FROM parts JOIN part_bases USING (basis_no, {DIVIDER})
        )
        SELECT day, debit_no, basis_no, currency, {sums} FROM every
        GROUP BY day, debit_no, basis_no, currency
        HAVING {" OR ".join(f"sum({name}) <> 0" for name in _AMOUNTS)}
        """
    )


def _parted(source: str, by: Sequence[str]) -> str:
    """Return a statement that divides the amounts of a source by largest remainder.

    Args:
        source: a query with _AMOUNTS, a `weight` of 0 or more and a `place` that decides ties.
        by: what the rows of one whole have in common.
    """
    whole = f"PARTITION BY {', '.join(by)}"
    # Floors, also below zero: // goes towards it.
    floors = ", ".join(
        f"{name} * weight // total - (CASE WHEN {name} * weight % total < 0 THEN 1 ELSE 0 END)"
        f" AS floor_{name}"
        for name in _AMOUNTS
    )
    ranked = ", ".join(
        f"row_number() OVER ({whole} ORDER BY {name} * weight - floor_{name} * total DESC, place)"
        f" AS rank_{name}, {name} - sum(floor_{name}) OVER ({whole}) AS missing_{name}"
        for name in _AMOUNTS
    )
    parts = ", ".join(
        f"floor_{name} + CASE WHEN rank_{name} <= missing_{name} THEN 1 ELSE 0 END AS {name}"
        for name in _AMOUNTS
    )
    working = ", ".join(
        f"{kind}_{name}" for kind in ("floor", "rank", "missing") for name in _AMOUNTS
    )
    return f"""
        SELECT * EXCLUDE ({", ".join(_AMOUNTS)}, {working}, weight, total, place), {parts}
        FROM (SELECT *, {ranked} FROM (SELECT *, {floors} FROM (
            SELECT *, sum(weight) OVER ({whole}) AS total FROM ({source}) WHERE weight > 0
        )))
    """
