"""The data team's own machine with Llama 4: what its server counts, and what each answer says."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from tests.sample_company.chance import between, digest
from tests.sample_company.tally import start_of
from tests.sample_company.week41.week import TUESDAY, File, Week, instant, lines, seconds

_MODEL = "llama-4-70b"
_ANSWERS = 40


def files(week: Week) -> Iterator[File]:
    """Yield every file of this module, below the folder of its format."""
    del week
    yield "own-model-logs/answers-2026-10-06.jsonl", lines(_answers())
    yield "inference-server-metrics/vllm-2026-10-06.prom", _counters()


def _answers() -> Iterator[Mapping[str, object]]:
    for place in range(_ANSWERS):
        prompt, output = between(500, 6000, "llama", place), between(60, 900, "llama out", place)
        yield {
            "id": f"chatcmpl-{digest('llama', place)[:24]}",
            "object": "chat.completion",
            "created": seconds(TUESDAY) + 25_000 + 200 * place,
            "model": _MODEL,
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": output,
                "total_tokens": prompt + output,
                "prompt_tokens_details": {"cached_tokens": prompt // 2},
            },
            "user": "u-uma",
            "api_key": "key-lakehouse-local",
            "metadata": {"project": "lakehouse"},
        }


def _counters() -> str:
    """Return six scrapes, an hour apart; the server was restarted before the fifth."""
    text: list[str] = []
    prompt = cached = output = requests = 0
    started = seconds(TUESDAY) - 90_000
    for hour in range(6):
        at = start_of(TUESDAY) + timedelta(hours=8 + hour)
        if hour == 4:
            prompt = cached = output = requests = 0
            started = seconds(at) - 1200
        prompt += between(90_000, 400_000, "vllm", hour)
        cached = prompt // 2
        output += between(9_000, 40_000, "vllm out", hour)
        requests += between(60, 200, "vllm requests", hour)
        labels = f'engine="0",model_name="{_MODEL}"'
        text.extend(
            (
                f"# scraped {instant(at, 0)} gpu-1:8000",
                "# TYPE vllm:prompt_tokens_total counter",
                f"vllm:prompt_tokens_total{{{labels}}} {prompt}.0",
                f"vllm:prompt_tokens_cached_total{{{labels}}} {cached}.0",
                f"vllm:generation_tokens_total{{{labels}}} {output}.0",
                f'vllm:request_success_total{{finished_reason="stop",{labels}}} {requests}.0',
                f"process_start_time_seconds {started}.0",
            )
        )
    return "\n".join(text) + "\n"
