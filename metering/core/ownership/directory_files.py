"""The files of the directory: who belongs where, from one day to another, as tables of CSV.

Small companies need one, `owners.csv` (see `core.ownership.owners_file`), which says everything of
a key in its line. Larger ones keep what they know where it is known, a table each; a table is
recognised by its columns, and every line may have `valid_from` and `valid_to` (half-open days,
empty for ever):

    keys           key, and one of person, project, team      an API key, an account, a workspace
    people         person, team     logins, name, cost_centre, project
    teams          team, cost_centre                aliases
    projects       project          team, cost_centre, tickets, gl_account, capex_opex, cogs_or_rnd
    cost centres   cost_centre      name, owner, gl_account, capex_opex, cogs_or_rnd
    repositories   repository       path, team, project

`logins`, `aliases` and `tickets` are lists with `;` between. A login is what usage calls a person:
an address, a user name, a key of their own. An alias is what others call a team: HR's department, a
GitHub slug. `tickets` are the prefixes of a project's tickets: PAY of PAY-142.

A column that nobody knows is refused, since a misspelt `valid_to` would mean "for ever". The
export of an HR system keeps its own header where `[people.columns]` of metering.toml says which of
its columns is which; others are left alone then. A file is taken whole or refused whole.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from metering.core.csv_table import Row, read_header, read_table
from metering.core.ownership.owners_file import parse_owners
from metering.core.validity import days_told, validity_of
from metering.errors import WHOLE_FILE_REMEDY, RefusedFileError, RejectedError, Rejection, shown

LIST_SEPARATOR: Final = ";"


class Kind(StrEnum):
    """What a file of the directory is about."""

    OWNERS = "owners"
    KEYS = "keys"
    PEOPLE = "people"
    TEAMS = "teams"
    PROJECTS = "projects"
    COST_CENTRES = "cost centres"
    REPOSITORIES = "repositories"


@dataclass(frozen=True, slots=True)
class DatedRow:
    """One line of a file of the directory.

    Attributes:
        source: the file's name.
        line: physical line in it, 1-based.
        cells: column to text; what is not said is empty.
        valid_from, valid_to: days of the books, half-open; None is unbounded.
    """

    source: str
    line: int
    cells: Mapping[str, str]
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def place(self) -> str:
        """Where it stands, as "hr.csv:12"."""
        return f"{self.source}:{self.line}"

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def listed(self, column: str) -> tuple[str, ...]:
        """Return the entries of a cell that holds a list."""
        return tuple(filter(None, (one.strip() for one in self[column].split(LIST_SEPARATOR))))


@dataclass(frozen=True, slots=True)
class DirectoryFile:
    """One file of the directory.

    Attributes:
        name: of the file.
        scope: what it speaks for, where there is one of its kind for each of many: the repository
            of a CODEOWNERS file; else "".
        rows: in file order.
        as_of: the day of a snapshot, whose rows got their days by difference; else None.
        left_out: lines that say nothing about owners, in words; counted and told.
    """

    kind: Kind
    name: str
    rows: tuple[DatedRow, ...] = ()
    scope: str = ""
    as_of: date | None = None
    left_out: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class _Columns:
    """What the lines of a kind say.

    Attributes:
        subject: what a line is about.
        needed: columns that must be there and filled, the subject among them.
        payers: of these exactly one is filled.
        others: columns that may be there.
    """

    subject: str
    needed: tuple[str, ...]
    payers: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        return (*self.needed, *self.payers, *self.others, *DAYS)


DAYS: Final = ("valid_from", "valid_to")
_ACCOUNTING: Final = ("gl_account", "capex_opex", "cogs_or_rnd")
_COLUMNS: Final[Mapping[Kind, _Columns]] = {
    Kind.KEYS: _Columns("key", ("key",), ("person", "project", "team")),
    Kind.PEOPLE: _Columns(
        "person", ("person", "team"), (), ("logins", "name", "cost_centre", "project")
    ),
    Kind.TEAMS: _Columns("team", ("team", "cost_centre"), (), ("aliases",)),
    Kind.PROJECTS: _Columns(
        "project", ("project",), (), ("team", "cost_centre", "tickets", *_ACCOUNTING)
    ),
    Kind.COST_CENTRES: _Columns(
        "cost_centre", ("cost_centre",), (), ("name", "owner", *_ACCOUNTING)
    ),
    Kind.REPOSITORIES: _Columns("repository", ("repository",), ("team", "project"), ("path",)),
}

# A header names several; the first of these that it has tells what its lines are about.
_TOLD_BY: Final = {
    "key": Kind.KEYS,
    "repository": Kind.REPOSITORIES,
    "person": Kind.PEOPLE,
    "project": Kind.PROJECTS,
    "team": Kind.TEAMS,
    "cost_centre": Kind.COST_CENTRES,
}
_CLASSES: Final = {"capex_opex": ("capex", "opex"), "cogs_or_rnd": ("cogs", "rnd")}


def kind_of(text: str, columns: Mapping[str, str]) -> Kind:
    """Return what a CSV file is about, by its header; what cannot be told is an owners file.

    Args:
        text: the whole file, decoded.
        columns: our name to that of an HR export, as [people.columns] says.
    """
    header = read_header(text)
    names = {*header, *(ours for ours, theirs in columns.items() if theirs in header)}
    for name, kind in _TOLD_BY.items():
        if name in names:
            owners = kind is Kind.KEYS and "cost_centre" in names
            return Kind.OWNERS if owners else kind
    return Kind.OWNERS


def is_snapshot(text: str, columns: Mapping[str, str], as_of: date | None) -> bool:
    """Return whether a people file says who there is on a day, and not since when."""
    header = read_header(text)
    dated = any(columns.get(day, day) in header for day in DAYS)
    return as_of is not None and not dated


def parse_directory_file(
    text: str, path: str, kind: Kind, *, name: str, columns: Mapping[str, str] | None = None
) -> DirectoryFile:
    """Return what a CSV file of the directory holds.

    Args:
        text: the whole file, decoded.
        path: the file as the user named it, for messages.
        kind: what it is about, see `kind_of`.
        name: what explanations call the file.
        columns: for people, our name of a column to that of the file, where it differs.

    Raises:
        RefusedFileError: a column or cell is missing or unknown, a day is no day, or two lines
            about one subject overlap; every such place is told.
    """
    if kind is Kind.OWNERS:
        return _of_owners(text, path, name)
    said = _COLUMNS[kind]
    mapped = columns if kind is Kind.PEOPLE and columns else {}
    theirs = {ours: mapped.get(ours, ours) for ours in said.known}
    table = read_table(
        text,
        [theirs[column] for column in said.needed],
        [theirs[column] for column in (*said.payers, *said.others, *DAYS)],
        closed=not mapped,
    )
    rejections = list(table.rejections)
    rows: list[DatedRow] = []
    for row in table.rows:
        ours = {column: row.cells[header] for column, header in theirs.items()}
        try:
            rows.append(_row(Row(row.line, ours), said, theirs, name))
        except RejectedError as error:
            rejections.append(error.rejection)
    rejections.extend(overlaps(rows, _subject(kind)))
    if rejections:
        raise RefusedFileError(path, rejections)
    return DirectoryFile(kind, name, tuple(rows))


def _subject(kind: Kind) -> tuple[str, ...]:
    subject = _COLUMNS[kind].subject
    return (subject, "path") if kind is Kind.REPOSITORIES else (subject,)


def overlaps(rows: Iterable[DatedRow], subject: Sequence[str]) -> Iterator[Rejection]:
    """Yield the refusal of each row that claims days an earlier one about the same claims.

    Args:
        rows: of one file, or of several of a kind.
        subject: the columns that say what a row is about.
    """
    about: defaultdict[tuple[str, ...], list[DatedRow]] = defaultdict(list)
    for row in rows:
        about[tuple(row[column] for column in subject)].append(row)
    for same in about.values():
        in_time = sorted(same, key=lambda row: (row.valid_from or date.min, row.line))
        lasting = in_time[0]
        for row in in_time[1:]:
            if lasting.valid_to is None or (row.valid_from or date.min) < lasting.valid_to:
                first, second = sorted((lasting, row), key=lambda one: one.line)
                yield _overlap(first, second, subject[0])
            lasting = max(lasting, row, key=lambda one: one.valid_to or date.max)


def _overlap(first: DatedRow, second: DatedRow, subject: str) -> Rejection:
    return Rejection(
        second.line,
        "overlapping-validity",
        subject,
        f"{shown(second[subject])}{_team(second)}, {days_told(second.valid_from, second.valid_to)}",
        f"days that {first.place} does not claim: it says{_team(first).replace(',', '')}"
        f" {days_told(first.valid_from, first.valid_to)}",
        "end the earlier one on the day the later one begins, and give the file again",
    )


def _team(row: DatedRow) -> str:
    return f", team {row['team']}" if row["team"] else ""


def _row(row: Row, said: _Columns, theirs: Mapping[str, str], name: str) -> DatedRow:
    for column in said.needed:
        if not row.cells[column]:
            code = {"team": "missing-team", "cost_centre": "missing-cost-centre"}
            refused = code.get(column, "missing-key")
            expected = f"text: every line says {' and '.join(theirs[one] for one in said.needed)}"
            raise _refused(row.line, refused, theirs[column], "empty", expected)
    filled = [column for column in said.payers if row.cells[column]]
    if said.payers and len(filled) != 1:
        found = " and ".join(filled) or "none"
        expected = f"exactly one of {', '.join(said.payers)}: who pays for this line"
        raise _refused(row.line, "bad-row", said.subject, found, expected)
    for column, allowed in _CLASSES.items():
        if row.cells.get(column, "") not in {"", *allowed}:
            expected = f"{' or '.join(allowed)}, or nothing"
            raise _refused(row.line, "bad-value", column, shown(row.cells[column]), expected)
    start, end = validity_of(row.line, *((theirs[day], row.cells[day]) for day in DAYS))
    cells = {column: text for column, text in row.cells.items() if text and column not in DAYS}
    return DatedRow(name, row.line, cells, start, end)


def _of_owners(text: str, path: str, name: str) -> DirectoryFile:
    directory = parse_owners(text, path, name=name)
    return DirectoryFile(
        Kind.OWNERS,
        name,
        tuple(
            DatedRow(
                name,
                entry.line,
                {
                    column: said
                    for column, said in (
                        ("key", entry.key),
                        ("person", entry.person),
                        ("team", entry.team),
                        ("project", entry.project),
                        ("cost_centre", entry.cost_centre),
                    )
                    if said
                },
                entry.valid_from,
                entry.valid_to,
            )
            for entry in directory.entries
        ),
    )


def _refused(line: int, code: str, column: str, found: str, expected: str) -> RejectedError:
    return RejectedError(Rejection(line, code, column, found, expected, WHOLE_FILE_REMEDY))
