"""People as identity providers export them: SCIM 2.0, LDAP as JSON, and what a snapshot changes."""

import json
from datetime import date
from typing import Any

import pytest

from metering.core.ownership.directory_files import DatedRow, DirectoryFile, Kind
from metering.core.ownership.ldap_file import is_ldap, ldap_items
from metering.core.ownership.people_snapshots import difference
from metering.core.ownership.scim_file import ENTERPRISE, is_scim, people_of, scim_items
from metering.errors import RefusedFileError

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


def user(number: str, **said: Any) -> dict[str, Any]:
    return {"id": number, "userName": f"u{number}@example.com", **said}


def scim(*resources: dict[str, Any], teams: tuple[str, ...] = ()) -> DirectoryFile:
    text = json.dumps({"Resources": resources}, indent=1)
    assert is_scim(text)
    return people_of(scim_items(text, "okta.json"), "okta.json", name="okta.json", teams=teams)


def ldap(*entries: dict[str, Any]) -> DirectoryFile:
    text = json.dumps({"entries": entries}, indent=1)
    assert is_ldap(text)
    assert not is_scim(text)
    return people_of(ldap_items(text, "ad.json"), "ad.json", name="ad.json")


def cells(file: DirectoryFile) -> list[dict[str, str]]:
    return [dict(row.cells) for row in file.rows]


def refused(resources: tuple[dict[str, Any], ...], teams: tuple[str, ...] = ()) -> str:
    with pytest.raises(RefusedFileError) as caught:
        scim(*resources, teams=teams)
    return str(caught.value)


def test_a_person_is_known_by_number_logins_and_department() -> None:
    found = scim(
        user(
            "1",
            displayName="Ana Marek",
            emails=[{"value": "ana@example.com"}, {"value": "u1@example.com"}],
            meta={"created": "2026-01-31T23:30:00-02:00", "lastModified": "2026-10-16T08:00:00Z"},
            **{ENTERPRISE: {"employeeNumber": "E1", "department": "pay", "costCenter": "CC-1"}},
        )
    )

    assert cells(found) == [
        {
            "person": "E1",
            "team": "pay",
            "name": "Ana Marek",
            "logins": "u1@example.com;ana@example.com",
            "cost_centre": "CC-1",
            "changed": "2026-10-16",
        }
    ]
    # Days are those of UTC.
    assert found.rows[0].valid_from == date(2026, 2, 1)
    assert found.rows[0].line > 1


def test_the_group_is_the_team_where_no_department_is_said() -> None:
    members = [{"value": "1"}, {"value": "2"}]
    groups = (
        {"displayName": "pay", "members": members},
        {"displayName": "all", "members": members},
    )

    found = scim(user("1"), user("2", externalId="E2"), *groups, teams=("pay",))

    assert [(row["person"], row["team"]) for row in found.rows] == [("1", "pay"), ("E2", "pay")]
    assert "error[two-owners]: groups is 'pay (line 7) and all (line 18)'" in refused(
        (user("1"), *groups)
    )


def test_who_is_in_no_team_is_left_out_and_who_left_is_not() -> None:
    found = scim(user("1"), user("2", active=False))

    assert [row["person"] for row in found.rows] == ["2"]
    assert found.left_out == ("okta.json:3 is in no team",)


def test_one_person_twice_names_both_lines() -> None:
    twice = (user("1", groups=[{"display": "pay"}]), user("1", groups=[{"display": "pay"}]))

    assert "okta.json:12: error[duplicate-key]" in refused(twice)
    assert "line 3 is the same one" in refused(twice)


def test_what_is_no_json_is_refused_with_its_line() -> None:
    with pytest.raises(RefusedFileError) as caught:
        scim_items('{"Resources": [\n{"userName": }\n]}', "f")

    assert str(caught.value).startswith("f:2: error[bad-json]")


def test_ldap_entries_are_people_and_groups_whatever_the_case() -> None:
    found = ldap(
        {
            "dn": "CN=Ana,OU=people,DC=example",
            "attributes": {
                "sAMAccountName": ["ana"],
                "employeeID": "E1",
                "mail": "ana@example.com",
                "proxyAddresses": ["SMTP:ana@example.com", "smtp:a.marek@example.com", "x500:/o"],
                "department": ["pay"],
                "displayName": ["Ana Marek"],
                "userAccountControl": [512],
                "whenCreated": ["20260101120000.0Z"],
            },
        },
        {"DN": "uid=bo,dc=example", "uid": ["bo"], "nsAccountLock": "TRUE"},
        {"dn": "uid=cy,dc=example", "uid": "cy", "userAccountControl": "514"},
        {"dn": "uid=di,dc=example", "uid": "di"},
        {"dn": "cn=search,dc=example", "cn": ["search"], "member": ["uid=di,dc=example"]},
        {"dn": "ou=people,dc=example", "ou": ["people"]},
    )

    assert cells(found) == [
        {
            "person": "E1",
            "team": "pay",
            "name": "Ana Marek",
            "logins": "ana;ana@example.com;a.marek@example.com",
        },
        {"person": "bo", "logins": "bo", "left": "yes"},
        {"person": "cy", "logins": "cy", "left": "yes"},
        {"person": "di", "team": "search", "logins": "di"},
    ]
    assert found.rows[0].valid_from == date(2026, 1, 1)


def row(
    person: str, team: str, start: date | None = None, end: date | None = None, **more: str
) -> DatedRow:
    return DatedRow("f", 1, {"person": person, "team": team, **more}, start, end)


def people(*rows: DatedRow, as_of: date | None = None) -> DirectoryFile:
    return DirectoryFile(Kind.PEOPLE, "f", rows, as_of=as_of)


def told(file: DirectoryFile) -> list[tuple[str, str, str, str]]:
    return [
        (one["person"], one["team"], str(one.valid_from or ""), str(one.valid_to or ""))
        for one in file.rows
    ]


def test_a_first_snapshot_holds_for_what_was_before_it() -> None:
    first = people(row("E1", "pay"), row("E2", "pay", date(2026, 3, 1)))

    found = difference(None, first, OCTOBER, "f")

    assert told(found) == [("E1", "pay", "", ""), ("E2", "pay", "2026-03-01", "")]
    assert found.as_of == OCTOBER


def test_who_moved_came_or_left_is_dated_by_the_snapshot() -> None:
    before = people(row("E1", "pay"), row("E2", "pay"), row("E4", "pay"), as_of=OCTOBER)
    now = people(row("E1", "search"), row("E3", "pay"), row("E4", "", left="yes"))

    found = difference(before, now, NOVEMBER, "f")

    assert sorted(told(found)) == [
        ("E1", "pay", "", "2026-11-01"),
        ("E1", "search", "2026-11-01", ""),
        ("E2", "pay", "", "2026-11-01"),
        ("E3", "pay", "2026-11-01", ""),
        ("E4", "pay", "", "2026-11-01"),
    ]


def test_a_change_has_the_day_that_the_export_gives_where_it_can_be() -> None:
    before = people(row("E1", "pay"), as_of=OCTOBER)

    between = difference(before, people(row("E1", "search", changed="2026-10-16")), NOVEMBER, "f")
    earlier = difference(before, people(row("E1", "search", changed="2026-09-16")), NOVEMBER, "f")

    assert told(between)[1] == ("E1", "search", "2026-10-16", "")
    assert told(earlier)[1] == ("E1", "search", "2026-11-01", "")
    assert all("changed" not in one.cells for one in between.rows)


def test_the_same_snapshot_again_changes_nothing() -> None:
    now = people(row("E1", "pay"), row("E2", "search", date(2026, 3, 1)))
    first = difference(None, now, OCTOBER, "f")

    assert told(difference(first, now, NOVEMBER, "f")) == told(first)


def test_who_comes_back_has_two_stretches() -> None:
    before = people(row("E1", "pay", None, OCTOBER), as_of=OCTOBER)

    found = difference(before, people(row("E1", "pay", date(2020, 1, 1))), NOVEMBER, "f")

    assert told(found) == [
        ("E1", "pay", "", "2026-10-01"),
        ("E1", "pay", "2026-11-01", ""),
    ]


def test_what_is_planned_after_the_snapshot_stays() -> None:
    later = date(2026, 12, 1)
    before = people(row("E1", "pay", None, later), row("E1", "search", later), as_of=OCTOBER)

    found = difference(before, people(row("E1", "legal")), NOVEMBER, "f")

    assert told(found) == [
        ("E1", "pay", "", "2026-11-01"),
        ("E1", "legal", "2026-11-01", "2026-12-01"),
        ("E1", "search", "2026-12-01", ""),
    ]


@pytest.mark.parametrize(
    ("as_of", "code"), [(None, "missing-day"), (date(2026, 9, 1), "snapshot-goes-back")]
)
def test_a_snapshot_without_a_day_or_from_before_is_refused(as_of: date | None, code: str) -> None:
    with pytest.raises(RefusedFileError) as caught:
        difference(people(as_of=OCTOBER), people(row("E1", "pay")), as_of, "f")

    assert caught.value.code == code
