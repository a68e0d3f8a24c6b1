"""What OpenAI's other exports say of the week: dashboards, batches, ChatGPT and Codex."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction

from tests.sample_company import prices
from tests.sample_company.chance import between, digest
from tests.sample_company.company import PERSON
from tests.sample_company.tally import exact_text, start_of
from tests.sample_company.week41.week import (
    DAYS,
    TUESDAY,
    File,
    Week,
    email,
    instant,
    lines,
    page,
    seconds,
    table,
)

_ACTIVITY = (
    *("start_time", "end_time", "start_time_iso", "end_time_iso", "project_id"),
    *("num_model_requests", "user_id", "api_key_id", "model", "batch", "service_tier"),
    *("compute_units", "input_tokens", "output_tokens", "input_cached_tokens"),
    *("input_cache_write_tokens", "input_uncached_tokens"),
)
_COST = (
    *("start_time", "end_time", "start_time_iso", "end_time_iso", "amount_value"),
    *("amount_currency", "quantity", "quantity_unit", "line_item", "user_id", "api_key_id"),
    *("project_id", "organization_id", "project_name", "organization_name", "user_email"),
    "api_source",
)
_CREDITS = (
    *("date_partition", "account_id", "account_user_id", "email", "name", "public_id"),
    *("usage_type", "usage_credits", "usage_quantity", "usage_units"),
)
_PARTS = {
    "input_uncached": ("input_uncached_tokens", "input"),
    "cache_read": ("input_cached_tokens", "cached input"),
    "cache_write": ("input_cache_write_tokens", "cache write"),
    "output": ("output_tokens", "output"),
}
_MODEL = "gpt-5.6-sol"
# Who has a ChatGPT seat and codes with Codex.
_CODERS = ("chidi", "kavya")
_THREAD = "019b2f40-5c1e-7d00-8a00-0000000041{:02d}"


def files(week: Week) -> Iterator[File]:
    """Yield every file of this module, below the folder of its format."""
    yield "openai-activity-csv/completions_usage_2026-10-05_2026-10-09.csv", _activity(week)
    yield "openai-cost-csv/cost_2026-10-05_2026-10-09.csv", _costs(week)
    yield "openai-batch-output/batch_67f2_output.jsonl", _batch()
    yield "chatgpt-credits-csv/credit-usage-2026-10.csv", _credits()
    yield "codex-analytics/usage-2026-W41.json", _analytics()
    yield f"codex-rollouts/rollout-2026-10-06T09-00-00-{_THREAD.format(0)}.jsonl", _rollout()
    yield "codex-exec/nightly-review.jsonl", _exec()


def _bounds(day: date) -> tuple[object, ...]:
    after = day + timedelta(days=1)
    iso = (f"{start_of(one):%Y-%m-%dT%H:%M:%S}+00:00" for one in (day, after))
    return seconds(day), seconds(after), *iso


def _activity(week: Week) -> str:
    rows = [
        (
            *_bounds(day),
            row["project_id"],
            f"{row['num_model_requests']}.0",
            row["user_id"] or "",
            row["api_key_id"],
            row["model"],
            "True" if row["batch"] else "False",
            row["service_tier"],
            "",
            *(
                f"{row[name]}.0"
                for name in (
                    *("input_tokens", "output_tokens", "input_cached_tokens"),
                    *("input_cache_write_tokens", "input_uncached_tokens"),
                )
            ),
        )
        for day, row in week.results("openai/completions-2026-10.json")
    ]
    return table(_ACTIVITY, rows)


def _costs(week: Week) -> str:
    sums: Counter[tuple[date, str, str, str]] = Counter()
    for day, row in week.results("openai/completions-2026-10.json"):
        for meter, (name, _) in _PARTS.items():
            sums[day, row["project_id"], row["model"], meter] += row[name]
    rows = [
        (
            *_bounds(day)[:2],
            f"{start_of(day):%Y-%m-%dT%H:%M:%S}",
            f"{start_of(day + timedelta(days=1)):%Y-%m-%dT%H:%M:%S}",
            _dollars(model, day, meter, quantity),
            "usd",
            quantity,
            "tokens",
            f"{model}, {_PARTS[meter][1]}",
            *("", "", project, "org-lindqvist", project.removeprefix("proj_").title()),
            *("Lindqvist Freight", "", ""),
        )
        for (day, project, model, meter), quantity in sorted(sums.items())
        if quantity
    ]
    return table(_COST, rows)


def _dollars(model: str, day: date, meter: str, quantity: int) -> str:
    amount = prices.cost("openai", model, start_of(day), {meter: quantity}) or Fraction(0)
    whole, _, decimals = exact_text(amount).partition(".")
    return f"{whole}.{decimals:0<30}"


def _batch() -> str:
    """Return a batch that was started before it paid off to group them all: six answers."""
    created = seconds(TUESDAY) + 3 * 3600
    return lines(
        {
            "id": f"batch_req_{digest('batch', place)[:24]}",
            "custom_id": f"forecast-{place}",
            "response": {
                "status_code": 200,
                "request_id": digest("batch request", place)[:32],
                "body": {
                    "id": f"chatcmpl-{digest('batch answer', place)[:24]}",
                    "object": "chat.completion",
                    "created": created + 40 * place,
                    "model": "gpt-5.4-mini",
                    "choices": [],
                    "usage": _usage(between(4000, 9000, "batch", place), 512, place),
                },
            },
            "error": None,
        }
        for place in range(6)
    )


def _usage(prompt: int, cached: int, place: int) -> dict[str, object]:
    output = between(300, 900, "batch output", place)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": output // 3},
    }


def _credits() -> str:
    """Return credits by person: input, cached input and output are rows of their own."""
    rows: list[tuple[object, ...]] = []
    for day in DAYS:
        for place, login in enumerate(_CODERS):
            who = (
                "acc-lindqvist",
                f"au-{place}",
                email(login),
                PERSON[login].name,
                f"user-{login}",
            )
            tokens = between(200_000, 900_000, "credits", login, day)
            for kind, share, per_million in (
                ("input", 4, 50),
                ("cached_input", 16, 5),
                ("output", 1, 300),
            ):
                used = tokens * share // 21
                spent = exact_text(Fraction(used * per_million, 10**6))
                usage_type = f"api.gpt_5_6_sol_text_{kind}_v_1"
                rows.append((day, *who, usage_type, spent, used, "tokens"))
            rows.append((day, *who, "chat.completion.5.pro", 5 * (place + 1), place + 1, "counts"))
    return "\ufeff" + table(_CREDITS, rows)


def _analytics() -> str:
    data = []
    for day in DAYS:
        for login in _CODERS:
            turns = between(6, 30, "codex turns", login, day)
            used = [turns * size for size in (6_400, 41_000, 1_500)]
            spent = Fraction(used[0] * 50 + used[1] * 5 + used[2] * 300, 10**6)
            totals = {"threads": 2, "turns": turns, "credits": float(spent)}
            data.append(
                {
                    "object": "codex.usage",
                    "start_time": seconds(day),
                    "end_time": seconds(day + timedelta(days=1)),
                    "user_id": f"user-{login}",
                    "actor": {"type": "user", "user_id": f"user-{login}", "email": email(login)},
                    "totals": totals,
                    "clients": [
                        {
                            "client_id": "CODEX_CLI",
                            **totals,
                            "uncached_text_input_tokens": used[0],
                            "cached_text_input_tokens": used[1],
                            "text_output_tokens": used[2],
                            "text_total_tokens": sum(used),
                        }
                    ],
                    "models": [{"model": _MODEL, "credits": float(spent), "speed": "standard"}],
                    "code_attribution": {"lines_added": 9 * turns, "lines_removed": 2 * turns},
                }
            )
    return page({"object": "page", "data": data, "has_more": False, "next_page": None})


def _rollout() -> str:
    """Return a session whose sums are told again, and whose counts fall once it is compacted."""
    at = start_of(TUESDAY) + timedelta(hours=9)
    rows: list[dict[str, object]] = [
        _line(
            at,
            "session_meta",
            {
                "id": _THREAD.format(0),
                "timestamp": instant(at),
                "cwd": "/srv/repos/refunds-service",
                "originator": "codex_cli_rs",
                "cli_version": "0.150.0",
                "source": "cli",
                "model_provider": "openai",
                "git": {"branch": "PAY-318-partial-refunds"},
            },
        ),
        _line(at + timedelta(seconds=1), "turn_context", {"turn_id": "t1", "model": _MODEL}),
        _line(at + timedelta(seconds=2), "event_msg", {"type": "token_count", "info": None}),
    ]
    total = [0, 0, 0]
    for turn in range(8):
        if turn == 5:
            total = [0, 0, 0]  # compacted: counting begins again
        last = [between(4000, 9000, "rollout", turn), 0, between(200, 900, "rollout out", turn)]
        last[1] = last[0] * 7 // 10 if turn else 0
        total = [before + more for before, more in zip(total, last, strict=True)]
        told = {"total_token_usage": _counts(total), "last_token_usage": _counts(last)}
        stamp = at + timedelta(seconds=30 * (turn + 1))
        event = {"type": "token_count", "info": {**told, "model_context_window": 272_000}}
        rows.extend([_line(stamp, "event_msg", event)] * (2 if turn == 3 else 1))
    return lines(rows)


def _line(at: datetime, kind: str, payload: Mapping[str, object]) -> dict[str, object]:
    return {"timestamp": instant(at), "type": kind, "payload": payload}


def _counts(used: list[int]) -> dict[str, int]:
    return {
        "input_tokens": used[0],
        "cached_input_tokens": used[1],
        "output_tokens": used[2],
        "reasoning_output_tokens": used[2] // 2,
        "total_tokens": used[0] + used[2],
    }


def _exec() -> str:
    """Return what is printed: sums without time or model, which nobody can record."""
    turns = [
        {"type": "turn.completed", "usage": _counts([16_504 * n, 9_000 * n, 700 * n])}
        for n in (1, 5, 6)
    ]
    return lines([{"type": "thread.started", "thread_id": _THREAD.format(7)}, *turns])
