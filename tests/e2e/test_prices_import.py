"""`metering prices import`: contracts and newer list prices come into force, or nothing changes."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from metering.rate_cards import seed
from metering.settings import Settings
from tests.support.command_line import done, metering, told
from tests.support.ledgers import SAMPLE, ingest

NO_CATALOGUE = (Path(__file__).parents[1] / "errors/no-catalogue/expected").read_text("utf-8")
CONTRACT = """\
[card]
name = "contract-openai-2026"
kind = "contract"
currency = "USD"

[[modifiers]]
provider = "openai"
platform = "openai-api"
match = "any"
factor = "88/100"
meters = ["*tokens"]
from = 2026-07-01T00:00:00Z
source = "https://contracts.acme.example/openai-2026"
evidence = "contract"

[[rates]]
provider = "openai"
platform = "openai-api"
models = ["gpt-5"]
from = 2026-07-01T00:00:00Z
prices = { output = "9" }
source = "https://contracts.acme.example/openai-2026"
evidence = "contract"
"""
USAGE = """\
case_id,provider,platform,model,event_time_utc,grain,conditions_json,meters_json
before,openai,openai-api,gpt-5,2026-06-30T23:59:59Z,request,{},"{""output"":1000000}"
absolute,openai,openai-api,gpt-5,2026-07-01T00:00:00Z,request,{},"{""output"":1000000}"
percent,openai,openai-api,gpt-5,2026-07-01T00Z,request,{},"{""input_uncached"": 1000000}"
batch,openai,openai-api,gpt-5-mini,2026-07-01T00Z,request,"{""batch"": true}","{""output"":1000000}"
search,openai,openai-api,gpt-5,2026-07-01T00:00:00Z,request,{},"{""web_search"": 1000}"
"""


@pytest.fixture
def ledger(ledger_here: Settings) -> Path:
    """Return the folder of a ledger without usage, with a contract and usage to quote in it."""
    (ledger_here.home / "contract.toml").write_text(CONTRACT, encoding="utf-8")
    (ledger_here.home / "usage.csv").write_text(USAGE, encoding="utf-8")
    return ledger_here.home


def amounts() -> dict[str, int]:
    result = metering("prices", "quote", "usage.csv", "--format", "json")
    assert result.exit_code == 0, result.stderr
    answers: list[dict[str, Any]] = [json.loads(line) for line in result.stdout.splitlines()]
    return {answer["case_id"]: answer["amount_nanos"] for answer in answers}


def cents(**prices: int) -> dict[str, int]:
    return {name: cents * 10**7 for name, cents in prices.items()}


@pytest.mark.usefixtures("ledger")
def test_a_contract_comes_into_force_on_its_day() -> None:
    listed = amounts()

    done = metering("prices", "import", "contract.toml", "--format", "json")

    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["added"] == 2
    assert listed == cents(before=1000, absolute=1000, percent=125, batch=100, search=1000)
    assert amounts() == cents(before=1000, absolute=900, percent=110, batch=88, search=1000)


@pytest.mark.usefixtures("ledger")
def test_a_dry_run_tells_and_changes_nothing() -> None:
    before = amounts()

    told = metering("prices", "import", "contract.toml", "--dry-run")

    assert told.exit_code == 0
    assert "gpt-5 output" in told.stdout
    assert told.stderr == (
        "contract-openai-2026 would be in force as version 1: "
        "2 added, 0 closed, 0 changed, 0 removed\n"
    )
    assert amounts() == before


def test_a_newer_version_tells_what_it_changes_and_the_same_one_nothing(ledger: Path) -> None:
    metering("prices", "import", "contract.toml")
    again = metering("prices", "import", "contract.toml")
    (ledger / "contract.toml").write_text(CONTRACT.replace('"9"', '"8.50"'), encoding="utf-8")

    newer = json.loads(metering("prices", "import", "contract.toml", "--format", "json").stdout)

    assert again.stderr.startswith("contract-openai-2026 is in force already: 0 added")
    assert (newer["version"], newer["changed"]) == (2, 1)
    assert [(one["before"], one["after"]) for one in newer["changes"]] == [
        ("9 per 1,000,000", "8.5 per 1,000,000")
    ]
    assert amounts()["absolute"] == 8_500_000_000


def test_a_card_that_contradicts_another_is_refused_and_the_books_stay(ledger: Path) -> None:
    metering("prices", "import", "contract.toml")
    before = amounts()
    (ledger / "other.toml").write_text(
        CONTRACT.replace("contract-openai-2026", "another").replace('"9"', '"1"'), encoding="utf-8"
    )

    refused = metering("prices", "import", "other.toml")

    assert refused.exit_code == 1
    assert "error[rate-tie]" in refused.stderr
    assert "other.toml:16" in refused.stderr
    assert amounts() == before


RATE = CONTRACT[CONTRACT.index("[[rates]]") :]
ALIAS = """
[[aliases]]
provider = "openai"
platform = "openai-api"
raw = "(gpt-5"
match = "pattern"
model = "gpt-5"
"""


@pytest.mark.parametrize(
    ("text", "code", "lines"),
    [
        (CONTRACT + RATE, "rate-tie", (16, 24)),
        (
            CONTRACT.replace("prices =", "to = 2026-08-01T00:00:00Z\nprices =")
            + RATE.replace("2026-07-01", "2026-08-02"),
            "rate-gap",
            (16, 25),
        ),
        (CONTRACT.replace('"9"', '"-9"'), "negative-price", (16,)),
        (
            CONTRACT.replace("prices =", 'prompt = "..1000"\nprices =')
            + RATE.replace("prices =", 'prompt = "1000.."\nprices ='),
            "tier-overlap",
            (16, 25),
        ),
        (
            CONTRACT.replace("prices =", 'prompt = "..1000"\nprices =')
            + RATE.replace("prices =", 'prompt = "1002.."\nprices ='),
            "rate-gap",
            (16, 25),
        ),
        (CONTRACT + ALIAS, "bad-pattern", (25,)),
        (CONTRACT.replace('"USD"', '"EUR"'), "no-fx", ()),
    ],
)
def test_a_contract_that_is_not_sound_is_refused_with_its_rows_and_the_book_stays(
    ledger: Path, text: str, code: str, lines: tuple[int, ...]
) -> None:
    before = metering("prices", "check", "--format", "json").stdout
    (ledger / "contract.toml").write_text(text, encoding="utf-8")

    refused = metering("prices", "import", "contract.toml")

    assert refused.exit_code == 1
    assert f"error[{code}]" in refused.stderr
    assert all(f"contract.toml:{line}" in refused.stderr for line in lines)
    assert metering("prices", "check", "--format", "json").stdout == before


def test_list_prices_that_vanish_upstream_are_closed(ledger: Path) -> None:
    def card(*rows: str) -> None:
        head = '{"card": {"name": "list-acme", "kind": "list", "currency": "USD"}}'
        (ledger / "list.jsonl").write_text("\n".join((head, *rows)) + "\n", encoding="utf-8")

    row = (
        '{"rate": {"provider": "acme", "platform": "acme-api", "model_match": "%s",'
        ' "meter": "output", "price_nanos": 1, "per": 1}}'
    )
    card(row % "m", row % "n")
    metering("prices", "import", "list.jsonl")
    card(row % "m")

    done = json.loads(metering("prices", "import", "list.jsonl", "--format", "json").stdout)
    shown = json.loads(metering("prices", "show", "n", "--format", "json").stdout)

    assert (done["closed"], done["removed"]) == (1, 0)
    assert [price["to"] is not None for price in shown["prices"]] == [True]


@pytest.mark.usefixtures("ledger")
def test_the_list_of_the_installed_catalogue_is_the_one_that_ships() -> None:
    same = metering("prices", "update-list")

    assert same.exit_code == 0, same.stderr
    assert "list-genai-prices is in force already: 0 added" in same.stderr


@pytest.mark.usefixtures("ledger")
def test_a_newer_catalogue_is_told_and_nothing_of_the_older_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text, skipped = seed.build()
    head, *rows = text.splitlines(keepends=True)
    gone = next(n for n, row in enumerate(rows) if '"gpt-5-mini"' in row and '"output"' in row)
    dearer = next(n for n, row in enumerate(rows) if '"gpt-5-nano"' in row and '"output"' in row)
    rows[dearer] = rows[dearer].replace('"price_nanos":', '"price_nanos":9')
    newer = "".join((head, *(row for n, row in enumerate(rows) if n != gone)))
    monkeypatch.setattr(seed, "build", lambda: (newer, skipped))
    before = rates_listed()

    told = json.loads(metering("prices", "update-list", "--dry-run", "--format", "json").stdout)
    untouched = rates_listed()
    done = json.loads(metering("prices", "update-list", "--format", "json").stdout)

    counts = ("added", "closed", "changed", "removed")
    assert [told[name] for name in counts] == [done[name] for name in counts] == [1, 2, 0, 0]
    assert untouched == before
    assert rates_listed() >= before


@pytest.mark.usefixtures("ledger")
def test_without_a_catalogue_there_is_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "metering.rate_cards.seed", None)

    refused = metering("prices", "update-list")

    assert refused.exit_code == 1
    assert refused.stderr == NO_CATALOGUE


def rates_listed() -> int:
    listed = json.loads(metering("prices", "list", "--format", "json").stdout)
    return sum(one["rates"] for one in listed)


@pytest.mark.usefixtures("ledger")
def test_the_cards_of_a_ledger_are_checked_and_shown() -> None:
    metering("prices", "import", "contract.toml")

    checked = metering("prices", "check", "--format", "json")
    shown = metering("prices", "show", "gpt-5", "--platform", "openai-api")

    assert json.loads(checked.stdout)["sound"] is True
    assert "contract-openai-2026" in checked.stdout
    assert "x 22/25" in shown.stdout
    assert "the rate cards of the ledger in" in shown.stderr


@pytest.mark.parametrize(
    ("said", "written", "told"),
    [
        (
            'platform = "openai-api"',
            'platform = "openai"',
            (
                "no usage and no other card is of platform openai of openai; "
                "of openai there is openai-api"
            ),
        ),
        (
            '"gpt-5"',
            '"gpt-5-pluss"',
            "no usage and no other card names the model gpt-5-pluss of openai",
        ),
    ],
)
def test_a_contract_that_nothing_answers_to_is_told(
    ledger: Path, said: str, written: str, told: str
) -> None:
    (ledger / "contract.toml").write_text(CONTRACT.replace(said, written), encoding="utf-8")

    tried = metering("prices", "import", "contract.toml", "--dry-run")
    imported = metering("prices", "import", "contract.toml", "--format", "json")
    checked = metering("prices", "check")

    assert tried.stderr.splitlines()[-1] == f"contract-openai-2026: {told}"
    assert json.loads(imported.stdout)["without_effect"] == [f"contract-openai-2026: {told}"]
    assert checked.exit_code == 0
    assert f"contract-openai-2026: {told}\n" in checked.stderr


def test_a_contract_for_what_usage_says_has_an_effect(ledger_here: Settings) -> None:
    (ledger_here.home / "own.toml").write_text(
        CONTRACT.replace('"gpt-5"', '"orion-preview-1"').replace('"openai', '"mistral'), "utf-8"
    )
    before = told(ledger_here, "prices", "import", ledger_here.home / "own.toml", "--dry-run")
    ingest(ledger_here, *sorted((SAMPLE / "usage" / "litellm").glob("*2026-10*")))

    after = told(ledger_here, "prices", "import", ledger_here.home / "own.toml", "--dry-run")

    assert [one.split(": ")[1] for one in before["without_effect"]] == [
        "no usage and no other card names the model orion-preview-1 of mistral"
    ]
    assert after["without_effect"] == []


def test_terms_in_a_currency_that_nothing_is_priced_in_are_told(ledger_here: Settings) -> None:
    home = ledger_here.home
    (home / "fx.csv").write_text(
        "date,until,from,to,rate,source\n2026-10-01,2026-10-31,EUR,USD,1.15,ECB\n", "utf-8"
    )
    (home / "least.toml").write_text(
        '[card]\nname = "least"\nkind = "contract"\ncurrency = "EUR"\n[[minimums]]\n'
        'name = "least"\nprovider = "openai"\namount = "5000"\nfrom = 2026-10-01T00:00:00Z\n',
        "utf-8",
    )
    done(ledger_here, "prices", "fx", "import", home / "fx.csv")

    imported = told(ledger_here, "prices", "import", home / "least.toml")

    assert imported["without_effect"] == [
        "least: its terms are in EUR and settle nothing of openai, whose prices are in USD"
    ]
