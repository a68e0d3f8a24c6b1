"""`metering prices`, as a user calls it: quotes exact to the nano, histories, checks, refusals."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import metering, told

TESTS = Path(__file__).parent.parent
GOLDEN = TESTS / "golden" / "prices" / "golden.csv"
REFUSED = sorted((TESTS / "errors").glob("*/quote.csv"))
HEAD = "case_id,provider,platform,model,event_time_utc,grain,conditions_json,meters_json\n"


def quoted(folder: Path, *rows: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the answers to rows in the order of the header, its `case_id` apart."""
    path = folder / "usage.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEAD)
        csv.writer(file).writerows((n, *row) for n, row in enumerate(rows))
    result = metering("prices", "quote", str(path), "--format", "json")
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def row(model: str, at: str, meters: dict[str, object], **conditions: object) -> tuple[str, ...]:
    """Return one request to OpenAI, or to Anthropic for its models."""
    provider = "anthropic" if model.startswith("claude") else "openai"
    said = json.dumps(conditions)
    return (provider, f"{provider}-api", model, at, "request", said, json.dumps(meters))


@pytest.fixture(scope="module")
def golden() -> dict[str, tuple[dict[str, str], dict[str, Any]]]:
    result = metering("prices", "quote", str(GOLDEN), "--format", "json")
    assert result.exit_code == 0, result.stderr
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    with GOLDEN.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [answer["case_id"] for answer in answers] == [case["case_id"] for case in rows]
    return {case["case_id"]: (case, answer) for case, answer in zip(rows, answers, strict=True)}


@pytest.mark.parametrize("case_id", [f"P{n:02d}" for n in range(1, 26)])
def test_a_golden_case_is_exact_to_the_nano(
    case_id: str, golden: dict[str, tuple[dict[str, str], dict[str, Any]]]
) -> None:
    case, answer = golden[case_id]

    assert (answer["status"], answer["reason"]) == ("priced", None)
    assert answer["amount_nanos"] == int(case["expected_nano_usd"])
    assert answer["currency"] == "USD"
    assert set(answer["meters"]) == set(json.loads(case["meters_json"]))


def test_every_quoted_meter_names_its_rate_its_source_and_its_dates(
    golden: dict[str, tuple[dict[str, str], dict[str, Any]]],
) -> None:
    for _, answer in golden.values():
        for meter in answer["meters"].values():
            assert meter["amount_nanos"] is not None
            for rate in meter["rates"]:
                assert rate["source_url"].startswith("https://")
                assert {"effective_from", "effective_to", "retrieved_at", "card"} <= set(rate)


def test_the_rates_used_are_those_of_the_golden_file(
    golden: dict[str, tuple[dict[str, str], dict[str, Any]]],
) -> None:
    for case, answer in golden.values():
        for meter, expected in json.loads(case["rates_usd_json"]).items():
            found = answer["meters"][meter]
            whole, _, decimals = expected["price"].partition(".")
            nanos = int(whole + decimals.ljust(9, "0"))

            assert found["price_nanos"] * expected["per"] == nanos * found["per"]


@pytest.mark.parametrize(
    ("asked", "status", "reason"),
    [
        (row("gpt-99", "2026-10-01T00:00:00Z", {"output": 1}), "unpriced", "no_model"),
        (
            row("gpt-5", "2026-10-01T00:00:00Z", {"output": 1}, service_tier="ultrafast"),
            "unpriced",
            "unhandled_condition:service_tier",
        ),
        (
            (
                *("mistral", "mistral-api", "mistral-ocr-latest", "2025-01-01T00:00:00Z"),
                *("request", "{}", '{"document_page": 1}'),
            ),
            "unpriced",
            "before_first_rate",
        ),
        (
            row("gpt-5.6-sol", "2026-11-22T00:00:00Z", {"output": 1}),
            "provisional",
            "past_guarantee",
        ),
        (
            row("claude-haiku-4-5", "2026-10-01T00:00:00Z", {"cache_write_unknown": 1}),
            "provisional",
            "ttl_unknown",
        ),
    ],
)
def test_what_is_not_certain_is_said(
    asked: tuple[str, ...], status: str, reason: str, tmp_path: Path
) -> None:
    (answer,) = quoted(tmp_path, asked)

    assert (answer["status"], answer["reason"]) == (status, reason)


def test_a_search_without_a_rate_leaves_the_tokens_priced(tmp_path: Path) -> None:
    at = "2025-10-01T00:00:00Z"
    meters = '{"output": 1000000, "web_search": 1}'

    (answer,) = quoted(
        tmp_path, ("deepseek", "deepseek-api", "deepseek-chat", at, "request", "{}", meters)
    )

    assert (answer["status"], answer["reason"]) == ("unpriced", "no_rate")
    assert answer["amount_nanos"] == answer["meters"]["output"]["amount_nanos"] == 420_000_000
    assert answer["meters"]["web_search"]["amount_nanos"] is None


def test_a_price_changes_at_its_instant_and_its_token(tmp_path: Path) -> None:
    cut = [
        row("o3", at, {"output": 1_000_000})
        for at in ("2025-06-09T23:59:59.999999Z", "2025-06-10T00:00:00Z")
    ]
    tier = [
        row("gpt-5.4", "2026-10-01T00:00:00Z", {"input_uncached": size - 10, "cache_read": 10})
        for size in (272_000, 272_001)
    ]

    found = [
        [meter["price_nanos"] for meter in answer["meters"].values()]
        for answer in quoted(tmp_path, *cut, *tier)
    ]

    assert found == [
        [40_000_000_000],
        [8_000_000_000],
        [2_500_000_000, 250_000_000],
        [5_000_000_000, 500_000_000],
    ]


def test_a_zone_is_taken_into_account_and_decimal_quantities_are_exact(tmp_path: Path) -> None:
    east, west = quoted(
        tmp_path,
        row("o3", "2025-06-10T01:59:59+02:00", {"output": 1}),
        row("claude-haiku-4-5", "2026-01-15T12:00:00Z", {"code_execution_hour": "0.1"}),
    )

    assert east["amount_nanos"] == 40_000
    assert west["meters"]["code_execution_hour"]["quantity"] == "0.1"
    assert west["amount_nanos"] == 5_000_000


def test_reasoning_and_zero_quantities_are_not_priced(tmp_path: Path) -> None:
    meters: dict[str, object] = {"output": 1_000_000, "reasoning": 9, "cache_read": 0}

    (answer,) = quoted(tmp_path, row("gpt-5", "2026-01-01T00:00:00Z", meters))

    assert list(answer["meters"]) == ["output"]
    assert answer["status"] == "priced"


@pytest.mark.parametrize("source", REFUSED, ids=lambda path: path.parent.name)
def test_a_row_or_file_that_cannot_be_read_is_refused_with_its_line(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source.parent)

    result = metering("prices", "quote", source.name, "--format", "json")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == source.with_name("quote.csv.expected").read_text(encoding="utf-8")
    assert f"error[{source.parent.name}]" in result.stderr


def test_a_header_that_is_no_csv_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    path.write_text('case_id,"provider\n', encoding="utf-8")

    result = metering("prices", "quote", str(path))

    assert result.exit_code == 1
    assert f"{path}: error[bad-csv]: unexpected end of data" in result.stderr


def test_a_refused_row_does_not_cost_the_others_their_quote(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    fine = 'openai,openai-api,gpt-5,2026-01-01T00:00:00Z,request,{},"{""output"": 1}"\n'
    path.write_text(
        HEAD + f"a,{fine}" + f"b,{fine.replace('Z,', ',')}" + f"c,{fine}", encoding="utf-8"
    )

    result = metering("prices", "quote", str(path), "--format", "json")

    assert result.exit_code == 1
    assert [json.loads(line)["case_id"] for line in result.stdout.splitlines()] == ["a", "c"]
    assert f"{path}:3: error[naive-timestamp]" in result.stderr


def test_show_says_why_a_row_is_the_model_s_and_how_its_price_moved() -> None:
    shown = told("prices", "show", "o3-2025-04-16", "--platform", "openai-api")

    assert [meaning["model"] for meaning in shown["meanings"]] == ["o3"]
    assert "alias" in shown["meanings"][0]["why"]
    history = [
        (price["price"], price["from"], price["to"])
        for price in shown["prices"]
        if price["meter"] == "output" and not price["conditions"]
    ]
    assert history == [("40", None, "2025-06-10T00:00:00Z"), ("8", "2025-06-10T00:00:00Z", None)]


def test_show_prints_a_table_and_refuses_a_name_nobody_wrote_down() -> None:
    table = metering("prices", "show", "claude-sonnet-4-5")
    unknown = metering("prices", "show", "gpt-99")

    assert "Price history" in table.stdout
    assert "prompt 200001.." in table.stdout
    assert unknown.exit_code == 1
    assert unknown.stderr == (TESTS / "errors" / "unknown-model" / "show.expected").read_text()


def test_list_and_check_say_what_there_is() -> None:
    listed = json.loads(metering("prices", "list", "--format", "json").stdout)
    checked = metering("prices", "check", "--format", "json")

    assert {"openai-api", "anthropic-api", "bedrock"} <= {one["platform"] for one in listed}
    assert checked.exit_code == 0
    assert json.loads(checked.stdout)["sound"] is True
    assert "anthropic-api" in metering("prices", "list").stdout
    assert metering("prices", "check").exit_code == 0


def test_the_installed_command_quotes_outside_any_ledger(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("metering")

    done = subprocess.run(
        [command, "prices", "quote", GOLDEN, "--format", "json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert len(done.stdout.splitlines()) == 25
    assert "rate cards that ship with metering" in done.stderr


def test_conditions_nested_without_end_are_refused_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "usage.csv"
    deep = "[" * 5000
    path.write_text(
        f'{HEAD}x,openai,openai-api,gpt-5.6-sol,2026-10-01T00:00:00Z,request,{deep},"{{}}"\n',
        encoding="utf-8",
    )

    refused = metering("prices", "quote", str(path))

    assert refused.exit_code == 1
    assert f"{path}:2: error[bad-json]: conditions_json" in refused.stderr
