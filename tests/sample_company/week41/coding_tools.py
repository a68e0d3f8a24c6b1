"""GitHub Copilot and Cursor: who coded with what in the week, as both tools count it."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction

from tests.sample_company.chance import between, digest
from tests.sample_company.tally import exact_text, start_of
from tests.sample_company.week41.week import (
    DAYS,
    FRIDAY,
    MONDAY,
    File,
    Week,
    email,
    instant,
    lines,
    milliseconds,
    page,
    table,
)

_COPILOT_USERS = {"bo": "CC-4100", "jonas": "CC-4200", "rosa": "CC-4300"}
_CURSOR_USERS = ("emre", "mei", "samir")
_COPILOT = (
    *("date", "username", "product", "sku", "model", "quantity", "unit_type"),
    *("applied_cost_per_quantity", "gross_amount", "discount_amount", "net_amount"),
    *("total_monthly_quota", "organization", "repository", "cost_center_name", "aic_quantity"),
    *("aic_gross_amount", "input", "output", "cache_read", "cache_write"),
)
_CREDIT = Fraction(1, 100)
_CURSOR = (
    *("Date", "User", "Cloud Agent ID", "Automation ID", "Kind", "Model", "Max Mode"),
    *("Input (w/ Cache Write)", "Input (w/o Cache Write)", "Cache Read", "Output Tokens"),
    *("Total Tokens", "Cost"),
)
_CYCLE = date(2026, 9, 21)


def files(week: Week) -> Iterator[File]:
    """Yield every file of this module, below the folder of its format."""
    del week
    yield "copilot-billing-csv/ai-usage-2026-10-05_2026-10-09.csv", _copilot()
    yield "copilot-usage-api/ai-credit-usage-2026-10-05.json", _copilot_day(MONDAY)
    yield "copilot-metrics/users-1-day-2026-10-05.jsonl", lines(_copilot_metrics(MONDAY))
    yield "cursor-usage-events/usage-events-2026-W41.json", _cursor_events()
    yield "cursor-usage-csv/usage-events-2026-10-09.csv", _cursor_csv()
    yield "cursor-dashboard-events/get-filtered-usage-events-2026-W41.json", _cursor_dashboard()
    yield "cursor-spend/spend-2026-10-09.json", _cursor_spend()
    yield "cursor-daily-usage/daily-usage-2026-W41.json", _cursor_daily()
    yield "cursor-ai-code/commits-2026-W41.json", _cursor_commits()


def _credits(login: str, day: date) -> Fraction:
    """Return the credits that a person used of Copilot on a day."""
    return Fraction(between(8_000, 90_000, "copilot", login, day), 1000)


def _covered(login: str, day: date) -> bool:
    # The pool that comes with the seats is used up on Thursday.
    del login
    return day < DAYS[3]


def _copilot() -> str:
    rows = []
    for day in DAYS:
        for login, cost_centre in _COPILOT_USERS.items():
            used = _credits(login, day)
            gross = used * _CREDIT
            net = Fraction(0) if _covered(login, day) else gross
            tokens = int(used * 100)
            rows.append(
                (
                    *(day, login, "copilot", "copilot_ai_credit", "Claude Sonnet 4.6"),
                    *(exact_text(used), "ai-credits", "0.01", exact_text(gross)),
                    *(exact_text(gross - net), exact_text(net), "1900", "lindqvist-freight", ""),
                    *(cost_centre, "0", "0", tokens, tokens * 2, tokens * 130, tokens * 7),
                )
            )
    return table(_COPILOT, rows, quoted=True)


def _copilot_day(day: date) -> str:
    used = sum((_credits(login, day) for login in _COPILOT_USERS), Fraction(0))
    item = {
        "product": "Copilot",
        "sku": "Copilot AI Credits",
        "model": "Claude Sonnet 4.6",
        "unitType": "credits",
        "pricePerUnit": 0.01,
        "grossQuantity": float(used),
        "grossAmount": float(used * _CREDIT),
        "discountQuantity": float(used),
        "discountAmount": float(used * _CREDIT),
        "netQuantity": 0,
        "netAmount": 0,
    }
    period = {"year": day.year, "month": day.month, "day": day.day}
    return page({"timePeriod": period, "organization": "lindqvist-freight", "usageItems": [item]})


def _copilot_metrics(day: date) -> Iterator[Mapping[str, object]]:
    for place, login in enumerate(_COPILOT_USERS):
        requests = between(20, 90, "copilot cli", login, day)
        yield {
            "day": day.isoformat(),
            "organization_id": "8141",
            "user_id": 1001 + place,
            "user_login": login,
            "user_initiated_interaction_count": requests // 2,
            "code_generation_activity_count": requests,
            "code_acceptance_activity_count": requests // 3,
            "loc_added_sum": requests * 6,
            "loc_deleted_sum": requests,
            "used_cli": True,
            "ai_credits_used": float(_credits(login, day)),
            "totals_by_cli": {
                "session_count": 2,
                "request_count": requests,
                "prompt_count": requests // 4,
                "token_usage": {
                    "output_tokens_sum": requests * 150,
                    "prompt_tokens_sum": requests * 13_000,
                    "avg_tokens_per_request": 13_150.0,
                },
            },
        }


class _Event:
    """One use of Cursor, before any of its three exports.

    Args:
        login: who.
        day: when.
        place: the first of the day is included in the plan, the rest is on demand.
    """

    def __init__(self, login: str, day: date, place: int) -> None:
        self.login = login
        self.day = day
        hour = timedelta(hours=9 + 2 * place, seconds=between(0, 3000, "cursor", login, day, place))
        self.at: datetime = start_of(day) + hour + timedelta(milliseconds=41)
        self.is_included = place == 0
        self.tokens = {
            "inputTokens": between(300, 2500, "cursor input", login, day, place),
            "outputTokens": between(500, 4000, "cursor output", login, day, place),
            "cacheWriteTokens": between(2_000, 30_000, "cursor write", login, day, place),
            "cacheReadTokens": between(40_000, 300_000, "cursor read", login, day, place),
        }

    @property
    def cents(self) -> Fraction:
        """What it costs: Claude Sonnet 4.6 at list prices, in cents."""
        per_million = {"inputTokens": 300, "outputTokens": 1500, "cacheWriteTokens": 375}
        per_million |= {"cacheReadTokens": 30}
        spent = sum(count * per_million[name] for name, count in self.tokens.items())
        return Fraction(spent, 10**6)

    @property
    def dollars(self) -> str:
        """The same in dollars, rounded to cents, as the dashboard rounds."""
        cents = round(self.cents)
        return f"{cents // 100}.{cents % 100:02d}"


def _events() -> list[_Event]:
    events = [
        _Event(login, day, place) for day in DAYS for login in _CURSOR_USERS for place in range(3)
    ]
    return sorted(events, key=lambda event: event.at)


def _cursor_events() -> str:
    events = [
        {
            "timestamp": str(milliseconds(event.at)),
            "userEmail": email(event.login),
            "conversationId": digest("conversation", event.login, event.day)[:12],
            "model": "claude-sonnet-4.6",
            "kind": "Included in Business" if event.is_included else "Usage-based",
            "maxMode": False,
            "requestsCosts": 1,
            "isTokenBasedCall": True,
            "isChargeable": not event.is_included,
            "isHeadless": False,
            "tokenUsage": {**event.tokens, "totalCents": float(event.cents)},
            "chargedCents": float(event.cents),
        }
        for event in _events()
    ]
    last = milliseconds(FRIDAY + timedelta(days=1)) - 1
    pages = {"numPages": 1, "currentPage": 1, "pageSize": 1000}
    return page(
        {
            "totalUsageEventsCount": len(events),
            "pagination": {**pages, "hasNextPage": False, "hasPreviousPage": False},
            "usageEvents": events,
            "period": {"startDate": milliseconds(MONDAY), "endDate": last},
        }
    )


def _cursor_csv() -> str:
    order = ("cacheWriteTokens", "inputTokens", "cacheReadTokens", "outputTokens")
    rows = [
        (
            *(instant(event.at), email(event.login), "", ""),
            "Included" if event.is_included else "On-Demand",
            *("claude-sonnet-4.6", "No", *(event.tokens[name] for name in order)),
            sum(event.tokens.values()),
            "Included" if event.is_included else event.dollars,
        )
        for event in reversed(_events())
    ]
    return table(_CURSOR, rows, quoted=True)


def _cursor_dashboard() -> str:
    events = [
        {
            "timestamp": str(milliseconds(event.at)),
            "model": "claude-sonnet-4.6",
            "kind": "USAGE_EVENT_KIND_"
            + ("INCLUDED_IN_BUSINESS" if event.is_included else "USAGE_BASED"),
            "maxMode": False,
            "requestsCosts": 1,
            "usageBasedCosts": "-" if event.is_included else f"${event.dollars}",
            "isTokenBasedCall": True,
            "tokenUsage": {**event.tokens, "totalCents": float(event.cents)},
            "owningUser": str(48_120_000 + _CURSOR_USERS.index(event.login)),
            "owningTeam": "9041",
        }
        for event in reversed(_events())
    ]
    return page({"totalUsageEventsCount": len(events), "usageEventsDisplay": events})


def _cursor_spend() -> str:
    members = []
    for login in _CURSOR_USERS:
        own = [event for event in _events() if event.login == login]
        demand = sum((event.cents for event in own if not event.is_included), Fraction(0))
        members.append(
            {
                "userId": f"user_01{login}",
                "name": login.title(),
                "email": email(login),
                "role": "member",
                "spendCents": float(demand),
                "overallSpendCents": float(sum((event.cents for event in own), Fraction(0))),
                "fastPremiumRequests": 0,
                "hardLimitOverrideDollars": 0,
                "monthlyLimitDollars": None,
                "effectivePerUserLimitDollars": 100,
            }
        )
    return page(
        {
            "teamMemberSpend": members,
            "subscriptionCycleStart": milliseconds(_CYCLE),
            "totalMembers": len(members),
            "totalPages": 1,
        }
    )


def _cursor_daily() -> str:
    rows = [
        {
            "userId": f"user_01{login}",
            "day": day.isoformat(),
            "date": milliseconds(day),
            "isActive": True,
            "totalLinesAdded": between(40, 300, "cursor lines", login, day),
            "composerRequests": 1,
            "chatRequests": 0,
            "agentRequests": 2,
            "cmdkUsages": 0,
            "subscriptionIncludedReqs": 1,
            "apiKeyReqs": 0,
            "usageBasedReqs": 2,
            "mostUsedModel": "claude-sonnet-4.6",
            "email": email(login),
        }
        for day in DAYS
        for login in _CURSOR_USERS
    ]
    period = {"startDate": milliseconds(MONDAY), "endDate": milliseconds(FRIDAY)}
    people = len(_CURSOR_USERS)
    shown = {"page": 1, "pageSize": 1000, "totalUsers": people, "totalPages": 1}
    return page({"period": period, "data": rows, "pagination": shown})


def _cursor_commits() -> str:
    items = []
    for login in _CURSOR_USERS:
        lines_added = between(30, 200, "commit", login)
        stamp = start_of(FRIDAY) + timedelta(hours=15)
        items.append(
            {
                "commitHash": digest("commit", login)[:40],
                "userId": f"user_01{login}",
                "userEmail": email(login),
                "repoName": "lindqvist-freight/build-farm",
                "branchName": "PLT-160-caches",
                "isPrimaryBranch": False,
                "commitSource": "ide",
                "totalLinesAdded": lines_added,
                "totalLinesDeleted": 4,
                "tabLinesAdded": lines_added // 5,
                "tabLinesDeleted": 0,
                "composerLinesAdded": lines_added // 2,
                "composerLinesDeleted": 4,
                "nonAiLinesAdded": lines_added - lines_added // 5 - lines_added // 2,
                "nonAiLinesDeleted": 0,
                "message": "PLT-160 keep the caches",
                "commitTs": instant(stamp),
                "createdAt": instant(stamp + timedelta(minutes=1)),
            }
        )
    return page({"items": items, "totalCount": len(items), "page": 1, "pageSize": 100})
