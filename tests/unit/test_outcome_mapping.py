"""A mapping file makes outcomes of a house's own table or JSON, and refuses half of a meaning."""

from pathlib import Path

import pytest

from metering.core.outcomes.stages import OutcomeKind, Stage
from metering.errors import SourceError
from metering.ingest.golden import render
from metering.ingest.mapping.mapping_file import read_mappings
from metering.ingest.outcomes.mapped import mapped_outcomes, read_outcome_mapping
from metering.ingest.readers import Reader

MAPPING = """
name = "helpdesk"
describes = "Helpdesk: closed cases"
export = "Reports, CSV"
form = "table"
role = "outcome"
[recognise]
fields = ["case", "closed", "status"]
[time]
form = "utc"
[constants]
kind = "ticket"
team = "support"
[outcome]
outcome_id = "case"
instant = "closed"
stage = "status"
weight = "points"
workflow_key = "run"
[stages]
validated = ["Closed", "Solved"]
completed = ["Review"]
[settles]
after_days = 7
reversed_by = "opened again"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "helpdesk.toml"
    path.write_text(text, encoding="utf-8")
    return path


def read(mapping: Path, source: Path, scratch: Path) -> str:
    with Reader(scratch, "256MB", 1) as reader:
        return render(read_outcome_mapping(mapping), source, reader)


def test_rows_become_outcomes_and_other_states_are_passed_over(tmp_path: Path) -> None:
    source = tmp_path / "cases.csv"
    source.write_text(
        "case,closed,status,points,run\n"
        "C-1,2026-10-01 10:00:00,Closed,2.5,run-7\n"
        "C-2,,Open,,\n"
        "C-3,2026-10-02T10:00:00+02:00,Review,,\n"
        "C-4,2026-10-02,Solved,1,\n",
        encoding="utf-8",
    )

    assert read(written(tmp_path, MAPPING), source, tmp_path / "scratch") == (
        '{"row_no": 2, "outcome_id": "C-1", "instant": "2026-10-01T10:00:00Z", "kind": "ticket",'
        ' "stage": "validated", "weight_e4": 25000, "team": "support", "workflow_key": "run-7"}\n'
        '{"row_no": 4, "outcome_id": "C-3", "instant": "2026-10-02T08:00:00Z", "kind": "ticket",'
        ' "stage": "completed", "weight_e4": 10000, "team": "support"}\n'
        "cases.csv:5: error[bad-instant]: closed is '2026-10-02'\n"
        "    expected: an instant as YYYY-MM-DDTHH:MM:SSZ, from 2000 to 2099, or without offset in"
        " UTC\n"
        "    do:       correct the field and ingest the file again\n"
        "noise 1 in another state\n"
    )


def test_json_is_read_by_paths_and_from_an_array(tmp_path: Path) -> None:
    mapping = MAPPING.replace('"table"', '"json"').replace('= "run"', '= "meta.run"')
    source = tmp_path / "cases.json"
    source.write_text(
        '[{"case": 7, "closed": "2026-10-01T10:00:00Z", "status": "Solved", "points": 0.5,'
        ' "meta": {"run": "r1"}}]',
        encoding="utf-8",
    )

    assert read(written(tmp_path, mapping), source, tmp_path / "scratch") == (
        '{"row_no": 1, "outcome_id": "7", "instant": "2026-10-01T10:00:00Z", "kind": "ticket",'
        ' "stage": "validated", "weight_e4": 5000, "team": "support", "workflow_key": "r1"}\n'
    )


def test_it_declares_what_it_gives_and_is_no_mapping_of_usage(tmp_path: Path) -> None:
    written(tmp_path, MAPPING)

    (ingestor,) = mapped_outcomes(tmp_path)

    assert ingestor.name == "mapped-helpdesk"
    assert ingestor.kinds == (OutcomeKind("ticket", Stage.VALIDATED, 7, "opened again"),)
    assert read_mappings(tmp_path) == ()


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('outcome_id = "case"\n', "", "nothing says the outcome_id"),
        ('kind = "ticket"\n', "", "nothing says the kind"),
        ('team = "support"', 'stage = "validated"', "stage is said twice"),
        ('stage = "status"\n', "", "[stages] has words and no field"),
        ('["Review"]', '["Closed"]', "'Closed' stands for two stages"),
        ('["Review"]', '"Review"', "[stages] completed is no list of texts"),
        ("after_days = 7", "after_days = 0", "[settles] after_days is '0'"),
        ('"opened again"', "7", "[settles] reversed_by is no text"),
        ("[stages]", "[states]", "there is no 'states'"),
        pytest.param('"points"', "[" * 10_000, "it is not readable TOML", id="endless"),
        pytest.param('"points"', "9" * 5_000, "it is not readable TOML", id="a number too long"),
        ('weight = "points"', 'size = "points"', "[outcome] has no 'size'"),
        ('role = "outcome"', 'role = "metered"', "role is 'metered'"),
    ],
)
def test_what_it_gets_wrong_is_refused(tmp_path: Path, old: str, new: str, what: str) -> None:
    path = written(tmp_path, MAPPING.replace(old, new))

    with pytest.raises(SourceError) as refused:
        read_outcome_mapping(path)

    assert refused.value.code == "bad-mapping"
    assert what in str(refused.value)
