"""Who pays, example by example."""

from datetime import date

import pytest

from metering.core import patterns
from metering.core.ownership.attribution import (
    Assign,
    Directory,
    DirectoryEntry,
    Match,
    Owner,
    Rule,
    RuleSet,
    attribution_fields,
    owner_of,
)
from metering.core.ownership.field_sets import Attribution, FieldSet
from metering.core.patterns import Pattern, PatternError, PatternSet, glob_expression

MOVE = date(2026, 10, 15)
DIRECTORY = Directory(
    entries=(
        DirectoryEntry(2, "key-1", "", "Search", "Ranker", "CC-1", None, MOVE),
        DirectoryEntry(3, "key-1", "", "Support", "Desk", "CC-2", MOVE, None),
        DirectoryEntry(4, "ana@example.com", "ana", "Data", "", "CC-3"),
        DirectoryEntry(5, "alias-7", "", "Labs", "Probe", "CC-4"),
    )
)


def rule(position: int, match: dict[str, str], cost_centre: str = "", **said: str) -> Rule:
    conditions = tuple(Match(name, Pattern.parse(text)) for name, text in match.items())
    return Rule(position, f"rule-{position}", conditions, Assign(cost_centre, **said))


def test_the_first_rule_that_matches_wins() -> None:
    rules = RuleSet(
        rules=(
            rule(1, {"api_key": "glob:ci-*"}, "CC-CI"),
            rule(2, {"api_key": "ci-1", "workspace": "w"}, "CC-NEVER"),
        )
    )

    found = owner_of({"api_key": "ci-1", "workspace": "w"}, MOVE, rules, Directory())

    assert found is not None
    assert found.owner == Owner("CC-CI")
    assert found.how == "rule 1 'rule-1'"
    assert found.basis == "rule 'rule-1'"


def test_a_rule_beats_the_directory() -> None:
    rules = RuleSet(rules=(rule(1, {"workspace": "w"}, "CC-W"),))

    found = owner_of({"api_key": "key-1", "workspace": "w"}, MOVE, rules, DIRECTORY)

    assert found is not None
    assert found.owner == Owner("CC-W")


def test_the_directory_is_asked_by_key_then_principal_then_workspace() -> None:
    both = {"principal": "key-1", "workspace": "ana@example.com"}

    by_key = owner_of({"api_key": "ana@example.com", **both}, MOVE, RuleSet(), DIRECTORY)
    by_principal = owner_of({"api_key": "unknown", **both}, MOVE, RuleSet(), DIRECTORY)
    by_workspace = owner_of({"workspace": "ana@example.com"}, MOVE, RuleSet(), DIRECTORY)

    assert by_key is not None
    assert by_key.how == "owners.csv:4 api_key"
    assert by_principal is not None
    assert by_principal.how == "owners.csv:3 principal"
    assert by_workspace is not None
    assert by_workspace.how == "owners.csv:4 workspace"


def test_a_key_moves_on_the_first_day_of_its_new_entry() -> None:
    before = owner_of({"api_key": "key-1"}, date(2026, 10, 14), RuleSet(), DIRECTORY)
    after = owner_of({"api_key": "key-1"}, MOVE, RuleSet(), DIRECTORY)

    assert before is not None
    assert before.owner == Owner("CC-1", "Search", "Ranker")
    assert after is not None
    assert after.owner == Owner("CC-2", "Support", "Desk")


def test_a_move_gives_two_stretches_in_the_sets() -> None:
    attribution = Attribution(RuleSet(), DIRECTORY)
    by_key = attribution.field_sets[0]

    answers = attribution.decide(by_key, [("nobody",), ("key-1",)])

    assert by_key == FieldSet(("api_key",), (0,))
    assert answers == [(1, None, MOVE, 0, 0), (1, MOVE, None, 0, 1)]
    assert attribution.owned[1].owner == Owner("CC-2", "Support", "Desk")


def test_a_rule_asks_the_directory_for_a_tag_and_says_more() -> None:
    rules = RuleSet(rules=(rule(1, {}, owner_of="tag:key_alias", project="Pilot"),))

    found = owner_of({"tag:key_alias": "alias-7"}, MOVE, rules, DIRECTORY)

    assert found is not None
    assert found.owner == Owner("CC-4", "Labs", "Pilot")
    assert found.how == "rule 1 'rule-1', owners.csv:5 tag:key_alias"
    assert found.basis == "rule 'rule-1', owners tag:key_alias"


def test_a_lookup_without_an_entry_leaves_the_next_rule_to_answer() -> None:
    rules = RuleSet(
        rules=(rule(1, {}, owner_of="tag:key_alias"), rule(2, {"product": "api"}, "CC-API"))
    )

    found = owner_of({"tag:key_alias": "unknown", "product": "api"}, MOVE, rules, DIRECTORY)

    assert found is not None
    assert found.owner == Owner("CC-API")


def test_usage_nobody_claims_has_no_owner() -> None:
    assert owner_of({"api_key": "unknown"}, MOVE, RuleSet(), DIRECTORY) is None
    assert owner_of({"api_key": None}, MOVE, RuleSet(), DIRECTORY) is None


def test_a_missing_value_matches_no_pattern() -> None:
    rules = RuleSet(rules=(rule(1, {"workspace": "glob:*"}, "CC-ANY"),))

    assert owner_of({"workspace": None}, MOVE, rules, Directory()) is None
    assert owner_of({"workspace": ""}, MOVE, rules, Directory()) is not None


def test_a_rule_without_conditions_takes_the_rest() -> None:
    rules = RuleSet(rules=(rule(1, {}, "CC-REST"),))
    attribution = Attribution(rules, Directory())

    assert attribution.field_sets[0] == FieldSet((), (0,))
    assert attribution.decide(attribution.field_sets[0], [()]) == [(0, None, None, 0, 0)]


def test_a_dated_rule_leaves_the_other_days_to_the_next() -> None:
    dated = Rule(
        1,
        "october",
        (Match("api_key", Pattern.parse("k")),),
        Assign("CC-OCT"),
        date(2026, 10, 1),
        date(2026, 11, 1),
    )
    attribution = Attribution(
        RuleSet(rules=(dated, rule(2, {"api_key": "k"}, "CC-ELSE"))), Directory()
    )

    answers = attribution.decide(attribution.field_sets[0], [("k",)])

    assert answers == [
        (0, date(2026, 10, 1), date(2026, 11, 1), 0, 0),
        (0, None, date(2026, 10, 1), 1, 1),
        (0, date(2026, 11, 1), None, 1, 1),
    ]


def test_every_field_that_decides_is_named() -> None:
    rules = RuleSet(rules=(rule(1, {"model_raw": "m"}, "C"), rule(2, {}, owner_of="tag:key_alias")))

    assert attribution_fields(rules) == {
        "api_key",
        "principal",
        "workspace",
        "model_raw",
        "tag:key_alias",
    }


@pytest.mark.parametrize(
    ("written", "value", "matches"),
    [
        ("ci-1", "ci-1", True),
        ("ci-1", "CI-1", False),
        ("glob:ci-*", "ci-1", True),
        ("glob:ci-*", "my-ci-1", False),
        ("glob:*-ci", "a-ci-b", False),
        ("glob:a?c", "abc", True),
        ("glob:a?c", "ac", False),
        ("glob:a.c", "abc", False),
        ("glob:a*", "a\nb", True),
        ("glob:[ab]x", "bx", True),
        ("glob:[!ab]x", "bx", False),
        ("glob:[]]", "]", True),
        ("glob:[^a]", "^", True),
        ("glob:[^a]", "b", False),
        ("glob:[0-9]", "5", True),
        ("glob:[[:alpha:]]", "z", False),
        ("re2:ci-[0-9]+", "ci-12", True),
        ("re2:ci-[0-9]+", "ci-12x", False),
        ("re2:ci|cd", "ci-1", False),
        ("exact:glob:x", "glob:x", True),
        ("team:a", "team:a", True),
        ("glob:é*", "ément", True),
    ],
)
def test_a_pattern_is_compared_with_the_whole_value(
    written: str, value: str, matches: bool
) -> None:
    pattern = Pattern.parse(written)

    assert pattern.matches(value) is matches
    assert bool(PatternSet([pattern]).matching(value)) is matches


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "it is empty"),
        ("glob:", "it is empty"),
        ("re2:a(?=b)", "RE2 refuses it: invalid perl operator: (?="),
        ("re2:(a", "RE2 refuses it: missing ): (a"),
        ("re2:(a{1000}){1000}", "RE2 refuses it: invalid repetition size: {1000}"),
        ("glob:[z-a]", "RE2 refuses it: invalid character class range: z-a"),
        ("glob:[ab", "a '[' has no ']'; a bracket itself is written '[[]'"),
        ("x" * 501, "it has 501 characters; 500 are allowed"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused(written: str, told: str) -> None:
    with pytest.raises(PatternError) as caught:
        Pattern.parse(written)

    assert str(caught.value) == told


def test_a_set_answers_with_every_pattern_that_matches() -> None:
    several = PatternSet([Pattern.parse(text) for text in ("glob:a*", "re2:.*b", "c")])

    assert sorted(several.matching("ab")) == [0, 1]
    assert several.matching("c") == [2]
    assert several.matching("d") == []


def test_a_set_too_large_for_one_automaton_still_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "_SET_MEMORY_BYTES", 1 << 14)
    large = [Pattern.parse(f"glob:*x{at}y*") for at in range(80)]

    assert PatternSet(large).matching("ax3y-x77y") == [3, 77]


def test_a_glob_becomes_an_expression_without_surprises() -> None:
    assert glob_expression("a+*?[!x-z.]") == r"(?s)a\+.*.[^x-z\.]"
