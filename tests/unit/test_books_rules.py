"""Rules come back exactly as they were stored, and the newest are in force."""

from datetime import date

from sqlalchemy import Engine

from metering.books.engine import begin_read, begin_write
from metering.books.rules import rule_set_in_force, rule_set_version, store_rule_set
from metering.books.versions import Version
from metering.core.ownership.attribution import Assign, Match, Rule, RuleSet
from metering.core.patterns import Pattern
from tests.support.books_rows import a_run

_RULES = RuleSet(
    "rules.toml",
    (
        Rule(
            position=1,
            name="ci",
            match=(
                Match("tag:project", Pattern.parse("re2:proj_(a|b)")),
                Match("api_key", Pattern.parse("glob:ci-*")),
                Match("workspace", Pattern.parse("exact:glob:odd")),
            ),
            assign=Assign(cost_centre="CC-1", team="platform"),
            valid_to=date(2027, 1, 1),
        ),
        Rule(position=2, name="tickets", match=(), assign=Assign(ticket_in="tag:branch")),
        Rule(position=3, name="all", match=(), assign=Assign(owner_of="tag:key_alias")),
    ),
)


def test_nothing_is_in_force_at_first(any_books: Engine) -> None:
    with begin_read(any_books) as connection:
        assert rule_set_in_force(connection) == RuleSet()
        assert rule_set_version(connection) == Version(0, "", "")


def test_rules_come_back_as_they_were(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        store_rule_set(connection, a_run(connection), _RULES, "bb")

    with begin_read(any_books) as connection:
        assert rule_set_in_force(connection) == _RULES
        assert rule_set_version(connection) == Version(1, "rules.toml", "bb")


def test_the_newest_is_in_force_even_when_it_is_empty(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        store_rule_set(connection, run_id, _RULES, "bb")

        assert store_rule_set(connection, run_id, RuleSet(), "dd").version == 2
        assert rule_set_in_force(connection) == RuleSet()


def test_the_file_in_force_is_not_stored_again_but_an_earlier_one_is(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        numbers = [
            store_rule_set(connection, run_id, _RULES, sha256).version
            for sha256 in ("aa", "aa", "bb", "aa")
        ]

    assert numbers == [1, 1, 2, 3]
