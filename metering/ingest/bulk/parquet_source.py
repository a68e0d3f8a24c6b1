"""What DuckDB reads a Parquet file with: the fields of a layout, in the form the layout knows them.

A Parquet file has types and no lines. Its values become what a CSV or JSON export of the same table
would hold, so that one format has one set of rules: text stays text, a number is spelled as its
shortest text, a map or a list is JSON. The place of a record is the number of its row, from 1 on.

A bill in CSV is read this way, too, since most of its rows are of no interest: its cells go to a
Parquet file in scratch space, of the rows put aside only those that decide of them (`sifted`).
"""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.errors import SourceError, SourceRef
from metering.ingest.bulk.layout import Fields, Form, Layout, literal, name, one_file, sql_type

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, DuckDBPyRelation
    from duckdb.sqltypes import DuckDBPyType

PARQUET_MARK: Final = b"PAR1"

_GROUPS: Final = "combinations_of_rows"
_OF_INTEREST: Final = "rows_of_interest"
TABLES: Final = (_GROUPS,)

# Of more than so many, the filter would take as long as what it leaves out.
_FEW_TEXTS: Final = 100
_NESTED: Final = frozenset({"struct", "list", "array", "map", "union"})


def parquet_columns(plain: Path, shown_as: Path) -> tuple[str, ...]:
    """Return the names of a Parquet file's columns, those of nested ones aside.

    Raises:
        SourceError: `damaged-file`.
    """
    from pyarrow import ArrowException, parquet  # noqa: PLC0415 - only where there is Parquet

    try:
        return tuple(parquet.read_schema(plain).names)
    except (ArrowException, OSError, ValueError) as error:
        raise damaged(shown_as) from error


def damaged(path: Path) -> SourceError:
    """Return the refusal of a Parquet file that cannot be read."""
    return SourceError(
        SourceRef(str(path)),
        "damaged-file",
        "the Parquet file cannot be read to its end",
        do="copy or download the file again; nothing of it is recorded",
    )


def parquet_table(plain: Path) -> str:
    """Return the table function that reads one Parquet file, each row with its number from 0."""
    return f"read_parquet({one_file(plain)}, file_row_number = true)"


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a Parquet file, in the types that they have in the file.

    To spell a value as text costs more than to read it, so that it is left to whoever needs it.

    Attributes:
        table: what they are called in a query.
        kinds: their columns that hold fields of the layout, with their types; beside `line_no`.
        layout: the format.
        query: what gives them, where they are no table.
    """

    table: str
    kinds: "Mapping[str, DuckDBPyType]"
    layout: Layout
    query: str = ""

    def columns_behind(self, fields: Iterable[str]) -> list[str]:
        """Return the columns that decide some of the fields that the layout's steps see."""
        nested = self._nested(self._expressions(fields))
        return [column for column in self.kinds if self.layout.spelling(column) in nested]

    def spelled(
        self, fields: Iterable[str], rows: str = "", beside: dict[str, str] | None = None
    ) -> str:
        """Return the query that gives fields, as the layout's steps see them, as text.

        Args:
            fields: of which; those that the file lacks are null.
            rows: a query over the columns behind them; the table itself, if empty.
            beside: further columns: expressions over the same, by name.
        """
        expressions = self._expressions(fields)
        beside = beside or {}
        places = {self.layout.spelling(column): column for column in self.kinds}
        inner = {
            field: _taken(places.get(field), self.kinds, self.layout.fields[field])
            for field in self._nested(expressions)
        }
        outer = expressions | {column: name(column) for column in beside}
        return (
            f"SELECT {_named(outer)} FROM (SELECT {_named(inner | beside)}"
            f" FROM {f'({rows})' if rows else self.table})"
        )

    def _expressions(self, fields: Iterable[str]) -> dict[str, str]:
        return {field: self.layout.flattened.get(field, name(field)) for field in fields}

    def _nested(self, expressions: Mapping[str, str]) -> list[str]:
        every = " ".join(expressions.values())
        return [field for field in self.layout.fields if mentions(every, field)]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What rows of a file to take.

    Attributes:
        condition: over the file's columns; it holds for all rows of interest.
        is_exact: whether it holds for no other.
    """

    condition: str = "true"
    is_exact: bool = True


def fields_of(layout: Layout) -> list[str]:
    """Return the fields that the layout's steps see."""
    return list(layout.flattened or layout.fields)


def mentions(expression: str, field: str) -> bool:
    """Say whether an expression may look at a field or a step of this name."""
    return re.search(rf"\b{re.escape(field)}\b", expression) is not None


def sifted(source: str, layout: Layout) -> str:
    """Return the query that gives a table's cells, of rows put aside only what decides of them.

    Args:
        source: a query that gives the layout's fields, each a text.
        layout: of a format that puts rows aside.
    """
    if layout.aside is None:
        return source
    expressions = {field: layout.flattened.get(field, name(field)) for field in _looked_at(layout)}
    behind = _behind(layout, layout.aside.fields)
    row = ", ".join(f"{name(field)} := {name(field)}" for field in layout.fields)
    cells = ", ".join(
        (f"row.{name(field)}" if mentions(behind, field) else f"kept.{name(field)}")
        + f" AS {name(field)}"
        for field in layout.fields
    )
    return (
        f"SELECT {cells} FROM (SELECT row, CASE WHEN ({layout.aside.noise}) IS NULL THEN row END"
        f" AS kept FROM (SELECT {_named({'row': f'struct_pack({row})'} | expressions)}"
        f" FROM ({source})))"
    )


def take_rows(
    connection: "DuckDBPyConnection",
    plain: Path,
    table: "DuckDBPyRelation",
    layout: Layout,
    first_line: int = 1,
) -> tuple[Rows, Rows]:
    """Say how to take from a file what is little beside all that a bill holds.

    Args:
        connection: on which the combinations stand until the next file is read.
        plain: the file.
        table: a relation over it, for its columns and their types.
        layout: the format.
        first_line: what the first row is called.

    Returns:
        The rows that are not put aside, as a query to be run once; and each combination of what
        rows are put aside by with the number of its rows as `line_no`.
    """
    made = _groups(plain, table, layout)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_GROUPS} AS {made}")
    grouped = connection.sql(f"SELECT * FROM {_GROUPS}")
    groups = Rows(_GROUPS, _kinds(grouped, layout, layout.fields), layout)
    query = _rows_of_interest(plain, table, layout, _among(connection, groups), first_line)
    kinds = _kinds(connection.sql(query), layout, layout.fields)
    return Rows(_OF_INTEREST, kinds, layout, query), groups


def _rows_of_interest(
    plain: Path,
    table: "DuckDBPyRelation",
    layout: Layout,
    chosen: _Chosen,
    first_line: int,
) -> str:
    """Return the query that gives a file's rows, as they stand, with their `line_no`.

    What the layout puts aside is left out before anything of it is spelled as text.

    Args:
        plain: the file.
        table: a relation over it, for its columns and their types.
        layout: the format.
        chosen: which of them.
        first_line: what the first row is called.
    """
    kinds = _kinds(table, layout, layout.fields)
    rows = (
        f"SELECT *, file_row_number + {first_line} AS line_no FROM {parquet_table(plain)}"
        f" WHERE {chosen.condition}"
    )
    values = {column: _looked_into(column, kind, layout) for column, kind in kinds.items()}
    if layout.aside is None or chosen.is_exact:
        return f"SELECT {_named(values | {'line_no': 'line_no'})} FROM ({rows})"
    # In one piece, since a field may be called like a column.
    row = ", ".join(f"{name(column)} := {value}" for column, value in values.items())
    looked_at = Rows("", kinds, layout).spelled(
        _looked_at(layout),
        rows,
        beside={"row": f"struct_pack({row})", "line_no": "line_no"},
    )
    return f"SELECT line_no, unnest(row) FROM ({looked_at}) WHERE ({layout.aside.noise}) IS NULL"


def _looked_into(column: str, kind: "DuckDBPyType", layout: Layout) -> str:
    """Return an expression for what of a column the layout looks at."""
    form = layout.fields[layout.spelling(column)]
    members = [member for member in _members(kind) if isinstance(form, Mapping) and member in form]
    # Each member stands in the file by itself, and most of them are read for nothing.
    packed = ", ".join(f"{name(member)} := {name(column)}.{name(member)}" for member in members)
    return f"struct_pack({packed})" if members else name(column)


def _among(connection: "DuckDBPyConnection", groups: Rows) -> _Chosen:
    """Return what tells the rows of interest from most others, or from all.

    Of a plain list of a column's texts DuckDB makes a filter in the file's reader, which then
    leaves the other columns of the other rows packed.
    """
    layout, columns = groups.layout, _deciding(groups)
    if layout.aside is None:
        return _Chosen()
    texts = {f"text {at}": column for at, column in enumerate(columns)}
    given = groups.spelled(layout.aside.fields, beside=texts)
    listed = ", ".join(f"list(DISTINCT {name(text)})" for text in texts)
    (found,) = connection.execute(
        f"SELECT {listed or 'count(*)'} FROM ({given}) WHERE ({layout.aside.noise}) IS NULL"
    ).fetchall()
    lists = {
        text: ", ".join(map(literal, held))
        for text, held in zip(texts, found, strict=False)
        if held and len(held) <= _FEW_TEXTS and None not in held
    }
    holds = " AND ".join(f"{name(text)} IN ({held})" for text, held in lists.items()) or "true"
    (others,) = connection.execute(
        f"SELECT count(*) FROM ({given}) WHERE ({layout.aside.noise}) IS NOT NULL AND {holds}"
    ).fetchall()
    condition = " AND ".join(f"{texts[text]} IN ({held})" for text, held in lists.items())
    return _Chosen(condition or "true", is_exact=not others[0])


def _looked_at(layout: Layout) -> list[str]:
    """Return the fields that decide what is put aside."""
    if layout.aside is None:
        return []
    return [field for field in layout.aside.fields if mentions(layout.aside.noise, field)]


def _deciding(rows: Rows) -> list[str]:
    """Return what stands as text behind these fields: columns of a file, or members of them."""
    behind = _behind(rows.layout, _looked_at(rows.layout))
    found = []
    for column, kind in rows.kinds.items():
        field = rows.layout.spelling(column)
        if kind.id == "varchar" and mentions(behind, field):
            found.append(name(column))
        found += [
            f"{name(column)}.{name(member)}"
            for member, its_kind in _members(kind).items()
            if its_kind.id == "varchar" and mentions(behind, f"{field}.{member}")
        ]
    return found


def _behind(layout: Layout, fields: Iterable[str]) -> str:
    """Return what the layout takes some of the fields that its steps see from, in one text."""
    return " ".join(layout.flattened.get(field, field) for field in fields)


def _groups(plain: Path, table: "DuckDBPyRelation", layout: Layout) -> str:
    """Return the query that gives each combination of what rows are put aside by, once.

    To spell a time or a number as text costs more than to read it, so that rows are grouped by the
    values as they stand in the file. `line_no` is how many rows a combination has.

    Args:
        plain: the file.
        table: a relation over it, for its columns and their types.
        layout: the format.
    """
    fields = layout.aside.fields if layout.aside else ()
    behind = _behind(layout, fields)
    kinds = _kinds(table, layout, [field for field in layout.fields if mentions(behind, field)])
    given, grouped = dict[str, str](), list[str]()
    for column, kind in kinds.items():
        # To group by a few members takes two thirds of the time that the whole of them takes.
        members = {
            member: f"{name(column)}.{name(member)}"
            for member in _members(kind)
            if mentions(behind, f"{layout.spelling(column)}.{member}")
        }
        grouped += members.values() or [name(column)]
        packed = ", ".join(f"{name(member)} := {value}" for member, value in members.items())
        given[column] = f"struct_pack({packed})" if members else name(column)
    return f"SELECT {_named(given | {'line_no': 'count(*)'})} FROM {parquet_table(plain)}" + (
        f" GROUP BY {', '.join(grouped)}" if grouped else ""
    )


def _kinds(
    table: "DuckDBPyRelation", layout: Layout, fields: Collection[str]
) -> "dict[str, DuckDBPyType]":
    """Return the columns of a file that hold some fields, with their types."""
    return {
        column: kind
        for column, kind in zip(table.columns, table.types, strict=True)
        if layout.spelling(column) in fields
    }


def _named(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{value} AS {name(column)}" for column, value in columns.items())


def _taken(column: str | None, kinds: "Mapping[str, DuckDBPyType]", form: Form) -> str:
    if column is None:
        return f"NULL::{sql_type(form)}"
    return _as_form(name(column), kinds[column], form)


def _as_form(value: str, kind: "DuckDBPyType", form: Form) -> str:
    if isinstance(form, Mapping):
        return _as_object(value, kind, form)
    if isinstance(form, tuple):
        return f"NULL::{sql_type(form)}"  # lists to take apart come in JSON lines alone
    if form == "JSON":
        return f"to_json({value})"
    if kind.id in _NESTED:
        return f"to_json({value})::VARCHAR"
    return value if kind.id == "varchar" else f"{value}::VARCHAR"


def _as_object(value: str, kind: "DuckDBPyType", form: Fields) -> str:
    if kind.id != "struct":
        return f"NULL::{sql_type(form)}"
    children = _members(kind)
    members = ", ".join(
        f"{name(key)} := "
        + (
            _as_form(f"{value}.{name(key)}", children[key], of)
            if key in children
            else f"NULL::{sql_type(of)}"
        )
        for key, of in form.items()
    )
    return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({members}) END"


def _members(kind: "DuckDBPyType") -> "dict[str, DuckDBPyType]":
    return dict(kind.children) if kind.id == "struct" else {}  # type: ignore[arg-type] # a struct's
