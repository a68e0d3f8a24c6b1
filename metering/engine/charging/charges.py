"""Cells times answers: from day cells to the charges that ought to be in the book.

Policy has been decided elsewhere, once per distinct key: which rate holds for a rating key over
which stretch of time, and which owner for an identity. Here its answers are small tables that are
joined to the cells; quantities are summed per posting line first and multiplied once, in 128-bit
integers, half to even, so that the amounts do not depend on the order or grain of the cells.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from metering.core.meters import Meter
from metering.engine.given import give_table
from metering.engine.owners import NO_OWNER, OwnerAnswers, Values, owner_joins
from metering.engine.rollup.cells import RATING_COLUMNS
from metering.usage.columns import METER_COLUMNS

if TYPE_CHECKING:
    import duckdb

BILLED: Final = Meter.BILLED_NANOS.value
NO_RATE: Final = -2
OWNED_CELLS: Final = "owned_cells"
# Whether a bill states the amount is asked of every line; the other columns only decide a key.
_ONLY_IN_KEYS: Final = tuple(name for name in RATING_COLUMNS if name != "billed_currency")

LineKey = tuple[int, str, str, str, int]
"""Rating key number, product, ingestor, meter, decision number: what decides a line's basis."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Columns of the cells that lines keep beside what decides a charge.

    Charges do not have them, since an amount is rounded once per posting.

    Attributes:
        columns: kept of all usage, and of what detail divides it by.
        marks: columns that the open cells alone were given, and that are kept like the others.
        unowned: kept where nobody owns the usage, under the names of `unowned_columns`.
    """

    columns: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    unowned: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What the columns are called in `lines`."""
        return (*self.columns, *self.marks, *unowned_columns(self.unowned))


KEPT_NONE: Final = Kept()


@dataclass(frozen=True, slots=True)
class KeyAnswer:
    """Which decision holds for a rating key and meter over a stretch of time.

    Attributes:
        key_no: number of the rating key, see `rating_keys`.
        meter: the meter.
        begin, end: half-open stretch, naive UTC.
        exact: the answer is for usage that spans exactly this stretch, across price changes;
            otherwise for all usage that lies inside it.
        decision_no: number of the decision.
    """

    key_no: int
    meter: str
    begin: datetime
    end: datetime
    exact: bool
    decision_no: int


@dataclass(frozen=True, slots=True)
class LineBasis:
    """What the charge lines of one basis share, as the engine needs it.

    Attributes:
        basis_no: number of the basis.
        has_rate: False sends the quantity to suspense, whoever its owner is.
        currency: of the amounts.
        price_nanos, per: exact integers; any size.
        list_price_nanos, list_per: the same at list.
    """

    basis_no: int
    has_rate: bool
    currency: str
    price_nanos: int
    per: int
    list_price_nanos: int
    list_per: int


def open_cells(connection: "duckdb.DuckDBPyConnection", files: Sequence[Path]) -> None:
    """Make the cells of some days the ones every function below works on."""
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW cells AS FROM read_parquet([{listed}],"
        " hive_partitioning = true, hive_types = {'day': DATE}, union_by_name = true)"
    )


def no_charges(connection: "duckdb.DuckDBPyConnection", kept: Kept = KEPT_NONE) -> None:
    """Make `charges` and `lines` empty tables: there is no usage, so nothing ought to be booked.

    Args:
        connection: the engine.
        kept: what lines would have kept.
    """
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE charges (day DATE, debit_no BIGINT, basis_no BIGINT,"
        " currency VARCHAR, quantity BIGINT, amount_nanos BIGINT, list_nanos BIGINT)"
    )
    line = ("key_no BIGINT", "product VARCHAR", "ingestor VARCHAR", "meter VARCHAR")
    more = (f'"{column}" VARCHAR' for column in kept.names)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE lines (day DATE, {', '.join((*line, *more))},"
        " owner_no BIGINT, decision_no BIGINT, quantity HUGEINT)"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE basis_of ({', '.join(line)},"
        " decision_no BIGINT, basis_no BIGINT)"
    )


def distinct_values(
    connection: "duckdb.DuckDBPyConnection", fields: Sequence[str], cells: str = "cells"
) -> list[Values]:
    """Return the distinct values that opened cells hold in some columns, sorted."""
    if not fields:
        return [()]
    columns = ", ".join(f'"{field}"' for field in fields)
    return connection.execute(
        f"SELECT DISTINCT {columns} FROM {cells} ORDER BY ALL NULLS FIRST"
    ).fetchall()


def own_cells(
    connection: "duckdb.DuckDBPyConnection",
    owners: Sequence[OwnerAnswers],
    kept: Kept = KEPT_NONE,
) -> None:
    """Join the owners to the cells and sum, so that everything after works on far fewer rows.

    This is the one statement of a rating that reads every cell; the view OWNED_CELLS, which has
    each cell with its `owner_no`, stays for those who ask more of them.

    Args:
        connection: with the cells opened.
        owners: the answers of the attribution rules.
        kept: what the lines of `rate_cells` shall not be summed over.
    """
    joins, owner = owner_joins(connection, owners)
    columns = ", ".join(f"c.{name}" for name in RATING_COLUMNS)
    meters = ", ".join(f"CAST(sum(c.{name}) AS BIGINT) AS {name}" for name in METER_COLUMNS)
    asked = "".join(
        f'CASE WHEN c.owner_no = {NO_OWNER} THEN c."{field}" END AS {name}, '
        for field, name in zip(kept.unowned, unowned_columns(kept.unowned), strict=True)
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {OWNED_CELLS} AS"
        f" SELECT c.*, CAST({owner} AS BIGINT) AS owner_no FROM cells c {joins}"
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE owned AS
        SELECT c.day, {columns}, c.product, c.ingestor,
            {_listed((*kept.columns, *kept.marks), "c.")} {asked}
            c.segment_start, c.segment_end, c.straddles, c.owner_no,
            CAST(sum(c.reported_nanos) AS BIGINT) AS billed,
            c.other_meter, CAST(sum(c.other_quantity) AS BIGINT) AS other_quantity, {meters}
        FROM {OWNED_CELLS} c
        GROUP BY ALL
        """
    )


def unowned_columns(fields: Sequence[str]) -> tuple[str, ...]:
    """Return what columns are called that lines keep where nobody owns the usage."""
    return tuple(f"unowned_{number}" for number, _ in enumerate(fields))


def rating_keys(connection: "duckdb.DuckDBPyConnection") -> list[tuple[Any, ...]]:
    """Return the distinct rating keys of the owned cells with the meters each one uses.

    Returns:
        Rows of (key number, *RATING_COLUMNS, meters); numbers count from 0 in the order of the
        keys' own values, so that equal cells give equal numbers.
    """
    present = ", ".join(
        f"CASE WHEN bool_or({name} <> 0) THEN '{name}' END" for name in METER_COLUMNS
    )
    columns = ", ".join(RATING_COLUMNS)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE keys AS
        SELECT row_number() OVER (ORDER BY {columns}) - 1 AS key_no, {columns},
            CASE WHEN billed_currency IS NOT NULL THEN ['{BILLED}']
                ELSE list_sort(list_filter(list_concat([{present}],
                    coalesce(list(DISTINCT other_meter), [])), lambda m: m IS NOT NULL))
            END AS meters
        FROM owned GROUP BY {columns}
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE keyed AS
        SELECT k.key_no, o.* EXCLUDE ({", ".join(_ONLY_IN_KEYS)})
        FROM owned o JOIN keys k ON {_same("o", "k", RATING_COLUMNS)}
        """
    )
    return connection.execute("FROM keys ORDER BY key_no").fetchall()


def straddling(connection: "duckdb.DuckDBPyConnection") -> list[tuple[int, datetime, datetime]]:
    """Return (key number, begin, end) of usage that spans a price change, naive UTC, distinct."""
    rows: list[tuple[int, datetime, datetime]] = connection.execute(
        "SELECT DISTINCT key_no, segment_start, segment_end FROM keyed WHERE straddles ORDER BY ALL"
    ).fetchall()
    return rows


def rate_cells(
    connection: "duckdb.DuckDBPyConnection",
    answers: Sequence[KeyAnswer],
    kept: Kept = KEPT_NONE,
) -> list[LineKey]:
    """Join the answers to the owned cells and sum quantities per line.

    Args:
        connection: with the owned cells.
        answers: of every rating key.
        kept: as for `own_cells`.

    Returns:
        The distinct line keys, for which the caller makes bases.

    Raises:
        AssertionError: some usage found no answer; every key, meter and stretch must have one.
    """
    _register_answers(connection, answers)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE lines AS
        WITH metered AS (
            SELECT * EXCLUDE (other_meter, other_quantity, billed_currency, billed)
            FROM keyed UNPIVOT (quantity FOR meter IN ({", ".join(METER_COLUMNS)}))
            WHERE quantity <> 0 AND billed_currency IS NULL
            UNION ALL BY NAME
            SELECT day, key_no, product, ingestor, {_listed(kept.names)} segment_start, segment_end,
                straddles, owner_no, other_meter AS meter, other_quantity AS quantity
            FROM keyed
            WHERE other_meter IS NOT NULL AND other_quantity <> 0 AND billed_currency IS NULL
            UNION ALL BY NAME
            SELECT day, key_no, product, ingestor, {_listed(kept.names)} segment_start, segment_end,
                straddles, owner_no, '{BILLED}' AS meter, billed AS quantity
            FROM keyed WHERE billed_currency IS NOT NULL AND billed <> 0
        )
        SELECT m.day, m.key_no, m.product, m.ingestor, {_listed(kept.names, "m.")} m.meter,
            m.owner_no, a.decision_no, CAST(sum(m.quantity) AS HUGEINT) AS quantity
        FROM metered m
        LEFT JOIN answers a ON a.key_no = m.key_no AND a.meter = m.meter AND a.exact = m.straddles
            AND CASE WHEN m.straddles
                THEN a.begin_at = m.segment_start AND a.end_at = m.segment_end
                ELSE a.begin_at <= m.segment_start AND m.segment_end <= a.end_at END
        GROUP BY ALL
        """
    )
    unanswered = connection.execute(
        "SELECT count(*) FROM lines WHERE decision_no IS NULL"
    ).fetchall()[0][0]
    if unanswered:
        raise AssertionError(f"{unanswered} charge lines found no rating answer")
    return connection.execute(
        "SELECT DISTINCT key_no, product, ingestor, meter, decision_no FROM lines ORDER BY ALL"
    ).fetchall()


def price_lines(
    connection: "duckdb.DuckDBPyConnection",
    basis_of: Sequence[tuple[LineKey, int]],
    bases: Sequence[LineBasis],
) -> None:
    """Sum the lines of equal basis and price each sum once; the result is the table `charges`.

    `charges` has day, debit_no (an owner number, NO_OWNER or NO_RATE), basis_no, currency,
    quantity, amount_nanos and list_nanos.
    """
    give_table(
        connection,
        "basis_of",
        {
            "key_no": "BIGINT",
            "product": "VARCHAR",
            "ingestor": "VARCHAR",
            "meter": "VARCHAR",
            "decision_no": "BIGINT",
            "basis_no": "BIGINT",
        },
        [(*key, number) for key, number in basis_of],
    )
    # Prices travel as text, since a blended one may pass 64 bits.
    price_types = dict.fromkeys(("price", "per", "list_price", "list_per"), "VARCHAR")
    give_table(
        connection,
        "bases",
        {"basis_no": "BIGINT", "has_rate": "BOOLEAN", "currency": "VARCHAR", **price_types},
        [
            (
                basis.basis_no,
                basis.has_rate,
                basis.currency,
                str(basis.price_nanos),
                str(basis.per),
                str(basis.list_price_nanos),
                str(basis.list_per),
            )
            for basis in bases
        ],
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE charges AS
        WITH summed AS (
            SELECT l.day, CASE WHEN b.has_rate THEN l.owner_no ELSE {NO_RATE} END AS debit_no,
                b.basis_no, CAST(sum(l.quantity) AS HUGEINT) AS quantity
            FROM lines l
            JOIN basis_of o USING (key_no, product, ingestor, meter, decision_no)
            JOIN bases b ON b.basis_no = o.basis_no
            GROUP BY ALL
        )
        SELECT s.day, s.debit_no, s.basis_no, b.currency, CAST(s.quantity AS BIGINT) AS quantity,
            CAST({_half_even("s.quantity", "b.price", "b.per")} AS BIGINT) AS amount_nanos,
            CAST({_half_even("s.quantity", "b.list_price", "b.list_per")} AS BIGINT) AS list_nanos
        FROM summed s JOIN (
            SELECT basis_no, currency, CAST(price AS HUGEINT) AS price, CAST(per AS HUGEINT) AS per,
                CAST(list_price AS HUGEINT) AS list_price, CAST(list_per AS HUGEINT) AS list_per
            FROM bases
        ) b USING (basis_no)
        """
    )


def _half_even(quantity: str, price: str, per: str) -> str:
    # Integer arithmetic only: DECIMAL division would go through a double. No term is negative,
    # but for credits on a bill, whose `per` is 1: there // and % are exact whatever the sign.
    product = f"({quantity} * {price})"
    quotient = f"({product} // {per})"
    rest = f"({product} % {per})"
    return (
        f"{quotient} + CASE WHEN 2 * {rest} > {per}"
        f" OR (2 * {rest} = {per} AND {quotient} % 2 = 1) THEN 1 ELSE 0 END"
    )


def _same(left: str, right: str, columns: Sequence[str]) -> str:
    return " AND ".join(
        f'{left}."{column}" IS NOT DISTINCT FROM {right}."{column}"' for column in columns
    )


def _register_answers(
    connection: "duckdb.DuckDBPyConnection", answers: Sequence[KeyAnswer]
) -> None:
    give_table(
        connection,
        "answers",
        {
            "key_no": "BIGINT",
            "meter": "VARCHAR",
            "begin_at": "TIMESTAMP",
            "end_at": "TIMESTAMP",
            "exact": "BOOLEAN",
            "decision_no": "BIGINT",
        },
        [(a.key_no, a.meter, a.begin, a.end, a.exact, a.decision_no) for a in answers],
    )


def _listed(columns: Sequence[str], table: str = "") -> str:
    return "".join(f'{table}"{column}", ' for column in columns)
