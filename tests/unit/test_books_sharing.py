"""Sharing files and drivers come back exactly as they were stored, and the newest are in force."""

from datetime import date

from sqlalchemy import Engine

from metering.books.engine import begin_read, begin_write
from metering.books.sharing import (
    driver_version,
    driver_versions,
    drivers_in_force,
    sharing_in_force,
    sharing_version,
    store_driver,
    store_sharing,
)
from metering.books.versions import Version
from metering.core.ownership.attribution import Match
from metering.core.patterns import Pattern
from metering.core.periods import BillingPeriod
from metering.core.sharing.driver_file import Driver, DriverWeight
from metering.core.sharing.splits import By, Pool, Sharing, Split, Target
from tests.support.books_rows import a_run

_SHARING = Sharing(
    "sharing.toml",
    (
        Pool(
            1,
            "platform",
            (
                (Match("team", Pattern.parse("re2:(a|b)")), Match("model", Pattern.parse("x"))),
                (Match("account", Pattern.parse("exact:glob:odd")),),
            ),
            date(2026, 1, 1),
        ),
        Pool(5, "seats", ((Match("product", Pattern.parse("glob:seat*")),),)),
    ),
    (
        Split(9, "1", "platform", By.FIXED, ((Target("C/1", "t"), 5), (Target(pool="seats"), 7))),
        Split(
            12,
            "2",
            "seats",
            By.DRIVER,
            driver="requests",
            markup=-3,
            valid_from=date(2026, 1, 1),
            valid_to=date(2027, 1, 1),
        ),
        Split(15, "3", "seats", By.TOKENS, ((Target(is_each=True), 1),)),
    ),
)
_OCTOBER = BillingPeriod(2026, 10)


def test_nothing_is_in_force_at_first(any_books: Engine) -> None:
    with begin_read(any_books) as connection:
        assert sharing_in_force(connection) == Sharing()
        assert sharing_version(connection) == Version(0, "", "")
        assert drivers_in_force(connection) == ()
        assert driver_versions(connection) == {}


def test_pools_and_splits_come_back_as_they_were(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        first = store_sharing(connection, a_run(connection), _SHARING, "a")
        again = store_sharing(connection, a_run(connection), _SHARING, "a")

        assert (first, again) == (Version(1, "sharing.toml", "a"),) * 2
        assert sharing_in_force(connection) == _SHARING

        store_sharing(connection, a_run(connection), Sharing(), "b")

        assert sharing_in_force(connection) == Sharing()
        assert sharing_version(connection).version == 2


def test_each_driver_has_versions_of_its_own(any_books: Engine) -> None:
    one = Driver("requests", (DriverWeight(2, _OCTOBER, Target("C 1", "a/b"), 10**18),))
    other = Driver("desks", (DriverWeight(2, _OCTOBER, Target("C 2"), 0),))
    newer = Driver("requests", (DriverWeight(2, _OCTOBER, Target("C 2"), 3),))
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        store_driver(connection, run_id, one, ("requests.csv", "a"))
        store_driver(connection, run_id, other, ("desks.csv", "a"))
        assert drivers_in_force(connection) == (other, one)

        store_driver(connection, run_id, newer, ("requests.csv", "b"))

        assert drivers_in_force(connection) == (other, newer)
        assert driver_version(connection, "requests") == Version(2, "requests.csv", "b")
        assert driver_versions(connection)["desks"].version == 1
