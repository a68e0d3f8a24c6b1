"""What DuckDB reads a Parquet file with: the fields of a layout, in the form the layout knows them.

A Parquet file has types and no lines. Its values become what a CSV or JSON export of the same table
would hold, so that one format has one set of rules: text stays text, a number is spelled as its
shortest text, a map or a list is JSON. The place of a record is the number of its row, from 1 on.
"""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.errors import SourceError, SourceRef
from metering.ingest.bulk import Fields, Form, Layout, name, source_path, sql_type

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation
    from duckdb.sqltypes import DuckDBPyType

PARQUET_MARK: Final = b"PAR1"

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
    return f"read_parquet({source_path(plain)}, file_row_number = true)"


def parquet_source(plain: Path, table: "DuckDBPyRelation", layout: Layout) -> str:
    """Return the query that gives a layout's fields; columns that are not there are null.

    Args:
        plain: the file.
        table: a relation over it, for its columns and their types.
        layout: the format.
    """
    kinds = dict(zip(table.columns, table.types, strict=True))
    places = {layout.spelling(column): column for column in kinds}
    fields = ", ".join(
        f"{_taken(places.get(field), kinds, form)} AS {name(field)}"
        for field, form in layout.fields.items()
    )
    return (
        f"SELECT {fields}, NULL::VARCHAR AS line_fault, NULL::BIGINT AS line_size,"
        f" file_row_number + 1 AS line_no FROM {parquet_table(plain)}"
    )


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
    children: dict[str, DuckDBPyType] = dict(kind.children)  # type: ignore[arg-type] # a struct's
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
