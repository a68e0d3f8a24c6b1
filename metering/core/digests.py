"""Digests of rows that anybody can compute again: SHA-256 of a JSON array."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

_AT_ONCE: Final = 10_000

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


def value_digest(value: object) -> str:
    """Return the SHA-256 of a value as JSON with sorted keys, without spaces and in ASCII."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
