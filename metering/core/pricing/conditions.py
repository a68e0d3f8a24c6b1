"""Conditions: what usage says about itself that may change its price.

A condition is a dimension and a value. A value that is the dimension's default says nothing and
is dropped; every other one must be consumed by a rate, a modifier or an explicit row that says it
has no effect, or the usage is not priced. Providers spell one thing in several ways; the tables
below are the one place where spellings meet.

Source: pricing specification, "The rule that removes silent fallbacks".
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

Conditions = tuple[tuple[str, str], ...]

CONTEXT_WINDOW: Final = "context_window"


@dataclass(frozen=True, slots=True)
class Dimension:
    """What the values of one dimension mean.

    Attributes:
        defaults: values that say nothing; the empty value, for "absent", is always one.
        informational: no value of it ever changes a price.
    """

    defaults: frozenset[str] = frozenset()
    informational: bool = False


def _dimension(*defaults: str) -> Dimension:
    return Dimension(defaults=frozenset(defaults))


_INFORMATIONAL: Final = Dimension(informational=True)

# A card may only set conditions on these; usage may carry any other, which then nobody consumes.
DIMENSIONS: Final[Mapping[str, Dimension]] = {
    "service_tier": _dimension("default", "standard", "auto", "on_demand"),
    "processing": _dimension("standard", "sync", "online", "default", "realtime"),
    "speed": _dimension("standard", "normal", "default"),
    "inference_geo": _dimension("global", "not_available"),
    "endpoint": _dimension(),
    "endpoint_scope": _dimension("global"),
    "region": _dimension("global"),
    "data_residency": _dimension("global", "none"),
    CONTEXT_WINDOW: _dimension(),
    "tool_version": _dimension("default"),
    "search_context": _dimension(),
    "reasoning_model": _dimension(),
    "resolution": _dimension(),
    "quality": _dimension("standard", "auto"),
    "size": _dimension("auto"),
    "container_memory": _dimension(),
    "cache_storage": _dimension(),
    "fine_tuned": _dimension("false"),
    "modality": _dimension("text"),
    "deployment": _dimension("standard", "global"),
    "plan": _dimension("paid", "standard"),
    "service_tier_requested": _INFORMATIONAL,
    "allowance_units": _INFORMATIONAL,
    "allowance_scope": _INFORMATIONAL,
    "allowance_period": _INFORMATIONAL,
}

# (provider or "*", dimension, value as spelled) -> (dimension, value as we say it).
_SPELLINGS: Final[Mapping[tuple[str, str, str], tuple[str, str]]] = {
    # OpenAI renamed priority to fast on 2026-07-30 and accepts both names.
    ("openai", "service_tier", "priority"): ("service_tier", "fast"),
    ("azure", "service_tier", "priority"): ("service_tier", "fast"),
    # Usage exports report batch as a service tier, or as a flag; it is a way of processing.
    ("*", "service_tier", "batch"): ("processing", "batch"),
    ("*", "batch", "true"): ("processing", "batch"),
    ("*", "batch", "false"): ("processing", ""),
    ("*", "endpoint_scope", "geographic"): ("endpoint_scope", "geo"),
    ("*", "endpoint_scope", "cross_region"): ("endpoint_scope", "geo"),
    ("*", "endpoint_scope", "regional"): ("endpoint_scope", "in_region"),
    ("*", "endpoint_scope", "in-region"): ("endpoint_scope", "in_region"),
    ("*", "endpoint_scope", "region"): ("endpoint_scope", "in_region"),
}

_RANGE: Final = re.compile(r"(\d+)([km]?)-(\d+)([km]?)")
_SCALE: Final[Mapping[str, int]] = {"": 1, "k": 1_000, "m": 1_000_000}


def canonical_conditions(provider: str, conditions: Iterable[tuple[str, str]]) -> Conditions:
    """Return the conditions that may change a price, in our spelling, sorted by dimension.

    Defaults and informational dimensions are left out. Two different values of one dimension are
    kept as one value that no rate has ("batch+flex"), so that the usage is not priced.
    """
    found: dict[str, str] = {}
    for dimension, value in conditions:
        name, said = spelled(provider, dimension, value)
        if is_default(name, said):
            continue
        known = found.get(name)
        found[name] = said if known is None or known == said else "+".join(sorted((known, said)))
    return tuple(sorted(found.items()))


def spelled(provider: str, dimension: str, value: str) -> tuple[str, str]:
    """Return one condition in our spelling."""
    plain = value.strip().lower()
    for who in (provider, "*"):
        ours = _SPELLINGS.get((who, dimension, plain))
        if ours is not None:
            return ours
    return dimension, plain


def is_default(dimension: str, value: str) -> bool:
    """Say whether a value in our spelling says nothing about the price."""
    if not value:
        return True
    known = DIMENSIONS.get(dimension)
    return known is not None and (known.informational or value in known.defaults)


def context_window_range(value: str) -> tuple[int, int] | None:
    """Return the prompt sizes that a context window of an export stands for, both inclusive.

    "0-200k" is (0, 200000) and "200k-1M" is (200001, 1000000): exports name the bound twice and
    the providers' tiers begin above it. None when the text is no such range.
    """
    match = _RANGE.fullmatch(value.strip().lower())
    if match is None:
        return None
    low = int(match[1]) * _SCALE[match[2]]
    high = int(match[3]) * _SCALE[match[4]]
    if high <= low:
        return None
    return (low + 1 if low else 0), high
