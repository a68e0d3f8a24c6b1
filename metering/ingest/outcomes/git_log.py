"""Commits of a branch, as `git log` writes them in a form that says where each part ends.

The format names the repository, which `git log` does not know, and takes the body of each message
for its last lines alone: trailers (`Co-Authored-By`, `Claude-Session`) and the line by which `git
revert` says what it takes back. Of the subject the key of a ticket is read. No author is asked for,
and no text is kept. A commit is part of a change and counts nothing in our own unit, unless
[outcomes.units] says so: where nobody reviews changes, commits are what there is.

People leave trailers out, and squashing drops them: a tool that is found is a lower bound.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.outcomes.stages import OutcomeKind, Stage
from metering.core.ownership.tickets import ticket_in
from metering.errors import Rejection
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.outcomes.changes import reversal
from metering.ingest.outcomes.contract import outcomes_of
from metering.ingest.outcomes.reverts import chain_of
from metering.ingest.outcomes.trailers import session_of_messages, tool_of_messages
from metering.ingest.shapes.pages import Row
from metering.ingest.values.fields import FieldRefused, Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_MARK: Final = "commit"
_FIELD: Final = "\x1f"
_END: Final = "\x1e"
_FIELDS: Final = ("mark", "repository", "commit", "committed", "subject", "body")
_KIND: Final = "commit"
_HASH: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
_REPOSITORY: Final = re.compile(r"[^\s/]+(/[^\s/]+)+")
_PLACEHOLDER: Final = "OWNER/REPOSITORY"
_REVERT: Final = re.compile(
    r"^This reverts commit ([0-9a-f]{40}|[0-9a-f]{64})\b", re.ASCII | re.MULTILINE
)


class GitLog:
    """One row per commit; a negative one for a commit that reverts another."""

    name = "git-log"
    version = 1
    role = SourceRole.OUTCOME
    identity = Identity.EVENT
    repeat = Repeat.LATEST
    system = "git"
    kinds: tuple[OutcomeKind, ...] = (
        OutcomeKind(
            _KIND,
            Stage.VALIDATED,
            settles_after_days=14,
            reversed_by="a commit whose message says `This reverts commit …`",
        ),
    )
    describes = "commits of a repository's main branch, with the trailers that tools leave"
    export = (
        "git log --no-merges"
        " --format='commit%x1fOWNER/REPOSITORY%x1f%H%x1f%cI%x1f%s%x1f%b%x1e' main"
    )
    cannot_tell = "tools whose trailer was left out or squashed; whether anybody reviewed it"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the first field and the sign that ends it."""
        if (sample.head or "").startswith(_MARK + _FIELD):
            return Verdict(matches=True, because="its records begin as our format of git log says")
        return Verdict(matches=False, because="it does not begin with 'commit' and \\x1f")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the commits in file order, which is the newest first."""
        text = reader.content(path).decode("utf-8", errors="replace")
        rows, refused = _rows(text)
        reverts = dict(filter(None, map(_revert, rows)))
        yield from outcomes_of(rows, lambda row: [_cells(row, reverts)], refused=refused)


def _rows(text: str) -> tuple[list[Row], list[Rejection]]:
    rows: list[Row] = []
    refused: list[Rejection] = []
    line = 1
    *records, rest = text.split(_END)
    for record in records:
        begins = line + len(record) - len(record.lstrip("\n"))
        cells = record.lstrip("\n").split(_FIELD)
        line += record.count("\n")
        if len(cells) == len(_FIELDS) and cells[0] == _MARK:
            rows.append(Row(begins, dict(zip(_FIELDS, cells, strict=True))))
        else:
            refused.append(_bad_row(begins, f"{len(cells)} fields"))
    if rest.strip():
        refused.append(_bad_row(line + len(rest) - len(rest.lstrip("\n")), "no end"))
    return rows, refused


def _bad_row(line: int, found: str) -> Rejection:
    return FieldRefused("bad-row", "", found, "a record of the format of git log").at(line)


def _revert(row: Row) -> tuple[str, str] | None:
    commit, body = row.member("commit"), row.member("body")
    match = _REVERT.search(body) if isinstance(body, str) else None
    return (str(commit), match[1]) if match else None


def _cells(row: Row, reverts: Mapping[str, str]) -> Mapping[str, object]:
    fields = row.fields
    commit = _told(fields, "commit", _HASH, "the whole hash of a commit (%H)")
    repository = _told(fields, "repository", _REPOSITORY, "the repository, as acme/billing")
    if repository == _PLACEHOLDER:
        raise fields.refused("bad-text", "repository", "its own name in the format, acme/billing")
    body, subject = str(fields.required("body")), str(fields.required("subject"))
    return {
        "outcome_id": commit,
        "reference": f"{repository}@{commit[:8]}",
        "instant": fields.instant("committed"),
        "kind": _KIND,
        "stage": Stage.VALIDATED.value,
        "repository": repository,
        "ticket": ticket_in(subject),
        "commit": commit,
        "assisted_by": tool_of_messages([body]),
        "session": session_of_messages([body]),
        **reversal(chain_of(reverts.get(commit), reverts)),
    }


def _told(fields: Fields, name: str, form: re.Pattern[str], expected: str) -> str:
    text = fields.text(name)
    if not form.fullmatch(text):
        raise fields.refused("bad-text", name, expected)
    return text
