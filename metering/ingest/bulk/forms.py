"""What the records of a bulk file stand in, as its beginning shows."""

from enum import Enum, auto
from pathlib import Path
from typing import Final

from metering.ingest.bulk.layout import Layout
from metering.ingest.bulk.parquet_source import PARQUET_MARK

_BEGINNING: Final = 64 << 10


class Form(Enum):
    """What records stand in."""

    JSON_LINES = auto()
    ARRAY = auto()
    TABLE = auto()
    PARQUET = auto()


def form_of(plain: Path, layout: Layout) -> Form:
    """Return the form of a file; JSON Lines when its beginning is damaged beyond telling."""
    table = layout.table or layout
    if not table.required:
        return Form.JSON_LINES
    with plain.open("rb") as stream:
        beginning = stream.read(_BEGINNING).lstrip()
    if beginning.startswith(b"["):
        return Form.ARRAY
    if beginning.startswith(PARQUET_MARK):
        return Form.PARQUET
    first, _, _ = beginning.partition(b"\n")
    cells = first.decode("utf-8", errors="replace").replace('"', "").rstrip("\r").split(",")
    is_table = not set(table.required).isdisjoint(map(table.spelling, cells))
    return Form.TABLE if is_table else Form.JSON_LINES
