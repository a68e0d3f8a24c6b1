"""Gemini's `usageMetadata`: what a response of Google's models says it used.

The rules, from the source formats note (section 3.3, read 2026-11-21):

* The prompt includes what came from the cache; tool results fed back to the model stand beside it,
  and are billed as input.
* Candidates leave out thoughts; both are billed as output.
* The total is prompt, candidates, thoughts and tool results. A record of which it is not is
  rejected: one of the four is then not what it is said to be.
* Details split the prompt, its cached part, tool results and candidates by modality.

Names are written as in JSON (`promptTokenCount`), or as the Python client has them
(`prompt_token_count`). The steps see `usage_text`, a JSON object.
"""

import re
from collections.abc import Mapping
from typing import Final

from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import WHOLE, missing
from metering.ingest.bulk.layout import Check, Form, json_fields, whole_number

_NAMES: Final = {
    "prompt": "promptTokenCount",
    "cached": "cachedContentTokenCount",
    "answer": "candidatesTokenCount",
    "thought": "thoughtsTokenCount",
    "tool": "toolUsePromptTokenCount",
    "total": "totalTokenCount",
}
_DETAILS: Final = {
    "prompt": "promptTokensDetails",
    "cached": "cacheTokensDetails",
    "answer": "candidatesTokensDetails",
    "tool": "toolUsePromptTokensDetails",
}
_MODALITIES: Final = ("audio", "image", "video")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda match: f"_{match[1].lower()}", name)


def _either(name: str) -> str:
    return f"coalesce(used.{name}, used.{_snake(name)})"


def _spelt(names: Mapping[str, str], form: Form) -> dict[str, Form]:
    return {spelt: form for name in names.values() for spelt in (name, _snake(name))}


_FIELDS: Final = {
    **_spelt(_NAMES, "JSON"),
    **_spelt(_DETAILS, ({"modality": "VARCHAR", "tokenCount": "JSON", "token_count": "JSON"},)),
}
_COUNTS: Final = {part: (name, _either(name)) for part, name in _NAMES.items()}


def _of_modality(part: str, modality: str) -> str:
    """Return an expression for the tokens of one modality in a part; null where one is no count."""
    count = whole_number("coalesce(one.tokenCount, one.token_count)::VARCHAR")
    entries = (
        f"list_filter({_either(_DETAILS[part])}, lambda one: lower(one.modality) = '{modality}')"
    )
    return f"coalesce(list_sum(list_transform({entries}, lambda one: coalesce({count}, -1))), 0)"


STEPS: Final[tuple[Mapping[str, str], ...]] = (
    {"used": json_fields("usage_text", _FIELDS)},
    *request_logs.counted(_COUNTS),
    {
        f"{part}_{modality}": _of_modality(part, modality)
        for part in _DETAILS
        for modality in _MODALITIES
    },
    {
        "fresh_count": "prompt_count - coalesce(cached_count, 0) + coalesce(tool_count, 0)",
        "written_count": "coalesce(answer_count, 0) + coalesce(thought_count, 0)",
        **{
            f"fresh_{modality}": f"prompt_{modality} - cached_{modality} + tool_{modality}"
            for modality in _MODALITIES
        },
    },
    {
        "fresh_text": f"fresh_count - {' - '.join(f'fresh_{one}' for one in _MODALITIES)}",
        "cached_plain": (
            f"coalesce(cached_count, 0) - {' - '.join(f'cached_{one}' for one in _MODALITIES)}"
        ),
        "written_plain": f"written_count - {' - '.join(f'answer_{one}' for one in _MODALITIES)}",
    },
)


def _other_meters() -> str:
    meters = {
        name.format(modality): f"{part}_{modality}"
        for modality in _MODALITIES
        for part, name in (
            ("fresh", "input_{}_uncached"),
            ("cached", "cache_read_{}"),
            ("answer", "output_{}"),
        )
    }
    pairs = ", ".join(f"{{'name': '{name}', 'quantity': {of}}}" for name, of in meters.items())
    used = " + ".join(meters.values())
    return (
        f"CASE WHEN {used} > 0 THEN map_from_entries(list_filter([{pairs}],"
        " lambda entry: entry.quantity > 0)) END"
    )


COLUMNS: Final[Mapping[str, str]] = {
    "prompt_tokens": "prompt_count + coalesce(tool_count, 0)",
    "input_uncached": "fresh_text",
    "cache_read": "cached_plain",
    "output": "written_plain",
    "other_meters": _other_meters(),
    "reasoning": "thought_count",
}

_SIGNED: Final = (
    *("fresh_text", "cached_plain", "written_plain"),
    *(f"{part}_{one}" for part in ("prompt", "cached", "answer", "tool") for one in _MODALITIES),
    *(f"fresh_{one}" for one in _MODALITIES),
)
CHECKS: Final[tuple[Check, ...]] = (
    missing("usageMetadata.promptTokenCount", WHOLE, "prompt_text"),
    *request_logs.count_checks(
        {part: (f"usageMetadata.{n}", e) for part, (n, e) in _COUNTS.items()}
    ),
    Check(
        fails="cached_count > prompt_count",
        code="cached-exceeds-input",
        field="usageMetadata.cachedContentTokenCount",
        found="cached_text",
        expected="at most promptTokenCount, which includes it",
    ),
    Check(
        fails=("total_count <> prompt_count + coalesce(tool_count, 0) + written_count"),
        code="tokens-do-not-add-up",
        field="usageMetadata.totalTokenCount",
        found="total_text",
        expected="the sum of prompt, candidates, thoughts and tool-use prompt",
    ),
    Check(
        fails=f"least({', '.join(_SIGNED)}) < 0",
        code="tokens-do-not-add-up",
        field="usageMetadata.promptTokensDetails",
        found="'more tokens of some modalities than there are'",
        expected="details that are counts, and at most the tokens they are a part of",
        quotes=False,
    ),
)
