"""A company like that of the practice data, from the command line to the four sums of each project.

Usage is a bill of a house's own with what each line cost, outcomes are in our own layout, and the
owner of everything is its project. What the funnel says is worked out a second time here, row by
row and day by day, from the files alone.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from metering.settings import FILE_NAME, Settings
from tests.support.attribution_oracle import Produced, Used, answered
from tests.support.command_line import done, told
from tests.support.ledgers import new_ledger

FIRST, DAYS = date(2026, 8, 1), 92
PERIOD = "2026-09"
WINDOWS = {"eng": 14, "service": 5, "studio": 21, "lab": 60}

USAGE_MAPPING = """
name = "practice"
describes = "practice: what each line cost"
export = "the generator below"
form = "table"
role = "metered"
identity = "event"
[recognise]
fields = ["line", "day", "cost_usd"]
[time]
form = "day"
[constants]
provider = "alpha"
platform = "alpha-api"
product = "api"
grain = "day"
[usage]
event_id = "line"
start = "day"
model_raw = "model"
principal = "project"
workflow_key = "workflow_key"
[meters]
output = "tokens"
[cost]
amount = "cost_usd"
currency = "USD"
per_unit = 1
kind = "billed"
"""


@dataclass(frozen=True, slots=True)
class Company:
    used: Sequence[Used]
    produced: Sequence[Produced]
    windows: Mapping[str, int]
    without_outcome: frozenset[str]
    without_feed: frozenset[str]


def company(seed: int) -> Company:
    """Return three months of ten projects; two have no outcomes and one team has no feed."""
    chance = random.Random(seed)  # noqa: S311 - practice data
    used: list[Used] = []
    produced: list[Produced] = []
    windows: dict[str, int] = {}
    silent, unfed = {"prj-3", "prj-6"}, {"prj-8", "prj-9"}
    for number in range(10):
        project, team = f"prj-{number}", f"team-{number // 2}"
        role = chance.choice(sorted(WINDOWS))
        windows[project] = WINDOWS[role]
        work = 0
        for at in range(DAYS):
            day = FIRST + timedelta(days=at)
            if day.weekday() > 4 and role != "service":
                continue
            key = f"{project}-{work:04d}"
            used.extend(
                Used(day, team, project, key, chance.randint(1, 10**10), chance.randint(0, 10**6))
                for _ in range(chance.randint(1, 3))
            )
            if chance.random() < 0.5:
                work += 1
                if project in silent | unfed:
                    continue
                came = day + timedelta(days=max(0, round(chance.gauss(WINDOWS[role] / 2, 4))))
                weight = chance.randint(1, 30_000)
                named = key if chance.random() < 0.9 else ""
                produced.append(Produced(came, team, project, named, weight))
                if chance.random() < 0.15:
                    back = came + timedelta(days=chance.randint(0, 20))
                    produced.append(Produced(back, team, project, named, -weight))
    last = FIRST + timedelta(days=DAYS - 1)
    kept = [one for one in produced if one.day <= last]
    return Company(used, kept, windows, frozenset(silent), frozenset(unfed))


def expected(found: Company) -> dict[str, Counter[str]]:
    """Return the sums of the period by project, as the definition says them."""
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for row, bucket in answered(found.used, found.produced, found.windows):
        if f"{row.day:%Y-%m}" == PERIOD:
            sums[row.project][f"{bucket}_nanos"] += row.nanos
            sums[row.project]["tokens"] += row.tokens
    return sums


def _decimal(number: int, places: int) -> str:
    sign, number = ("-", -number) if number < 0 else ("", number)
    return f"{sign}{number // 10**places}.{number % 10**places:0{places}d}"


def written(found: Company, folder: Path) -> None:
    lines = ["line,day,model,project,workflow_key,tokens,cost_usd"]
    lines += [
        f"{at},{one.day},alpha-large,{one.project},{one.key},{one.tokens},{_decimal(one.nanos, 9)}"
        for at, one in enumerate(found.used)
    ]
    (folder / "usage.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    lines = ["outcome_id,timestamp,kind,team,project,workflow_key,weight"]
    lines += [
        f"o{at:05d},{one.day}T23:30:00Z,piece_delivered,{one.team},{one.project},{one.key},"
        f"{_decimal(one.weight_e4, 4)}"
        for at, one in enumerate(found.produced)
    ]
    (folder / "outcomes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    owners = ["key,person,team,project,cost_centre,valid_from,valid_to"]
    owners += sorted({f"{one.project},,{one.team},{one.project},CC,,\n" for one in found.used})
    (folder / "owners.csv").write_text(
        "\n".join(line.strip() for line in owners) + "\n", encoding="utf-8"
    )
    (folder / "mappings").mkdir()
    (folder / "mappings" / "practice.toml").write_text(USAGE_MAPPING, encoding="utf-8")
    with (folder / "metering.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[outcomes.windows]\n")
        settings.writelines(f"{project} = {days}\n" for project, days in found.windows.items())


@dataclass(frozen=True, slots=True)
class Ledger:
    settings: Settings
    company: Company

    def funnel(self, period: str) -> Any:
        return told(self.settings, "outcomes", "funnel", period)

    def costs(self, period: str) -> Any:
        return told(self.settings, "outcomes", "costs", period)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Return a ledger with all of it ingested and posted."""
    settings = new_ledger(tmp_path_factory.mktemp("practice"))
    found = company(7001)
    written(found, settings.home)
    done(settings, "owners", "import", settings.home / "owners.csv")
    done(settings, "ingest", settings.home / "usage.csv")
    done(settings, "outcomes", "ingest", settings.home / "outcomes.csv")
    done(settings, "post")
    return Ledger(settings, found)


def test_the_four_sums_of_every_project_are_exact(ledger: Ledger) -> None:
    funnel = ledger.funnel(PERIOD)

    said = {
        row["project"]: Counter(
            {
                **{name: row[name] for name in ("keyed_nanos", "project_nanos", "pending_nanos")},
                **row["unattributed"],
                "tokens": row["tokens"],
            }
        )
        for row in funnel["rows"]
    }
    assert {name: +sums for name, sums in said.items()} == {
        name: +sums for name, sums in expected(ledger.company).items()
    }


def test_the_funnel_has_the_total_of_the_period(ledger: Ledger) -> None:
    (total,) = ledger.funnel(PERIOD)["totals"]
    parts = ("keyed_nanos", "project_nanos", "pending_nanos", "unattributed_nanos")

    periods = told(ledger.settings, "period", "list")

    assert total["spend_nanos"] == sum(total[part] for part in parts)
    assert [total["spend_nanos"]] == [
        one["billed_nanos"] for one in periods if one["period"] == PERIOD
    ]


def test_projects_without_outcomes_and_teams_without_a_feed_are_told_apart(ledger: Ledger) -> None:
    # August: by the end of October every window but that of a lab is over.
    funnel = ledger.funnel("2026-08")

    found = ledger.company
    never = {row["project"] for row in funnel["rows"] if row["last_outcome"] is None}
    feeds = {feed["team"]: feed["status"] for feed in funnel["feeds"]}
    assert never == found.without_outcome | found.without_feed
    assert {team for team, status in feeds.items() if status == "no feed"} == {"team-4"}
    for row in funnel["rows"]:
        if row["project"] in found.without_feed:
            assert row["unattributed_nanos"] == row["unattributed"]["no_feed_nanos"]
        if row["project"] in never:
            assert row["nanos_per_unit"]["validated"] is None


def days_told(produced: Sequence[Produced]) -> list[date]:
    """Return the days on which more came than was taken back."""
    weights: Counter[date] = Counter()
    for one in produced:
        weights[one.day] += one.weight_e4
    return sorted(+weights)


def test_an_outcome_costs_what_was_spent_a_window_before_it_settled(ledger: Ledger) -> None:
    found = ledger.company
    last = max(one.day for one in found.used)
    costs = {one["project"]: one for one in ledger.costs("2026-10")["costs"]}

    assert costs.keys() == found.windows.keys() - found.without_outcome - found.without_feed
    for project, said in costs.items():
        window = timedelta(days=found.windows[project])
        came = [one for one in found.produced if one.project == project]
        days = days_told(came)
        begun = days[0] - window
        pauses = [(b - a).days for a, b in pairwise(days)]
        is_silent = (last - days[-1]).days > max(7, *pauses)
        until = days[-1] if is_silent else last
        end = min(until, last - timedelta(days=14)) + timedelta(days=1) - window
        used = min(one.day for one in found.used if one.project == project)
        weeks = max(0, (end - max(used, begun)).days // 7)
        assert said["weeks"] == weeks
        first = end - timedelta(days=7 * weeks)
        nanos = sum(
            one.nanos for one in found.used if one.project == project and first <= one.day < end
        )
        weight = sum(one.weight_e4 for one in came if first + window <= one.day < end + window)
        assert (said["cost_nanos"], said["usage_nanos"]) == (nanos, nanos)
        if not weeks:
            assert (said["settled"], said["average_nanos"]) == (None, None)
            continue
        assert said["settled"] == _decimal(weight, 4).rstrip("0").rstrip(".")
        average = None if weight <= 0 else round(Fraction(nanos * 10_000, weight))
        assert said["average_nanos"] == average


def test_review_rework_and_value_are_counted_where_they_are_said(ledger: Ledger) -> None:
    settings = ledger.settings.home / FILE_NAME
    before = settings.read_text(encoding="utf-8")
    plain = {one["project"]: one for one in ledger.costs("2026-10")["costs"]}
    settings.write_text(
        before + '[outcomes.review]\npiece_delivered = "USD 2.00"\n'
        '[outcomes.values]\npiece_delivered = "USD 500.00"\n',
        encoding="utf-8",
    )
    try:
        said = {one["project"]: one for one in ledger.costs("2026-10")["costs"]}
    finally:
        settings.write_text(before, encoding="utf-8")

    for project, one in said.items():
        assert one["cost_nanos"] == plain[project]["cost_nanos"] + one["review_nanos"]
        assert one["value_nanos"] == 500 * 10**9
        if one["average_nanos"] is not None:
            ratio = Fraction(500 * 10**9, one["average_nanos"])
            assert Fraction(one["self_funding_ratio"]) == pytest.approx(ratio, abs=1e-4)
    assert any(one["review_nanos"] for one in said.values())
    assert all(one["self_funding_ratio"] is None for one in plain.values())
