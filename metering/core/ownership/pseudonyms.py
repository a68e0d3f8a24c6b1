"""Names for people that are theirs and tell nothing: keyed digests, the same for ever.

Who has the key and the directory can find the person again, so the key lies outside of the data
(see `workflows.ownership.people`); without it a name cannot be guessed and tried, as with a plain
digest.
"""

import hashlib
import hmac
from typing import Final

PREFIX: Final = "person-"
_DIGITS: Final = 16


def pseudonym(key: bytes, person: str) -> str:
    """Return the pseudonym of a person: PREFIX and 64 bits of an HMAC-SHA256, hexadecimal.

    Args:
        key: secret; another one gives other pseudonyms.
        person: as the directory knows them.
    """
    return PREFIX + hmac.new(key, person.encode(), hashlib.sha256).hexdigest()[:_DIGITS]
