"""How gateways and telemetry spell a provider, and what we call provider and platform.

A spelling is compared in small letters with hyphens for `_`, `.` and spaces. One that is not listed
stands for itself, on the platform "<spelling>-api": its usage is seen under its own name, and
nothing is charged at another's price. No spelling at all is "unknown".
"""

from typing import Final

_OPENAI: Final = ("openai", "openai-api")
_AZURE: Final = ("azure", "azure-openai")
_ANTHROPIC: Final = ("anthropic", "anthropic-api")
_BEDROCK: Final = ("aws", "bedrock")
_GEMINI: Final = ("google", "gemini-api")
_VERTEX: Final = ("google", "vertex-ai")
_OWN: Final = ("own", "own-capacity")

# `gcp.gen_ai` is any generative service of Google, so it is not listed: it may be either.
PROVIDERS: Final = {
    "openai": _OPENAI,
    "azure": _AZURE,
    "azure-openai": _AZURE,
    "azure-ai-openai": _AZURE,
    "azure-ai-inference": _AZURE,
    "anthropic": _ANTHROPIC,
    "bedrock": _BEDROCK,
    "aws-bedrock": _BEDROCK,
    "gemini": _GEMINI,
    "google": _GEMINI,
    "google-ai-studio": _GEMINI,
    "gcp-gemini": _GEMINI,
    "vertex-ai": _VERTEX,
    "google-vertex-ai": _VERTEX,
    "gcp-vertex-ai": _VERTEX,
    "x-ai": ("xai", "xai-api"),
    "grok": ("xai", "xai-api"),
    "mistral-ai": ("mistral", "mistral-api"),
    "moonshot-ai": ("moonshot", "moonshot-api"),
    "vllm": _OWN,
    "sglang": _OWN,
    "nim": _OWN,
    "ollama": _OWN,
}
UNKNOWN: Final = "unknown"


def spelling(text: str) -> str:
    """Return an expression for a provider's name as `PROVIDERS` compares it; "unknown" for none."""
    plain = f"trim(regexp_replace(lower({text}), '[^a-z0-9]+', '-', 'g'), '-')"
    return f"coalesce(nullif({plain}, ''), '{UNKNOWN}')"


def provider(spelt: str) -> str:
    """Return an expression for the provider; `spelt` as `spelling` gives it."""
    return _named(spelt, 0, spelt)


def platform(spelt: str) -> str:
    """Return an expression for the platform; `spelt` as `spelling` gives it."""
    return _named(spelt, 1, f"{spelt} || '-api'")


def _named(spelt: str, position: int, otherwise: str) -> str:
    from metering.ingest.bulk.layout import literal  # noqa: PLC0415 - who reads a bill needs none

    cases = " ".join(
        f"WHEN {literal(spelling)} THEN {literal(names[position])}"
        for spelling, names in PROVIDERS.items()
    )
    return f"CASE {spelt} {cases} ELSE {otherwise} END"
