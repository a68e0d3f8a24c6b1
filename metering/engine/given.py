"""Small tables of answers, given to the engine to be joined.

A few thousand values travel as the parameters of one statement. More travel as Arrow, which is
faster by the value but imports pandas for a look at its types: a fifth of a second that a nightly
run of one day would not win back.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import duckdb

_AS_PARAMETERS: Final = 50_000


def give_table(
    connection: "duckdb.DuckDBPyConnection",
    name: str,
    types: Mapping[str, str],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Make a temporary table, replacing one of the same name.

    Args:
        connection: the engine.
        name: of the table.
        types: column to SQL type, in order.
        rows: a value per column each; None is null.
    """
    columns = tuple(zip(*rows, strict=True)) or ((),) * len(types)
    give_columns(connection, name, types, columns)


def give_columns(
    connection: "duckdb.DuckDBPyConnection",
    name: str,
    types: Mapping[str, str],
    columns: Sequence[Sequence[Any]],
) -> None:
    """Make a temporary table from columns of equal length; see `give_table`."""
    if len(columns[0]) * len(columns) <= _AS_PARAMETERS:
        selected = ", ".join(
            f'unnest(CAST(${at} AS {kind}[])) AS "{column}"'
            for at, (column, kind) in enumerate(types.items(), start=1)
        )
        connection.execute(
            f'CREATE OR REPLACE TEMP TABLE "{name}" AS SELECT {selected}',
            [list(column) for column in columns],
        )
        return
    import pyarrow as pa  # noqa: PLC0415 - only where it pays

    connection.register(
        "given_columns",
        pa.table(dict(zip(types, (pa.array(column) for column in columns), strict=True))),
    )
    selected = ", ".join(
        f'CAST("{column}" AS {kind}) AS "{column}"' for column, kind in types.items()
    )
    connection.execute(
        f'CREATE OR REPLACE TEMP TABLE "{name}" AS SELECT {selected} FROM given_columns'
    )
    connection.unregister("given_columns")
