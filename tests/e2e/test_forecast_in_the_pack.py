"""A month that is not over: its pack and its budgets say what it will come to."""

import json
from pathlib import Path

import pytest

from metering.core.money import nanos_from_decimal_text
from metering.core.periods import BillingPeriod
from metering.settings import Settings
from metering.workflows.posting.post import post
from metering.workflows.reports.report import read_snapshot
from tests.support.command_line import done, metering, told
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest, run

OCTOBER = BillingPeriod(2026, 10)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = fresh_ledger(tmp_path_factory.mktemp("forecast") / "ledger")
    usage = SAMPLE / "usage" / "openai"
    ingest(
        settings,
        *(usage / f"completions-2026-{month}.json" for month in ("05", "06", "07", "08", "09")),
        usage / "completions-2026-10-01-to-14.json",
        SAMPLE / "usage" / "anthropic" / "messages-2026-09.json",
    )
    post(settings, run("post"))
    return settings


def test_owners_of_an_open_month_have_forecasts_that_add_up(ledger: Settings) -> None:
    snapshot = read_snapshot(ledger, OCTOBER)

    assert snapshot.forecasts is not None
    stated = {
        (one.cost_centre, one.team, one.project): one.nanos
        for one in snapshot.forecasts
        if one.currency == "USD"
    }
    for (centre, team, project), nanos in stated.items():
        below = [
            amount
            for names, amount in stated.items()
            if names[0] == centre
            and ((not team and names[1] and not names[2]) or (team == names[1] and names[2]))
        ]
        if not project and below:
            assert nanos == sum(below), (centre, team)
    billed = snapshot.lines.control_totals()["USD"]
    assert sum(nanos for names, nanos in stated.items() if not names[1]) > billed
    # A month whose days are all known is not forecast.
    assert read_snapshot(ledger, OCTOBER.previous).forecasts is None


def test_the_pack_has_a_column_for_it_and_every_face_says_the_same(
    ledger: Settings, tmp_path: Path
) -> None:
    pack = ("report", "chargeback", "2026-10", "--format", "html,json")
    done(ledger, *pack, "--out", tmp_path)
    document = json.loads((tmp_path / "chargeback-2026-10.json").read_text(encoding="utf-8"))
    page = (tmp_path / "chargeback-2026-10.html").read_text(encoding="utf-8")

    [account] = [one for one in document["accounts"] if one["currency"] == "USD"]
    centre = next(one for one in account["forecasts"] if not one["team"])
    shown = f"{nanos_from_decimal_text(centre['amount']) / 10**9:,.2f}"
    assert ">Forecast<" in page
    assert shown in page


def test_budgets_are_checked_against_the_forecast(ledger: Settings, tmp_path: Path) -> None:
    forecast = told(ledger, "forecast", "2026-10")
    centre = next(one for one in forecast["parts"] if one["forecast_nanos"] is not None)
    limit = f"{centre['forecast_nanos'] / 10**9 - 1:.2f}"
    file = tmp_path / "budgets.csv"
    file.write_text(
        "cost_centre,team,project,period,amount,currency\n"
        f"{centre['name']},,,2026-10,{limit},USD\n",
        encoding="utf-8",
    )
    done(ledger, "budgets", "import", file)

    checked = metering(ledger, "budgets", "check", "2026-10", "--format", "json")

    assert checked.exit_code == 3
    stands = json.loads(checked.stdout)["budgets"]
    [stand] = [one for one in stands if one["cost_centre"] == centre["name"]]
    assert stand["state"] == "forecast-over"
    assert stand["forecast_by"] == "forecast"
    for name in ("forecast_nanos", "low_nanos", "high_nanos"):
        assert stand[name] == centre[name]


def test_who_was_asked_about_what_is_nobodys_stands_in_the_pack(ledger: Settings) -> None:
    september = OCTOBER.previous
    assert read_snapshot(ledger, september).asked == ()
    opened = metering(
        ledger,
        *("dispute", "open", "2026-09/suspense:unattributed", "--reason", "whose key is it?"),
        *("--owner", "platform leads"),
    )
    assert opened.exit_code == 0, opened.output

    asked = read_snapshot(ledger, september).asked

    assert {(one.provider, one.asked) for one in asked} == {("anthropic", "platform leads")}
    assert read_snapshot(ledger, OCTOBER).asked == ()
