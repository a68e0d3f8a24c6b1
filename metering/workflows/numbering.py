"""Numbers for distinct things, which is how they travel into the engine and back."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Numbered(Generic[T]):
    """Distinct things in the order they were first met; a thing's number is its place."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self._numbers: dict[T, int] = {}

    def number(self, thing: T) -> int:
        """Return the number of a thing, giving it the next one if it is new."""
        found = self._numbers.setdefault(thing, len(self.items))
        if found == len(self.items):
            self.items.append(thing)
        return found
