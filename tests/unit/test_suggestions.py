"""By which column spend without an owner could be attributed, and the rules that do it."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.core.ownership.attribution import (
    Assign,
    Directory,
    DirectoryEntry,
    Match,
    Owner,
    Rule,
    RuleSet,
    owner_of,
)
from metering.core.ownership.rules_file import parse_rules
from metering.core.ownership.suggestions import Candidate, Doubt, columns, rules_text
from metering.core.patterns import Pattern

DAY = date(2026, 10, 1)
DIRECTORY = Directory(
    entries=(
        DirectoryEntry(2, "ana@example.com", "E1", "payments", "refunds", "CC-1"),
        DirectoryEntry(3, "ticket:PAY", "", "payments", "refunds", "CC-1"),
        DirectoryEntry(4, "k", "", "search", "", "CC-2"),
    )
)


def usd(units: int) -> dict[str, int]:
    return {"USD": units * 10**9}


def found(*doubts: Doubt) -> dict[str, Candidate]:
    return {
        one.value: one
        for column in columns(doubts, DIRECTORY, ["USD"])
        for one in column.candidates
    }


def test_the_column_that_would_attribute_most_comes_first() -> None:
    several = columns(
        [
            Doubt("api_key", "k1", usd(5)),
            Doubt("tag:team", "red", usd(4)),
            Doubt("tag:team", "blue", usd(3)),
        ],
        DIRECTORY,
        ["USD"],
    )

    assert [(one.field, one.amount_nanos) for one in several] == [
        ("tag:team", usd(7)),
        ("api_key", usd(5)),
    ]
    assert [one.value for one in several[0].candidates] == ["red", "blue"]


@pytest.mark.parametrize(
    ("doubt", "owner", "asks"),
    [
        (
            Doubt("tag:user", "ana@example.com", usd(1)),
            Owner("CC-1", "payments", "refunds"),
            Assign(owner_of="tag:user"),
        ),
        (
            Doubt("tag:branch", "bo/PAY-7-fix", usd(1)),
            Owner("CC-1", "payments", "refunds"),
            Assign(ticket_in="tag:branch"),
        ),
        (Doubt("tag:team", "Payments", usd(1)), Owner("CC-1", "payments"), None),
        (Doubt("tag:centre", "CC-2", usd(1)), Owner("CC-2"), None),
        (
            Doubt("workspace", "w", usd(1), (Owner("CC-9", "x", "a"), Owner("CC-9", "x", "b"))),
            Owner("CC-9", "x"),
            None,
        ),
        (Doubt("workspace", "w", usd(1)), None, None),
        (Doubt("api_key", "k", usd(1)), None, None),
    ],
)
def test_an_owner_is_found_by_what_is_known(
    doubt: Doubt, owner: Owner | None, asks: Assign | None
) -> None:
    candidate = found(doubt)[doubt.value]

    assert (candidate.owner, candidate.asks, candidate.tells) == (owner, asks, True)


def test_a_value_that_several_cost_centres_bear_tells_nothing() -> None:
    shared = Doubt("workspace", "w", usd(1), (Owner("CC-1"), Owner("CC-2")))

    assert columns([shared], DIRECTORY, ["USD"]) == ()
    (column,) = columns([shared, Doubt("workspace", "v", usd(2))], DIRECTORY, ["USD"])
    assert column.amount_nanos == usd(2)
    assert rules_text("workspace", column.candidates, RuleSet()).count("[[rule]]") == 1


def test_a_name_of_a_team_does_not_stand_against_who_bears_the_rest() -> None:
    doubt = Doubt("tag:team", "payments", usd(1), (Owner("CC-7", "other"),))

    assert found(doubt)["payments"].owner == Owner("CC-7", "other")


def test_the_rules_of_several_kinds_are_read_back_as_they_are_meant() -> None:
    (column,) = columns(
        [
            Doubt("tag:x", "ana@example.com", usd(4)),
            Doubt("tag:x", "PAY-1", usd(3)),
            Doubt("tag:x", "ours", usd(2), (Owner("CC-3", "web"),)),
        ],
        DIRECTORY,
        ["USD"],
    )
    held = RuleSet(rules=(Rule(1, "tag:x ours", (), Assign(owner_of="principal")),))

    rules = parse_rules(rules_text("tag:x", column.candidates, held), "rules.toml").rules

    assert [(rule.match, rule.assign) for rule in rules] == [
        # What the directory knows stays as it is; by principal it is asked already.
        ((), Assign(owner_of="api_key")),
        ((), Assign(owner_of="workspace")),
        ((), Assign(owner_of="tag:x")),
        ((), Assign(ticket_in="tag:x")),
        ((Match("tag:x", Pattern.parse("ours")),), Assign("CC-3", "web")),
    ]
    assert rules[-1].name == "tag:x ours again"


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=8))
def test_any_value_and_any_tag_make_a_rule_that_matches_it_alone(value: str, tag: str) -> None:
    doubt = Doubt(f"tag:{tag}", value, usd(1), (Owner("CC-5", value.strip() or "t"),))
    (column,) = columns([doubt], Directory(), ["USD"])

    text = rules_text(doubt.field, column.candidates, RuleSet())

    rules = parse_rules(text, "rules.toml")
    paid = owner_of({doubt.field: value}, DAY, rules, Directory())
    assert paid is not None
    assert paid.owner.cost_centre == "CC-5"
    assert owner_of({doubt.field: value + "x"}, DAY, rules, Directory()) is None


def test_a_value_longer_than_a_rule_may_say_makes_none() -> None:
    assert columns([Doubt("tag:x", "v" * 501, usd(1))], DIRECTORY, ["USD"]) == ()
