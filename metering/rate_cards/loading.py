"""Load rate cards: those that ship with the package, and files of the user's own.

A card is taken whole or not at all: every problem of it is told, with file and line.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from metering.core.pricing.rate_checks import book_problems
from metering.core.pricing.rates import RateCard
from metering.core.pricing.row_checks import Problem
from metering.errors import MeteringError, first_of
from metering.rate_cards.jsonl_card import card_from_jsonl
from metering.rate_cards.toml_card import card_from_toml
from metering.resources import rate_cards_dir

_READERS: Final = {".toml": card_from_toml, ".jsonl": card_from_jsonl}
_MOST_TOLD: Final = 20


class RateCardError(MeteringError):
    """Rate cards are not sound; nothing of them is put in force.

    Attributes:
        problems: all of them, in the order of files and rows.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        self.code = self.problems[0].code
        messages = (problem.message() for problem in self.problems)
        super().__init__("\n".join(first_of(messages, _MOST_TOLD)))


def bundled_paths() -> tuple[Path, ...]:
    """Return the files of the rate cards that ship with the package, in a stable order."""
    folder = rate_cards_dir()
    return (*sorted(folder.glob("*.jsonl")), *sorted((folder / "overlay").glob("*.toml")))


def bundled_cards() -> tuple[RateCard, ...]:
    """Return the rate cards that ship with the package; tests see to it that they are sound."""
    found: list[RateCard] = []
    for path in bundled_paths():
        card, problems = read_card(path, name=str(path.relative_to(rate_cards_dir())))
        if card is None or problems:
            raise RateCardError(problems)
        found.append(card)
    return tuple(found)


def load_cards(paths: Iterable[Path]) -> tuple[RateCard, ...]:
    """Return the cards of some files, checked each and together.

    Raises:
        RateCardError: a file or a row is not as the format says, or rows contradict each other.
    """
    cards: list[RateCard] = []
    problems: list[Problem] = []
    for path in paths:
        card, found = read_card(path)
        problems += found
        if card is not None:
            cards.append(card)
    problems += book_problems(cards)
    if problems:
        raise RateCardError(problems)
    return tuple(cards)


def read_card(path: Path, *, name: str = "") -> tuple[RateCard | None, list[Problem]]:
    """Return the card of one file and what is not as the format says; rows are not compared.

    Args:
        path: a `.toml` or `.jsonl` file.
        name: how messages call the file; its path when empty.
    """
    shown_name = name or str(path)
    reader = _READERS.get(path.suffix)
    if reader is None:
        return None, [_unreadable(shown_name, f"'{path.suffix}' is no kind of rate card")]
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return None, [_unreadable(shown_name, f"it cannot be read: {error}")]
    return reader(text, shown_name)


def _unreadable(name: str, what: str) -> Problem:
    return Problem("bad-rate-card", (name,), what, "a .toml or .jsonl file in UTF-8")
