"""Numbers that look random and never change.

A number is a function of what it is about, not of how many were drawn before it: editing one
source leaves every other file as it was, on every version of Python.
"""

import hashlib

_SEED = "lindqvist-freight-2026"


def number(*about: object) -> int:
    """Return a whole number of 64 bits that depends on `about` alone."""
    return int(digest(*about)[:16], 16)


def between(low: int, high: int, *about: object) -> int:
    """Return a whole number from `low` to `high`, both inclusive."""
    return low + number(*about) % (high - low + 1)


def digest(*about: object) -> str:
    """Return 64 hexadecimal digits that depend on `about` alone."""
    text = "|".join((_SEED, *(str(part) for part in about)))
    return hashlib.sha256(text.encode()).hexdigest()
