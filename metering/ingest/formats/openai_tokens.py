"""How OpenAI's token counts come apart into meters that never overlap.

`input_tokens` holds everything: cached reads, cache writes and what was new, in text, audio and
image. `input_cached_tokens` is therefore taken out of it, never added to it.

What is written to the cache is kept there for half an hour or for twelve hours, at a price of its
own each. `input_cache_write_tokens` is the former alone, and the sum of both where a row gives that
former a field of its own.

Source: OpenAI's OpenAPI description of the organization usage endpoints, schema
`UsageCompletionsResult`; API reference, "Usage", read 2026-11-22.
"""

from dataclasses import dataclass
from typing import Final

from metering.core.meters import Meter
from metering.ingest.values.fields import Fields

_UNCACHED_PARTS: Final = {
    "input_text_tokens": Meter.INPUT_UNCACHED,
    "input_audio_tokens": Meter.INPUT_AUDIO_UNCACHED,
    "input_image_tokens": Meter.INPUT_IMAGE_UNCACHED,
}
_CACHED_PARTS: Final = {
    "input_cached_text_tokens": Meter.CACHE_READ,
    "input_cached_audio_tokens": Meter.CACHE_READ_AUDIO,
    "input_cached_image_tokens": Meter.CACHE_READ_IMAGE,
}
_OUTPUT_PARTS: Final = {
    "output_text_tokens": Meter.OUTPUT,
    "output_audio_tokens": Meter.OUTPUT_AUDIO,
    "output_image_tokens": Meter.OUTPUT_IMAGE,
}
_TEXT_METERS: Final = frozenset({Meter.INPUT_UNCACHED, Meter.CACHE_READ, Meter.OUTPUT})


@dataclass(frozen=True, slots=True)
class TokenMeters:
    """The meters of one row.

    Attributes:
        quantities: disjoint; their sum is the row's input and output.
        modality: "mixed" where the row holds audio or image tokens that cannot be told from the
            text, so that no rate for text alone may price it; else None.
    """

    quantities: dict[Meter, int]
    modality: str | None


def completion_meters(row: Fields) -> TokenMeters:
    """Return the meters of a completions row.

    Audio and image are split off only where every part is given and adds up: older exports
    describe `input_audio_tokens` as including the cached ones, others leave parts out. Then the
    totals stand as they are, and if any part says there was audio or image, the row says `mixed`.

    Raises:
        FieldRefused: `cached-exceeds-input`, `tokens-do-not-add-up`, or a count is no whole number.
    """
    total_input = row.whole_number("input_tokens")
    cached = row.whole_number_if_any("input_cached_tokens") or 0
    written = _written(row)
    uncached = _uncached(row, total_input, cached, sum(written.values()))
    output = row.whole_number("output_tokens")

    uncached_parts = _split(row, _UNCACHED_PARTS, uncached)
    cached_parts = _split(row, _CACHED_PARTS, cached)
    output_parts = _split(row, _OUTPUT_PARTS, output)
    # The two definitions of an input part differ in the cached tokens, so both splits hold or none.
    if uncached_parts is None or cached_parts is None:
        uncached_parts = cached_parts = None
    quantities = {
        **(uncached_parts or {Meter.INPUT_UNCACHED: uncached}),
        **(cached_parts or {Meter.CACHE_READ: cached}),
        **written,
        **(output_parts or {Meter.OUTPUT: output}),
    }
    unsplit = {
        **({} if uncached_parts else _UNCACHED_PARTS | _CACHED_PARTS),
        **({} if output_parts else _OUTPUT_PARTS),
    }
    return TokenMeters(quantities, "mixed" if _has_other_than_text(row, unsplit) else None)


def _written(row: Fields) -> dict[Meter, int]:
    """Return what was written to the cache, by how long it is kept; none that is not told."""
    written, half_hour, half_day = (
        row.whole_number_if_any(f"input_cache_write_{age}tokens") for age in ("", "30m_", "12h_")
    )
    if half_hour is None:
        half_hour = written
    elif written not in (None, half_hour, half_hour + (half_day or 0)):
        raise row.refused(
            "tokens-do-not-add-up",
            "input_cache_write_tokens",
            f"what was written for 30 minutes, {half_hour}, or that and what was for 12 hours",
        )
    told = {Meter.CACHE_WRITE_30M: half_hour, Meter.CACHE_WRITE_12H: half_day}
    return {meter: count for meter, count in told.items() if count is not None}


def _uncached(row: Fields, total: int, cached: int, written: int) -> int:
    if cached > total:
        raise row.refused(
            "cached-exceeds-input", "input_cached_tokens", f"at most input_tokens, {total}"
        )
    if cached + written > total:
        raise row.refused(
            "cached-exceeds-input",
            "input_cache_write_tokens",
            f"at most input_tokens less input_cached_tokens, {total - cached}",
        )
    rest = total - cached - written
    if row.whole_number_if_any("input_uncached_tokens") not in (None, rest):
        raise row.refused(
            "tokens-do-not-add-up",
            "input_uncached_tokens",
            f"input_tokens less cached and cache-write tokens, {rest}",
        )
    return rest


def _split(row: Fields, parts: dict[str, Meter], total: int) -> dict[Meter, int] | None:
    """Return the parts of a total by meter; None if one is missing or they do not add up."""
    counts = {meter: row.whole_number_if_any(name) for name, meter in parts.items()}
    given = {meter: count for meter, count in counts.items() if count is not None}
    if sum(given.values()) != total:
        return None
    # Parts of nothing are nothing, whether or not the source lists them.
    return given if total == 0 or len(given) == len(parts) else None


def _has_other_than_text(row: Fields, parts: dict[str, Meter]) -> bool:
    return any(
        row.whole_number_if_any(name) for name, meter in parts.items() if meter not in _TEXT_METERS
    )
