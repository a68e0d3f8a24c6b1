"""Rules and owners that look odd given the usage that has been seen."""

from datetime import date

from metering.core.ownership.attribution import (
    Assign,
    Directory,
    DirectoryEntry,
    Match,
    Rule,
    RuleSet,
)
from metering.core.ownership.directory_files import DatedRow
from metering.core.ownership.rule_review import Remark, review
from metering.core.patterns import Pattern


def rules(*several: tuple[str, str]) -> RuleSet:
    return RuleSet(
        rules=tuple(
            Rule(at, f"r{at}", (Match("api_key", Pattern.parse(pattern)),), Assign(cost_centre))
            for at, (pattern, cost_centre) in enumerate(several, start=1)
        )
    )


def seen(*keys: str) -> list[dict[str, str | None]]:
    return [{"api_key": key} for key in keys]


def test_a_rule_that_no_usage_looks_like_is_told() -> None:
    remarks = review(rules(("ci-1", "A"), ("cl-1", "B")), Directory(), seen("ci-1"))

    assert remarks == (
        Remark("never-matches", "rules.toml: rule 2 'r2'", "no usage seen so far looks like this"),
    )


def test_a_rule_that_another_always_precedes_is_told() -> None:
    remarks = review(rules(("glob:ci-*", "A"), ("ci-1", "B")), Directory(), seen("ci-1", "ci-2"))

    assert remarks == (
        Remark(
            "shadowed",
            "rules.toml: rule 2 'r2'",
            "it matches usage, but always after rule 1 'r1' (identities: 1)",
        ),
    )


def test_rules_that_share_usage_are_told_unless_they_agree() -> None:
    several = rules(("ci-1", "A"), ("glob:ci-*", "B"), ("ci-2", "B"))

    remarks = review(several, Directory(), seen("ci-1", "ci-2"))

    assert [(remark.code, remark.where) for remark in remarks] == [
        ("overlapping", "rules.toml: rule 2 'r2'"),
        ("shadowed", "rules.toml: rule 3 'r3'"),
    ]
    assert (
        remarks[0].says
        == "it matches usage that goes to another owner by rule 1 'r1' (identities: 1)"
    )


def test_nothing_is_said_about_rules_before_any_usage() -> None:
    assert review(rules(("ci-1", "A")), Directory(), []) == ()


def test_a_day_lost_between_two_entries_is_told() -> None:
    lost = date(2026, 10, 31)
    directory = Directory(
        entries=(
            DirectoryEntry(2, "k", "", "T", "P", "A", None, lost),
            DirectoryEntry(3, "k", "", "T", "P", "B", date(2026, 11, 1), None),
        )
    )

    (remark,) = review(RuleSet(), directory, [])

    assert (remark.code, remark.where) == ("gap", "owners.csv:2")
    assert remark.says.startswith("nobody owns this key on 2026-10-31")


def test_days_on_which_a_row_finds_nobody_are_told_unless_a_person_left() -> None:
    lost = date(2026, 10, 1)
    team = DatedRow("people.csv", 3, {"person": "E1", "team": "moon"})
    person = DatedRow("keys.csv", 2, {"key": "k", "person": "E1"})

    remarks = review(RuleSet(), Directory(), [], [(team, lost, None), (person, lost, None)])

    says = "nobody pays for it from 2026-10-01 on: nothing is said of its team then"
    assert remarks == (Remark("gap", "people.csv:3", says),)
