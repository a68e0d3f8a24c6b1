"""A company's own look: its name, logo and colour, its way of writing numbers, its templates.

What a report says is not touched by any of it. A colour that could not be told from the paper is
refused rather than printed.
"""

import base64
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from metering.reporting.numerals import Numerals

HOUSE_ACCENT: Final = "#1d5673"
HOUSE_ACCENT_DARK: Final = "#82bad6"
_PAPER: Final = "#fdfdfb"
_PAPER_DARK: Final = "#14171a"
# WCAG 2.2, 1.4.11: graphics and marks against what they stand on.
_CONTRAST: Final = 3.0
_LINEAR_BELOW: Final = 0.04045
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")
_PNG: Final = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Logo:
    """A picture; it is shown as a picture, so that a script inside an SVG never runs."""

    content: bytes

    def __post_init__(self) -> None:
        if self.kind not in {"png", "svg"}:
            raise ValueError("it is neither a PNG nor an SVG picture")

    @property
    def kind(self) -> str:
        """Return "png" or "svg", by content; empty for anything else."""
        if self.content.startswith(_PNG):
            return "png"
        head = self.content[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
        return "svg" if head.startswith(b"<") and b"<svg" in head else ""

    @property
    def uri(self) -> str:
        """Return the picture as a data URI."""
        media = "image/png" if self.kind == "png" else "image/svg+xml"
        return f"data:{media};base64,{base64.b64encode(self.content).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class Brand:
    """How a company wants its reports.

    Attributes:
        organisation: its name, above the title; foreign text; may be empty.
        logo: above the title; None for none.
        accent, accent_dark: the colour of bars and links on white and on dark paper, "#rrggbb".
        templates: a folder whose files take the place of ours with the same name; None for none.
        numerals: how numbers are written.

    Raises:
        ValueError: a colour is not one, or cannot be told from the paper.
    """

    organisation: str = ""
    logo: Logo | None = None
    accent: str = HOUSE_ACCENT
    accent_dark: str = HOUSE_ACCENT_DARK
    templates: Path | None = None
    numerals: Numerals = field(default_factory=Numerals)

    def __post_init__(self) -> None:
        for colour, paper, what in (
            (self.accent, _PAPER, "white"),
            (self.accent_dark, _PAPER_DARK, "dark"),
        ):
            if not _COLOUR.fullmatch(colour):
                raise ValueError(f"{colour!r} is not a colour; write it as #1d5673")
            contrast = _contrast(colour, paper)
            if contrast < _CONTRAST:
                raise ValueError(
                    f"{colour} has a contrast of {contrast:.1f} on {what} paper; it needs 3 or more"
                )

    @property
    def is_house(self) -> bool:
        """Return whether the colours are those of the style sheet."""
        return (self.accent, self.accent_dark) == (HOUSE_ACCENT, HOUSE_ACCENT_DARK)


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2): 0 black, 1 white."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= _LINEAR_BELOW else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
