"""One shown line of a table, and the line that says what rounding for display left over."""

from collections.abc import Iterable
from dataclasses import dataclass

from metering.reporting.figures import amount_text, minor_text, rounding_left, share_text


@dataclass(frozen=True, slots=True)
class Line:
    """One shown line.

    Attributes:
        kind: item, sub (below an item), rounding, sub-rounding or total.
        label: what it is; foreign text.
        note: a few words beside the label; may be empty.
        quantity, unit: empty where quantities of different units would meet.
        prior: the month before; empty where it is not shown.
        amount: billed.
        share: of the billed total, in per cent.
        permille: length of the bar beside the share, 0 to 1000.
        nanos: the amount exactly, for a face that calculates; None for what is only shown.
    """

    kind: str
    label: str
    amount: str
    note: str = ""
    quantity: str = ""
    unit: str = ""
    prior: str = ""
    share: str = ""
    permille: int = 0
    nanos: int | None = None


def rounding_line(parts: Iterable[tuple[int, int]], whole: tuple[int, int], currency: str) -> Line:
    """Return the line "rounding" of a table of (amount, prior) nanos; empty cells where nil."""
    pairs = list(parts)
    amount = rounding_left((pair[0] for pair in pairs), whole[0], currency)
    prior = rounding_left((pair[1] for pair in pairs), whole[1], currency)
    return Line(
        kind="rounding",
        label="rounding",
        amount=minor_text(amount, currency) if amount else "",
        prior=minor_text(prior, currency) if prior else "",
    )


def total_line(label: str, nanos: int, whole: int, currency: str) -> Line:
    """Return the last line of a table."""
    return Line(
        kind="total",
        label=label,
        amount=amount_text(nanos, currency),
        share=share_text(nanos, whole),
    )


def permille(part: int, whole: int) -> int:
    """Return the length of a bar, 0 to 1000; nothing for what is negative."""
    return max(0, min(1000, part * 1000 // whole)) if whole > 0 else 0
