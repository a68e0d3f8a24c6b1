"""What the records of a bulk file stand in, as its beginning shows."""

import re
from enum import Enum, auto
from pathlib import Path
from typing import Final

from metering.ingest.bulk.layout import Layout
from metering.ingest.bulk.parquet_source import PARQUET_MARK

_BEGINNING: Final = 64 << 10
# What no line of JSON Lines begins with, but for one that is damaged.
_ARRAY: Final = re.compile(rb"\[\s*\{")
_SPREAD: Final = re.compile(rb'\{[ \t]*\r?\n\s*"')


class Form(Enum):
    """What records stand in."""

    JSON_LINES = auto()
    ARRAY = auto()
    SPREAD = auto()  # JSON objects, each over many lines
    TABLE = auto()
    PARQUET = auto()


def form_of(plain: Path, layout: Layout) -> Form:
    """Return the form of a file; JSON Lines when its beginning is damaged beyond telling."""
    with plain.open("rb") as stream:
        beginning = stream.read(_BEGINNING).lstrip()
    table = layout.table or layout
    if _ARRAY.match(beginning) or (table.required and beginning.startswith(b"[")):
        return Form.ARRAY
    if _SPREAD.match(beginning):
        return Form.SPREAD
    if not table.required:
        return Form.JSON_LINES
    if beginning.startswith(PARQUET_MARK):
        return Form.PARQUET
    first, _, _ = beginning.partition(b"\n")
    cells = first.decode("utf-8", errors="replace").replace('"', "").rstrip("\r").split(",")
    is_table = not set(table.required).isdisjoint(map(table.spelling, cells))
    return Form.TABLE if is_table else Form.JSON_LINES
