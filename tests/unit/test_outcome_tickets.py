"""A ticket counts while it stands resolved, in whichever words and times a house writes it."""

from dataclasses import replace
from datetime import datetime
from itertools import permutations
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from metering.core.outcomes.outcome_rules import checked_rules
from metering.core.outcomes.stages import SystemWords
from metering.engine.outcomes.netting import open_outcomes, own_outcomes
from metering.errors import BookError
from metering.ingest.contract import OutcomeBatch, Rejections
from metering.ingest.outcomes.jira_issues_csv import JiraIssuesCsv
from metering.ingest.outcomes.registry import BUILT_IN, installed
from metering.ingest.outcomes.servicenow_incidents import ServiceNowIncidents
from metering.ingest.readers import Reader
from metering.settings import Settings
from metering.usage.lake import Lake
from metering.workflows.outcomes.outcome_formats import outcome_formats
from metering.workflows.outcomes.outcome_imports import ingest_outcomes
from tests.support.ledgers import fresh_ledger, run

GOLDEN = Path(__file__).parents[1] / "golden"
HEADER = "Issue key,Issue id,Updated,Resolved,Resolution,Labels,Labels"


def read(ingestor: JiraIssuesCsv, folder: Path, *rows: str) -> tuple[list[dict[str, object]], int]:
    """Return the outcomes of some issues, and how many issues were refused."""
    path = folder / "jira.csv"
    path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    outcomes: list[dict[str, object]] = []
    refused = 0
    with Reader(folder / "scratch", "256MB", 1) as reader:
        for reading in ingestor.read(path, reader):
            if isinstance(reading, OutcomeBatch):
                assert isinstance(reading.rows, pa.Table)
                outcomes += reading.rows.to_pylist()
            if isinstance(reading, Rejections):
                refused += len(reading.items)
    return outcomes, refused


@pytest.mark.parametrize(
    ("written", "words", "instant"),
    [
        ("21/Sep/26 9:05 AM", SystemWords("Europe/Berlin"), "2026-09-21T07:05:00Z"),
        ("21/Dec/26 11:05 PM", SystemWords("Europe/Berlin"), "2026-12-21T22:05:00Z"),
        ("2026-09-21 09:05", SystemWords("America/New_York"), "2026-09-21T13:05:00Z"),
        ("2026-09-21T09:05:13.360+0800", SystemWords(), "2026-09-21T01:05:13.360000Z"),
        ("9/10/2026 16:14", SystemWords("UTC", is_day_first=True), "2026-10-09T16:14:00Z"),
        ("9/10/2026 16:14", SystemWords("UTC", is_day_first=False), "2026-09-10T16:14:00Z"),
        # The hour that the end of summer time repeats is taken for the first of the two.
        ("25/Oct/26 2:30 AM", SystemWords("Europe/Berlin"), "2026-10-25T00:30:00Z"),
    ],
)
def test_times_are_of_the_zone_and_the_order_that_the_house_says(
    tmp_path: Path, written: str, words: SystemWords, instant: str
) -> None:
    issue = f"PAY-1,1,{written},{written},Done,,"

    ((outcome,), refused) = read(JiraIssuesCsv().saying(words), tmp_path, issue)

    assert (outcome["instant"], outcome["as_of"]) == (datetime.fromisoformat(instant),) * 2
    assert refused == 0


def test_a_house_says_what_its_resolutions_mean(tmp_path: Path) -> None:
    when = "2026-09-21T09:05:00Z,2026-09-21T09:05:00Z"
    issues = [f"PAY-1,1,{when},Shipped,,", f"PAY-2,2,{when},Done,,"]
    words = SystemWords(done=frozenset({"shipped"}), dropped=frozenset({"done"}))

    unsaid = read(JiraIssuesCsv(), tmp_path, *issues)
    said = read(JiraIssuesCsv().saying(words), tmp_path, *issues)

    assert [one["outcome_id"] for one in unsaid[0]] == ["2"]
    assert unsaid[1] == 1
    assert [one["weight_e4"] for one in said[0]] == [10_000, 0]


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_a_history_and_a_state_give_the_same_outcomes_in_any_order(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    settings = fresh_ledger(tmp_path / "ledger")
    earlier = tmp_path / "earlier.csv"
    # Exported while the issue was resolved for the first time.
    earlier.write_text(
        f"{HEADER}\nPAY-142,10231,2026-09-22T09:05:00+0200,2026-09-22T09:05:00+0200,Done,,\n",
        encoding="utf-8",
    )
    later = tmp_path / "later.csv"
    later.write_text(
        f"{HEADER}\nPAY-142,10231,2026-09-29T09:00:00Z,2026-09-28T09:00:00Z,Done,,\n",
        encoding="utf-8",
    )
    files = (earlier, GOLDEN / "jira_issues" / "good.json", later)

    told = run("outcomes ingest")
    receipts = list(ingest_outcomes(settings, told, [files[at] for at in order], BUILT_IN))

    assert [receipt.rejected for receipt in receipts] == [0, 0, 0]
    assert changes_of(settings, "10231") == [
        ("2026-09-22", 10_000),
        ("2026-09-25", -10_000),
        ("2026-09-28", 10_000),
    ]


def changes_of(settings: Settings, outcome_id: str) -> list[tuple[str, int]]:
    files = sorted(Lake(settings.lake).root.glob("outcomes/**/*.parquet"))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        open_outcomes(connection, files)
        own_outcomes(connection, [], [])
        return connection.execute(
            "SELECT CAST(day AS VARCHAR), weight_e4 FROM outcomes WHERE outcome_id = ?"
            " ORDER BY ALL",
            [outcome_id],
        ).fetchall()


def test_what_the_settings_say_of_a_system_reaches_its_formats(tmp_path: Path) -> None:
    said = {"systems": {"servicenow": {"zone": "Europe/Berlin", "done": ["Fixed by Magic"]}}}
    settings = replace(fresh_ledger(tmp_path / "ledger"), outcomes=said)

    (ours,) = [one for one in outcome_formats(settings) if isinstance(one, ServiceNowIncidents)]

    assert ours is not next(one for one in installed() if one.name == ours.name)
    assert [one.name for one in outcome_formats(settings)] == [one.name for one in installed()]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"jira": "UTC"}, r"systems.jira is 'UTC'"),
        ({"jira": {"zone": "Mars/Olympus"}}, r"systems.jira.zone is 'Mars/Olympus'"),
        ({"jira": {"dates": "iso"}}, r"systems.jira.dates is 'iso'"),
        ({"jira": {"done": "Shipped"}}, r"systems.jira.done is 'Shipped'"),
        ({"jira": {"done": ["A"], "dropped": ["a"]}}, r"systems.jira.dropped is 'a'"),
        ({"jira": {"time": "UTC"}}, r"systems.jira.time is this key"),
    ],
)
def test_settings_of_a_system_are_checked(said: dict[str, object], message: str) -> None:
    with pytest.raises(BookError, match=message) as refused:
        checked_rules({"systems": said})

    assert refused.value.code == "bad-settings"


def test_a_system_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    settings = replace(
        fresh_ledger(tmp_path / "ledger"), outcomes={"systems": {"trello": {"zone": "UTC"}}}
    )

    with pytest.raises(BookError, match="sets up 'trello'"):
        outcome_formats(settings)
