"""Smaller providers: DeepSeek and Mistral as they bill, others as teams tried them for a week."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction

from tests.sample_company import prices
from tests.sample_company.chance import between, digest
from tests.sample_company.tally import exact_text, start_of
from tests.sample_company.week41.week import (
    DAYS,
    FRIDAY,
    MONDAY,
    TUESDAY,
    File,
    Week,
    instant,
    lines,
    midnight,
    number,
    page,
    seconds,
    table,
)
from tests.sample_company.writing import compact

_AMOUNT = (
    *("user_id", "start_time_iso", "end_time_iso", "model", "api_key_name", "api_key"),
    *("type", "price", "amount"),
)
_COST = (
    *("user_id", "start_time_iso", "end_time_iso", "model", "wallet_type", "cost", "currency"),
)
_DEEPSEEK_KINDS = {
    "cache_read": "input_cache_hit_tokens",
    "input_uncached": "input_cache_miss_tokens",
    "output": "output_tokens",
}
_OPENROUTER = (
    *("generation_id", "created_at", "cost_total", "cost_web_search", "cost_cache"),
    *("cost_file_processing", "byok_usage_inference", "tokens_prompt", "tokens_completion"),
    *("tokens_reasoning", "tokens_cached", "model_permaslug", "provider_name", "variant"),
    *("cancelled", "streamed", "user", "finish_reason_raw", "finish_reason_normalized"),
    *("generation_time_ms", "time_to_first_token_ms", "api_key_disabled", "api_key_name"),
    "app_name",
)
_EVENTS = (
    *("Id", "EventTime", "CardDefinitionDeveloperName", "UsageTypeDeveloperName"),
    *("FeatureDeveloperName", "ResourceIdOrApiName", "UsageBusinessEnvType", "UsageValue"),
    *("Multiplier", "UnitsConsumed", "Unit", "UserIdentifier", "CorrelationIdentifier"),
)
_TOTALS = ("utilizationdate__c", "carddefinitiondevelopername__c", "unitsconsumed__c")
_CREDITS_AN_ACTION = 20


def files(week: Week) -> Iterator[File]:
    """Yield every file of this module, below the folder of its format."""
    yield "deepseek-amount-csv/amount-2026-10.csv", _deepseek_amounts(week)
    yield "deepseek-cost-csv/cost-2026-10.csv", _deepseek_costs(week)
    yield "groq-requests/answers-2026-10-06.jsonl", lines(_groq())
    yield "mistral-usage/usage-2026-10.json", _mistral()
    yield "openrouter-activity-csv/openrouter_activity_2026-10-09.csv", _openrouter_csv()
    yield "openrouter-activity/activity-2026-10-09.json", _openrouter_days()
    yield "openrouter-generations/generations-2026-W41.jsonl", lines(_openrouter_generations())
    yield "xai-usage/usage-2026-W41.json", _xai_usage()
    yield "xai-prepaid/balance-2026-10-09.json", _xai_prepaid()
    yield "xai-requests/answers-2026-W41.jsonl", lines(answer.row for answer in _answers())
    yield "salesforce-wallet-events/TenantConsumptionInsights-2026-W41.csv", _wallet_events()
    yield "salesforce-wallet-totals/TenantDailyEntitlementConsumption-2026-W41.csv", _wallet_days()


# --- DeepSeek -------------------------------------------------------------------------------


def _deepseek_sums(week: Week) -> dict[tuple[date, str, str], int]:
    sums: Counter[tuple[date, str, str]] = Counter()
    for day in DAYS:
        for call in week.calls(day):
            if call.provider == "deepseek":
                sums[day, call.model, "request_count"] += 1
                for meter, kind in _DEEPSEEK_KINDS.items():
                    sums[day, call.model, kind] += call.meters[meter]
    return dict(sorted(sums.items()))


def _deepseek_price(day: date, model: str, kind: str) -> Fraction:
    meter = next((meter for meter, spelt in _DEEPSEEK_KINDS.items() if spelt == kind), None)
    if meter is None:
        return Fraction(0)
    million = prices.cost("deepseek", model, start_of(day), {meter: 10**6})
    return (million or Fraction(0)) / 10**6


def _day_bounds(day: date) -> tuple[str, str]:
    start, end = start_of(day), start_of(day + timedelta(days=1))
    return f"{start:%Y-%m-%dT%H:%M:%S}+00:00", f"{end:%Y-%m-%dT%H:%M:%S}+00:00"


def _deepseek_amounts(week: Week) -> str:
    rows = []
    for (day, model, kind), count in _deepseek_sums(week).items():
        price = _deepseek_price(day, model, kind)
        key = ("nightly-extract", "sk-41***ab")
        spelt = exact_text(price) if price else ""
        rows.append(("u-lindqvist", *_day_bounds(day), model, *key, kind, spelt, count))
    return table(_AMOUNT, rows)


def _deepseek_costs(week: Week) -> str:
    spent: dict[tuple[date, str], Fraction] = {}
    for (day, model, kind), count in _deepseek_sums(week).items():
        before = spent.get((day, model), Fraction(0))
        spent[day, model] = before + count * _deepseek_price(day, model, kind)
    rows = [
        ("u-lindqvist", *_day_bounds(day), model, "Paid", exact_text(cost), "USD")
        for (day, model), cost in spent.items()
    ]
    return table(_COST, rows)


# --- Groq -----------------------------------------------------------------------------------


def _groq() -> Iterator[Mapping[str, object]]:
    """Yield the translators' trial: every fourth answer is streamed, and only its end has usage."""
    for place in range(24):
        name = digest("groq", place)
        prompt, answer = between(300, 2400, "groq", place), between(80, 900, "groq out", place)
        usage = {"prompt_tokens": prompt, "completion_tokens": answer}
        usage["total_tokens"] = prompt + answer
        row: dict[str, object] = {
            "id": f"chatcmpl-{name[:24]}",
            "object": "chat.completion",
            "created": seconds(TUESDAY) + 30_000 + 300 * place,
            "model": "llama-3.3-70b-versatile",
            "user": "u-iris",
            "metadata": {"project": "translations"},
        }
        if place % 4 == 3:
            row["object"] = "chat.completion.chunk"
            yield {**row, "x_groq": {"id": f"req_{name[:20]}"}}
            yield {**row, "x_groq": {"id": f"req_{name[:20]}", "usage": usage}}
        else:
            timed = {**usage, "queue_time": 0.02, "total_time": 0.4}
            yield {**row, "usage": timed, "x_groq": {"id": f"req_{name[:20]}"}}


# --- Mistral --------------------------------------------------------------------------------


def _mistral() -> str:
    groups = {"input": ("0.0000004", 41), "cached": ("4.0E-8", 90), "output": ("0.000002", 7)}
    model = "mistral-medium-2508"
    rows = {
        group: [
            {
                "usage_type": "usage",
                "event_type": "api_tokens",
                "billing_metric": model,
                "billing_display_name": "mistral-medium-latest",
                "billing_group": group,
                "timestamp": day.isoformat(),
                "value": scale * between(900, 2000, "mistral", group, day),
                "value_paid": scale * between(900, 2000, "mistral", group, day),
            }
            for day in DAYS
        ]
        for group, (_, scale) in groups.items()
    }
    priced = [
        {
            "event_type": "api_tokens",
            "billing_metric": model,
            "billing_group": group,
            "price": price,
        }
        for group, (price, _) in groups.items()
    ]
    document = {
        "completion": {"models": {f"mistral-medium-latest::{model}": rows}},
        "start_date": "2026-10-01T00:00:00Z",
        "end_date": "2026-10-31T23:59:59.999Z",
        "currency": "EUR",
        "currency_symbol": "€",
        "prices": priced,
    }
    return page(document)


# --- OpenRouter and xAI ---------------------------------------------------------------------


class _Generation:
    """One request of growth's trial of OpenRouter.

    Args:
        day: when.
        place: which one of that day.
    """

    def __init__(self, day: date, place: int) -> None:
        self.day = day
        self.at: datetime = start_of(day) + timedelta(hours=9 + place, milliseconds=410)
        self.name = f"gen-{seconds(self.at)}-{digest('generation', day, place)[:8]}"
        self.prompt = between(2_000, 9_000, "openrouter", day, place)
        self.cached = self.prompt // 2
        self.output = between(200, 900, "openrouter out", day, place)
        self.login = ("greta", "leo")[place % 2]

    @property
    def cost(self) -> Fraction:
        """Dollars: Sonnet 4.6 at its list price."""
        new = self.prompt - self.cached
        return (new * 3 + self.cached * Fraction("0.3") + self.output * 15) / 10**6


_SLUG = "anthropic/claude-4.6-sonnet-20260217"


def _generations() -> list[_Generation]:
    return [_Generation(day, place) for day in DAYS for place in range(4)]


def _openrouter_csv() -> str:
    rows = [
        (
            *(one.name, f"{one.at:%Y-%m-%d %H:%M:%S}.410", exact_text(one.cost), 0, 0, 0, 0),
            *(one.prompt, one.output, one.output // 5, one.cached, _SLUG, "Anthropic"),
            *("standard", "false", "true", f"u-{one.login}", "stop", "stop", 5321, 812),
            *("false", "campaign-trial", "copydesk"),
        )
        for one in _generations()
    ]
    return table(_OPENROUTER, rows)


def _openrouter_days() -> str:
    data = []
    for day in DAYS:
        of_day = [one for one in _generations() if one.day == day]
        data.append(
            {
                "date": day.isoformat(),
                "model": "anthropic/claude-sonnet-4.6",
                "model_permaslug": _SLUG,
                "endpoint_id": digest("endpoint")[:32],
                "provider_name": "Anthropic",
                "usage": number(sum((one.cost for one in of_day), Fraction(0))),
                "byok_usage_inference": 0,
                "requests": len(of_day),
                "prompt_tokens": sum(one.prompt for one in of_day),
                "completion_tokens": sum(one.output for one in of_day),
                "reasoning_tokens": sum(one.output // 5 for one in of_day),
            }
        )
    return page({"data": data})


def _openrouter_generations() -> Iterator[Mapping[str, object]]:
    for one in _generations():
        yield {
            "data": {
                "id": one.name,
                "created_at": instant(one.at),
                "model": _SLUG,
                "total_cost": number(one.cost),
                "usage": number(one.cost),
                "upstream_inference_cost": None,
                "is_byok": False,
                "native_tokens_prompt": one.prompt,
                "native_tokens_completion": one.output,
                "native_tokens_reasoning": one.output // 5,
                "native_tokens_cached": one.cached,
                "provider_name": "Anthropic",
                "external_user": f"u-{one.login}",
                "cancelled": False,
            }
        }


class _Answer:
    """One answer of Grok to support's trial.

    Args:
        day: when.
        place: which one of that day.
    """

    def __init__(self, day: date, place: int) -> None:
        self.day = day
        prompt = between(900, 4000, "grok", day, place)
        cached, output = prompt // 3, between(100, 600, "grok out", day, place)
        thought = output // 2
        # Three dollars for a million, 0.75 from the cache, fifteen out: in units of 10⁻¹⁰ dollars.
        self.ticks = (prompt - cached) * 30_000 + cached * 7_500 + (output + thought) * 150_000
        self.row: Mapping[str, object] = {
            "id": digest("grok", day, place)[:32],
            "object": "chat.completion",
            "created": seconds(day) + 36_000 + 600 * place,
            "model": "grok-4",
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": output,
                "reasoning_tokens": thought,
                "total_tokens": prompt + output + thought,
                "prompt_text_tokens": prompt - cached,
                "cached_prompt_text_tokens": cached,
                "cost_in_usd_ticks": self.ticks,
            },
        }


def _answers() -> list[_Answer]:
    return [_Answer(day, place) for day in DAYS for place in range(5)]


def _xai_usage() -> str:
    asked = {
        "timeRange": {
            "startTime": f"{MONDAY} 00:00:00",
            "endTime": f"{FRIDAY + timedelta(days=1)} 00:00:00",
            "timezone": "Etc/GMT",
        },
        "timeUnit": "TIME_UNIT_DAY",
        "values": [{"name": "usd", "aggregation": "AGGREGATION_SUM"}],
        "groupBy": ["api_key_id"],
    }
    points = [{"timestamp": midnight(day), "values": [number(_spent(day))]} for day in DAYS]
    series = {"group": ["41aa-helpdesk"], "groupLabels": ["helpdesk-trial"], "dataPoints": points}
    return (
        f'{{"analyticsRequest":{compact(asked)},\n"timeSeries":[{compact(series)}],\n'
        '"limitReached":false}\n'
    )


def _spent(day: date) -> Fraction:
    return Fraction(sum(answer.ticks for answer in _answers() if answer.day == day), 10**10)


def _xai_prepaid() -> str:
    changes = [
        {
            "teamId": "team-lindqvist",
            "changeOrigin": "PURCHASE",
            "topupStatus": "SUCCEEDED",
            "amount": {"val": "-2500"},
            "invoiceNumber": "XAI-0041",
            "createTime": midnight(MONDAY),
        },
        {
            "teamId": "team-lindqvist",
            "changeOrigin": "SPEND",
            "amount": {"val": str(round(100 * sum(map(_spent, DAYS), Fraction(0))))},
            "spendBpKeyYear": 2026,
            "spendBpKeyMonth": 10,
            "createTime": midnight(FRIDAY),
        },
    ]
    return page({"changes": changes, "total": {"val": "-2400"}})


# --- Salesforce -----------------------------------------------------------------------------


def _actions(day: date) -> int:
    return between(6, 14, "agentforce", day)


def _wallet_events() -> str:
    rows = [
        (
            *(f"ev-{day:%d}-{place}", instant(start_of(day) + timedelta(minutes=600 + 9 * place))),
            *("FlexCredits", "CustomAgentAction", "Agentforce", "Book_Pickup", "Production", 1),
            *(_CREDITS_AN_ACTION, _CREDITS_AN_ACTION, "Credits", "005xx00000LQ41AAA"),
            f"corr-{day:%d}-{place}",
        )
        for day in DAYS
        for place in range(_actions(day))
    ]
    return table(_EVENTS, rows)


def _wallet_days() -> str:
    rows = [
        (instant(start_of(day)), "FlexCredits", _CREDITS_AN_ACTION * _actions(day)) for day in DAYS
    ]
    return table(_TOTALS, rows)
