"""Files of the directory come back as they were stored; the newest of each kind is in force."""

from dataclasses import replace
from datetime import date

from sqlalchemy import Engine

from metering.books.directory import (
    cost_objects_on,
    directory_in_force,
    directory_version,
    files_in_force,
    headcount,
    store_directory_file,
)
from metering.books.engine import begin_read, begin_write
from metering.books.versions import Version
from metering.core.ownership.attribution import Directory, DirectoryEntry
from metering.core.ownership.directory import CostObject
from metering.core.ownership.directory_files import DatedRow, DirectoryFile, Kind
from metering.core.periods import BillingPeriod
from tests.support.books_rows import a_run

MOVE = date(2026, 10, 16)
OWNERS = DirectoryFile(
    Kind.OWNERS,
    "owners.csv",
    (
        DatedRow(
            "owners.csv",
            2,
            {"key": "key_1", "person": "Nina", "team": "payments", "cost_centre": "CC-1"},
            date(2026, 1, 1),
        ),
    ),
)
TEAMS = DirectoryFile(
    Kind.TEAMS,
    "teams.csv",
    (
        DatedRow("teams.csv", 2, {"team": "payments", "cost_centre": "CC-1"}),
        DatedRow("teams.csv", 3, {"team": "platform", "cost_centre": "CC-2"}),
    ),
)
PEOPLE = DirectoryFile(
    Kind.PEOPLE,
    "hr.csv",
    (
        DatedRow("hr.csv", 2, {"person": "E1", "team": "payments", "logins": "ana"}, None, MOVE),
        DatedRow("hr.csv", 3, {"person": "E1", "team": "platform", "logins": "ana"}, MOVE),
    ),
    as_of=date(2026, 10, 31),
)
COST_CENTRES = DirectoryFile(
    Kind.COST_CENTRES,
    "cost-centres.csv",
    (
        DatedRow("c.csv", 2, {"cost_centre": "CC-1", "gl_account": "6420"}, None, MOVE),
        DatedRow("c.csv", 3, {"cost_centre": "CC-1", "gl_account": "6430"}, MOVE),
    ),
)


def test_nothing_is_in_force_at_first(any_books: Engine) -> None:
    with begin_read(any_books) as connection:
        assert directory_in_force(connection) == Directory()
        assert directory_version(connection) == Version(0, "", "")


def test_files_come_back_as_they_were(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        for file in (OWNERS, TEAMS, PEOPLE, COST_CENTRES):
            store_directory_file(connection, run_id, file, file.name)

    with begin_read(any_books) as connection:
        assert files_in_force(connection) == (COST_CENTRES, OWNERS, PEOPLE, TEAMS)
        assert directory_version(connection).version == 4


def test_an_owners_file_alone_is_a_directory_known_by_its_digest(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        store_directory_file(connection, a_run(connection), OWNERS, "aa")

        assert directory_in_force(connection) == Directory(
            "owners.csv",
            (DirectoryEntry(2, "key_1", "Nina", "payments", "", "CC-1", date(2026, 1, 1)),),
        )
        assert directory_version(connection) == Version(1, "owners.csv", "aa")


def test_one_kind_changes_and_the_others_stay(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        store_directory_file(connection, run_id, TEAMS, "aa")
        store_directory_file(connection, run_id, PEOPLE, "bb")
        before = directory_version(connection)

        store_directory_file(connection, run_id, replace(TEAMS, rows=()), "cc")

        assert [len(file.rows) for file in files_in_force(connection)] == [2, 0]
        assert directory_version(connection).version == 3
        assert directory_version(connection).source_sha256 != before.source_sha256


def test_a_file_in_force_is_not_stored_again_but_an_earlier_one_is(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        numbers = [
            store_directory_file(connection, run_id, OWNERS, sha256).version
            for sha256 in ("aa", "aa", "bb", "aa")
        ]

    assert numbers == [1, 1, 2, 3]


def test_what_finance_knows_of_a_cost_centre_is_that_of_the_day(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        store_directory_file(connection, a_run(connection), COST_CENTRES, "aa")

        before = cost_objects_on(connection, date(2026, 10, 15)).of("CC-1", "refunds")
        after = cost_objects_on(connection, MOVE).of("CC-1", "refunds")

    assert before == CostObject("CC-1", gl_account="6420")
    assert after == CostObject("CC-1", gl_account="6430")


def test_headcount_is_days_of_people_by_team(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        store_directory_file(connection, run_id, TEAMS, "aa")
        store_directory_file(connection, run_id, PEOPLE, "bb")

        assert headcount(connection, BillingPeriod(2026, 10)) == {
            ("CC-1", "payments"): 15,
            ("CC-2", "platform"): 16,
        }
