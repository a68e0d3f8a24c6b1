"""A folder for `findings try`: what six projects used and delivered in twenty weeks.

The traps: a nightly agent at refunds that nobody stopped, a launch at forecasting that its outcomes
follow, a pitch project without any outcome, and depots, which send none.
"""

from datetime import date, timedelta
from pathlib import Path

from tests.sample_company.chance import between
from tests.sample_company.writing import write_text

_FIRST, _DAYS = date(2026, 6, 15), 140
_AGENT_FROM, _LAUNCH_FROM, _LAUNCH_DAYS = date(2026, 9, 1), date(2026, 8, 17), 28
# team, project, function, people, outcomes a person and workday in per cent
_PROJECTS = (
    ("payments", "refunds", "engineering", 6, 45),
    ("payments", "ledger", "engineering", 4, 45),
    ("platform", "build-farm", "engineering", 7, 45),
    ("platform", "gateway", "engineering", 5, 45),
    ("data", "forecasting", "engineering", 4, 45),
    ("data", "pricing", "engineering", 4, 45),
    ("support", "triage", "support", 3, 160),
    ("support", "helpdesk", "support", 3, 160),
    ("sales", "quotes", "support", 3, 160),
    ("sales", "pitch-bot", "support", 2, 0),
    ("depots", "routing", "engineering", 3, 0),
)
_USAGE = (
    "date,provider,model,team,project,user,workflow_key,requests,input_tokens,cached_input_tokens,"
    "cache_write_tokens,output_tokens,reasoning_tokens,distinct_prompts,sessions,failed_requests,"
    "offhours_requests,cost_usd"
)
# Nano-dollars a token: input, cached, written, output.
_PRICES = (3_000, 300, 3_750, 15_000)


def write_exports(folder: Path) -> None:
    """Write usage, outcomes, prices, projects and events."""
    usage, outcomes = [_USAGE], ["outcome_id,timestamp,kind,team,project,workflow_key,weight"]
    for day in (_FIRST + timedelta(days=number) for number in range(_DAYS)):
        for team, project, _, people, rate in _PROJECTS:
            usage += _usage(day, team, project, people)
            outcomes += _outcomes(day, team, project, people * rate)
    write_text(folder / "usage.csv", "\n".join(usage) + "\n")
    write_text(folder / "outcomes.csv", "\n".join(outcomes) + "\n")
    write_text(
        folder / "prices.csv",
        "provider,model,effective_from,input_per_mtok,cached_input_per_mtok,cache_write_per_mtok,"
        f"output_per_mtok\norion,orion-3,{_FIRST},3,0.3,3.75,15\n",
    )
    head = "team,project,function,headcount,start_date,declared_outcome,attribution_window_days"
    rows = (
        f"{team},{project},{function},{people},{_FIRST},change,14"
        for team, project, function, people, _ in _PROJECTS
    )
    write_text(folder / "projects.csv", "\n".join((head, *rows)) + "\n")
    launch = f"{_LAUNCH_FROM},{_LAUNCH_FROM + timedelta(days=_LAUNCH_DAYS - 1)}"
    write_text(
        folder / "events.csv",
        "start_date,end_date,kind,scope,detail\n"
        f"{launch},release,project:forecasting,new model goes live\n"
        "2026-10-09,2026-10-09,outage,provider:orion,\n",
    )


def _demand(day: date, project: str) -> int:
    """Return how much there is to do, in per cent."""
    usual = 100 if day.weekday() < 5 else 6
    launched = _LAUNCH_FROM <= day < _LAUNCH_FROM + timedelta(days=_LAUNCH_DAYS)
    return usual * (250 if project == "forecasting" and launched else 100) // 100


def _usage(day: date, team: str, project: str, people: int) -> list[str]:
    rows = []
    for person in range(people):
        noise = between(50, 150, "export", day, project, person)
        requests = 40 * _demand(day, project) * noise // 10_000
        if requests:
            key = f"{project}-{person}-{day.isocalendar().week}"
            user = f"{team[:2]}{project[:2]}{person}"
            rows.append(_row(day, (team, project, user, key), requests, 95, requests // 12))
    if project == "refunds" and day >= _AGENT_FROM:
        requests = between(330, 370, "agent", day)
        rows.append(_row(day, (team, project, "svc-nightly", "nightly"), requests, 12, requests))
    return rows


def _row(
    day: date, who: tuple[str, str, str, str], requests: int, distinct: int, off_hours: int
) -> str:
    tokens = (requests * 4_000, requests * 14_000, requests * 1_000, requests * 450)
    nanos = sum(count * price for count, price in zip(tokens, _PRICES, strict=True))
    counts = (
        *(requests, *tokens, tokens[3] // 5, max(1, requests * distinct // 100)),
        *(max(1, requests // 15), requests // 60, off_hours),
    )
    cost = f"{nanos // 10**9}.{nanos % 10**9:09d}"
    return ",".join((str(day), "orion", "orion-3", *who, *map(str, counts), cost))


def _outcomes(day: date, team: str, project: str, rate: int) -> list[str]:
    due = rate * _demand(day, project) * between(60, 140, "due", day, project) // 10_000
    count = due // 100 + (between(0, 99, "rest", day, project) < due % 100)
    rows = []
    for place in range(count):
        took = between(1, 4, "took", day, project, place)
        done = day + timedelta(days=took)
        if done < _FIRST + timedelta(days=_DAYS):
            person = between(0, 3, "whose", day, project, place)
            key = f"{project}-{person}-{day.isocalendar().week}"
            rows.append(f"{project}-{day}-{place},{done}T15:00:00Z,change,{team},{project},{key},1")
    return rows
