"""Check the rows of a rate card one by one; a problem is a value that names its rows.

Source: pricing specification, "Data model".
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from metering.core.meters import Meter
from metering.core.pricing.conditions import DIMENSIONS, spelled
from metering.core.pricing.holidays import CALENDARS
from metering.core.pricing.model_names import model_pattern
from metering.core.pricing.rates import (
    ALL_METERS,
    ALL_TOKENS,
    INFORMATIONAL_METERS,
    Alias,
    MatchKind,
    Modifier,
    NoEffect,
    Rate,
    Window,
)

_METERS: Final = frozenset(meter.value for meter in Meter) | INFORMATIONAL_METERS
_GROUPS: Final = frozenset({ALL_METERS, ALL_TOKENS})
_LAST_WEEKDAY: Final = 7

Row = Rate | Modifier | Alias | NoEffect


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one row, or with several together.

    Attributes:
        code: stable, kebab-case.
        places: file and line of each row, or what identifies it when it comes from no file.
        what: what was found, in words, without the places.
        expected: what would have been accepted.
        remedy: what the author of the card does now.
    """

    code: str
    places: tuple[str, ...]
    what: str
    expected: str
    remedy: str = "correct the card and load it again"

    def message(self) -> str:
        """Return the message in its four parts, the first place leading the line."""
        also = [f"    also:     {place}" for place in self.places[1:]]
        return "\n".join(
            [
                f"{self.places[0]}: error[{self.code}]: {self.what}",
                *also,
                f"    expected: {self.expected}",
                f"    do:       {self.remedy}",
            ]
        )


def row_problems(row: Row) -> Iterator[Problem]:
    """Yield what is wrong with one row by itself."""
    if isinstance(row, Rate):
        yield from _of_rate(row)
    elif isinstance(row, Modifier):
        yield from _of_modifier(row)
    elif isinstance(row, Alias):
        yield from _of_alias(row)
    else:
        yield from _of_no_effect(row)


def described(row: Row) -> str:
    """Return where a row stands, or what it is about when it comes from no file."""
    if row.place:
        return row.place
    subject = f"{row.provider}/{row.platform}"
    if isinstance(row, Rate):
        return f"{subject} {row.model_match or '*'} {row.meter} (rate {row.rate_id})"
    if isinstance(row, Modifier):
        return f"{subject} {row.model_match or '*'} (modifier {row.modifier_id})"
    if isinstance(row, Alias):
        return f"{subject} {row.raw} (alias {row.alias_id})"
    return f"{subject} {row.dimension} (no effect)"


def unknown_meters(meters: Iterable[str]) -> tuple[str, ...]:
    """Return the names that are neither a meter nor a group of meters."""
    return tuple(meter for meter in meters if meter not in _METERS | _GROUPS)


def unknown_meter(place: tuple[str, ...], meter: str) -> Problem:
    """Return the problem of a row that names a meter we do not have."""
    return Problem("unknown-meter", place, f"there is no meter '{meter}'", "a meter's name")


def _of_rate(rate: Rate) -> Iterator[Problem]:
    place = (described(rate),)
    if rate.price_nanos < 0:
        yield Problem(
            "negative-price",
            place,
            f"{rate.meter} of {rate.model_match} costs less than nothing",
            "a price of 0 or more; credits are not rates",
        )
    if rate.per < 1 or rate.qty_step < 1 or rate.min_qty_per_event < 0 or rate.allowance_units < 0:
        yield Problem(
            "bad-rate",
            place,
            "per, qty_step, min_qty_per_event or allowance_units is out of range",
            "per and qty_step of 1 or more, the others of 0 or more",
        )
    granted = (rate.allowance_units > 0, bool(rate.allowance_period), bool(rate.allowance_scope))
    if any(granted) and (not all(granted) or rate.allowance_period not in ("day", "month")):
        yield Problem(
            "bad-rate",
            place,
            f"the allowance is {rate.allowance_units} units per '{rate.allowance_period}'",
            'units, period = "day" or "month", and a scope such as "organization"',
        )
    if rate.meter not in _METERS:
        yield unknown_meter(place, rate.meter)
    if (rate.tier_lo or 0) < 0 or (rate.tier_hi is not None and rate.tier_hi < (rate.tier_lo or 0)):
        yield Problem(
            "bad-tier",
            place,
            f"the tier {rate.tier_lo}..{rate.tier_hi} holds no prompt size",
            "a lower bound of 0 or more, and an upper bound that is not below it",
        )
    if rate.window is not None:
        yield from _of_window(place, rate.window)
    yield from _of_match(place, rate.match_kind, rate.model_match)
    yield from _of_conditions(place, rate.provider, rate.conditions)
    yield from _of_interval(place, rate.effective_from, rate.effective_to)


def _of_modifier(modifier: Modifier) -> Iterator[Problem]:
    place = (described(modifier),)
    if modifier.factor_num < 0 or modifier.factor_den < 1:
        yield Problem(
            "negative-price",
            place,
            f"the factor is {modifier.factor_num}/{modifier.factor_den}",
            "a factor of 0 or more",
        )
    for meter in unknown_meters(modifier.meters):
        yield unknown_meter(place, meter)
    yield from _of_match(place, modifier.match_kind, modifier.model_match)
    yield from _of_conditions(place, modifier.provider, modifier.conditions)
    yield from _of_interval(place, modifier.effective_from, modifier.effective_to)


def _of_alias(alias: Alias) -> Iterator[Problem]:
    place = (described(alias),)
    if alias.match_kind is MatchKind.PATTERN:
        try:
            model_pattern(alias.raw)
        except ValueError as error:
            yield Problem(
                "bad-pattern",
                place,
                f"RE2 refuses the pattern: {error}",
                "an RE2 expression that matches the whole name",
            )
    if alias.match_kind is MatchKind.ANY or not alias.raw or not alias.canonical_model:
        yield Problem(
            "bad-alias",
            place,
            "the alias names nothing, or everything",
            'a name, match = "exact", "prefix" or "pattern", and a model',
        )
    yield from _of_conditions(place, alias.provider, alias.dimensions)
    yield from _of_interval(place, alias.effective_from, alias.effective_to)


def _of_no_effect(row: NoEffect) -> Iterator[Problem]:
    place = (described(row),)
    for meter in unknown_meters(row.meters):
        yield unknown_meter(place, meter)
    yield from _of_match(place, row.match_kind, row.model_match)
    yield from _of_conditions(place, row.provider, {row.dimension: ""})


def _of_match(place: tuple[str, ...], kind: MatchKind, model: str) -> Iterator[Problem]:
    if kind is MatchKind.PATTERN or bool(model) is (kind is MatchKind.ANY):
        yield Problem(
            "bad-match",
            place,
            f"match is '{kind}' and the model is '{model}'",
            'a model with match = "exact" or "prefix", none with match = "any"',
        )


def _of_conditions(
    place: tuple[str, ...], provider: str, conditions: Mapping[str, str] | None
) -> Iterator[Problem]:
    for dimension, value in (conditions or {}).items():
        name, _ = spelled(provider, dimension, value)
        known = DIMENSIONS.get(name)
        if known is None:
            yield Problem(
                "unknown-condition",
                place,
                f"there is no dimension '{dimension}'",
                f"one of {', '.join(sorted(DIMENSIONS))}",
            )


def _of_interval(
    place: tuple[str, ...], starts: datetime | None, ends: datetime | None
) -> Iterator[Problem]:
    if starts is not None and ends is not None and ends <= starts:
        yield Problem(
            "bad-interval",
            place,
            f"it ends at {ends.isoformat()}, not after {starts.isoformat()}, its start",
            "an end after the start; the end itself is outside",
        )


def _of_window(place: tuple[str, ...], window: Window) -> Iterator[Problem]:
    wrong = ""
    try:
        time.fromisoformat(window.start)
        time.fromisoformat(window.end)
        ZoneInfo(window.zone)
    except (ValueError, ZoneInfoNotFoundError):
        wrong = f"the window {window.start} to {window.end} in '{window.zone}' is not readable"
    if window.holidays and window.holidays not in CALENDARS:
        wrong = f"there is no holiday calendar '{window.holidays}'"
    if not window.weekdays or not all(1 <= day <= _LAST_WEEKDAY for day in window.weekdays):
        wrong = "the weekdays are not from 1 (Monday) to 7"
    if wrong:
        yield Problem(
            "bad-window",
            place,
            wrong,
            'weekdays 1 to 7, "HH:MM" to "HH:MM", an IANA zone, a calendar we know or none',
        )
