"""Digests of rows that anybody can compute again: SHA-256 of a JSON array."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

_AT_ONCE: Final = 10_000
_HALF: Final = 2**64

Block = Sequence[Sequence[Any]]


def rows_digest(blocks: Iterable[Block]) -> tuple[int, str]:
    """Return how many rows there are, and the digest of them in their order.

    The digest is the SHA-256 of the rows as one JSON array of arrays, without spaces and in ASCII,
    less the outer brackets. How the rows are cut into blocks does not matter.

    Args:
        blocks: rows of whole numbers, texts and nulls; consumed block by block.
    """
    count, digest = 0, hashlib.sha256()
    for block in blocks:
        if not block:
            continue
        text = json.dumps(block, separators=(",", ":"))[1:-1]
        digest.update(f",{text}".encode() if count else text.encode())
        count += len(block)
    return count, digest.hexdigest()


def lines_digest(lines: Iterable[str]) -> str:
    """Return the digest of lines of text in any order: sorted, each ended by a line feed.

    Args:
        lines: in ASCII, without line feeds.
    """
    digest = hashlib.sha256()
    ordered = sorted(lines)
    for start in range(0, len(ordered), _AT_ONCE):
        digest.update(("\n".join(ordered[start : start + _AT_ONCE]) + "\n").encode("ascii"))
    return digest.hexdigest()


def joined_digest(digests: Sequence[str]) -> str:
    """Return the digest of what several files hold together, however it is divided among them.

    Args:
        digests: 32 hexadecimal digits each: two sums of 64 bits over the rows of a file.
    """
    halves = [(int(digest[:16], 16), int(digest[16:], 16)) for digest in digests]
    high = sum(upper for upper, _ in halves) % _HALF
    low = sum(lower for _, lower in halves) % _HALF
    return f"{high:016x}{low:016x}"


def value_digest(value: object) -> str:
    """Return the SHA-256 of a value as JSON with sorted keys, without spaces and in ASCII."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
