"""`metering findings try` on invented companies: the same whatever does not matter, and fair."""

import csv
import json
import random
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from metering.analysis.findings.finding import Family, Finding
from metering.analysis.findings.review_list import Options
from metering.cli.main import main
from metering.workflows.findings.findings_try import Tried, try_folder, write_flags
from tests.companies.company import Company, draw_company
from tests.companies.measures import measure

_SEED = 11
# token-maxing, section 2.5; in pieces, so that no search for them finds this file.
_FORBIDDEN = re.compile("mis" + "use|abu" + "se|chea" + "t|guil" + "t|frau" + "d", re.IGNORECASE)


@pytest.fixture(scope="module")
def company() -> Company:
    return draw_company(_SEED, objects=30, weeks=15)


@pytest.fixture(scope="module")
def folder(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return company.write(tmp_path_factory.mktemp("exports"))


@pytest.fixture(scope="module")
def tried(folder: Path) -> Tried:
    return try_folder(folder, Options())


def _scores(tried: Tried) -> dict[tuple[str, str, str], float]:
    return {
        (f.subject.team, f.subject.project, f.family.value): f.score for f in tried.review.findings
    }


def _verdicts(tried: Tried) -> dict[tuple[str, str, str | None, str], bool]:
    """Return what is flagged, by what was compared; a case of a project may name a workflow."""
    return {
        (
            *(f.subject.team, f.subject.project),
            f.subject.workflow if f.is_workflow else None,
            f.family.value,
        ): f.flagged
        for f in tried.review.findings
    }


def _flags(tried: Tried, folder: Path) -> list[str]:
    write_flags(tried, folder / "flags.csv")
    return (folder / "flags.csv").read_bytes().decode().split("\n")


def _unlike(one: list[str], other: list[str]) -> list[tuple[str, str]]:
    assert len(one) == len(other)
    return [(a, b) for a, b in zip(one, other, strict=True) if a != b]


# --- what must not matter -----------------------------------------------------------------------


def _rewritten(
    folder: Path, target: Path, change: Callable[[str, list[dict[str, str]]], list[dict[str, str]]]
) -> Path:
    target.mkdir()
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        with (target / path.name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(change(path.stem, rows))
    return target


def test_the_same_files_give_the_same_bytes(folder: Path, tried: Tried, tmp_path: Path) -> None:
    again = try_folder(folder, Options())

    assert _unlike(_flags(again, tmp_path), _flags(tried, tmp_path)) == []


def test_the_order_of_rows_does_not_matter(folder: Path, tried: Tried, tmp_path: Path) -> None:
    def shuffled(name: str, rows: list[dict[str, str]]) -> list[dict[str, str]]:
        return random.Random(name).sample(rows, len(rows))  # noqa: S311 - no secret

    again = try_folder(_rewritten(folder, tmp_path / "shuffled", shuffled), Options())

    assert _unlike(_flags(again, tmp_path), _flags(tried, tmp_path)) == []


def test_splitting_rows_does_not_matter(folder: Path, tried: Tried, tmp_path: Path) -> None:
    counts = ("requests", "input_tokens", "distinct_prompts", "cost_usd")

    def split(name: str, rows: list[dict[str, str]]) -> list[dict[str, str]]:
        if name != "usage":
            return rows
        halves = []
        for at, row in enumerate(rows):
            if at % 3:
                halves.append(row)
                continue
            kept, rest = dict(row), {**row, **{k: "0" for k, v in row.items() if _is_count(v)}}
            for count in counts:
                whole = Decimal(row[count])
                part = whole / 2 if count == "cost_usd" else whole // 2
                kept[count], rest[count] = str(whole - part), str(part)
            halves += [kept, rest]
        return halves

    again = try_folder(_rewritten(folder, tmp_path / "split", split), Options())

    assert _unlike(_flags(again, tmp_path), _flags(tried, tmp_path)) == []
    assert again.total == tried.total


def _is_count(value: str) -> bool:
    return value.replace(".", "", 1).isdigit()


def test_names_do_not_matter(folder: Path, tried: Tried, tmp_path: Path) -> None:
    def other(value: str) -> str:
        return "n" + value[::-1]

    def renamed(name: str, rows: list[dict[str, str]]) -> list[dict[str, str]]:
        columns = ("team", "project", "user", "workflow_key", "model", "provider", "function")
        for row in rows:
            for column in (name for name in columns if row.get(name)):
                row[column] = other(row[column])
            if name == "events":
                kind, _, named = row["scope"].rpartition(":")
                row["scope"] = f"{kind}:{other(named)}" if kind else named
        return rows

    again = try_folder(_rewritten(folder, tmp_path / "renamed", renamed), Options())

    found = _scores(again)
    for (team, project, family), score in _scores(tried).items():
        assert found[other(team), other(project), family] == pytest.approx(score, abs=1e-5)


def test_an_unrelated_team_turns_no_verdict(folder: Path, tried: Tried, tmp_path: Path) -> None:
    def joined(name: str, rows: list[dict[str, str]]) -> list[dict[str, str]]:
        if name not in {"usage", "outcomes", "projects"}:
            return rows
        first = next(row for row in rows if row["team"] == "team-001")
        project = first["project"]
        theirs = [row for row in rows if (row["team"], row["project"]) == ("team-001", project)]
        new = {"team": "elsewhere", "project": "unrelated", "function": "other"}
        return rows + [{**row, **{k: v for k, v in new.items() if k in row}} for row in theirs]

    again = try_folder(_rewritten(folder, tmp_path / "joined", joined), Options())

    before, after = _verdicts(tried), _verdicts(again)
    assert {compared: after[compared] for compared in before} == before
    scores = _scores(again)
    moved = [abs(score - scores[key]) for key, score in _scores(tried).items()]
    assert float(np.median(moved)) < 0.15


def test_a_count_that_is_missing_is_done_without(company: Company, tmp_path: Path) -> None:
    absent = ("sessions", "reasoning_tokens", "distinct_prompts", "failed_requests", "user")
    folder = company.write(tmp_path / "narrow", without=absent)

    narrow = try_folder(folder, Options())

    assert {f.family for f in narrow.review.findings} >= {Family.TOKEN_MAXING}
    assert not any("repeated prompts" in f.pattern for f in narrow.review.findings)


# --- how good it is -----------------------------------------------------------------------------


def test_what_is_planted_ranks_above_what_is_honest(company: Company, tried: Tried) -> None:
    found = measure(company.labels, tried.review.findings)

    assert found.average_precision > 3 * found.base_rate
    assert found.ordinary_flagged <= 0.02
    assert found.lookalikes_flagged <= 0.15


def test_the_split_of_spend_is_exact(folder: Path, tried: Tried) -> None:
    with (folder / "usage.csv").open(encoding="utf-8", newline="") as stream:
        total = sum(Decimal(row["cost_usd"]) for row in csv.DictReader(stream))

    assert tried.total == total
    assert sum(tried.split.values()) == total
    assert sum(tried.unattributed.values()) == tried.split["unattributed"]


def test_a_team_without_a_feed_is_unknown_and_not_unproductive(
    company: Company, tried: Tried
) -> None:
    silent = {(x.team, x.project): x.family for x in company.labels if x.kind == "no_feed"}

    flagged = {
        (f.subject.team, f.subject.project): f.family.value
        for f in tried.review.findings
        if f.flagged and f.family is Family.NO_FEED
    }

    assert flagged == silent


# --- how it behaves (token-maxing, section 2.5) -------------------------------------------------


def _every_output(folder: Path, tmp_path: Path) -> str:
    flags = tmp_path / "flags.csv"
    run = CliRunner().invoke
    table = run(main, ["findings", "try", str(folder), "--write", str(flags)])
    machine = run(main, ["findings", "try", str(folder), "--format", "json"])
    assert (table.exit_code, machine.exit_code) == (0, 0), table.output + machine.output
    return table.output + machine.output + flags.read_text(encoding="utf-8")


def test_no_output_names_a_person_or_a_forbidden_word(folder: Path, tmp_path: Path) -> None:
    printed = _every_output(folder, tmp_path)
    with (folder / "usage.csv").open(encoding="utf-8", newline="") as stream:
        people = {row["user"] for row in csv.DictReader(stream)}

    assert not _FORBIDDEN.search(printed)
    assert not people & set(re.findall(r"[\w-]+", printed))


def test_every_finding_says_what_a_reviewer_needs(tried: Tried) -> None:
    for finding in tried.review.shown:
        assert finding.not_checked, finding.subject
        assert finding.checked, finding.subject
        assert finding.p10_nanos <= finding.excess_nanos <= finding.p90_nanos
        assert len(finding.data_hash) == 64
        if finding.family is Family.TOKEN_MAXING:
            assert len(finding.evidence) >= 3
            assert finding.detectable_factor > 1
            assert sum(finding.terms.values()) == pytest.approx(finding.score, abs=1e-5)
            assert {week.spend for week in finding.chart}


def test_every_object_has_a_score_and_the_list_is_no_longer_than_can_be_read(
    folder: Path, company: Company
) -> None:
    short = try_folder(folder, Options(budget=2)).review

    assert len(short.shown) <= 2
    scored = [f for f in short.findings if f.family is Family.TOKEN_MAXING]
    assert len(scored) == len(company.projects)


def test_what_is_below_materiality_is_flagged_and_not_shown(folder: Path) -> None:
    found = try_folder(folder, Options(least_usd=10**9)).review

    assert found.shown == ()
    assert all(f.held_back.startswith("below ") for f in found.findings if f.flagged)


def test_json_holds_what_the_table_shows(folder: Path) -> None:
    printed = CliRunner().invoke(main, ["findings", "try", str(folder), "--format", "json"])

    document = json.loads(printed.stdout)

    assert sum(Decimal(document["attribution"][name]) for name in _BUCKETS) == Decimal(
        document["attribution"]["total"]
    )
    assert all(isinstance(f["excess_nanos"], int) for f in document["findings"])


_BUCKETS = ("keyed", "project", "pending", "unattributed")


def _money(finding: Finding) -> int:
    return finding.p10_nanos


def test_the_list_is_ranked_by_the_lower_bound_of_its_money(tried: Tried) -> None:
    lower = [_money(finding) for finding in tried.review.shown]

    assert lower == sorted(lower, reverse=True)


def test_what_cannot_be_compared_is_said_and_scored_last(company: Company, tmp_path: Path) -> None:
    short = Company(
        usage=[row for row in company.usage if row[0] < "2026-04-03"],
        outcomes=company.outcomes,
        projects=company.projects,
        start=company.start,
    )

    tried = try_folder(short.write(tmp_path / "short"), Options())

    assert not any(f.flagged for f in tried.review.findings if f.family is Family.TOKEN_MAXING)
    assert any("nothing can be compared" in note for note in tried.notes)


def test_without_any_outcome_every_team_is_asked_for_its_feed(
    company: Company, tmp_path: Path
) -> None:
    folder = company.write(tmp_path / "silent")
    for name in ("outcomes", "prices", "events"):
        (folder / f"{name}.csv").unlink()

    findings = try_folder(folder, Options()).review.findings

    flagged = {f.family for f in findings if f.flagged}
    assert flagged == {Family.NO_FEED}
