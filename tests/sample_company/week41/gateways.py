"""Other gateways and telemetry: what each would have written of some of Tuesday's requests."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from tests.sample_company.chance import between, digest
from tests.sample_company.tally import start_of
from tests.sample_company.week41.week import (
    TUESDAY,
    Call,
    File,
    Week,
    email,
    instant,
    lines,
    milliseconds,
    nanoseconds,
    number,
)

Row = Mapping[str, object]
# As the gateways spell where a request went.
_SPELT = {"aws": "bedrock", "google": "google-ai-studio", "deepseek": "deepseek"}
_OTEL = {"aws": "aws.bedrock", "google": "gcp.gemini", "deepseek": "deepseek"}


def files(week: Week) -> Iterator[File]:
    """Yield every file of this module, below the folder of its format."""
    calls = week.some_calls()
    yield "portkey-logs/logs-2026-10-06.jsonl", lines(map(_portkey, calls))
    yield "helicone-requests/requests-2026-10-06.jsonl", lines(map(_helicone, calls))
    yield "langfuse-observations/observations-2026-10-06.jsonl", lines(map(_langfuse, calls))
    yield "cloudflare-ai-gateway/logs-2026-10-06.jsonl", lines([_cloudflare(calls)])
    yield "kong-ai-logs/file-log-2026-10-06.jsonl", lines(map(_kong, calls))
    yield "otlp-spans/traces-2026-10-06.jsonl", lines(map(_trace, calls))
    yield "otlp-metrics/metrics-2026-10-06.jsonl", lines(_metrics())
    yield "otlp-events/logs-2026-10-06.jsonl", lines(_events())


def _took(call: Call) -> int:
    return milliseconds(call.end) - milliseconds(call.start)


def _portkey(call: Call) -> Row:
    return {
        "id": f"lg-{call.hexadecimal[:16]}",
        "trace_id": call.session,
        "created_at": instant(call.start),
        "ai_org": _SPELT[call.provider],
        "ai_model": call.model,
        "req_units": call.prompt,
        "res_units": call.output,
        "total_units": call.prompt + call.output,
        "cost": number(call.cost),
        "cost_currency": "USD",
        "response_time": _took(call),
        "response_status_code": 200,
        "metadata": {"_user": call.email, "project": call.project},
    }


def _helicone(call: Call) -> Row:
    return {
        "request_id": call.hexadecimal,
        "response_id": call.hexadecimal[::-1],
        "request_created_at": instant(call.start),
        "response_created_at": instant(call.end),
        "response_status": 200,
        "provider": {"aws": "BEDROCK", "google": "GOOGLE"}.get(call.provider, "DEEPSEEK"),
        "response_model": call.model,
        "prompt_tokens": call.meters["input_uncached"],
        "completion_tokens": call.output,
        "prompt_cache_write_tokens": call.meters["cache_write"],
        "prompt_cache_read_tokens": call.meters["cache_read"],
        "total_tokens": call.prompt + call.output,
        "cost": number(call.cost),
        "properties": {"project": call.project, "team": call.team},
        "helicone_user": call.email,
    }


def _langfuse(call: Call) -> Row:
    parts = {
        "input": call.meters["input_uncached"],
        "input_cache_read": call.meters["cache_read"],
        "input_cache_creation": call.meters["cache_write"],
        "output": call.output,
    }
    cost = number(call.cost)
    return {
        "id": f"obs-{call.hexadecimal[:16]}",
        "trace_id": f"tr-{call.session}",
        "project_id": "p-lindqvist",
        "type": "GENERATION",
        "start_time": instant(call.start),
        "end_time": instant(call.end),
        "provided_model_name": call.model,
        "usage_details": {**parts, "total": sum(parts.values())},
        "cost_details": {"total": cost},
        "total_cost": cost,
        "user_id": call.email,
        "session_id": call.session,
        "tags": [call.project],
    }


def _cloudflare(calls: tuple[Call, ...]) -> Row:
    return {
        "success": True,
        "result": [
            {
                "id": f"01K{call.hexadecimal[:20].upper()}",
                "created_at": instant(call.start, 0),
                "provider": _SPELT[call.provider],
                "model": call.model,
                "path": "chat/completions",
                "request_type": "chat",
                "status_code": 200,
                "success": True,
                "cached": False,
                "step": 0,
                "duration": _took(call),
                "tokens_in": call.prompt,
                "tokens_out": call.output,
                "cost": number(call.cost),
                "custom_cost": False,
                "metadata": f'{{"project":"{call.project}","user":"{call.email}"}}',
            }
            for call in calls
        ],
    }


def _kong(call: Call) -> Row:
    return {
        "started_at": milliseconds(call.start),
        "consumer": {"username": call.login or call.project},
        "route": {"name": "chat"},
        "service": {"name": "llm"},
        "request": {"id": call.hexadecimal},
        "response": {"status": 200},
        "ai": {
            "proxy": {
                "usage": {
                    "prompt_tokens": call.prompt,
                    "completion_tokens": call.output,
                    "total_tokens": call.prompt + call.output,
                    "cost": 0,
                    "prompt_tokens_details": {"cached_tokens": call.meters["cache_read"]},
                },
                "meta": {
                    "request_model": call.model,
                    "response_model": call.model,
                    "provider_name": _SPELT[call.provider],
                    "plugin_id": "p-41",
                    "llm_latency": _took(call),
                },
            }
        },
    }


def _attributes(values: Mapping[str, object]) -> list[dict[str, object]]:
    """Return attributes as OTLP writes them: whole numbers as text."""
    return [
        {
            "key": key,
            "value": {"intValue": str(value)}
            if isinstance(value, int)
            else {"doubleValue": value}
            if isinstance(value, float)
            else {"stringValue": value},
        }
        for key, value in values.items()
    ]


def _trace(call: Call) -> Row:
    """Return an agent's span and the request below it: the agent's repeats the request's tokens."""
    usage: dict[str, object] = {
        "gen_ai.usage.input_tokens": call.prompt,
        "gen_ai.usage.output_tokens": call.output,
        "gen_ai.usage.cache_read.input_tokens": call.meters["cache_read"],
        "gen_ai.usage.cache_creation.input_tokens": call.meters["cache_write"],
    }
    ids = {"traceId": call.hexadecimal, "kind": 3, "status": {}}
    times = {
        "startTimeUnixNano": nanoseconds(call.start),
        "endTimeUnixNano": nanoseconds(call.end),
    }
    agent, request = digest("span", call.number)[:16], digest("child", call.number)[:16]
    chat: dict[str, object] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _OTEL[call.provider],
        "gen_ai.response.model": call.model,
        "gen_ai.conversation.id": call.session,
    }
    named: dict[str, object] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": call.project,
    }
    spans = [
        {
            **ids,
            **times,
            "spanId": agent,
            "name": "agent",
            "attributes": _attributes(named | usage),
        },
        {
            **ids,
            **times,
            "spanId": request,
            "parentSpanId": agent,
            "name": f"chat {call.model}",
            "attributes": _attributes(chat | usage),
        },
    ]
    of = {"service.name": f"{call.project}-agent", "team": call.team, "project": call.project}
    scopes = [{"scope": {"name": "genai"}, "spans": spans}]
    resource = {"attributes": _attributes(of)}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]}


# --- Claude Code and Codex ------------------------------------------------------------------


def _metrics() -> Iterator[Row]:
    """Yield increases of Claude Code, minute by minute."""
    for minute in range(20):
        start = start_of(TUESDAY) + timedelta(hours=8, minutes=12 + minute)
        points = [
            {
                "startTimeUnixNano": nanoseconds(start),
                "timeUnixNano": nanoseconds(start + timedelta(minutes=1)),
                "asDouble": between(low, 9 * low, "otel", kind, minute),
                "attributes": _attributes(
                    {
                        "type": kind,
                        "model": "claude-opus-5",
                        "session.id": "s-otel-41",
                        "user.email": email("ana"),
                        "cost_center": "CC-4100",
                    }
                ),
            }
            for kind, low in (
                ("input", 5),
                ("output", 90),
                ("cacheRead", 9_000),
                ("cacheCreation", 400),
            )
        ]
        counted = {"aggregationTemporality": 1, "isMonotonic": True, "dataPoints": points}
        metric = {"name": "claude_code.token.usage", "unit": "tokens", "sum": counted}
        scopes = [{"scope": {"name": "com.anthropic.claude_code"}, "metrics": [metric]}]
        resource = {"attributes": _attributes({"service.name": "claude-code"})}
        yield {"resourceMetrics": [{"resource": resource, "scopeMetrics": scopes}]}


def _events() -> Iterator[Row]:
    """Yield ten answers to Claude Code, then six to Codex, whose input includes what was cached."""
    for place in range(10):
        at = start_of(TUESDAY) + timedelta(hours=10, seconds=40 * place)
        read, written = 20_000 + 900 * place, between(100, 3000, "event write", place)
        used = {"input_tokens": 4 + place, "output_tokens": between(50, 900, "event out", place)}
        used |= {"cache_read_tokens": read, "cache_creation_tokens": written}
        micros = (
            used["input_tokens"] * 5 + used["output_tokens"] * 25 + read // 2 + written * 25 // 4
        )
        yield _log(
            "claude-code",
            {
                "event.name": "api_request",
                "event.timestamp": instant(at),
                "event.sequence": place + 1,
                "session.id": "s-otel-41",
                "request_id": f"req_{digest('event', place)[:20]}",
                "model": "claude-opus-5",
                **used,
                "cost_usd_micros": micros,
                "speed": "normal",
                "user.email": email("ana"),
                "cost_center": "CC-4100",
            },
        )
    for place in range(6):
        at = start_of(TUESDAY) + timedelta(hours=11, seconds=55 * place)
        prompt = between(4_000, 20_000, "codex event", place)
        yield _log(
            "codex_cli_rs",
            {
                "event.name": "codex.sse_event",
                "event.kind": "response.completed",
                "event.timestamp": instant(at),
                "conversation.id": "019b2f40-5c1e-7d00-8a00-000000004101",
                "auth_mode": "api_key",
                "model": "gpt-5.6-sol",
                "input_token_count": str(prompt),
                "output_token_count": str(between(80, 900, "codex event out", place)),
                "cached_token_count": prompt * 3 // 5,
                "reasoning_token_count": 40,
                "user.email": email("kavya"),
            },
        )


def _log(service: str, attributes: Mapping[str, object]) -> Row:
    record = {"attributes": _attributes(attributes)}
    resource = {"attributes": _attributes({"service.name": service})}
    scopes = [{"scope": {"name": service}, "logRecords": [record]}]
    return {"resourceLogs": [{"resource": resource, "scopeLogs": scopes}]}
