"""What an AWS usage type of Amazon Bedrock says: region, model, kind of token, tier and route.

Three grammars occur side by side (formats note, section 1.1, read 2026-11-21):

* `USE1-Claude4.6Sonnet-input-tokens-batch`: Amazon Bedrock, quantities in thousands of tokens;
* `USW2-anthropic.claude-opus-4-8-mantle-cache-write-tokens-standard`: its newer endpoint, likewise;
* `USW2-MP:USW2_cache_write_tokens_1h_global_standard-Units`: the price list of Marketplace models,
  quantities in millions of tokens; the model is not in it, and older rows spell the kind
  `CacheWrite1hInputTokenCount_Global`.

The steps below see `usage_type` and are the same for every format that carries one.
"""

from collections.abc import Mapping
from typing import Final

_REGION: Final = "([A-Z]{2,4}[0-9]?)"
_MANTLE: Final = (
    f"^{_REGION}-(.+?)-mantle-(input|output|cache-read|cache-write)-tokens((?:-[a-z0-9-]+)?)$"
)
_DIRECT: Final = (
    f"^{_REGION}-(.+?)-(input-tokens|output-tokens|cache-read-input-token-count"
    "|cache-write-input-token-count)((?:-[a-z0-9-]+)?)$"
)
_MARKET: Final = f"^(?:{_REGION}-MP:)?{_REGION}_([A-Za-z0-9_]+)-Units$"
_DIMENSION: Final = (
    "(?i)^(cache_?read|cache_?write)?_?(5m|30m|1h)?_?(input|output)?_?token(?:count|s)"
    "(?:_(5m|30m|1h))?((?:_[a-z0-9]+)*)$"
)

_GEOGRAPHIES: Final = "eu|us|apac|jp|au|ca|in"
_TIERS: Final = "batch|flex|priority|standard"
# Words of a suffix that are understood; what is left over is kept as it stands.
_KNOWN: Final = f"cross-region(-(global|{_GEOGRAPHIES}))?|global|long-ctx|{_TIERS}"


def _parts(pattern: str, names: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{name}'" for name in names)
    return f"regexp_extract(coalesce(usage_type, ''), '{pattern}', [{listed}])"


def _suffix_word(words: str) -> str:
    return f"nullif(regexp_extract(suffix, '-({words})-', 1), '')"


# The kind of token, null for what is no token; and how long what was written to the cache lives.
STEPS: Final[tuple[Mapping[str, str], ...]] = (
    {
        "mantle": _parts(_MANTLE, ("region", "model", "kind", "rest")),
        "direct": _parts(_DIRECT, ("region", "model", "kind", "rest")),
        "market": _parts(_MARKET, ("outer_region", "region", "dimension")),
    },
    {
        "dimension": (
            f"regexp_extract(market.dimension, '{_DIMENSION}',"
            " ['cache', 'age', 'way', 'age_after', 'rest'])"
        ),
        "is_market": f"regexp_matches(market.dimension, '{_DIMENSION}')",
        "spelt_region": (
            "coalesce(nullif(mantle.region, ''), nullif(direct.region, ''),"
            " nullif(market.region, ''))"
        ),
        # The newer endpoint first: its rows would pass for the older grammar.
        "spelt_model": "coalesce(nullif(mantle.model, ''), nullif(direct.model, ''))",
    },
    {
        "token_class": (
            "CASE WHEN mantle.kind <> '' THEN replace(mantle.kind, '-', '_')"
            " WHEN direct.kind <> '' THEN replace(regexp_replace(direct.kind,"
            " '(-input)?-token(s|-count)$', ''), '-', '_')"
            " WHEN dimension.cache <> '' AND lower(dimension.way) <> 'output' THEN"
            " CASE WHEN ends_with(lower(dimension.cache), 'read') THEN 'cache_read'"
            " ELSE 'cache_write' END"
            " WHEN is_market AND dimension.cache = '' AND dimension.way <> ''"
            " THEN lower(dimension.way) END"
        ),
        "write_age": (
            "nullif(lower(coalesce(nullif(dimension.age, ''), dimension.age_after, '')), '')"
        ),
        "suffix": (
            "lower('-' || replace(coalesce(nullif(mantle.rest, ''), nullif(direct.rest, ''),"
            " dimension.rest, ''), '_', '-') || '-')"
        ),
    },
)

# Columns that follow from the steps, for rows of tokens.
TIER: Final = f"nullif({_suffix_word(_TIERS)}, 'batch')"
PROCESSING: Final = _suffix_word("batch")
ENDPOINT_SCOPE: Final = (
    "CASE WHEN contains(suffix, '-global-') THEN 'global'"
    " WHEN contains(suffix, '-cross-region-') THEN 'geo' END"
)
CONTEXT: Final = "CASE WHEN contains(suffix, '-long-ctx-') THEN 'long' END"
# Part of a suffix that nobody has explained: shown with the usage, so that it is not overlooked.
UNEXPLAINED: Final = (
    f"nullif(trim(regexp_replace(suffix, '-({_KNOWN})(-({_KNOWN}))*-', '-'), '-'), '')"
)
