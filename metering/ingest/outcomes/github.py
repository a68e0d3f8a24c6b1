"""What GitHub's three exports of pull requests have in common: places, reverts, commits.

GitHub's Revert button makes a branch `revert-NUMBER-…`, and that of a revert of it
`revert-NUMBER-revert-NUMBER-…`, so that a branch alone says what is taken back.
"""

import re
from typing import Final

from metering.ingest.outcomes.changes import Change, merged_changes
from metering.ingest.values.fields import FieldRefused, Fields

SYSTEM: Final = "github"
KINDS: Final = merged_changes("a merged pull request from a branch `revert-NUMBER-…`")

_STATES: Final = ("MERGED", "CLOSED", "OPEN")
_URL: Final = re.compile(r"https://[^/\s]+/([^/\s]+/[^/\s]+)/pull/(\d+)", re.ASCII)
_REVERT: Final = re.compile(r"revert-(\d+)-", re.ASCII)


def place_of(pull: Fields, url: str) -> tuple[str, int]:
    """Return the repository and the number of a pull request out of its address.

    Raises:
        FieldRefused: `bad-text`; it is no address of this pull request.
    """
    number = pull.whole_number("number")
    match = _URL.fullmatch(pull.text(url))
    if match is None or int(match[2]) != number:
        raise pull.refused("bad-text", url, f"https://HOST/OWNER/REPOSITORY/pull/{number}")
    return match[1], number


def reverts_of(repository: str, branch: str) -> tuple[str, ...]:
    """Return the references of what a branch says it reverts, the nearest first."""
    numbers = _REVERT.findall(branch) if _REVERT.match(branch) else []
    return tuple(f"{repository}#{number}" for number in numbers)


def change_of(pull: Fields, labels: tuple[Fields, ...], messages: tuple[str, ...]) -> Change:
    """Return a pull request that is spelled as GraphQL and `gh` spell it.

    Args:
        pull: its own fields.
        labels: each with a `name`.
        messages: of its commits.
    """
    state = pull.one_of("state", _STATES) or ""
    repository, number = place_of(pull, "url")
    branch = pull.text("headRefName")
    return Change(
        change_id=pull.text("id"),
        repository=repository,
        reference=f"{repository}#{number}",
        branch=branch,
        opened=pull.instant("createdAt"),
        is_draft=bool(pull.flag_if_any("isDraft")),
        merged=pull.instant("mergedAt") if state == "MERGED" else None,
        as_of=pull.instant("updatedAt") if "updatedAt" in pull.values else None,
        commit=pull.part_if_any("mergeCommit").text_if_any("oid"),
        labels=[text for label in labels if (text := label.text_if_any("name"))],
        messages=messages,
        reverts=reverts_of(repository, branch),
    )


def message_of(commit: Fields, name: str) -> str:
    """Return a commit's message, of any length; its trailers alone are looked at.

    Raises:
        FieldRefused: `bad-text`; it is no text.
    """
    text = commit.values.get(name) or ""
    if not isinstance(text, str):
        raise FieldRefused("bad-text", f"{commit.within}{name}", "no text", "text")
    return text
