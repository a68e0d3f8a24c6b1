"""What a SKU description of Google's bill says: model, kind of token, modality, tier and context.

Two grammars (formats note, section 3.1, read 2026-11-21), beside words that stand for themselves:

* Vertex AI: `Gemini 2.5 Flash GA Thinking Text Output - Predictions`, `Gemini 2.5 Flash GA Input
  Text Caching`, `Gemini 2.0 Flash Text Input (Long) - Predictions`;
* Gemini API: `Generate content cached input token count gemini 2.5 flash input image`.

Whether something is a token shows in the description and never in the unit, which says `count` or
`requests`. What neither grammar explains has no tokens here, and its money all the same. The steps
see `sku_description`.
"""

from collections.abc import Mapping
from typing import Final

_MODALITY: Final = "text|image|audio|video"
_VERTEX: Final = (
    r"(?i)^(.+?)(?: ga)?( global)?( thinking)? (?:"
    rf"({_MODALITY}) (input|output)|(input|output) ({_MODALITY}))\b(.*)$"
)
_API: Final = (
    r"(?i)^(?:generate ?content|embed ?content) (cached )?(input|output) token count (?:for )?"
    rf"(.+?)( short| long)?(?: input| output)? ({_MODALITY})((?: flex| priority| batch| caching)*)$"
)
_KNOWN_TAIL: Final = "predictions|long|short|priority|flex|batch|caching|storage|thinking on"


def _parts(pattern: str, names: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{name}'" for name in names)
    return f"regexp_extract(coalesce(sku_description, ''), '{pattern}', [{listed}])"


STEPS: Final[tuple[Mapping[str, str], ...]] = (
    {
        "vertex": _parts(
            _VERTEX,
            (
                *("model", "everywhere", "thinking", "modality", "way"),
                *("way_before", "modality_after", "rest"),
            ),
        ),
        "api": _parts(_API, ("cached", "way", "model", "context", "modality", "rest")),
        "words": (
            "' ' || trim(regexp_replace(lower(sku_description), '[^a-z0-9.]+', ' ', 'g')) || ' '"
        ),
    },
    {
        "is_api": "api.way <> ''",
        # Other products of Vertex AI have inputs and outputs, too, and count them otherwise.
        "is_vertex": "api.way = '' AND starts_with(lower(vertex.model), 'gemini')",
        "tail": (
            "' ' || trim(regexp_replace(lower(coalesce(nullif(api.rest, ''), vertex.rest)),"
            " '[^a-z0-9.]+', ' ', 'g')) || ' '"
        ),
        "way": "lower(coalesce(nullif(api.way, ''), nullif(vertex.way, ''), vertex.way_before))",
    },
    {
        "sku_class": (
            "CASE WHEN regexp_matches(words, ' cach(e|ing) storage ') THEN 'storage'"
            " WHEN contains(words, ' grounding ') THEN 'grounding'"
            " WHEN NOT (is_api OR is_vertex) THEN NULL"
            " WHEN is_vertex AND NOT regexp_matches(tail, ' (predictions|caching) ') THEN NULL"
            " WHEN api.cached <> '' OR contains(tail, ' caching ') THEN"
            " CASE WHEN way = 'input' THEN 'cache_read' END"
            " ELSE way END"
        ),
        "sku_modality": (
            "lower(CASE WHEN is_api THEN api.modality WHEN is_vertex"
            " THEN coalesce(nullif(vertex.modality, ''), vertex.modality_after) END)"
        ),
        "sku_model": ("CASE WHEN is_api THEN api.model WHEN is_vertex THEN vertex.model END"),
    },
)

THINKING: Final = "is_vertex AND vertex.thinking <> ''"
TIER: Final = "nullif(regexp_extract(tail, ' (flex|priority) ', 1), '')"
PROCESSING: Final = "nullif(regexp_extract(tail, ' (batch) ', 1), '')"
CONTEXT: Final = (
    "coalesce(nullif(trim(lower(api.context)), ''),"
    " nullif(regexp_extract(tail, ' (long|short) ', 1), ''))"
)
ENDPOINT_SCOPE: Final = "CASE WHEN is_vertex AND vertex.everywhere <> '' THEN 'global' END"
# Part of a description that nobody has explained: shown with the usage, so as not to be overlooked.
UNEXPLAINED: Final = f"nullif(trim(regexp_replace(tail, '\\b({_KNOWN_TAIL})\\b', '', 'g')), '')"
