"""Workflows as cost objects: each has its own score, and no money is in two cases."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from metering.analysis.findings.finding import Finding
from metering.analysis.findings.review_list import Options
from metering.analysis.findings.workflow_cases import UNNAMED
from metering.workflows.findings.findings_try import Tried, try_folder, write_flags
from tests.companies.company import Company, draw_company

_WEEKS = 18
_DAYS = _WEEKS * 7
_ONSET = _DAYS - 35
_MODEL = ("polar", "orca-mid")


def _add(
    company: Company,
    project: str,
    usd: dict[str, float],
    loops: dict[str, float],
    *,
    keyed: bool,
) -> None:
    """Add a project whose workflows cost `usd` a day; `loops` are factors from the onset on."""
    chance = np.random.default_rng(len(project))
    company.projects.append(("shared", project, "support", 12, "2025-01-01", "ticket", 7))
    for workflow, daily in usd.items():
        for day in range(_DAYS):
            honest = daily * float(chance.lognormal(0, 0.08))
            cost = honest * (loops.get(workflow, 1.0) if day >= _ONSET else 1.0)
            requests = max(1, round(cost * 10))
            when = company.start + timedelta(days=day)
            tokens = (requests * 900, requests * 500, 0, requests * 200, 0)
            counts = (requests, max(1, round(honest * 10)), max(1, requests // 9), 0, 0)
            company.usage.append(
                (
                    *(str(when), *_MODEL, "shared", project, f"svc-{workflow}", workflow),
                    *(counts[0], *tokens, *counts[1:], f"{cost:.6f}"),
                )
            )
            for _ in range(round(honest / daily * 3)):
                if day + 2 < _DAYS:
                    key = workflow if keyed else ""
                    company.outcomes.append(
                        (day + 1.5 + chance.random(), "ticket", "shared", project, key, 1)
                    )


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    company = draw_company(5, objects=24, weeks=_WEEKS)
    four = {"triage": 60.0, "answers": 60.0, "digest": 60.0, "nightly": 12.0}
    _add(company, "desk", four, {"nightly": 4.0}, keyed=True)
    _add(company, "bench", {"eval": 40.0, "sweep": 35.0}, {"sweep": 5.0, "eval": 4.0}, keyed=True)
    _add(company, "forum", {"a": 40.0, "b": 20.0}, {"b": 4.0}, keyed=False)
    return try_folder(company.write(tmp_path_factory.mktemp("workflows")), Options())


def _of(tried: Tried, project: str) -> dict[str, Finding]:
    return {
        one.subject.workflow or "": one
        for one in tried.review.findings
        if one.subject.project == project and one.is_workflow
    }


def _whole(tried: Tried, project: str) -> Finding:
    (found,) = [
        one
        for one in tried.review.findings
        if one.subject.project == project and not one.is_workflow
    ]
    return found


def test_every_workflow_that_goes_on_has_a_score_of_its_own(tried: Tried) -> None:
    assert _of(tried, "desk").keys() == {"triage", "answers", "digest", "nightly"}
    scores = {name: one.score for name, one in _of(tried, "desk").items()}
    assert max(scores, key=lambda name: scores[name]) == "nightly"
    assert tried.review.workflows == 8


def test_a_workflow_that_its_project_hides_is_a_case_of_its_own(tried: Tried) -> None:
    nightly = _of(tried, "desk")["nightly"]

    assert not _whole(tried, "desk").flagged
    assert nightly in tried.review.shown
    assert str(nightly.subject) == "shared / desk / nightly"
    # 12 USD a day that became 48, for five weeks.
    assert nightly.p10_nanos < 36 * 35 * 10**9 < nightly.p90_nanos


def test_what_is_flagged_in_a_flagged_project_is_a_part_of_its_case(tried: Tried) -> None:
    case, parts = _whole(tried, "bench"), _of(tried, "bench")

    assert case in tried.review.shown
    assert {part.workflow for part in case.parts} == {"eval", "sweep"}
    assert sum(part.excess_nanos for part in case.parts) <= case.excess_nanos
    assert all(one.held_back == f"a part of the case of {case.subject}" for one in parts.values())
    shown = [one for one in tried.review.shown if one.subject.project == "bench"]
    assert shown == [case]


def test_a_workflow_without_outcomes_under_its_name_is_never_a_case(tried: Tried) -> None:
    shown = [one for one in tried.review.shown if one.is_workflow]

    assert [one for one in shown if one.subject.project == "forum"] == []
    assert all(
        one.held_back == UNNAMED or one.held_back.startswith("a part")
        for one in _of(tried, "forum").values()
        if one.flagged
    )


def test_the_scores_of_projects_stand_without_their_workflows(tried: Tried, tmp_path: Path) -> None:
    write_flags(tried, tmp_path / "flags.csv")

    rows = (tmp_path / "flags.csv").read_text(encoding="utf-8").splitlines()[1:]
    objects = {tuple(row.split(",")[:3]) for row in rows}
    assert len(rows) == len(objects)
    assert {row for row in objects if row[1] == "desk"} == {("shared", "desk", "token_maxing")}
