"""The files of the directory, joined: from keys over people and projects to teams and cost centres.

Each link has its own days, and the owner of a key on a day is what all links say on that day: a
person who moves on the 16th takes their keys along from the 16th, and what was before stays. Where
several tables speak of one key the order is owners, keys, repositories, people; they must agree on
team and cost centre, and who says more of the project is heard. Two that disagree on one day are
refused, both named: nobody is charged by the order of files.

The result does not depend on the order of files or of their rows.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from metering.core.ownership.attribution import TICKET_KEY, Directory, DirectoryEntry
from metering.core.ownership.directory_files import DatedRow, DirectoryFile, Kind
from metering.core.validity import days_told
from metering.errors import WHOLE_FILE_REMEDY, Rejection, shown

_BEGINNING: Final = 0
_NEVER: Final = date.max.toordinal() + 1
_NO_NAME: Final = "owners.csv"
_UNKNOWN: Final = {"person": "unknown-person", "project": "unknown-project"}

Misfit = tuple[str, Rejection]
"""The name of a file, and what is refused in it."""

Hole = tuple[DatedRow, date | None, date | None]
"""A row, and days of it on which nobody is found to pay; half-open."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The directory that some files make.

    Attributes:
        directory: what attribution asks.
        refused: what does not fit together, sorted; a directory with any is not taken into force.
        holes: days on which a row finds nobody who pays, after some on which it does.
    """

    directory: Directory
    refused: tuple[Misfit, ...] = ()
    holes: tuple[Hole, ...] = ()


@dataclass(frozen=True, slots=True)
class CostObject:
    """What finance knows of a cost centre or a project.

    Attributes:
        name: of the cost centre or the project.
        title: in words; empty when not said.
        owner: the accountable contact; empty when not said.
        gl_account: of the general ledger.
        capex_opex: capex or opex.
        cogs_or_rnd: cogs or rnd.
    """

    name: str
    title: str = ""
    owner: str = ""
    gl_account: str = ""
    capex_opex: str = ""
    cogs_or_rnd: str = ""


@dataclass(frozen=True, slots=True)
class CostObjects:
    """Cost centres and projects as they stand on a day; one nobody declares is not in here."""

    cost_centres: Mapping[str, CostObject] = field(default_factory=dict)
    projects: Mapping[str, CostObject] = field(default_factory=dict)

    def of(self, cost_centre: str, project: str) -> CostObject:
        """Return what holds for a charge: what its project says stands over its cost centre."""
        general = self.cost_centres.get(cost_centre, CostObject(cost_centre))
        special = self.projects.get(project, CostObject(project))
        return replace(
            general,
            gl_account=special.gl_account or general.gl_account,
            capex_opex=special.capex_opex or general.capex_opex,
            cogs_or_rnd=special.cogs_or_rnd or general.cogs_or_rnd,
        )


def cost_objects(files: Iterable[DirectoryFile], day: date) -> CostObjects:
    """Return what finance knows of cost centres and projects on a day."""
    found: dict[Kind, dict[str, CostObject]] = {Kind.COST_CENTRES: {}, Kind.PROJECTS: {}}
    subject = {Kind.COST_CENTRES: "cost_centre", Kind.PROJECTS: "project"}
    for file in files:
        for row in file.rows if file.kind in found else ():
            if (row.valid_from or date.min) <= day and (row.valid_to is None or day < row.valid_to):
                name = row[subject[file.kind]]
                found[file.kind][name] = CostObject(
                    name,
                    row["name"],
                    row["owner"],
                    row["gl_account"],
                    row["capex_opex"],
                    row["cogs_or_rnd"],
                )
    return CostObjects(found[Kind.COST_CENTRES], found[Kind.PROJECTS])


def joined(files: Iterable[DirectoryFile]) -> Joined:
    """Join the files of a directory.

    Args:
        files: those in force; each was taken by its parser.
    """
    return _Joining(files).result()


@dataclass(frozen=True, slots=True)
class _Payer:
    """Who pays in some days, and the rows that say so; the days are ordinals, half-open."""

    start: int
    end: int
    cost_centre: str
    team: str
    project: str
    person: str
    rows: tuple[DatedRow, ...]

    @property
    def place(self) -> str:
        return ", ".join(dict.fromkeys(row.place for row in self.rows))

    @property
    def told(self) -> str:
        said = (("team", self.team), ("cost centre", self.cost_centre))
        return ", ".join(f"{what} {name}" for what, name in said if name)


class _Joining:
    """The rows by what they are about, and what does not fit."""

    def __init__(self, files: Iterable[DirectoryFile]) -> None:
        ordered = sorted(files, key=lambda file: (file.kind, file.scope, file.name))
        self._refused: list[Misfit] = []
        self._holes: list[Hole] = []
        self._rows: dict[Kind, list[DatedRow]] = {
            kind: [row for file in ordered if file.kind is kind for row in file.rows]
            for kind in Kind
        }
        names = [file.name for file in ordered if file.kind is Kind.OWNERS]
        names += [file.name for file in ordered]
        self._name = names[0] if names else _NO_NAME
        self._aliases = self._names_of_teams()
        self._teams = _by(self._rows[Kind.TEAMS], lambda row: row["team"])
        self._projects = _by(self._rows[Kind.PROJECTS], lambda row: row["project"])
        self._people = _by(self._rows[Kind.PEOPLE], lambda row: row["person"])

    def result(self) -> Joined:
        """Join everything, once."""
        staff: list[_Payer] = []
        by_key: dict[str, list[_Payer]] = {}

        def take(key: str, payers: Iterable[_Payer]) -> None:
            for payer in payers:
                self._add(by_key.setdefault(key, []), key, payer)

        for row in self._rows[Kind.OWNERS]:
            payer = self._payer(row, *_days(row))
            self._hold_against_people(payer)
            take(row["key"], [payer])
        for row in self._rows[Kind.KEYS]:
            take(row["key"], self._paying(row))
        folders: dict[str, None] = {}
        for row in self._rows[Kind.REPOSITORIES]:
            key = "/".join(filter(None, (row["repository"], row["path"].strip("/"))))
            folders[key] = None
            take(key, self._paying(row))
        for row in self._rows[Kind.PROJECTS]:
            prefixes = row.listed("tickets")
            payers = self._paying(row) if prefixes else []
            for prefix in prefixes:
                take(TICKET_KEY + prefix, payers)
        for row in self._rows[Kind.PEOPLE]:
            payers = self._paying(row)
            staff += payers
            for login in row.listed("logins"):
                take(login, payers)
        entries = [
            self._entry(key, payer)
            for key, payers in by_key.items()
            for payer in sorted(payers, key=lambda one: one.start)
        ]
        return Joined(
            Directory(
                self._name,
                tuple(entries),
                people=tuple(self._entry("", payer) for payer in staff),
                folders=frozenset(folders),
            ),
            tuple(sorted(self._refused)),
            tuple(self._holes),
        )

    # --- who pays ---------------------------------------------------------------------------

    def _paying(self, row: DatedRow) -> list[_Payer]:
        """Return who pays for a row, stretch by stretch; nobody on any day of it is refused."""
        start, end = _days(row)
        found, what, where = self._asked(row, start, end)
        if not found:
            self._refuse_nobody(row, what, where)
        self._note_holes(row, found)
        return found

    def _asked(self, row: DatedRow, start: int, end: int) -> tuple[list[_Payer], str, str]:
        if row["cost_centre"]:
            return [self._payer(row, start, end)], "", ""
        if row["key"] and row["person"]:
            return self._of_person(row, start, end), "person", "person"
        if (row["key"] or row["repository"]) and row["project"]:
            return self._of_project(row, start, end), "project", "project"
        return self._of_team(row, start, end), "team", "team"

    def _payer(self, row: DatedRow, start: int, end: int, *others: DatedRow) -> _Payer:
        team = self._aliases.get(row["team"], row["team"])
        cost_centre = others[0]["cost_centre"] if others else row["cost_centre"]
        who = (cost_centre, team, row["project"], row["person"])
        return _Payer(start, end, *who, (row, *others))

    def _of_team(self, row: DatedRow, start: int, end: int) -> list[_Payer]:
        team = self._aliases.get(row["team"], row["team"])
        return [
            self._payer(row, first, last, one)
            for first, last, one in _during(self._teams.get(team, ()), start, end)
        ]

    def _of_project(self, row: DatedRow, start: int, end: int) -> list[_Payer]:
        return [
            replace(payer, rows=(row, *payer.rows))
            for first, last, one in _during(self._projects.get(row["project"], ()), start, end)
            for payer in self._asked(one, first, last)[0]
        ]

    def _of_person(self, row: DatedRow, start: int, end: int) -> list[_Payer]:
        return [
            replace(payer, rows=(row, *payer.rows))
            for first, last, one in _during(self._people.get(row["person"], ()), start, end)
            for payer in self._asked(one, first, last)[0]
        ]

    # --- what does not fit ------------------------------------------------------------------

    def _refuse_nobody(self, row: DatedRow, what: str, kind: str) -> None:
        said = row[what]
        days = days_told(row.valid_from, row.valid_to)
        if kind == "team":
            expected = f"a team to which a teams file gives a cost centre ({days})"
            rejection = _rejection(row, "missing-cost-centre", what, shown(said), expected)
        else:
            expected = f"a {kind} that a file of the directory declares, and who pays ({days})"
            rejection = _rejection(row, _UNKNOWN[kind], what, shown(said), expected)
        self._refused.append((row.source, rejection))

    def _note_holes(self, row: DatedRow, found: Sequence[_Payer]) -> None:
        # What lies before the first days on which somebody pays is how records begin.
        _, end = _days(row)
        reached = min((payer.start for payer in found), default=end)
        for payer in sorted(found, key=lambda one: one.start):
            if payer.start > reached:
                self._holes.append((row, _day(reached), _day(payer.start)))
            reached = max(reached, payer.end)
        if reached < end:
            self._holes.append((row, _day(reached), _day(end)))

    def _add(self, known: list[_Payer], key: str, payer: _Payer) -> None:
        """Add who pays for a key on the days that no table before has claimed."""
        free = [(payer.start, payer.end)]
        for other in known:
            shared = (max(other.start, payer.start), min(other.end, payer.end))
            if shared[0] >= shared[1]:
                continue
            if (other.cost_centre, other.team) != (payer.cost_centre, payer.team):
                self._refuse_two(key, other, payer, shared)
            free = [
                piece
                for start, end in free
                for piece in ((start, min(end, other.start)), (max(start, other.end), end))
                if piece[0] < piece[1]
            ]
        known.extend(replace(payer, start=start, end=end) for start, end in free)

    def _hold_against_people(self, payer: _Payer) -> None:
        for row in self._people.get(payer.person, ()):
            start, end = max(payer.start, _days(row)[0]), min(payer.end, _days(row)[1])
            other = self._payer(row, start, end)
            if start < end and payer.team and payer.team != other.team:
                self._refuse_two(payer.person, other, payer, (start, end))

    def _refuse_two(self, key: str, first: _Payer, second: _Payer, shared: tuple[int, int]) -> None:
        days = days_told(_day(shared[0]), _day(shared[1]))
        row = second.rows[0]
        rejection = _rejection(
            row,
            "two-owners",
            "person" if key == second.person else "key",
            f"{shown(key)}, {second.told} {days}",
            f"what {first.rows[0].place} says of the same days: {first.told}",
        )
        self._refused.append((row.source, rejection))

    def _names_of_teams(self) -> dict[str, str]:
        names: dict[str, DatedRow] = {}
        for row in self._rows[Kind.TEAMS]:
            for alias in row.listed("aliases"):
                known = names.setdefault(alias, row)
                if known["team"] != row["team"]:
                    expected = f"an alias of one team; {known.place} gives it to {known['team']}"
                    rejection = _rejection(row, "duplicate-name", "aliases", shown(alias), expected)
                    self._refused.append((row.source, rejection))
        return {alias: row["team"] for alias, row in names.items()}

    def _entry(self, key: str, payer: _Payer) -> DirectoryEntry:
        row = payer.rows[0]
        alone = len(payer.rows) == 1 and row.source == self._name
        return DirectoryEntry(
            line=row.line,
            key=key,
            person=payer.person,
            team=payer.team,
            project=payer.project,
            cost_centre=payer.cost_centre,
            valid_from=_day(payer.start),
            valid_to=_day(payer.end),
            place="" if alone else payer.place,
        )


def _rejection(row: DatedRow, code: str, column: str, found: str, expected: str) -> Rejection:
    return Rejection(row.line, code, column, found, expected, WHOLE_FILE_REMEDY)


def _by(
    rows: Iterable[DatedRow], subject: Callable[[DatedRow], str]
) -> dict[str, tuple[DatedRow, ...]]:
    found: defaultdict[str, list[DatedRow]] = defaultdict(list)
    for row in rows:
        found[subject(row)].append(row)
    return {name: tuple(sorted(same, key=_days)) for name, same in found.items()}


def _during(rows: Iterable[DatedRow], start: int, end: int) -> Iterator[tuple[int, int, DatedRow]]:
    for row in rows:
        first, last = _days(row)
        if max(first, start) < min(last, end):
            yield max(first, start), min(last, end), row


def _days(row: DatedRow) -> tuple[int, int]:
    return (
        _BEGINNING if row.valid_from is None else row.valid_from.toordinal(),
        _NEVER if row.valid_to is None else row.valid_to.toordinal(),
    )


def _day(ordinal: int) -> date | None:
    return None if ordinal in (_BEGINNING, _NEVER) else date.fromordinal(ordinal)
