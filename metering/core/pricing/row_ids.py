"""Identities of the rows of a rate card: a digest of what decides a price."""

import hashlib
from datetime import datetime
from typing import Final

_ID_DIGITS: Final = 16


def row_digest(*parts: object) -> str:
    """Return the identity of a row that says these things, in this order."""
    # The separator is a control character, which no card holds, so parts cannot run together.
    text = "\x1f".join(map(str, parts))
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS]


def instant_part(instant: datetime | None) -> str:
    """Return an instant as a part of an identity; "" where it is unbounded."""
    return instant.isoformat() if instant else ""
