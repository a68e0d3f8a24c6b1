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
        "describes": "Anthropic Messages usage report pages: tokens and searches by time bucket",
        "export": "GET /v1/organizations/usage_report/messages, every page of a pull in one file",
    } in rows


def test_the_list_is_readable_by_people() -> None:
    result = CliRunner().invoke(main, ["ingestors"])

    assert (result.exit_code, result.stderr) == (0, "")
    assert all(ingestor.name in result.stdout for ingestor in (*installed(), *outcomes.installed()))
