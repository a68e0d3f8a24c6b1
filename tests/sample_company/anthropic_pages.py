"""Anthropic: pages of the Messages usage report, one file a month, and a copy of one of them."""

from collections.abc import Mapping
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

from tests.sample_company.chance import between
from tests.sample_company.company import (
    HELPDESK_BY_RULE,
    MONTHS,
    SERVICE_KEYS,
    SUPPORT_WORKSPACE,
    is_workday,
    month_days,
)
from tests.sample_company.tally import Tally, exact_text, start_of
from tests.sample_company.writing import write_page, write_text

_SONNET_5_DAY = date(2026, 8, 3)
_OPUS_5_DAY = date(2026, 8, 10)
_BATCH_DAY = date(2026, 10, 21)
_HOUR_WRITES_FROM = date(2026, 9, 1)
_COPIED_MONTH = "2026-09"

# key, workspace, size, thousand tokens on a workday (uncached, read, 5-minute write, output)
_KEYS = (
    ("apikey_01Refunds", "wrkspc_01Payments", "medium", (5200, 21000, 1900, 1450)),
    ("apikey_01Helpdesk", SUPPORT_WORKSPACE, "small", (9100, 30500, 1200, 2700)),
    ("apikey_01BuildFarm", "wrkspc_01Platform", "large", (2100, 26000, 2400, 640)),
    ("apikey_01Forecasting", "wrkspc_01Data", "medium", (3300, 6100, 700, 810)),
    ("apikey_01ClaudeCode", "wrkspc_01ClaudeCode", "large", (900, 41000, 3100, 720)),
)
# As the cost report calls the models and what it charges for.
DISPLAY_NAMES = {
    "claude-haiku-4-5-20251001": "Claude Haiku 4.5",
    "claude-sonnet-5": "Claude Sonnet 5",
    "claude-opus-5": "Claude Opus 5",
}
_TOKEN_TYPES = {
    "input_uncached": ("uncached_input_tokens", "Input Tokens"),
    "cache_write_5m": ("cache_creation.ephemeral_5m_input_tokens", "Input Tokens, Cache Write"),
    "cache_write_1h": ("cache_creation.ephemeral_1h_input_tokens", "Input Tokens, Cache Write 1h"),
    "cache_read": ("cache_read_input_tokens", "Input Tokens, Cache Hit"),
    "output": ("output_tokens", "Output Tokens"),
}
_METERS = ("input_uncached", "cache_read", "cache_write_5m", "output")

# Tokens by day and model that the Claude Code transcripts account for one by one.
Detail = Mapping[tuple[date, str], Mapping[str, int]]
Result = dict[str, object]


def write_anthropic(folder: Path, tally: Tally, transcripts: Detail) -> None:
    """Write every page below `folder`; the Claude Code key includes the transcripts' tokens."""
    for month in MONTHS:
        data = [_bucket(day, _results(day, tally, transcripts)) for day in month_days(month)]
        path = folder / f"messages-{month}.json"
        write_page(path, {"data": data, "has_more": False, "next_page": None})
        count = sum(len(found) for b in data if isinstance(found := b["results"], list))
        tally.records[f"usage/anthropic/{path.name}"] = count
        if month == _COPIED_MONTH:
            copy = folder / f"messages-{month}-copy.json"
            write_text(copy, path.read_text(encoding="utf-8"))
            tally.records[f"usage/anthropic/{copy.name}"] = count
    _write_costs(folder, "2026-10", tally)


def model_of(size: str, day: date) -> str:
    """Return the model of a size that was in use on a day."""
    if size == "small":
        return "claude-haiku-4-5-20251001"
    if size == "medium":
        return "claude-sonnet-5" if day >= _SONNET_5_DAY else "claude-sonnet-4-6"
    return "claude-opus-5" if day >= _OPUS_5_DAY else "claude-opus-4-6"


def _write_costs(folder: Path, month: str, tally: Tally) -> None:
    """Write the provider's own costs of a month: cents, as text."""
    data = []
    for day in month_days(month):
        results = [
            {**cost_result(model, meter, 100 * amount), "workspace_id": None}
            for (provider, at, model, meter), amount in sorted(tally.items.items())
            if provider == "anthropic" and at == day and amount
        ]
        data.append(_bucket(day, results))
    path = folder / f"cost-{month}.json"
    write_page(path, {"data": data, "has_more": False, "next_page": None})
    count = sum(len(found) for b in data if isinstance(found := b["results"], list))
    tally.records[f"usage/anthropic/{path.name}"] = count


def cost_result(model: str, meter: str, cents: Fraction) -> Result:
    """Return a row of the cost report without its workspace."""
    token_type, words = _TOKEN_TYPES[meter]
    return {
        "amount": exact_text(cents),
        "currency": "USD",
        "cost_type": "tokens",
        "token_type": token_type,
        "description": f"{DISPLAY_NAMES[model]} Usage - {words}",
        "model": model,
        "service_tier": None,
        "context_window": None,
        "inference_geo": None,
    }


def _results(day: date, tally: Tally, transcripts: Detail) -> list[Result]:
    results = []
    for key, workspace, size, thousands in _KEYS:
        owner = HELPDESK_BY_RULE if key == "apikey_01Helpdesk" else SERVICE_KEYS[key]
        meters = _meters(key, day, thousands)
        model = model_of(size, day)
        if key == "apikey_01ClaudeCode":
            for meter, quantity in transcripts.get((day, model), {}).items():
                meters[meter] = meters.get(meter, 0) + quantity
        results.append(_result(key, workspace, model, meters))
        tally.add("anthropic", model, start_of(day), meters, owner=owner)
    results.extend(_specials(day, tally))
    return results


def _specials(day: date, tally: Tally) -> list[Result]:
    """Return the long prompts, the batch day, the project without outcomes and the workbench."""
    results = []
    if day.weekday() == 1:
        key, model = "apikey_01Forecasting", model_of("medium", day)
        meters = _meters("long prompts", day, (2400, 800, 0, 60))
        results.append(_result(key, "wrkspc_01Data", model, meters, window="200k-1M"))
        tally.add("anthropic", model, start_of(day), meters, owner=SERVICE_KEYS[key])
    if day == _BATCH_DAY:
        key, model = "apikey_01Forecasting", "claude-sonnet-5"
        meters = _meters("batch", day, (31000, 0, 0, 5200))
        results.append(_result(key, "wrkspc_01Data", model, meters, tier="batch"))
        tally.add(
            "anthropic", model, start_of(day), meters, owner=SERVICE_KEYS[key], condition="batch"
        )
    if day >= date(2026, 9, 14) and is_workday(day):
        key, model = "apikey_01PitchBot", model_of("large", day)
        meters = _meters(key, day, (3900, 2100, 0, 950))
        results.append(_result(key, "wrkspc_01Growth", model, meters))
        tally.add("anthropic", model, start_of(day), meters, owner=SERVICE_KEYS[key])
    if day in (date(2026, 9, 23), date(2026, 10, 7), date(2026, 10, 8)):
        # Somebody tried prompts in the Console: no key, and the default workspace has no id.
        model = model_of("medium", day)
        meters = _meters("workbench", day, (420, 0, 0, 160))
        results.append(_result(None, None, model, meters))
        tally.add("anthropic", model, start_of(day), meters, owner=None)
    return results


def _meters(what: str, day: date, thousands: tuple[int, int, int, int]) -> dict[str, int]:
    months_in = day.month - 5
    share = 100 + 5 * months_in if is_workday(day) or what == "batch" else 14
    meters = {
        meter: between(size * 850, size * 1150, what, day, meter) * share // 100
        for meter, size in zip(_METERS, thousands, strict=True)
    }
    written = meters["cache_write_5m"]
    hourly = written // 3 if what == "apikey_01BuildFarm" and day >= _HOUR_WRITES_FROM else 0
    return meters | {"cache_write_5m": written - hourly, "cache_write_1h": hourly}


def _result(
    key: str | None,
    workspace: str | None,
    model: str,
    meters: Mapping[str, int],
    *,
    tier: str = "standard",
    window: str = "0-200k",
) -> Result:
    return {
        "uncached_input_tokens": meters["input_uncached"],
        "cache_creation": {
            "ephemeral_1h_input_tokens": meters["cache_write_1h"],
            "ephemeral_5m_input_tokens": meters["cache_write_5m"],
        },
        "cache_read_input_tokens": meters["cache_read"],
        "output_tokens": meters["output"],
        "server_tool_use": {"web_search_requests": 0},
        "account_id": None,
        "api_key_id": key,
        "service_account_id": None,
        "workspace_id": workspace,
        "model": model,
        "service_tier": tier,
        "context_window": window,
        "inference_geo": "not_available" if "haiku-4-5" in model else "global",
    }


def _bucket(day: date, results: list[Result]) -> dict[str, object]:
    return {
        "starting_at": f"{day}T00:00:00Z",
        "ending_at": f"{day + timedelta(days=1)}T00:00:00Z",
        "results": results,
    }
