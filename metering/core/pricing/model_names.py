"""What a model's name means at an instant: aliases, followed in the order of their precedence.

A name is compared exactly, by its beginning or by an anchored pattern that somebody wrote down,
never by substring or nearness: unpriced is better than wrong. Names move (`deepseek-chat`,
`…-latest`), so aliases are dated like rates.

Source: pricing specification, "Alias, date suffix, provider prefix" and "Fuzzy matching".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from metering.core.instants import ALWAYS, NEVER, microseconds_since_always
from metering.core.pricing.conditions import spelled
from metering.core.pricing.rates import Alias, CardKind, MatchKind, RateCard

# An alias may lead to an alias (a region's prefix, then a date suffix), but not round for ever.
_MOST_HOPS: Final = 5
_CARD_ORDER: Final[Mapping[CardKind, int]] = {kind: n for n, kind in enumerate(CardKind)}
_MATCH_ORDER: Final[Mapping[MatchKind, int]] = {
    MatchKind.EXACT: 0,
    MatchKind.PREFIX: 1,
    MatchKind.PATTERN: 2,
}

_Rows = list[tuple[RateCard, Alias]]


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a model's name means from one instant to another.

    Attributes:
        starts, ends: half-open; `ALWAYS` and `NEVER` where it is unbounded.
        model: the canonical name; the name itself when no alias holds.
        aliases: those that led there, in order; empty when none did.
        dimensions: conditions that the name implies, in our spelling, sorted.
        assumed: conditions that hold when the usage does not say otherwise; an alias of a name to
            itself states them ("a Bedrock id without a prefix runs in its region").
        named_later: an alias for the name begins only after this stretch.
    """

    starts: datetime
    ends: datetime
    model: str
    aliases: tuple[Alias, ...] = ()
    dimensions: tuple[tuple[str, str], ...] = ()
    assumed: tuple[tuple[str, str], ...] = ()
    named_later: bool = False


class ModelNames:
    """The aliases of some cards, arranged for looking names up."""

    def __init__(self, cards: Iterable[RateCard]) -> None:
        self._exact: Final[dict[tuple[str, str, str], _Rows]] = {}
        self._shaped: Final[dict[tuple[str, str], _Rows]] = {}
        for card in cards:
            for alias in card.aliases:
                place = (alias.provider, alias.platform)
                if alias.match_kind is MatchKind.EXACT:
                    self._exact.setdefault((*place, alias.raw), []).append((card, alias))
                else:
                    self._shaped.setdefault(place, []).append((card, alias))

    def resolutions(self, provider: str, platform: str, raw: str) -> tuple[Resolution, ...]:
        """Return what a name means over all time, in order, without gaps."""
        found: list[Resolution] = []
        starts = ALWAYS
        while starts < NEVER:
            found.append(self._resolution(provider, platform, raw, starts))
            starts = found[-1].ends
        return tuple(found)

    def _resolution(self, provider: str, platform: str, raw: str, at: datetime) -> Resolution:
        """Follow the aliases of a name from an instant on, as far in time as they all hold."""
        model, ends = raw, NEVER
        path: list[Alias] = []
        implied: dict[str, str] = {}
        assumed: dict[str, str] = {}
        later = False
        for _ in range(_MOST_HOPS):
            rows = self._rows(provider, platform, model)
            ends = min(ends, _next_change(rows, at))
            in_force = [row for row in rows if _holds_at(row[1], at)]
            if not in_force:
                later = any(alias.effective_from and alias.effective_from > at for _, alias in rows)
                break
            alias = min(in_force, key=_best_first)[1]
            path.append(alias)
            target = _target(alias, model)
            found = assumed if target == model else implied
            for dimension, value in (alias.dimensions or {}).items():
                name, said = spelled(provider, dimension, value)
                found.setdefault(name, said)
            if target == model:
                break
            model = target
        return Resolution(
            starts=at,
            ends=ends,
            model=model,
            aliases=tuple(path),
            dimensions=tuple(sorted(implied.items())),
            assumed=tuple(sorted(pair for pair in assumed.items() if pair[0] not in implied)),
            named_later=later,
        )

    def _rows(self, provider: str, platform: str, name: str) -> _Rows:
        return [
            *self._exact.get((provider, platform, name), ()),
            *(row for row in self._shaped.get((provider, platform), ()) if _names(row[1], name)),
        ]


@cache  # as many as the cards hold
def model_pattern(text: str) -> Any:
    """Return an alias pattern, compiled so that it matches in linear time.

    Raises:
        ValueError: RE2 refuses it; the message says why.
    """
    # Importing it costs start-up time that cards without patterns need not pay.
    import re2  # type: ignore[import-untyped] # noqa: PLC0415 - no types; see above

    options = re2.Options()
    options.log_errors = False  # RE2 would write to stderr by itself
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        said = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(said) from error


def _names(alias: Alias, name: str) -> bool:
    if alias.match_kind is MatchKind.PREFIX:
        return name.startswith(alias.raw)
    return model_pattern(alias.raw).fullmatch(name) is not None


def _target(alias: Alias, name: str) -> str:
    if alias.match_kind is not MatchKind.PATTERN or "\\" not in alias.canonical_model:
        return alias.canonical_model
    expanded: str = model_pattern(alias.raw).fullmatch(name).expand(alias.canonical_model)
    return expanded


def _holds_at(alias: Alias, at: datetime) -> bool:
    return (alias.effective_from or ALWAYS) <= at < (alias.effective_to or NEVER)


def _next_change(rows: _Rows, at: datetime) -> datetime:
    instants = (
        instant
        for _, alias in rows
        for instant in (alias.effective_from, alias.effective_to)
        if instant is not None and instant > at
    )
    return min(instants, default=NEVER)


def _best_first(row: tuple[RateCard, Alias]) -> tuple[int, int, int, int, str]:
    card, alias = row
    since = microseconds_since_always(alias.effective_from or ALWAYS)
    order = (_CARD_ORDER[card.kind], _MATCH_ORDER[alias.match_kind], -len(alias.raw))
    return (*order, -since, alias.alias_id)
