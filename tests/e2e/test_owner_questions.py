"""What asks for an owner: money without one, keys of people who left, bare cost centres."""

import json
from pathlib import Path
from typing import Any

import pytest

from metering.settings import Settings
from metering.workflows.ownership.owner_check import check
from metering.workflows.ownership.owner_suggestions import suggest
from metering.workflows.posting.post import Posted, post
from tests.support.command_line import metering
from tests.support.ledgers import fresh_ledger, ingest, run, take_owners
from tests.support.messages_pages import OPUS, OUTPUT_NANOS, messages_page

NO_RULES = "# none yet\n"
OWNERS = "key,person,team,project,cost_centre,valid_from,valid_to\n"
PEOPLE = "person,logins,team,valid_from,valid_to\n"
TEAMS = "team,cost_centre\npayments,CC-1\nsearch,CC-2\n"
CENTRES = "cost_centre,name,owner,gl_account\nCC-1,Payments,dana@example.com,6420\nCC-2,Search,,\n"


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    settings = fresh_ledger(tmp_path / "ledger")
    monkeypatch.chdir(settings.home)
    return settings


def use(settings: Settings, **days: dict[str, int]) -> None:
    """Ingest output tokens by key; a day is written d15 for 2026-10-15."""
    page = {
        f"2026-10-{day.removeprefix('d')}": {(key, OPUS): n for key, n in used.items()}
        for day, used in days.items()
    }
    ingest(settings, messages_page(settings.home / "page.json", page))


def posted(settings: Settings) -> Posted:
    return post(settings, run("post"))


def test_money_without_owner_is_suspense_to_the_nano(ledger: Settings) -> None:
    take_owners(ledger, owners=OWNERS + "known,,payments,,CC-1,,2026-10-16\n", rules=NO_RULES)
    use(ledger, d15={"known": 5, "lost": 7}, d16={"known": 11, "lost": 13})

    checked = check(ledger)

    assert [(one.field, one.key, one.amount_nanos) for one in checked.unowned] == [
        ("api_key", "lost", 20 * OUTPUT_NANOS),
        ("api_key", "known", 11 * OUTPUT_NANOS),
    ]
    assert posted(ledger).unattributed == {"USD": 31 * OUTPUT_NANOS}


def test_a_suggested_rule_attributes_what_was_told_and_nothing_else(ledger: Settings) -> None:
    take_owners(ledger, owners=OWNERS + "known,,payments,,CC-1,,2026-10-16\n", rules=NO_RULES)
    use(ledger, d15={"known": 5, "lost": 7}, d16={"known": 11, "lost": 13})
    before = posted(ledger)

    found = suggest(ledger)

    assert found.chosen is not None
    assert found.chosen.field == "api_key"
    assert dict(found.chosen.amount_nanos) == {"USD": 31 * OUTPUT_NANOS}
    assert dict(found.chosen.known_nanos) == {"USD": 11 * OUTPUT_NANOS}
    take_owners(ledger, rules=found.rules.replace('cost_centre = ""', 'cost_centre = "CC-7"'))
    assert posted(ledger).unattributed == {"USD": -31 * OUTPUT_NANOS}
    assert before.unattributed == {"USD": 31 * OUTPUT_NANOS}
    assert not check(ledger).unowned


def test_a_rule_without_a_cost_centre_is_refused_until_it_is_filled_in(ledger: Settings) -> None:
    take_owners(ledger, rules=NO_RULES)
    use(ledger, d15={"lost": 7})
    rules = ledger.home / "suggested.toml"
    rules.write_text(metering("owners", "suggest", "--format", "toml").stdout, encoding="utf-8")

    refused = metering("owners", "import", rules)

    assert refused.exit_code == 1
    assert "error[missing-cost-centre]" in refused.stderr


def test_a_tag_that_no_rule_reads_is_looked_at(ledger: Settings) -> None:
    log = ledger.home / "gateway.jsonl"
    sample = Path(__file__).parents[2] / "sample_logs" / "usage" / "litellm"
    log.write_bytes(sample.joinpath("spend-logs-2026-06.jsonl.gz").read_bytes())
    take_owners(ledger, rules=NO_RULES)
    ingest(ledger, log)

    found = suggest(ledger)

    assert any(column.field.startswith("tag:") for column in found.columns)
    for column in found.columns:
        told = sum(one.amount_nanos["USD"] for one in column.candidates if one.tells)
        assert told == column.amount_nanos["USD"] <= found.unattributed_nanos["USD"]
    ranked = [column.amount_nanos["USD"] for column in found.columns]
    assert ranked == sorted(ranked, reverse=True)


def test_a_key_whose_person_left_is_told_with_its_money_since(ledger: Settings) -> None:
    take_owners(
        ledger,
        owners=OWNERS + "key_1,E1,payments,,CC-1,,\n",
        people=PEOPLE + "E1,,payments,,2026-10-16\nE2,u-2,search,,2026-10-16\nE3,u-3,search,,\n",
        teams=TEAMS,
        rules=NO_RULES,
    )
    use(ledger, d15={"key_1": 5, "u-2": 5, "u-3": 5}, d16={"key_1": 7, "u-2": 11, "u-3": 13})

    checked = check(ledger)

    assert [
        (one.key, str(one.since), one.place, one.borne_by, one.amount_nanos) for one in checked.left
    ] == [
        ("u-2", "2026-10-16", "people.csv:3, teams.csv:3", "suspense:unattributed", 275_000),
        ("key_1", "2026-10-16", "people.csv:2, teams.csv:2", "owner:CC-1/payments/-", 175_000),
    ]
    assert all(one.person.startswith("person-") for one in checked.left)
    assert [(one.key, one.amount_nanos) for one in checked.unowned] == [("u-2", 275_000)]


def test_cost_centres_that_lack_something_are_told_where_they_are_declared(
    ledger: Settings,
) -> None:
    owners = OWNERS + "a,,payments,,CC-1,,\nb,,search,,CC-2,,\nc,,legal,,CC-3,,\n"
    take_owners(ledger, owners=owners, rules=NO_RULES)
    use(ledger, d15={"a": 1, "b": 2, "c": 3})
    assert check(ledger).bare_centres == ()

    take_owners(ledger, cost_centres=CENTRES)

    assert [
        (one.cost_centre, one.lacks, one.amount_nanos) for one in check(ledger).bare_centres
    ] == [
        ("CC-3", ("a line in the file of cost centres", "a GL account"), 75_000),
        ("CC-2", ("an owner", "a GL account"), 50_000),
    ]


@pytest.mark.parametrize(
    ("owners", "rules", "code"),
    [
        ("k,,payments,,CC-1,,\n", NO_RULES, 0),
        ("other,,payments,,CC-1,,\n", NO_RULES, 3),
        (
            "k,,payments,,CC-1,,\n",
            '[[rule]]\nname = "r"\nmatch = { api_key = "no" }\nassign = { cost_centre = "C" }\n',
            4,
        ),
    ],
    ids=["in order", "money without owner", "a rule that never matches"],
)
def test_cron_is_told_by_the_exit_code(
    ledger: Settings, owners: str, rules: str, code: int
) -> None:
    take_owners(ledger, owners=OWNERS + owners, rules=rules)
    use(ledger, d15={"k": 7})

    assert metering("owners", "check").exit_code == 0
    assert metering("owners", "check", "--strict").exit_code == code


@pytest.mark.usefixtures("ledger")
def test_without_usage_there_is_nothing_to_suggest_from() -> None:
    refused = metering("owners", "suggest")

    assert refused.exit_code == 1
    assert refused.stderr.startswith("error[no-usage]: the lake holds no usage")


def test_a_column_that_tells_nothing_is_refused_with_those_that_do(ledger: Settings) -> None:
    take_owners(ledger, rules=NO_RULES)
    use(ledger, d15={"lost": 7})

    refused = metering("owners", "suggest", "2026-10", "--by", "tag:team")

    assert refused.exit_code == 1
    assert "known:    api_key, billing_account, product" in refused.stderr


def test_what_is_suggested_is_told_as_a_table_and_as_json(ledger: Settings) -> None:
    take_owners(ledger, owners=OWNERS, rules=NO_RULES)
    use(ledger, d15={"lost": 7_000_000})

    table = metering("owners", "suggest", "2026-10")
    told: dict[str, Any] = json.loads(
        metering("owners", "suggest", "2026-10", "--format", "json").stdout
    )

    assert "2026-10: 175.00 USD without an owner" in table.stdout
    assert 'match = { api_key = "lost" }' in table.stdout
    assert (told["period"], told["chosen"]) == ("2026-10", "api_key")
    assert told["unattributed_nanos"] == {"USD": 175 * 10**9}
