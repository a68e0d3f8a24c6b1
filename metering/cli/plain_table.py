"""A table as text, for a pipe or a log: what rich prints there, at a hundredth of its cost.

A thousand transcripts are a thousand lines of receipts; rich takes a millisecond for each.
"""

import re
from collections.abc import Sequence
from typing import Final

_GAP: Final = "   "
# One line of letters that are one place wide, as are dashes, quotes and spaces within numbers.
_PLAIN: Final = re.compile("(?:[!-~\u00a1-\u00ac\u00ae-\u024f\u2010-\u2027 \u00a0\u202f])*")


def plain_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str], width: int
) -> str | None:
    """Return a table as rich's SIMPLE_HEAD box would print it without colour.

    Args:
        columns: headings; all empty for a table without a head.
        rows: cells.
        right: headings of the columns that align right.
        width: of the longest line that is allowed.

    Returns:
        The lines; None where a cell is more than one line of plain letters without space around
        it, or a line would be too long.
    """
    table = [tuple(columns), *map(tuple, rows)]
    if not all(_is_plain(cell) for row in table for cell in row):
        return None
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    total = sum(widths) + len(_GAP) * (len(widths) - 1)
    if total + 2 > width:
        return None
    aligned = [
        (str.rjust if column in right else str.ljust, size)
        for column, size in zip(columns, widths, strict=True)
    ]
    blank = " " * (total + 2)
    head, *body = (
        _GAP.join(align(cell, size) for (align, size), cell in zip(aligned, row, strict=True))
        for row in table
    )
    lines = (head, "─" * total, *body) if any(columns) else tuple(body)
    return "\n".join((blank, *(f" {line} " for line in lines), blank))


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and text == text.strip()
