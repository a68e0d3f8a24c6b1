"""How what a rate card says is written in a column, and read from it."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from metering.books.types import canonical_json, instant_of, instant_text
from metering.core.pricing.rates import MatchKind, Window
from metering.core.pricing.terms import Measure, TermKind


def _instant_written(instant: datetime | None) -> str | None:
    return None if instant is None else instant_text(instant)


def _json_written(value: object) -> str | None:
    return None if value is None else canonical_json(value)


def _window_written(window: Window | None) -> str | None:
    if window is None:
        return None
    return canonical_json(
        {
            "weekdays": sorted(window.weekdays),
            "start": window.start,
            "end": window.end,
            "zone": window.zone,
            "holidays": window.holidays,
        }
    )


@lru_cache(maxsize=4096)
def _instant_read(text: str | None) -> datetime | None:
    return None if text is None else instant_of(text)


@lru_cache(maxsize=4096)
def _mapping_read(text: str | None) -> Mapping[str, str] | None:
    return None if text is None else json.loads(text)


@lru_cache(maxsize=4096)
def _names_read(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


@lru_cache(maxsize=4096)
def _window_read(text: str | None) -> Window | None:
    if text is None:
        return None
    said = json.loads(text)
    return Window(**{**said, "weekdays": frozenset(said["weekdays"])})


_INSTANTS: Final = ("effective_from", "effective_to", "guaranteed_until", "list_as_of")
_MAPPINGS: Final = ("conditions", "dimensions")
_NAMES: Final = ("meters", "models", "values")
WRITTEN: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(_INSTANTS, _instant_written),
    **dict.fromkeys((*_MAPPINGS, *_NAMES), _json_written),
    "match_kind": str,
    "kind": str,
    "measure": str,
    "window": _window_written,
}
READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(_INSTANTS, _instant_read),
    **dict.fromkeys(_MAPPINGS, _mapping_read),
    **dict.fromkeys(_NAMES, _names_read),
    "match_kind": MatchKind,
    "kind": TermKind,
    "measure": Measure,
    "window": _window_read,
}
