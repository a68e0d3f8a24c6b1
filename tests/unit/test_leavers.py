"""Keys of people who have left: whose they still are, and for how long."""

from datetime import date

from metering.core.ownership.attribution import Directory, DirectoryEntry
from metering.core.ownership.leavers import LeftKey, left_keys

LAST = date(2026, 10, 31)
END = date(2026, 10, 16)


def entry(
    line: int, key: str, person: str, start: date | None = None, end: date | None = None
) -> DirectoryEntry:
    return DirectoryEntry(line, key, person, "t", "p", "CC", start, end)


def test_who_has_an_end_and_no_later_days_has_left() -> None:
    people = (entry(2, "", "E1", None, END), entry(3, "", "E2", None, END), entry(4, "", "E2", END))
    keys = (entry(2, "u-1", "E1", None, END), entry(3, "u-2", "E2"))

    found = left_keys(Directory("hr.csv", keys, people), LAST)

    assert found == (LeftKey("E1", "u-1", END, None, "hr.csv:2"),)


def test_a_key_that_a_table_still_calls_theirs_is_told() -> None:
    people = (entry(2, "", "E1", None, END),)

    (found,) = left_keys(Directory("hr.csv", (entry(9, "key", "E1"),), people), LAST)

    assert (found.key, found.since, found.until) == ("key", END, None)


def test_a_key_is_told_until_somebody_else_has_it_and_then_of_them() -> None:
    later, last = date(2026, 10, 20), date(2026, 10, 25)
    keys = (entry(2, "key", "E1", None, END), entry(3, "key", "E2", later, last))

    found = left_keys(Directory("owners.csv", keys, (entry(7, "", "E1", None, END),)), LAST)

    assert [(one.person, one.since, one.until) for one in found] == [
        ("E1", END, later),
        ("E2", last, None),
    ]


def test_a_key_handed_over_on_the_day_is_not_told() -> None:
    keys = (entry(2, "key", "E1", None, END), entry(3, "key", "", END))

    assert left_keys(Directory("owners.csv", keys), LAST) == ()


def test_who_leaves_after_the_last_usage_is_still_there() -> None:
    keys = (entry(2, "key", "E1", None, date(2026, 11, 1)),)

    assert left_keys(Directory("owners.csv", keys), LAST) == ()


def test_without_a_table_of_people_the_last_of_their_keys_ends_them() -> None:
    keys = (entry(2, "old", "E1", None, date(2026, 10, 2)), entry(3, "new", "E1", None, END))

    found = left_keys(Directory("owners.csv", keys), LAST)

    assert [(one.key, one.since, one.place) for one in found] == [
        ("new", END, "owners.csv:3"),
        ("old", END, "owners.csv:3"),
    ]
