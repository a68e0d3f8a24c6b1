"""Owners and rules files are taken whole or refused with every place named."""

from datetime import date
from pathlib import Path

import pytest

from metering.core.ownership.attribution import Assign, DirectoryEntry, Match
from metering.core.ownership.owners_file import parse_owners
from metering.core.ownership.rules_file import parse_rules
from metering.core.patterns import Pattern
from metering.errors import RefusedFileError

ERRORS = Path(__file__).parent.parent / "errors"
HEADER = "key,person,team,project,cost_centre,valid_from,valid_to\n"
# Without `.expected` a file is there for a command that goes on to be refused for something else.
EXPECTED = (*ERRORS.glob("*/owners.csv.expected"), *ERRORS.glob("*/rules.toml.expected"))
REFUSED = sorted(path.with_suffix("") for path in EXPECTED)


@pytest.mark.parametrize("source", REFUSED, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_refused_file_is_told_place_by_place(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    parse = parse_owners if source.suffix == ".csv" else parse_rules

    with pytest.raises(RefusedFileError) as caught:
        parse(text, source.name)

    expected = source.with_name(source.name + ".expected").read_text(encoding="utf-8")
    assert f"{caught.value}\n" == expected
    assert f"error[{source.parent.name}]" in expected


def test_an_entry_keeps_its_line_and_its_days() -> None:
    directory = parse_owners(
        HEADER + '\n"key-1",Ana,Search,Ranker,CC-1,2026-01-01,2026-10-16\n', "f"
    )

    assert directory.entries == (
        DirectoryEntry(
            3, "key-1", "Ana", "Search", "Ranker", "CC-1", date(2026, 1, 1), date(2026, 10, 16)
        ),
    )


def test_columns_are_found_by_name() -> None:
    text = "cost_centre,note,valid_to,valid_from,project,team,person,key\nCC-1,x,,,P,T,,k\n"

    (entry,) = parse_owners(text, "f").entries

    assert entry == DirectoryEntry(2, "k", "", "T", "P", "CC-1")


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEADER + "k,,T,P,CC-1,,\n",
        (HEADER + "k,,T,P,CC-1,,\n").replace("\n", "\r\n"),
        HEADER + " k ,,T,P, CC-1,,,,\n",
        HEADER + "k,,T,P,CC-1,,",
    ],
    ids=["byte-order-mark", "crlf", "spaces-and-empty-cells", "no-last-line-end"],
)
def test_what_spreadsheets_do_to_a_file_changes_nothing(text: str) -> None:
    assert parse_owners(text, "f").entries == (DirectoryEntry(2, "k", "", "T", "P", "CC-1"),)


def test_a_line_is_the_physical_one_after_a_cell_of_two_lines() -> None:
    directory = parse_owners(HEADER + 'a,,"Two\nlines",P,CC-1,,\nb,,T,P,CC-2,,\n', "f")

    assert [(entry.key, entry.line) for entry in directory.entries] == [("a", 2), ("b", 4)]


def test_entries_that_touch_do_not_overlap() -> None:
    text = HEADER + "k,,T,P,CC-1,,2026-10-16\nk,,T,P,CC-2,2026-10-16,\n"

    assert len(parse_owners(text, "f").entries) == 2


def test_an_overlap_is_found_past_a_short_entry() -> None:
    text = (
        HEADER
        + "k,,T,P,CC-1,2026-01-01,2026-12-01\n"
        + "k,,T,P,CC-2,2026-02-01,2026-03-01\n"
        + "k,,T,P,CC-3,2026-05-01,\n"
    )

    with pytest.raises(RefusedFileError) as caught:
        parse_owners(text, "f")

    assert [rejection.line for rejection in caught.value.rejections] == [3, 4]


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(RefusedFileError) as caught:
        parse_owners(HEADER + ",,T,P,CC-1,,\nk,,T,P,,,\n", "owners.csv")

    assert [(r.line, r.code) for r in caught.value.rejections] == [
        (2, "missing-key"),
        (3, "missing-cost-centre"),
    ]


def test_a_file_of_mistakes_tells_the_first_twenty() -> None:
    with pytest.raises(RefusedFileError) as caught:
        parse_owners(HEADER + ",,T,P,CC-1,,\n" * 25, "owners.csv")

    assert str(caught.value).count("error[missing-key]") == 20
    assert str(caught.value).endswith("and 5 more")


def test_a_rule_is_read_in_order_with_its_days() -> None:
    rules = parse_rules(
        """
[[rule]]
name = "ci keys"
match = { api_key = "glob:ci-*", "tag:project" = "PAY" }
assign = { team = "Platform", project = "CI", cost_centre = "CC-100" }
from = 2026-01-01
to = "2027-01-01"

[[rule]]
name = "gateway keys"
assign.owner_of = "tag:key_alias"
match = {}
""",
        "rules.toml",
    )

    first, second = rules.rules
    assert (first.position, first.name) == (1, "ci keys")
    assert first.match == (
        Match("api_key", Pattern.parse("glob:ci-*")),
        Match("tag:project", Pattern.parse("PAY")),
    )
    assert first.assign == Assign("CC-100", "Platform", "CI")
    assert (first.valid_from, first.valid_to) == (date(2026, 1, 1), date(2027, 1, 1))
    assert second.fields == ("tag:key_alias",)
    assert second.assign == Assign(owner_of="tag:key_alias")


def test_a_rules_file_with_windows_line_ends_reads_the_same() -> None:
    text = '\ufeff[[rule]]\nname = "a"\nmatch = {}\nassign = { cost_centre = "C" }\n'

    assert parse_rules(text.replace("\n", "\r\n"), "f") == parse_rules(text, "f")


def test_a_header_inside_a_text_moves_no_line_to_another_rule() -> None:
    text = (
        '[[rule]]\nname = """a\n[[rule]]\n"""\nmatch = {}\nassign = { cost_centre = "C" }\n'
        '[[rule]]\nname = "b"\nmatch = { nothing = "x" }\nassign = { cost_centre = "C" }\n'
    )

    with pytest.raises(RefusedFileError) as caught:
        parse_rules(text, "f")

    assert [(r.line, r.field) for r in caught.value.rejections] == [(9, "nothing")]


def test_deep_nesting_is_told_and_not_traced() -> None:
    with pytest.raises(RefusedFileError) as caught:
        parse_rules("a = " + "[" * 100_000, "f")

    assert caught.value.code == "bad-toml"


def test_an_empty_rules_file_has_no_rules() -> None:
    assert parse_rules("# nothing yet\n", "f").rules == ()
