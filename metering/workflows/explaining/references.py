"""What a reference names: the lines of the book behind a cell of a report, or a posting.

A reference names a cell from the left: `2026-10`, `2026-10/CC-4210`,
`2026-10/CC-4210/payments/refunds/claude-opus-5/output`. An account's name stands where no cost
centre is (`2026-10/suspense:unpriced`), and `posting:17` names one posting. A slash inside a name
is written %2F.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from metering.books import ledger as ledger_book
from metering.core.ledger import HOLDING_KINDS, AccountKind
from metering.errors import BookError, shown

if TYPE_CHECKING:
    from sqlalchemy import Connection

_POSTING: Final = re.compile(r"posting:([0-9]{1,18})")
_LEVELS: Final = ("cost_centre", "team", "project", "model", "meter")


def lines_of(connection: "Connection", reference: str) -> list[ledger_book.NetLine]:
    """Return the net lines that a reference names.

    Raises:
        BookError: `unknown-reference`; nothing in the ledger answers to it.
    """
    if posting := _POSTING.fullmatch(reference):
        line = ledger_book.posting_line(connection, int(posting[1]))
        found = [line] if line is not None else []
    else:
        period, *parts = (unquote(part) for part in reference.split("/"))
        found = [
            line for line in ledger_book.net_lines(connection, period) if _matches(line, parts)
        ]
    if not found:
        raise BookError(
            "unknown-reference",
            f"nothing in the ledger answers to {shown(reference)}",
            details=(
                "expected: PERIOD[/COST_CENTRE[/TEAM[/PROJECT[/MODEL[/METER]]]]]",
                "          PERIOD/ACCOUNT[/MODEL[/METER]]",
                "          posting:NUMBER",
            ),
            do="take one from a report, or explain a period of `metering period list`",
        )
    return found


def _matches(line: ledger_book.NetLine, parts: Sequence[str]) -> bool:
    if parts and parts[0] == line.debit:
        return _all_equal(line, _LEVELS[-2:], parts[1:])
    if line.debit_kind in HOLDING_KINDS:
        return False
    if parts and line.debit_kind != AccountKind.OWNER.value:
        return False
    return _all_equal(line, _LEVELS, parts)


def _all_equal(line: ledger_book.NetLine, levels: Sequence[str], parts: Sequence[str]) -> bool:
    return len(parts) <= len(levels) and all(
        getattr(line, level) == part for level, part in zip(levels, parts, strict=False)
    )
