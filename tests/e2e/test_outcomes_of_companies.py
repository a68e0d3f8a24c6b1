"""Invented companies: every sum exact, silence told from no feed.

Ours always; those of the practice generator too where it lies beside the checkout.
"""

import csv
import importlib.util
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from metering.analysis.findings.finding import Family
from metering.analysis.findings.review_list import Options
from metering.core.outcomes.stages import WEIGHT_UNIT
from metering.engine.outcomes.netting import open_outcomes, own_outcomes
from metering.engine.outcomes.spend import answers, split_spend
from metering.ingest.contract import OutcomeBatch
from metering.ingest.outcomes.outcome_csv import OutcomeCsv
from metering.ingest.readers import Reader
from metering.usage.outcomes import OutcomeStaging
from metering.workflows.findings.findings_try import try_folder
from tests.companies.company import draw_company
from tests.support.attribution_oracle import Produced, Used, answered

GENERATOR = Path(__file__).resolve().parents[2].parent / "shared" / "token_maxing_practice.py"
# Nothing was tuned on these.
SEEDS = (9401, 9402, 9403, 9404, 9405)
OURS = [("ours", seed) for seed in SEEDS[:2]]
PRACTICE = [("practice", seed) for seed in SEEDS] if GENERATOR.is_file() else []
NANOS = 10**9


@dataclass(frozen=True, slots=True)
class Company:
    folder: Path
    used: list[Used]
    produced: list[Produced]
    windows: Mapping[str, int]
    families: Mapping[tuple[str, str], str]


@pytest.fixture(scope="module", params=[*OURS, *PRACTICE], ids=lambda one: f"{one[0]}-{one[1]}")
def company(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("company")
    kind, seed = request.param
    labels = _practice(folder, seed) if kind == "practice" else _ours(folder, seed)
    return Company(
        folder,
        [
            Used(
                date.fromisoformat(row["date"]),
                row["team"],
                row["project"],
                row["workflow_key"],
                int(Decimal(row["cost_usd"]) * NANOS),
                0,
            )
            for row in rows_of(folder / "usage.csv")
        ],
        [
            Produced(
                date.fromisoformat(row["timestamp"][:10]),
                row["team"],
                row["project"],
                row["workflow_key"],
                int(Decimal(row["weight"]) * WEIGHT_UNIT),
            )
            for row in rows_of(folder / "outcomes.csv")
        ],
        {
            row["project"]: int(row["attribution_window_days"])
            for row in rows_of(folder / "projects.csv")
        },
        labels,
    )


def _practice(folder: Path, seed: int) -> dict[tuple[str, str], str]:
    spec = importlib.util.spec_from_file_location("practice", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    generator: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    generator.generate(str(folder), seed, 90, 150, date(2026, 2, 2))
    rows = rows_of(folder / "truth" / "labels.csv")
    return {(row["team"], row["project"]): row["family"] for row in rows}


def _ours(folder: Path, seed: int) -> dict[tuple[str, str], str]:
    drawn = draw_company(seed, objects=40, weeks=20)
    drawn.write(folder)
    return {(one.team, one.project): one.family for one in drawn.labels}


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def engine_of(company: Company, scratch: Path) -> duckdb.DuckDBPyConnection:
    """Return an engine with the outcomes as they are ingested, and the spend as it is."""
    ingestor = OutcomeCsv()
    with Reader(scratch / "reader", "512MB", 1) as reader:
        staging = OutcomeStaging(
            reader.connection, scratch / "staging", ingestor=ingestor.name, system=ingestor.system
        )
        for reading in ingestor.read(company.folder / "outcomes.csv", reader):
            assert isinstance(reading, OutcomeBatch)
            staging.add(reading.rows)
        new = staging.new_outcomes([])
    assert new.recorded == len(company.produced)
    assert new.path is not None
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    open_outcomes(connection, [new.path])
    own_outcomes(connection, [], [])
    connection.execute(
        "CREATE TABLE spend AS SELECT date AS day, team, project, 'USD' AS currency, workflow_key,"
        f" CAST(cost_usd::DECIMAL(30, 12) * {NANOS} AS BIGINT) AS amount_nanos"
        f" FROM read_csv('{company.folder}/usage.csv', types = {{'cost_usd': 'VARCHAR'}})"
    )
    return connection


def test_the_sums_of_every_object_are_exact(company: Company, tmp_path: Path) -> None:
    connection = engine_of(company, tmp_path)
    owners = sorted({(one.team, one.project) for one in company.used})
    windows = [(team, project, company.windows[project]) for team, project in owners]
    last = max(one.day for one in company.used)

    split_spend(connection, ("workflow_key",), windows, last)

    expected: Counter[tuple[str, str, str]] = Counter()
    for row, bucket in answered(company.used, company.produced, company.windows):
        expected[row.team, row.project, bucket.replace("_", "-")] += row.nanos
    assert {
        (team, project, bucket): nanos for team, project, _, bucket, nanos in answers(connection)
    } == +expected
    assert expected.total() == sum(one.nanos for one in company.used)


def test_what_is_silent_is_found_and_nothing_else_is_taken_for_it(
    company: Company, request: pytest.FixtureRequest
) -> None:
    silent = {Family.NO_OUTCOME.value, Family.NO_FEED.value}

    found = {
        (one.subject.team, one.subject.project): one.family.value
        for one in try_folder(company.folder, Options()).review.findings
        if one.family.value in silent
    }

    labelled = {owner: name for owner, name in company.families.items() if name in silent}
    assert set(found) == set(labelled)
    # In ours a silent project may be all that its team has: then no feed is known of the team.
    if "practice" in request.node.callspec.id:
        assert found == labelled
