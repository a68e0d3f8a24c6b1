"""What a meter name of Azure's Foundry models says: model, kind of token, deployment, tier.

Names are free text without a model id, and one word has many spellings (formats note, section 2.1,
read 2026-11-21): `gpt 4.1 cached Inp glbl Tokens`, `5.6 sol ShortCo Cd Wr Std Gl 1M Tokens`. So a
name is only understood when every word after the model is known; of any other, the money is taken
and no tokens, and it is shown under its own name. The model is what stands before the first known
word, as it is spelled: nothing is decided on the beginning of a name.

The steps see `meter_name`.
"""

from collections.abc import Mapping
from typing import Final

_INPUT: Final = "inpt|inp|input|in"
_OUTPUT: Final = "outpt|outp|output|out|opt"
_CACHED: Final = "cached|ccchd|cchd|chd|cd"
_EVERYWHERE: Final = "glbl|global|gl"
_ZONE: Final = "datazone|dzone|dz"
_REGION: Final = "regnl|regional|rg"
_TIER: Final = "batch|fl|pp|std"
_CONTEXT: Final = "shortco|shco|longco"
_MODALITY: Final = "aud|txt|img"
_VARIANT: Final = "rt|tcrb"
_ANY: Final = "|".join(
    (
        *(_INPUT, _OUTPUT, _CACHED, "wr", _EVERYWHERE, _ZONE, _REGION),
        *(_TIER, _CONTEXT, _MODALITY, _VARIANT, "1m", "1k", "tokens"),
    )
)


def _says(words: str) -> str:
    return f"regexp_matches(rest, ' ({words}) ')"


def _word(words: str) -> str:
    return f"regexp_extract(rest, ' ({words}) ', 1)"


STEPS: Final[tuple[Mapping[str, str], ...]] = (
    {
        "plain": (
            "replace(trim(regexp_replace(lower(meter_name), '[ -]+', ' ', 'g')),"
            " 'data zone', 'datazone')"
        ),
        "stem": rf"regexp_extract(meter_name, '(?i)^(.+?)[ -]+(?:{_ANY}|data)(?:[ -]|$)', 1)",
    },
    {
        # Spaces are doubled, so that each word has one of its own on both sides.
        "rest": (
            "' ' || replace(trim(substr(plain,"
            " length(regexp_replace(stem, '[ -]+', ' ', 'g')) + 2)), ' ', '  ') || ' '"
        ),
    },
    {
        "is_understood": (
            "stem <> '' AND ends_with(rest, ' tokens ')"
            f" AND trim(regexp_replace(rest, ' ({_ANY}) ', '', 'g')) = ''"
        ),
    },
    {
        "meter_class": (
            "CASE WHEN NOT is_understood THEN NULL"
            f" WHEN {_says(_CACHED)} AND {_says(_OUTPUT)} THEN NULL"
            f" WHEN {_says(_CACHED)} AND {_says('wr')} THEN 'cache_write'"
            f" WHEN {_says('wr')} THEN NULL"
            f" WHEN {_says(_CACHED)} THEN 'cache_read'"
            f" WHEN {_says(_INPUT)} AND NOT {_says(_OUTPUT)} THEN 'input'"
            f" WHEN {_says(_OUTPUT)} AND NOT {_says(_INPUT)} THEN 'output' END"
        ),
        "meter_modality": (
            f"CASE {_word(_MODALITY)} WHEN 'aud' THEN 'audio' WHEN 'img' THEN 'image'"
            " ELSE 'text' END"
        ),
    },
)

ENDPOINT_SCOPE: Final = (
    f"CASE WHEN {_says(_EVERYWHERE)} THEN 'global' WHEN {_says(_ZONE)} THEN 'geo'"
    f" WHEN {_says(_REGION)} THEN 'in_region' END"
)
PROCESSING: Final = f"CASE WHEN {_says('batch')} THEN 'batch' END"
TIER: Final = (
    f"CASE {_word('fl|pp|std')} WHEN 'fl' THEN 'flex' WHEN 'pp' THEN 'priority'"
    " WHEN 'std' THEN 'standard' END"
)
CONTEXT: Final = (
    f"CASE WHEN {_says('longco')} THEN 'long' WHEN {_says('shortco|shco')} THEN 'short' END"
)
VARIANT: Final = f"nullif({_word(_VARIANT)}, '')"
