"""Reverts of reverts, where each says only what it takes back itself."""

from collections.abc import Mapping


def chain_of(first: str | None, reverts: Mapping[str, str]) -> tuple[str, ...]:
    """Return what is taken back, then what that took back, and so on; no name twice.

    Args:
        first: the name of what is taken back; None for nothing.
        reverts: the name of each revert that is known, and what it takes back.
    """
    chain: dict[str, None] = {}
    at = first
    while at is not None and at not in chain:
        chain[at] = None
        at = reverts.get(at)
    return tuple(chain)
