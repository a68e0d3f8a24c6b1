"""What an OpenRouter request tells, in its activity CSV as in its generation endpoint.

Tokens are those of the model's own tokenizer. What was read from the cache is inside the prompt,
reasoning is inside the completion. `cost` is what OpenRouter takes from the credits, a dollar each;
what a company's own key paid to a provider is outside of it, and stays a tag.

Source: source formats note, sections 0.1 and 3.5, read 2026-11-21.
"""

from collections.abc import Mapping
from typing import Final

from metering.ingest.bulk import tags as bulk_tags
from metering.ingest.bulk.checks import (
    AMOUNT,
    INSTANT,
    WHOLE,
    missing,
    readable,
    texts_without_nul,
)
from metering.ingest.bulk.layout import Check, instant, nanos, whole_number
from metering.ingest.bulk.layout import text as said

COUNTS: Final = ("prompt", "completion", "reasoning", "cached")


def steps(
    counts: Mapping[str, str], created: str, cost: str, tags: Mapping[str, str]
) -> tuple[Mapping[str, str], ...]:
    """Return the steps of a layout.

    Args:
        counts: each of `COUNTS` and the expression of its text.
        created: expression of the instant's text; without an offset it is UTC.
        cost: expression of the cost's text.
        tags: what else is known of a request: texts by name.
    """
    return (
        {
            **{f"{count}_text": text for count, text in counts.items()},
            "created_text": created,
            "cost_text": cost,
            "tag_entries": bulk_tags.given(dict(tags)),
        },
        {
            **{f"{count}_count": whole_number(f"{count}_text") for count in counts},
            "created": instant("created_text", zoneless_is_utc=True),
            "cost_nanos": nanos("cost_text"),
            "tags_map": bulk_tags.merged("tag_entries"),
        },
    )


def columns(event_id: str, model: str, failed: str) -> dict[str, str]:
    """Return the usage columns that both exports fill in the same way."""
    return {
        "event_id": event_id,
        "start": "created",
        "grain": "'request'",
        "provider": "'openrouter'",
        "platform": "'openrouter-api'",
        "product": "'api'",
        "model_raw": said(model),
        "prompt_tokens": "prompt_count",
        "tags": "tags_map",
        "requests": "1",
        "failed_requests": failed,
        "input_uncached": "prompt_count - coalesce(cached_count, 0)",
        "cache_read": "cached_count",
        "output": "completion_count",
        "reasoning": "reasoning_count",
        "reported_nanos": "cost_nanos",
        "reported_currency": "'USD'",
        "reported_kind": "'billed'",
    }


def checks(names: Mapping[str, str], event_id: str, texts: Mapping[str, str]) -> tuple[Check, ...]:
    """Return what refuses a request.

    Args:
        names: what the source calls each of `COUNTS`, `created` and `cost`.
        event_id: what it calls the id.
        texts: fields that are stored, with their expressions.
    """
    return (
        missing(event_id, "the id that makes a repeat of the row known", texts[event_id]),
        missing(names["created"], INSTANT, "created_text"),
        missing(names["cost"], AMOUNT, "cost_text"),
        *texts_without_nul(texts.items()),
        readable(names["created"], "created_text", "created", "bad-instant", INSTANT),
        *(
            readable(names[count], f"{count}_text", f"{count}_count", "bad-quantity", WHOLE)
            for count in COUNTS
        ),
        readable(names["cost"], "cost_text", "cost_nanos", "bad-amount", AMOUNT),
        Check(
            fails="coalesce(cached_count, 0) > coalesce(prompt_count, 0)",
            code="cached-exceeds-input",
            field=names["cached"],
            found="cached_text",
            expected=f"at most {names['prompt']}",
        ),
        Check(
            fails="coalesce(reasoning_count, 0) > coalesce(completion_count, 0)",
            code="tokens-do-not-add-up",
            field=names["reasoning"],
            found="reasoning_text",
            expected=f"at most {names['completion']}",
        ),
    )
