"""A folder of usage and outcomes as plain CSV, as the tables that behaviour is summed from.

The layout is that of practice and exchange data: `usage.csv` and `projects.csv` have to be there,
`outcomes.csv`, `prices.csv` and `events.csv` may be. A column that a file may lack is null in its
table, and whatever would need it says that it is not measured. A value that cannot be read is
refused with its file and line: nothing is repaired, and no book is touched.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.errors import (
    WHOLE_FILE_REMEDY,
    RefusedFileError,
    Rejection,
    SourceError,
    SourceRef,
    shown,
)

if TYPE_CHECKING:
    import duckdb

_TOLD: Final = 20
_COUNT: Final = ("BIGINT", "bad-quantity", "a whole number, 0 or more")
_DAY: Final = ("DATE", "bad-date", "a day as YYYY-MM-DD")
_TEXT: Final = ("VARCHAR", "missing-field", "a text")
_PRICE: Final = ("DECIMAL(18,9)", "bad-price", "a decimal number, 0 or more")


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a file.

    Attributes:
        name: in the file and in the table.
        kind: SQL type, error code, and what is expected in words.
        needed: whether the file has to have the column.
        may_be_empty: whether a cell may be empty, which is null.
        signed: whether it may be below zero.
    """

    name: str
    kind: tuple[str, str, str]
    needed: bool = True
    may_be_empty: bool = False
    signed: bool = False

    @property
    def raw(self) -> str:
        """The cell as text; null when empty."""
        return f"nullif(trim(\"{self.name}\"), '')"

    @property
    def value(self) -> str:
        """The cell as what it says; null when it cannot be read."""
        if self.kind[0] == "VARCHAR":
            return self.raw
        if self.kind[1] == "bad-date":
            like_a_day = f"regexp_full_match({self.raw}, '\\d{{4}}-\\d\\d-\\d\\d')"
            return f"CASE WHEN {like_a_day} THEN TRY_CAST({self.raw} AS DATE) END"
        return f"TRY_CAST({self.raw} AS {self.kind[0]})"

    @property
    def refused(self) -> str:
        """The condition under which a cell is refused."""
        bad = f"{self.value} IS NULL"
        if self.may_be_empty:
            bad = f"({self.raw} IS NOT NULL AND {bad})"
        if self.kind[0] == "BIGINT":
            # A cast alone would round what is no whole number.
            return f"({bad} OR {self.value} < 0 OR contains({self.raw}, '.'))"
        number = self.kind[0].startswith("DECIMAL") and not self.signed
        return f"({bad} OR {self.value} < 0)" if number else bad


COUNTS: Final = (
    "requests",
    "input_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
    "distinct_prompts",
    "sessions",
    "failed_requests",
    "offhours_requests",
)
"""What usage counts; a file may lack any of them but the tokens in and out."""

AT_FIRST_PRICES: Final = (
    "constant_usd",
    "input_tokens_usd",
    "cached_input_tokens_usd",
    "cache_write_tokens_usd",
    "output_tokens_usd",
)
"""What usage would have cost at the first prices, whole and by class of token; null in a folder,
whose prices come as a table."""

_ALWAYS_COUNTED: Final = {"input_tokens", "output_tokens"}

_USAGE: Final = (
    _Column("date", _DAY),
    _Column("provider", _TEXT, needed=False, may_be_empty=True),
    _Column("model", _TEXT),
    _Column("team", _TEXT),
    _Column("project", _TEXT),
    _Column("user", _TEXT, needed=False, may_be_empty=True),
    _Column("workflow_key", _TEXT, needed=False, may_be_empty=True),
    *(_Column(name, _COUNT, needed=name in _ALWAYS_COUNTED) for name in COUNTS),
    _Column("cost_usd", ("DECIMAL(28,12)", "bad-amount", "an amount with 12 decimals at most")),
)
_OUTCOMES: Final = (
    _Column("timestamp", ("TIMESTAMPTZ", "bad-instant", "an instant with its zone")),
    _Column("kind", _TEXT, needed=False, may_be_empty=True),
    _Column("team", _TEXT),
    _Column("project", _TEXT),
    _Column("workflow_key", _TEXT, needed=False, may_be_empty=True),
    _Column("weight", ("DECIMAL(18,4)", "bad-quantity", "a decimal number"), signed=True),
)
_PRICES: Final = (
    _Column("provider", _TEXT, needed=False, may_be_empty=True),
    _Column("model", _TEXT),
    _Column("effective_from", _DAY),
    _Column("input_per_mtok", _PRICE),
    _Column("cached_input_per_mtok", _PRICE),
    _Column("cache_write_per_mtok", _PRICE),
    _Column("output_per_mtok", _PRICE),
)
_PROJECTS: Final = (
    _Column("team", _TEXT),
    _Column("project", _TEXT),
    _Column("function", _TEXT, needed=False, may_be_empty=True),
    _Column("headcount", _COUNT, needed=False, may_be_empty=True),
    _Column("start_date", _DAY, needed=False, may_be_empty=True),
    _Column("attribution_window_days", _COUNT, needed=False, may_be_empty=True),
)
_EVENTS: Final = (
    _Column("start_date", _DAY),
    _Column("end_date", _DAY, needed=False, may_be_empty=True),
    _Column("kind", _TEXT),
    _Column("scope", _TEXT, needed=False, may_be_empty=True),
    _Column("detail", _TEXT, needed=False, may_be_empty=True),
)
_FILES: Final = {
    "usage": _USAGE,
    "projects": _PROJECTS,
    "outcomes": _OUTCOMES,
    "prices": _PRICES,
    "events": _EVENTS,
}
_NEEDED_FILES: Final = ("usage", "projects")
# Without a zone an instant would be read in whichever zone the machine is in.
_ZONED: Final = r"regexp_matches(trim(timestamp), '(Z|[+-]\d{2}:?\d{2})$')"


def open_folder(connection: "duckdb.DuckDBPyConnection", folder: Path) -> tuple[date, date]:
    """Read the files of a folder into tables of the same names.

    Args:
        connection: in UTC; the tables are temporary.
        folder: where the files lie.

    Returns:
        The first and the last day with usage.

    Raises:
        SourceError: `missing-file`, or `no-rows` when there is no usage.
        RefusedFileError: a column is missing or a value cannot be read; every code has its line.
    """
    for name, columns in _FILES.items():
        path = folder / f"{name}.csv"
        if path.is_file():
            _read(connection, name, path, columns)
        elif name in _NEEDED_FILES:
            raise SourceError(
                SourceRef(str(path)),
                "missing-file",
                "there is no such file",
                do="give a folder with usage.csv and projects.csv, beside them outcomes.csv,"
                " prices.csv and events.csv",
            )
        else:
            connection.execute(_empty_table(name, columns))
    for column in AT_FIRST_PRICES:
        connection.execute(f"ALTER TABLE usage ADD COLUMN {column} DECIMAL(28, 12)")
    _check_projects(connection, folder / "projects.csv")
    days = connection.execute("SELECT min(date), max(date) FROM usage").fetchall()
    (first, last) = days[0]
    if first is None:
        raise SourceError(
            SourceRef(str(folder / "usage.csv")),
            "no-rows",
            "there is no usage in it",
            do="export the usage of eight weeks at least",
        )
    return first, last


def _empty_table(name: str, columns: tuple[_Column, ...]) -> str:
    typed = ", ".join(f'NULL::{column.kind[0]} AS "{column.name}"' for column in columns)
    return f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {typed} LIMIT 0"


def _read(
    connection: "duckdb.DuckDBPyConnection", name: str, path: Path, columns: tuple[_Column, ...]
) -> None:
    import duckdb  # noqa: PLC0415 - for its exceptions, where a file is read

    quoted = str(path).replace("'", "''")
    source = (
        f"read_csv('{quoted}', header = true, all_varchar = true, delim = ',', quote = '\"',"
        " hive_partitioning = false)"
    )
    try:
        there = [str(row[0]) for row in connection.execute(f"DESCRIBE FROM {source}").fetchall()]
        _check_header(path, there, columns)
        read = [column for column in columns if column.name in there]
        _refuse(connection, source, path, [check for column in read for check in _checks(column)])
        typed = ", ".join(
            f'{column.value} AS "{column.name}"'
            if column in read
            else f'NULL::{column.kind[0]} AS "{column.name}"'
            for column in columns
        )
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {typed} FROM {source}")
    except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise SourceError(
            SourceRef(str(path)),
            "bad-csv",
            "a row of it has other cells than the header, or an open quote",
            do=WHOLE_FILE_REMEDY,
        ) from error


@dataclass(frozen=True, slots=True)
class _Check:
    """What makes a cell refused: a condition in SQL, the code, and what is expected in words."""

    column: str
    condition: str
    code: str
    expected: str


def _checks(column: _Column) -> tuple[_Check, ...]:
    _, code, expected = column.kind
    readable = _Check(column.name, column.refused, code, expected)
    if code != "bad-instant":
        return (readable,)
    zoned = "an instant with its zone, as 2026-03-01T09:30:00Z"
    naive = f"{column.value} IS NOT NULL AND NOT {_ZONED}"
    return (readable, _Check(column.name, naive, "naive-timestamp", zoned))


def _check_header(path: Path, there: list[str], columns: tuple[_Column, ...]) -> None:
    missing = [c.name for c in columns if c.needed and c.name not in there]
    if missing:
        expected = "a header with the columns " + ", ".join(c.name for c in columns if c.needed)
        rejection = Rejection(
            1, "missing-column", ", ".join(missing), "missing", expected, WHOLE_FILE_REMEDY
        )
        raise RefusedFileError(str(path), [rejection])


def _refuse(
    connection: "duckdb.DuckDBPyConnection", source: str, path: Path, checks: list[_Check]
) -> None:
    """Refuse the file with the first cells that cannot be read, in the order of the columns."""
    counted = ", ".join(f"count(*) FILTER ({check.condition})" for check in checks)
    (found,) = connection.execute(f"SELECT {counted} FROM {source}").fetchall()
    rejections: list[Rejection] = []
    for check in (check for check, count in zip(checks, found, strict=True) if count):
        # Files of the layout hold no line breaks inside cells, so a row's place is its line.
        rows = connection.execute(
            f'SELECT line, cell FROM (SELECT row_number() OVER () + 1 AS line, "{check.column}" AS'
            f" cell, {check.condition} AS refused FROM {source})"
            f" WHERE refused ORDER BY line LIMIT {_TOLD}"
        ).fetchall()
        rejections += [
            Rejection(
                line, check.code, check.column, shown(cell or ""), check.expected, WHOLE_FILE_REMEDY
            )
            for line, cell in rows
        ]
    if rejections:
        raise RefusedFileError(str(path), rejections)


def _check_projects(connection: "duckdb.DuckDBPyConnection", path: Path) -> None:
    doubled = connection.execute(
        "SELECT team, project FROM projects GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
    ).fetchall()
    for team, project in doubled:
        raise SourceError(
            SourceRef(str(path)),
            "duplicate-key",
            f"team {shown(team)}, project {shown(project)} is there twice",
            do=WHOLE_FILE_REMEDY,
        )


EMPTY_TABLES: Final = {name: _empty_table(name, columns) for name, columns in _FILES.items()}
"""Statements that make each table without rows, for a source that has none."""
