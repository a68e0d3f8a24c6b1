"""Open the embedded engine: bounded memory, UTC, no extension that would have to be downloaded."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def open_duckdb(scratch: Path, *, memory_limit: str, threads: int) -> "duckdb.DuckDBPyConnection":
    """Return an in-memory DuckDB that spills to `scratch`.

    Args:
        scratch: folder for what does not fit in memory; made by DuckDB when it is needed.
        memory_limit: e.g. "1GB".
        threads: 0 means one per core.
    """
    import duckdb  # noqa: PLC0415 - many who could ask it find that there is nothing to ask

    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "temp_directory": str(scratch),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if threads:
        config["threads"] = threads
    connection = duckdb.connect(config=config)
    connection.execute("SET TimeZone = 'UTC'")
    return connection
