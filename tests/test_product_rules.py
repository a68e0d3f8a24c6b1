"""What the product promises of people (token-maxing, section 2.5), held by what it is made of."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from metering.analysis.anonymity import FEWEST_PEOPLE
from metering.analysis.findings.finding import ChartWeek, Evidence, Finding, Subject
from metering.analysis.observed.panel import Frames
from metering.cli.main import main
from metering.engine.behaviour.of_folder import open_folder
from metering.engine.behaviour.summed import sum_behaviour
from metering.engine.connection import open_duckdb
from metering.workflows.findings.findings_try import frames_of
from tests.companies.climates import Climate
from tests.companies.company import draw_company

_ROOT = Path(__file__).resolve().parents[1]
# In pieces, so that no search for them finds this file.
_FORBIDDEN = re.compile("mis" + "use|abu" + "se|chea" + "t|guil" + "t|frau" + "d", re.IGNORECASE)
_OF_A_PERSON = {"user", "person", "principal", "login", "email", "name"}
_SHOWN = sorted(
    [
        *(_ROOT / "reports").rglob("*.*"),
        *(_ROOT / "metering").rglob("*.py"),
        *(_ROOT / "metering").rglob("*.sql"),
        _ROOT / "README.md",
        _ROOT / "CHANGELOG.md",
    ]
)


def _texts(path: Path) -> Iterator[str]:
    """Yield what a file may show: the literals of code, all of anything else."""
    text = path.read_text(encoding="utf-8", errors="ignore")
    if path.suffix != ".py":
        yield text
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_template_message_or_help_accuses_anybody() -> None:
    accusing = [
        (str(path.relative_to(_ROOT)), found[0])
        for path in _SHOWN
        for text in _texts(path)
        if (found := _FORBIDDEN.search(text))
    ]

    assert len(_SHOWN) > 300
    assert accusing == []


def test_a_finding_has_no_place_for_a_person() -> None:
    named = {
        field.name for kind in (Finding, Subject, Evidence, ChartWeek) for field in fields(kind)
    }

    assert {field.name for field in fields(Subject)} == {"team", "project", "workflow"}
    assert not named & _OF_A_PERSON


def _commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for sub in command.list_commands(context):
            below = command.get_command(context, sub)
            assert below is not None
            yield from _commands(below, f"{name} {sub}")


def test_no_command_ranks_people() -> None:
    every = dict(_commands(main, "metering"))
    words = re.compile(r"top[- ](users|people|spenders)|rank(s|ing)? (of )?(users|people)")

    assert len(every) > 40
    ranking = [
        name
        for name, command in every.items()
        if words.search(f"{name} {command.help} {[p.opts for p in command.params]}".lower())
    ]
    assert ranking == []


@pytest.fixture(scope="module")
def small_teams(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company whose projects are of one to six people."""
    company = draw_company(29, objects=30, weeks=13, climate=Climate(people=0.4))
    return company.write(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def findings_of_small_teams(small_teams: Path) -> str:
    done = CliRunner().invoke(main, ["findings", "try", str(small_teams), "--format", "json"])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_no_finding_counts_fewer_people_than_may_be_shown(findings_of_small_teams: str) -> None:
    told = re.findall(r"(?<![\d.])(\d+) (?:of \d+ )?people", findings_of_small_teams)
    counted = [
        evidence
        for finding in json.loads(findings_of_small_teams)["findings"]
        for evidence in finding["evidence"]
        if evidence["counted"] == "people" or evidence["detector"] == "D18"
    ]

    assert f"fewer than {FEWEST_PEOPLE} people" in findings_of_small_teams
    assert [number for number in told if int(number) < FEWEST_PEOPLE] == []
    assert all(evidence["n_before"] >= 2 for evidence in counted)


def test_how_spend_falls_on_a_few_people_is_not_a_term_of_their_finding(
    findings_of_small_teams: str, small_teams: Path
) -> None:
    frames = _frames(small_teams)
    usual = frames.people.groupby("object")["people"].median()
    few = {
        (row.team, row.project)
        for row in frames.objects.itertuples()
        if usual.get(row.object, 0) < FEWEST_PEOPLE
    }
    found = json.loads(findings_of_small_teams)["findings"]
    of_few = [one for one in found if (one["team"], one["project"]) in few]

    assert len(of_few) > 10
    assert not any("spend of some of the people" in one["terms"] for one in of_few)


def test_what_leaves_the_engine_names_nobody(small_teams: Path) -> None:
    frames = _frames(small_teams)
    usage = (small_teams / "usage.csv").read_text(encoding="utf-8").splitlines()
    people = {row.split(",")[5] for row in usage[1:]}

    assert len(people) > 50
    for field in fields(Frames):
        table = getattr(frames, field.name)
        if field.name in {"first_day", "last_day"}:
            continue
        of_a_person = set(table.columns) & _OF_A_PERSON
        if field.name == "persons":
            # Whether all people of a project moved needs them apart: as numbers, without a gap.
            assert of_a_person == {"person"}
            numbers = sorted(set(table["person"]))
            assert numbers == list(range(len(numbers)))
        else:
            assert not of_a_person, field.name
        for column in table.columns:
            assert not people & set(table[column].astype(str)), (field.name, column)


def _frames(folder: Path) -> Frames:
    with open_duckdb(folder, memory_limit="512MB", threads=1) as connection:
        first, last = open_folder(connection, folder)
        return frames_of(sum_behaviour(connection, first, last, default_window_days=30))
