"""What several files of a directory come to together: who owns a key on a day."""

from datetime import date

import pytest

from metering.core.ownership.attribution import Assign, Match, Rule, RuleSet, owner_of
from metering.core.ownership.directory import Joined, cost_objects, joined
from metering.core.ownership.directory_files import DirectoryFile, kind_of, parse_directory_file
from metering.core.patterns import Pattern

MOVE = date(2026, 10, 16)
BEFORE = date(2026, 10, 15)
TEAMS = """\
team,cost_centre,aliases,valid_from,valid_to
payments,CC-4100,Payments Engineering;payments-eng,,
platform,CC-4200,,,2026-11-01
platform,CC-4250,,2026-11-01,
"""
PEOPLE = """\
person,name,logins,team,valid_from,valid_to
E1,Ana Marek,u-ana;ana@example.com,Payments Engineering,2026-01-01,2026-10-16
E1,Ana Marek,u-ana;ana@example.com,platform,2026-10-16,
E2,Bo Lund,u-bo,payments,2026-01-01,2026-10-10
"""
PROJECTS = """\
project,team,cost_centre,tickets,gl_account,capex_opex,cogs_or_rnd
refunds,payments,,PAY;REF,,capex,rnd
search,,CC-9000,SRCH,6450,,cogs
"""
KEYS = """\
key,person,project,team,valid_from,valid_to
key_ana,E1,,,,
key_refunds,,refunds,,,
key_ci,,,platform,,
"""
COST_CENTRES = """\
cost_centre,name,owner,gl_account,capex_opex,cogs_or_rnd
CC-4100,Payments,dana@example.com,6420,opex,cogs
"""
REPOSITORIES = """\
repository,path,team,project
acme/shop,,payments,
acme/shop,services/search,,search
"""
ALL = {
    "teams.csv": TEAMS,
    "people.csv": PEOPLE,
    "projects.csv": PROJECTS,
    "keys.csv": KEYS,
    "cost-centres.csv": COST_CENTRES,
    "repositories.csv": REPOSITORIES,
}


def files(texts: dict[str, str]) -> list[DirectoryFile]:
    return [
        parse_directory_file(text, name, kind_of(text, {}), name=name)
        for name, text in texts.items()
    ]


def told(texts: dict[str, str]) -> list[str]:
    return [rejection.message(name) for name, rejection in joined(files(texts)).refused]


def whole() -> Joined:
    found = joined(files(ALL))
    assert found.refused == ()
    return found


@pytest.mark.parametrize(
    ("field", "value", "day", "owner", "place"),
    [
        ("principal", "u-ana", BEFORE, "CC-4100/payments//E1", "people.csv:2, teams.csv:2"),
        ("principal", "u-ana", MOVE, "CC-4200/platform//E1", "people.csv:3, teams.csv:3"),
        (
            "principal",
            "ana@example.com",
            date(2026, 11, 1),
            "CC-4250/platform//E1",
            "people.csv:3, teams.csv:4",
        ),
        ("api_key", "key_ana", BEFORE, "CC-4100/payments//E1", "keys.csv:2, people.csv:2"),
        ("api_key", "key_ana", MOVE, "CC-4200/platform//E1", "keys.csv:2, people.csv:3"),
        ("api_key", "key_refunds", MOVE, "CC-4100/payments/refunds/", "keys.csv:3, projects.csv:2"),
        ("api_key", "key_ci", MOVE, "CC-4200/platform//", "keys.csv:4, teams.csv:3"),
    ],
)
def test_a_key_has_the_owner_of_all_its_links(
    field: str, value: str, day: date, owner: str, place: str
) -> None:
    found = owner_of({field: value}, day, RuleSet(), whole().directory)

    assert found is not None
    who = found.owner
    assert f"{who.cost_centre}/{who.team}/{who.project}/{who.person}" == owner
    assert found.how.startswith(place)


def test_whoever_left_owns_nothing_from_that_day() -> None:
    directory = whole().directory

    assert owner_of({"principal": "u-bo"}, date(2026, 10, 9), RuleSet(), directory) is not None
    assert owner_of({"principal": "u-bo"}, date(2026, 10, 10), RuleSet(), directory) is None


@pytest.mark.parametrize(
    ("branch", "project"),
    [
        ("ana/PAY-142-retry", "refunds"),
        ("REF-9", "refunds"),
        ("SRCH-3-after-PAY-1", "search"),
        ("UNK-3-after-PAY-1", "refunds"),
        ("main", None),
    ],
)
def test_a_ticket_in_a_branch_finds_its_project(branch: str, project: str | None) -> None:
    rules = RuleSet(rules=(Rule(1, "tickets", (), Assign(ticket_in="tag:branch")),))

    found = owner_of({"tag:branch": branch}, MOVE, rules, whole().directory)

    assert (found.owner.project if found else None) == project


@pytest.mark.parametrize(
    ("folder", "owner"),
    [
        ("acme/shop", "CC-4100"),
        ("acme/shop/web/src", "CC-4100"),
        ("acme/shop/services/search/index", "CC-9000"),
        ("acme/other", None),
    ],
)
def test_a_folder_has_the_owner_of_the_nearest_one_above(folder: str, owner: str | None) -> None:
    match = (Match("provider", Pattern.parse("openai")),)
    rules = RuleSet(rules=(Rule(1, "by folder", match, Assign(owner_of="tag:folder")),))

    identity = {"provider": "openai", "tag:folder": folder}
    found = owner_of(identity, MOVE, rules, whole().directory)

    assert (found.owner.cost_centre if found else None) == owner


def test_finance_gets_the_account_of_the_project_before_that_of_the_cost_centre() -> None:
    known = cost_objects(files(ALL), MOVE)

    plain, special = known.of("CC-4100", ""), known.of("CC-4100", "refunds")
    assert (plain.owner, plain.gl_account, plain.capex_opex) == ("dana@example.com", "6420", "opex")
    assert (special.gl_account, special.capex_opex, special.cogs_or_rnd) == ("6420", "capex", "rnd")
    assert known.of("CC-9000", "search").gl_account == "6450"


def test_two_teams_on_one_day_name_both_lines() -> None:
    owners = (
        "key,person,team,project,cost_centre,valid_from,valid_to\n"
        "u-ana,E1,payments,refunds,CC-4100,2026-10-01,\n"
    )

    by_person, *by_key = sorted(told({**ALL, "owners.csv": owners}))

    assert by_person.startswith(
        "owners.csv:2: error[two-owners]: person is 'E1', team payments, cost centre CC-4100"
        " from 2026-10-16 on\n    expected: what people.csv:3 says of the same days: team"
    )
    assert by_key[0].startswith(
        "people.csv:3: error[two-owners]: key is 'u-ana', team platform, cost centre CC-4200"
        " from 2026-10-16 to 2026-11-01\n    expected: what owners.csv:2 says of the same days:"
        " team payments, cost centre CC-4100\n"
    )


def test_owners_that_agree_on_the_team_add_a_project() -> None:
    owners = (
        "key,person,team,project,cost_centre,valid_from,valid_to\n"
        "u-bo,E2,payments,refunds,CC-4100,2026-02-01,2026-03-01\n"
    )

    directory = joined(files({**ALL, "owners.csv": owners})).directory

    days = (date(2026, 1, 31), date(2026, 2, 1), date(2026, 3, 1))
    found = [owner_of({"principal": "u-bo"}, day, RuleSet(), directory) for day in days]
    assert [one.owner.project if one else None for one in found] == ["", "refunds", ""]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "people.csv",
            "person,team\nE9,legal\n",
            "people.csv:2: error[missing-cost-centre]: team is 'legal'",
        ),
        (
            "keys.csv",
            "key,person,project,team\nk,E9,,\n",
            "keys.csv:2: error[unknown-person]: person is 'E9'",
        ),
        (
            "keys.csv",
            "key,person,project,team\nk,,nothing,\n",
            "keys.csv:2: error[unknown-project]: project is 'nothing'",
        ),
        (
            "teams.csv",
            TEAMS + "other,CC-1,payments-eng,,\n",
            "teams.csv:5: error[duplicate-name]: aliases is 'payments-eng'",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(name: str, text: str, expected: str) -> None:
    (message, *_) = [one for one in told({**ALL, name: text}) if one.startswith(name)]

    assert message.startswith(expected)


def test_days_on_which_nobody_pays_any_more_are_holes_and_a_late_beginning_is_none() -> None:
    teams = "team,cost_centre,valid_from,valid_to\npayments,CC-1,2026-06-01,2026-07-01\n"
    people = "person,team,valid_from,valid_to\nE1,payments,2020-01-01,2026-09-01\n"

    found = joined(files({"teams.csv": teams, "people.csv": people}))

    assert [(row.place, start, end) for row, start, end in found.holes] == [
        ("people.csv:2", date(2026, 7, 1), date(2026, 9, 1))
    ]
