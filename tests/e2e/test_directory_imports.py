"""Files of a directory come together, in any order, or not at all."""

import json
from datetime import date
from itertools import permutations
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from metering.cli.main import main
from metering.settings import Settings
from metering.workflows.ownership.owners import show
from tests.support.ledgers import fresh_ledger

GROUPS = ("pay", "everybody")
ENTRIES = {
    "entries": [
        {"dn": "uid=ana", "uid": "ana", "employeeNumber": "E1", "mail": "ana@example.com"},
        *({"dn": f"cn={name}", "cn": name, "member": ["uid=ana"]} for name in GROUPS),
    ]
}
TEAMS = "team,cost_centre\npay,CC-1\n"
KEYS = "key,person,project,team\nkey_ana,E1,,\n"


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    settings = fresh_ledger(tmp_path / "ledger")
    monkeypatch.chdir(settings.home)
    Path("ad.json").write_text(json.dumps(ENTRIES, indent=1), encoding="utf-8")
    Path("teams.csv").write_text(TEAMS, encoding="utf-8")
    Path("keys.csv").write_text(KEYS, encoding="utf-8")
    return settings


def take(*names: str) -> Result:
    return CliRunner().invoke(main, ["owners", "import", *names, "--as-of", "2026-10-01"])


@pytest.mark.parametrize("order", list(permutations(("ad.json", "teams.csv", "keys.csv"))))
def test_which_group_is_a_team_may_be_said_by_a_file_beside(
    ledger: Settings, order: tuple[str, ...]
) -> None:
    taken = take(*order)

    assert taken.exit_code == 0, taken.stderr
    for key in ("key_ana", "ana", "ana@example.com"):
        shown = show(ledger, key, date(2026, 10, 1))
        assert {one.owned.owner.cost_centre for one in shown if one.owned} == {"CC-1"}


@pytest.mark.usefixtures("ledger")
def test_without_teams_two_groups_are_two_owners_and_nothing_is_taken() -> None:
    refused = take("ad.json")

    assert refused.exit_code == 1
    assert "ad.json:3: error[two-owners]: groups is 'pay (line" in refused.stderr
    assert take("keys.csv").exit_code == 1  # E1 is not known


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "teams.csv",
            TEAMS + "pay,CC-2\n",
            "teams.csv:3: error[overlapping-validity]: team is 'pay', team pay, from the beginning",
        ),
        (
            "teams.csv",
            "team,cost_centre\npay,\n",
            "teams.csv:2: error[missing-cost-centre]: cost_centre is empty",
        ),
        ("keys.csv", KEYS + "k2,E1,,pay\n", "keys.csv:3: error[bad-row]: key is person and team"),
    ],
)
def test_a_line_that_cannot_be_is_named_and_nothing_is_taken(
    ledger: Settings, name: str, text: str, told: str
) -> None:
    path = ledger.home / name
    path.write_text(text, encoding="utf-8")

    refused = take("ad.json", "teams.csv", "keys.csv")

    assert refused.exit_code == 1
    assert told in refused.stderr
    path.write_text({"teams.csv": TEAMS, "keys.csv": KEYS}[name], encoding="utf-8")
    assert "version 1" in take("ad.json", "teams.csv", "keys.csv").stderr
