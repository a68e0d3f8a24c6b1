"""Trailers of commits: which tool signed the work, and in which session it was done.

Only lines of the form `Name: value` are looked at, and only those with a name we know; the rest of
a message is not read. People can leave a trailer out or add it by hand, and squashing drops it: a
tool that is found is a lower bound, and its absence says nothing.
"""

import re
from collections.abc import Iterable
from typing import Final

_TRAILER: Final = re.compile(
    r"^(co-authored-by|claude-session):[ \t]*(.{1,300})$", re.ASCII | re.IGNORECASE | re.MULTILINE
)
_ADDRESS: Final = re.compile(r"<([^<>\s]{1,200})>\s*$", re.ASCII)
_SESSION: Final = re.compile(r"([A-Za-z0-9_-]{8,100})/?$", re.ASCII)

# The addresses that tools sign with; names before them vary with the model.
_TOOLS: Final = {
    "noreply@anthropic.com": "claude-code",
    "cursoragent@cursor.com": "cursor",
    "noreply@openai.com": "codex",
    "copilot@github.com": "github-copilot",
    "198982749+copilot@users.noreply.github.com": "github-copilot",
    "gemini-code-assist[bot]@users.noreply.github.com": "gemini-code-assist",
}
# Labels that tools put on a change.
_LABELS: Final = {"claude-code-assisted": "claude-code"}


def tool_of_messages(messages: Iterable[str]) -> str | None:
    """Return the tools that signed, sorted and joined by "+", or None."""
    return _joined(
        _TOOLS.get(address[1].lower())
        for name, value in _trailers(messages)
        if name == "co-authored-by" and (address := _ADDRESS.search(value))
    )


def tool_of_labels(labels: Iterable[str]) -> str | None:
    """Return the tools whose labels are on a change, sorted and joined by "+", or None."""
    return _joined(_LABELS.get(label) for label in labels)


def session_of_messages(messages: Iterable[str]) -> str | None:
    """Return the session the first `Claude-Session` trailer names, or None; a link's last part."""
    for name, value in _trailers(messages):
        if name == "claude-session" and (session := _SESSION.search(value.strip())):
            return session[1]
    return None


def _trailers(messages: Iterable[str]) -> Iterable[tuple[str, str]]:
    for message in messages:
        for name, value in _TRAILER.findall(message):
            yield name.lower(), value


def _joined(tools: Iterable[str | None]) -> str | None:
    return "+".join(sorted({tool for tool in tools if tool})) or None
