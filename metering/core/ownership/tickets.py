"""Keys of tickets in the names of branches and workflows: PAY-142 in `ana/PAY-142-retry`."""

import re
from typing import Final

_KEY: Final = re.compile(r"(?<![A-Za-z0-9])([A-Z][A-Z0-9]{1,9})-(\d{1,7})(?![A-Za-z0-9])", re.ASCII)
# What is spelled like a key and names a standard, a code page or a model.
_NOT_PROJECTS: Final = frozenset(
    (
        *("AES", "CVE", "GPT", "HTTP", "IEEE", "IPV", "ISO", "MD"),
        *("PEP", "RFC", "RSA", "SHA", "TLS", "UTC", "UTF", "WCAG"),
    )
)


def ticket_in(branch: str | None) -> str | None:
    """Return the first ticket key in a branch's name, or None.

    Only capitals make a key: `retry-429` is none.
    """
    for project, number in _KEY.findall(branch or ""):
        if project not in _NOT_PROJECTS:
            return f"{project}-{number}"
    return None


def ticket_projects(text: str | None) -> tuple[str, ...]:
    """Return the prefixes of the ticket keys in a name, in its order: PAY of PAY-142."""
    found = dict.fromkeys(project for project, _ in _KEY.findall(text or ""))
    return tuple(project for project in found if project not in _NOT_PROJECTS)
