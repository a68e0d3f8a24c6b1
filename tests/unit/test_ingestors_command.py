"""`metering ingestors` lists what is recognised, in which role."""

import json

from click.testing import CliRunner

from metering.cli.main import main
from metering.ingest.outcomes import registry as outcomes
from metering.ingest.registry import installed


def test_the_list_is_readable_by_scripts() -> None:
    result = CliRunner().invoke(main, ["ingestors", "--format", "json"])

    assert (result.exit_code, result.stderr) == (0, "")
    rows = json.loads(result.stdout)
    assert [row["name"] for row in rows] == [
        ingestor.name for ingestor in (*installed(), *outcomes.installed())
    ]
    assert {
        "name": "anthropic-messages",
        "version": 1,
        "role": "metered",
        "identity": "snapshot",
        "repeat": "reject",
        "describes": "Anthropic Messages usage report pages: tokens and searches by time bucket",
        "export": "GET /v1/organizations/usage_report/messages, every page of a pull in one file",
        "cannot_tell": "requests; the hours of code execution",
    } in rows


def test_the_list_is_readable_by_people() -> None:
    result = CliRunner().invoke(main, ["ingestors"])

    assert (result.exit_code, result.stderr) == (0, "")
    assert all(ingestor.name in result.stdout for ingestor in (*installed(), *outcomes.installed()))


def test_one_of_them_says_how_it_is_exported_and_what_it_cannot_tell() -> None:
    result = CliRunner().invoke(main, ["ingestors", "openai-usage"])

    assert (result.exit_code, result.stderr) == (0, "")
    assert "  export       GET /v1/organization/usage/{completions,embeddings,…}" in result.stdout
    assert "  cannot tell  names: projects, users and keys have ids" in result.stdout
    assert "metered: what the provider bills by; it is charged" in result.stdout


def test_one_of_them_is_readable_by_scripts() -> None:
    result = CliRunner().invoke(main, ["ingestors", "outcome-csv", "--format", "json"])

    assert json.loads(result.stdout)["role"] == "outcome"


def test_every_format_says_what_cannot_be_told_from_it() -> None:
    assert all(ingestor.cannot_tell for ingestor in (*installed(), *outcomes.installed()))


def test_a_name_that_is_misspelt_leads_to_those_like_it() -> None:
    result = CliRunner().invoke(main, ["ingestors", "opnai-usage"])

    assert result.exit_code == 1
    assert "error[unknown-ingestor]: no ingestor is called 'opnai-usage'" in result.stderr
    assert "    nearest:  openai-usage, " in result.stderr
