"""Scratch space: files that one import writes, reads once more, and removes."""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk.layout import literal

if TYPE_CHECKING:
    import duckdb

_SPILL: Final = "spill"
# Small groups of rows keep every core busy to the end of a file, and little in memory. What is read
# once more and then removed is not worth a packing: snappy takes a fifth of the time of writing it,
# and the dictionaries of its texts alone make it a tenth of the file.
_PARQUET: Final = "FORMAT parquet, COMPRESSION uncompressed, ROW_GROUP_SIZE 30720"


class Scratch:
    """A folder of its own for the files of one import.

    Args:
        folder: where it is made; made itself when missing.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="reader-", dir=folder))
        self._files = 0

    @property
    def spill(self) -> Path:
        """The folder for what does not fit in memory."""
        return self._folder / _SPILL

    def file(self, kind: str) -> Path:
        """Return the path of a new file, named for what it is to hold."""
        self._files += 1
        return self._folder / f"{self._files}-{kind}"

    def write(self, connection: "duckdb.DuckDBPyConnection", query: str, target: Path) -> int:
        """Write the rows of a query as Parquet and return how many they are."""
        copied = connection.execute(f"COPY ({query}) TO {literal(str(target))} ({_PARQUET})")
        return only_number(copied)

    def clear(self) -> None:
        """Remove every file but what is spilt, which is the connection's."""
        for path in self._folder.iterdir():
            if path.name == _SPILL:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Remove the folder, whatever it holds."""
        shutil.rmtree(self._folder, ignore_errors=True)


def only_number(result: "duckdb.DuckDBPyConnection") -> int:
    """Return the one number that a query gave."""
    # To the last row: a connection with a result that is not read to its end takes no other query.
    (row,) = result.fetchall()
    return int(row[0])
