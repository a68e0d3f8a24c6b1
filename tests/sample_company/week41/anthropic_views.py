"""What Anthropic's other exports say of the week: cost, Console, analytics, Claude Code."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from tests.sample_company import prices
from tests.sample_company.anthropic_pages import DISPLAY_NAMES, cost_result
from tests.sample_company.chance import between
from tests.sample_company.tally import exact_text, start_of
from tests.sample_company.week41.week import (
    DAYS,
    TUESDAY,
    File,
    Week,
    email,
    midnight,
    next_midnight,
    page,
    table,
)

_PAGES = "anthropic/messages-2026-10.json"
_CONSOLE_TOKENS = {
    "input_uncached": "input_no_cache",
    "cache_write_5m": "input_cache_write_5m",
    "cache_write_1h": "input_cache_write_1h",
    "cache_read": "input_cache_read",
    "output": "output",
}
_CONSOLE_USAGE = (
    *("usage_date_utc", "model_version", "api_key", "workspace", "usage_type", "context_window"),
    *("usage_input_tokens_no_cache", "usage_input_tokens_cache_write_5m"),
    *("usage_input_tokens_cache_write_1h", "usage_input_tokens_cache_read"),
    *("usage_output_tokens", "web_search_count", "inference_geo", "speed"),
)
_CONSOLE_COST = (
    *("usage_date_utc", "model", "workspace", "api_key", "usage_type", "context_window"),
    *("token_type", "cost_usd", "list_price_usd", "cost_type", "inference_geo", "speed"),
    *("api_key_id", "api_key_status"),
)
_SPEND = (
    *("user_email", "account_uuid", "product", "model", "model_family", "total_requests"),
    *("total_prompt_tokens", "total_completion_tokens", "total_net_spend_usd"),
    "total_gross_spend_usd",
)
_ORGANISATION = "7e0d2f64-0000-4000-8000-000000000041"
_CODERS = ("ana", "kavya", "quentin")
_CHATTERS = ("greta", "hugo", "carla")


def files(week: Week) -> Iterator[File]:
    """Yield every file of this module, below the folder of its format."""
    yield "anthropic-cost-report/cost-2026-W41.json", _cost_report(week)
    yield "anthropic-console-usage-csv/claude_api_tokens_2026_10_05_to_09.csv", _console_usage(week)
    yield "anthropic-console-cost-csv/claude_api_cost_2026_10_05_to_09.csv", _console_cost(week)
    yield "claude-analytics-usage/usage-2026-W41.json", _analytics(week, "usage")
    yield "claude-analytics-costs/cost-2026-W41.json", _analytics(week, "cost")
    yield "claude-enterprise-usage/usage-2026-W41.json", _enterprise_usage()
    yield "claude-enterprise-costs/user-costs-2026-W41.json", _enterprise_costs()
    yield "claude-spend-report-csv/spend-report_2026-10-01_2026-10-31.csv", _spend_report()
    yield "claude-code-analytics/claude-code-2026-10-06.json", _claude_code()


def _meters(row: Mapping[str, Any]) -> dict[str, int]:
    made = row["cache_creation"]
    return {
        "input_uncached": row["uncached_input_tokens"],
        "cache_write_5m": made["ephemeral_5m_input_tokens"],
        "cache_write_1h": made["ephemeral_1h_input_tokens"],
        "cache_read": row["cache_read_input_tokens"],
        "output": row["output_tokens"],
    }


def _dollars(day: date, model: str, meters: Mapping[str, int]) -> Fraction:
    return prices.cost("anthropic", model, start_of(day), meters) or Fraction(0)


def _cost_report(week: Week) -> str:
    cents: Counter[tuple[date, str, str, str]] = Counter()
    told: dict[tuple[date, str, str, str], Fraction] = {}
    for day, row in week.results(_PAGES):
        for meter, quantity in _meters(row).items():
            cents[day, row["model"], meter, row["workspace_id"] or ""] += quantity
    for (day, model, meter, workspace), quantity in cents.items():
        told[day, model, meter, workspace] = 100 * _dollars(day, model, {meter: quantity})
    data = [
        {
            "starting_at": midnight(day),
            "ending_at": next_midnight(day),
            "results": [
                {**cost_result(model, meter, amount), "workspace_id": workspace or None}
                for (of_day, model, meter, workspace), amount in sorted(told.items())
                if of_day == day and amount
            ],
        }
        for day in DAYS
    ]
    return page({"data": data, "has_more": False, "next_page": None})


def _console_usage(week: Week) -> str:
    rows = [
        (
            *(day, row["model"], _key_name(row), _workspace_name(row), "standard", "≤ 200k"),
            *(_meters(row)[meter] for meter in _CONSOLE_TOKENS),
            row["server_tool_use"]["web_search_requests"],
            row["inference_geo"],
            "",
        )
        for day, row in week.results(_PAGES)
    ]
    return table(_CONSOLE_USAGE, rows)


def _console_cost(week: Week) -> str:
    rows = []
    for day, row in week.results(_PAGES):
        for meter, quantity in _meters(row).items():
            if not quantity:
                continue
            amount = round(_dollars(day, row["model"], {meter: quantity}) * 100)
            dollars = f"{amount // 100}.{amount % 100:02d}"
            rows.append(
                (
                    *(
                        day,
                        DISPLAY_NAMES[row["model"]],
                        _workspace_name(row),
                        _key_name(row),
                        "message",
                    ),
                    *("≤ 200k", _CONSOLE_TOKENS[meter], dollars, dollars, "token"),
                    *(row["inference_geo"], "", row["api_key_id"] or "", "active"),
                )
            )
    return table(_CONSOLE_COST, rows)


def _key_name(row: Mapping[str, Any]) -> str:
    return str(row["api_key_id"] or "").removeprefix("apikey_01").lower()


def _workspace_name(row: Mapping[str, Any]) -> str:
    return str(row["workspace_id"] or "Default").removeprefix("wrkspc_01")


def _analytics(week: Week, kind: str) -> str:
    rows = []
    for day, row in week.results(_PAGES):
        meters = _meters(row)
        group = {
            "actor": row["api_key_id"],
            "api_key_id": row["api_key_id"],
            "model": row["model"],
            "workspace_id": row["workspace_id"],
            "product": None,
        }
        used = {name: row[name] for name in ("uncached_input_tokens", "cache_creation")}
        used |= {name: row[name] for name in ("cache_read_input_tokens", "output_tokens")}
        used |= {
            "server_tool_use": row["server_tool_use"],
            "total_tokens": sum(meters.values()),
            "requests": None,
        }
        amount = exact_text(100 * _dollars(day, row["model"], meters))
        spent = {"amount": amount, "list_amount": amount, "currency": "USD", "requests": None}
        rows.append(
            {
                "starting_at": midnight(day),
                "ending_at": next_midnight(day),
                "group": group,
                kind: used if kind == "usage" else spent,
            }
        )
    return page({"data": rows, "has_more": False, "next_page": None})


def _tokens(*about: object) -> dict[str, int]:
    return {
        "input_uncached": between(20_000, 90_000, "claude input", *about),
        "cache_write_5m": between(10_000, 60_000, "claude write", *about),
        "cache_write_1h": 0,
        "cache_read": between(300_000, 900_000, "claude read", *about),
        "output": between(4_000, 20_000, "claude output", *about),
    }


def _enterprise_usage() -> str:
    data: list[dict[str, object]] = [
        {
            "starting_at": midnight(day),
            "ending_at": next_midnight(day),
            "results": [_enterprise_row(day, product) for product in ("chat", "cowork")],
        }
        for day in DAYS
    ]
    return page(_refreshed(data))


def _enterprise_row(day: date, product: str) -> dict[str, object]:
    meters = _tokens(day, product)
    return {
        "uncached_input_tokens": meters["input_uncached"],
        "cache_creation": {
            "ephemeral_5m_input_tokens": meters["cache_write_5m"],
            "ephemeral_1h_input_tokens": 0,
        },
        "cache_read_input_tokens": meters["cache_read"],
        "output_tokens": meters["output"],
        "server_tool_use": {"web_search_requests": 0},
        "requests": between(20, 90, "enterprise", day, product),
        "product": product,
        "model": "claude-sonnet-5",
        "context_window": "0-200k",
        **dict.fromkeys(("inference_geo", "speed", "rbac_group_id", "slack_channel_id")),
    }


def _enterprise_costs() -> str:
    rows = []
    for day in DAYS:
        for login in _CHATTERS:
            amount = exact_text(100 * _dollars(day, "claude-sonnet-5", _tokens(day, login)))
            rows.append(
                {
                    "actor": {
                        "type": "user_actor",
                        "user_id": f"user_01{login.title()}",
                        "email": email(login),
                        "name": login.title(),
                        "deleted": False,
                    },
                    "amount": amount,
                    "list_amount": amount,
                    "currency": "USD",
                    "requests": 12,
                    "product": "chat",
                    "model": "claude-sonnet-5",
                    **dict.fromkeys(("cost_type", "token_type", "context_window")),
                    **dict.fromkeys(("inference_geo", "speed", "rbac_group_id")),
                    "slack_channel_id": None,
                    "starting_at": midnight(day),
                    "ending_at": next_midnight(day),
                }
            )
    return page(_refreshed(rows))


def _refreshed(data: list[dict[str, object]]) -> dict[str, object]:
    return {
        "data": data,
        "data_refreshed_at": midnight(DAYS[-1] + timedelta(days=3)),
        "has_more": False,
        "next_page": None,
        "organization_id": "org_01Lindqvist",
    }


def _spend_report() -> str:
    rows = []
    for place, login in enumerate(_CHATTERS):
        tokens = _tokens("october", login)
        gross = round(_dollars(TUESDAY, "claude-sonnet-5", tokens) * 20 * 100)
        net = gross * 4 // 5
        rows.append(
            (
                *(email(login), f"7b1c0c1e-0000-4000-8000-0000000000{place:02d}", "Chat"),
                *("claude-sonnet-5", "Sonnet", 20 * (place + 3)),
                *(20 * (sum(tokens.values()) - tokens["output"]), 20 * tokens["output"]),
                *(f"{net // 100}.{net % 100:02d}", f"{gross // 100}.{gross % 100:02d}"),
            )
        )
    return table(_SPEND, rows)


def _claude_code() -> str:
    rows = []
    for login in _CODERS:
        used = {
            "input": between(900, 4000, "code input", login),
            "output": between(20_000, 60_000, "code output", login),
            "cache_read": between(1_000_000, 3_000_000, "code read", login),
            "cache_creation": between(60_000, 200_000, "code write", login),
        }
        names = ("input_uncached", "output", "cache_read", "cache_write_5m")
        meters = dict(zip(names, used.values(), strict=True))
        added = between(100, 600, "code lines", login)
        rows.append(
            {
                "date": midnight(TUESDAY),
                "organization_id": _ORGANISATION,
                "actor": {"type": "user_actor", "email_address": email(login)},
                "customer_type": "api",
                "subscription_type": None,
                "terminal_type": "vscode",
                "is_remote": False,
                "core_metrics": {
                    "num_sessions": 2,
                    "lines_of_code": {"added": added, "removed": added // 6},
                    "commits_by_claude_code": 3,
                    "pull_requests_by_claude_code": 1,
                },
                "tool_actions": {"edit_tool": {"accepted": 21, "rejected": 2}},
                "model_breakdown": [
                    {
                        "model": "claude-opus-5",
                        "tokens": used,
                        "estimated_cost": {
                            "currency": "USD",
                            "amount": round(100 * _dollars(TUESDAY, "claude-opus-5", meters)),
                        },
                    }
                ],
            }
        )
    return page({"data": rows, "has_more": False, "next_page": None})
