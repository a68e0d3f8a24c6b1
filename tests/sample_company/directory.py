"""The sample company's directory as its systems export it, besides the owners file.

The same people, teams and cost centres as in `owners.csv`, so that both may be in force: an HR
export with HR's own header, tables that finance keeps, a SCIM export of the identity provider, and
the CODEOWNERS file of one repository. Ana's move is in HR's rows.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.sample_company.company import (
    AFTER_THE_MOVE,
    COST_CENTRES,
    MOVE_DAY,
    MOVES,
    PEOPLE,
    PROJECTS,
    Person,
)
from tests.sample_company.writing import write_text

_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_DEPARTMENTS = {team: f"{team.capitalize()} Engineering" for team in PROJECTS}
_FIRST_NUMBER = 1001
_NEW = {"number": "E1041", "name": "Pia Holm", "login": "pia", "team": "data"}
_TICKETS = {"refunds": "PAY", "build-farm": "BUILD", "forecasting": "DATA", "helpdesk": "HELP"}
_CONTACTS = {
    "payments": "Dana Weiss",
    "platform": "Olga Petrova",
    "data": "Wanda Zielak",
    "support": "Yara Costa",
    "growth": "Greta Moss",
}
CODEOWNERS = """\
# Everything is the platform team's; the cache service has been given to data.
*                   @lindqvist-freight/platform
/services/cache/    @lindqvist-freight/data
*.md                @lindqvist-freight/platform
"""


def write_directory(folder: Path) -> None:
    """Write the files of the directory into a folder."""
    write_text(folder / "hr.csv", _hr())
    write_text(folder / "teams.csv", _teams())
    write_text(folder / "projects.csv", _projects())
    write_text(folder / "cost-centres.csv", _cost_centres())
    write_text(folder / "okta.json", _scim())
    write_text(folder / "CODEOWNERS", CODEOWNERS)


def _hr() -> str:
    rows = []
    for number, person in _numbered():
        said = (number, person.name, person.gateway_user)
        department = _DEPARTMENTS[person.owner.team]
        if person.login == MOVES:
            rows.append((*said, department, "2026-01-01", MOVE_DAY.isoformat()))
            moved = _DEPARTMENTS[AFTER_THE_MOVE.team]
            rows.append((*said, moved, MOVE_DAY.isoformat(), ""))
        else:
            rows.append((*said, department, "2026-01-01", ""))
    return _csv(("Employee ID", "Name", "Account", "Department", "Since", "Until"), rows)


def _teams() -> str:
    rows = [
        (team, COST_CENTRES[team], ";".join(filter(None, (_DEPARTMENTS.get(team),))))
        for team in COST_CENTRES
    ]
    return _csv(("team", "cost_centre", "aliases"), rows)


def _projects() -> str:
    rows = [
        (project, team, _TICKETS.get(project, ""), "capex" if project == "lakehouse" else "", "")
        for team, projects in PROJECTS.items()
        for project in projects
    ]
    return _csv(("project", "team", "tickets", "capex_opex", "cogs_or_rnd"), rows)


def _cost_centres() -> str:
    # What is shared has no contact yet: `owners check` says so.
    rows = [
        (
            code,
            team.capitalize(),
            _CONTACTS.get(team, ""),
            "6420",
            "opex",
            "cogs" if team in {"support", "payments"} else "rnd",
        )
        for team, code in COST_CENTRES.items()
    ]
    return _csv(("cost_centre", "name", "owner", "gl_account", "capex_opex", "cogs_or_rnd"), rows)


def _scim() -> str:
    """Return the identity provider's answer at the end of October: one has joined."""
    users = [
        _user(number, person.name, person.login, _team_in_november(person), "2026-01-01")
        for number, person in _numbered()
    ]
    team = _NEW["team"]
    users.append(_user(_NEW["number"], _NEW["name"], _NEW["login"], team, "2026-10-19"))
    lines = ",\n".join(json.dumps(user, ensure_ascii=False) for user in users)
    return (
        '{"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],'
        f' "totalResults": {len(users)}, "Resources": [\n{lines}\n]}}\n'
    )


def _user(number: str, name: str, login: str, team: str, since: str) -> dict[str, object]:
    return {
        "schemas": [_USER, _ENTERPRISE],
        "id": f"00u{number}",
        "userName": f"u-{login}",
        "displayName": name,
        "active": True,
        "meta": {"created": f"{since}T08:00:00Z", "lastModified": f"{since}T08:00:00Z"},
        _ENTERPRISE: {"employeeNumber": number, "department": _DEPARTMENTS[team]},
    }


def _numbered() -> Iterable[tuple[str, Person]]:
    return ((f"E{_FIRST_NUMBER + place}", person) for place, person in enumerate(PEOPLE))


def _team_in_november(person: Person) -> str:
    return AFTER_THE_MOVE.team if person.login == MOVES else person.owner.team


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()
