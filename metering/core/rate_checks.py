"""Check rate cards when they are loaded, so that choosing a rate never meets an ambiguity.

A problem is a value: it names the rows, says what is wrong with them and what to do. Sound cards
have none.

Source: pricing specification, "Choosing the rate" (a tie is an error at load time).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from itertools import combinations, pairwise
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from metering.core.conditions import DIMENSIONS, spelled
from metering.core.holidays import CALENDARS
from metering.core.instants import ALWAYS, NEVER
from metering.core.meters import Meter
from metering.core.model_names import model_pattern
from metering.core.rate_book import ConditionsOfRow
from metering.core.rates import (
    ALL_METERS,
    ALL_TOKENS,
    EVERY_ACCOUNT,
    INFORMATIONAL_METERS,
    Alias,
    CardKind,
    MatchKind,
    Modifier,
    NoEffect,
    Rate,
    RateCard,
    Window,
)
from metering.core.windows import may_overlap

_METERS: Final = frozenset(meter.value for meter in Meter) | INFORMATIONAL_METERS
_GROUPS: Final = frozenset({ALL_METERS, ALL_TOKENS})
_LAST_WEEKDAY: Final = 7

_Row = Rate | Modifier | Alias | NoEffect


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


def card_problems(card: RateCard) -> tuple[Problem, ...]:
    """Return everything that is wrong with one card, in the order of its rows."""
    return (
        *(problem for rate in card.rates for problem in _of_rate(rate)),
        *(problem for modifier in card.modifiers for problem in _of_modifier(modifier)),
        *(problem for alias in card.aliases for problem in _of_alias(alias)),
        *(problem for row in card.no_effects for problem in _of_no_effect(row)),
        *_of_rates_together(card.rates),
        *_of_modifiers_together(card.modifiers),
        *_of_aliases_together(card.aliases),
        *(_gaps(card.rates) if card.complete or card.kind is CardKind.CONTRACT else ()),
    )


def book_problems(cards: Sequence[RateCard]) -> tuple[Problem, ...]:
    """Return everything that is wrong with cards that are in force together.

    Cards of different kinds may overlap: precedence decides. Cards of one kind may not, unless
    they hold for different accounts.
    """
    found = [problem for card in cards for problem in card_problems(card)]
    for one, other in combinations(cards, 2):
        if one.kind is other.kind and _share_an_account(one, other):
            found += _between(one, other)
    return tuple(found)


def described(row: _Row) -> str:
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


# --- one row -------------------------------------------------------------------------------------


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
    if rate.meter not in _METERS:
        yield _unknown_meter(place, rate.meter)
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
    for meter in modifier.meters:
        if meter not in _METERS | _GROUPS:
            yield _unknown_meter(place, meter)
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
    for meter in row.meters:
        if meter not in _METERS | _GROUPS:
            yield _unknown_meter(place, meter)
    yield from _of_match(place, row.match_kind, row.model_match)
    yield from _of_conditions(place, row.provider, {row.dimension: ""})


def _unknown_meter(place: tuple[str, ...], meter: str) -> Problem:
    return Problem("unknown-meter", place, f"there is no meter '{meter}'", "a meter's name")


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


# --- rows together -------------------------------------------------------------------------------


def _of_rates_together(rates: Iterable[Rate]) -> Iterator[Problem]:
    for siblings in _siblings(rates):
        if len(siblings) > 1:
            for one, other in combinations(siblings, 2):
                yield from _of_two(one, other)


def _siblings(rates: Iterable[Rate]) -> Iterable[list[Rate]]:
    """Return the rates that nothing but time, tier and hours tells apart."""
    found: dict[object, list[Rate]] = defaultdict(list)
    for rate in rates:
        found[_sort(rate)].append(rate)
    return found.values()


def _sort(rate: Rate) -> object:
    conditions: object = None
    if rate.conditions:
        ours = ConditionsOfRow.of(rate.provider, rate.conditions)
        conditions = (ours.required, ours.absent)
    return (
        rate.provider,
        rate.platform,
        rate.match_kind,
        rate.model_match,
        rate.meter,
        conditions,
        rate.window is not None,
    )


def _of_two(one: Rate, other: Rate) -> Iterator[Problem]:
    if not (_times_meet(one, other) and _tiers_meet(one, other) and _windows_meet(one, other)):
        return
    places = (described(one), described(other))
    subject = f"{one.meter} of {one.model_match or 'any model'}"
    if (one.tier_lo or 0, one.tier_hi) != (other.tier_lo or 0, other.tier_hi):
        yield Problem(
            "tier-overlap",
            places,
            f"two tiers for {subject} hold the same prompt sizes",
            "tiers that end where the next begins; both bounds are inclusive",
        )
    elif (one.effective_from or ALWAYS) == (other.effective_from or ALWAYS):
        yield Problem(
            "rate-tie",
            places,
            f"two rows price {subject} alike from the same instant",
            "one row for one price; conditions, tiers or hours tell rows apart",
        )
    else:
        yield Problem(
            "rate-overlap",
            places,
            f"two rows price {subject} at the same time",
            "that the earlier row ends where the later one begins",
        )


def _of_modifiers_together(modifiers: Sequence[Modifier]) -> Iterator[Problem]:
    groups: dict[object, list[Modifier]] = defaultdict(list)
    for modifier in modifiers:
        if modifier.stack_group:
            groups[_modifier_sort(modifier)].append(modifier)
    for group in groups.values():
        for one, other in combinations(group, 2):
            if _times_meet(one, other) and set(one.meters) & set(other.meters):
                yield Problem(
                    "modifier-tie",
                    (described(one), described(other)),
                    f"two modifiers of the group '{one.stack_group}' hold at once",
                    "one modifier of a group at a time",
                )


def _modifier_sort(modifier: Modifier) -> object:
    conditions = ConditionsOfRow.of(modifier.provider, modifier.conditions)
    return (
        modifier.provider,
        modifier.platform,
        modifier.match_kind,
        modifier.model_match,
        modifier.stack_group,
        conditions.required,
        conditions.absent,
    )


def _of_aliases_together(aliases: Iterable[Alias]) -> Iterator[Problem]:
    found: dict[object, list[Alias]] = defaultdict(list)
    for alias in aliases:
        found[alias.provider, alias.platform, alias.match_kind, alias.raw].append(alias)
    for namesakes in found.values():
        for one, other in combinations(namesakes, 2):
            if _times_meet(one, other):
                yield Problem(
                    "alias-tie",
                    (described(one), described(other)),
                    f"'{one.raw}' means {one.canonical_model} and {other.canonical_model} at once",
                    "one meaning at a time",
                )


def _between(one: RateCard, other: RateCard) -> Iterator[Problem]:
    """Yield what is wrong between two cards of equal precedence."""
    known = {_sort(rate) for rate in one.rates}
    if known & {_sort(rate) for rate in other.rates}:
        mine = defaultdict(list)
        for rate in one.rates:
            mine[_sort(rate)].append(rate)
        for rate in other.rates:
            for sibling in mine.get(_sort(rate), ()):
                yield from _of_two(sibling, rate)


def _gaps(rates: Iterable[Rate]) -> Iterator[Problem]:
    """Yield the stretches of time, and the prompt sizes, that a complete card leaves out."""
    for siblings in _siblings(rates):
        by_tier: dict[object, list[Rate]] = defaultdict(list)
        for rate in siblings:
            by_tier[rate.tier_lo, rate.tier_hi, rate.window].append(rate)
        for rows in by_tier.values():
            rows.sort(key=lambda rate: rate.effective_from or ALWAYS)
            for earlier, later in pairwise(rows):
                ends, starts = earlier.effective_to, later.effective_from
                if ends is not None and starts is not None and ends < starts:
                    yield Problem(
                        "rate-gap",
                        (described(earlier), described(later)),
                        f"{earlier.meter} of {earlier.model_match or 'any model'} has no price "
                        f"from {ends.isoformat()} to {starts.isoformat()}",
                        "that a row begins where the one before it ends",
                    )
        yield from _tier_gaps(siblings)


def _tier_gaps(siblings: Sequence[Rate]) -> Iterator[Problem]:
    tiered = sorted(
        (rate for rate in siblings if (rate.tier_lo, rate.tier_hi) != (None, None)),
        key=lambda rate: rate.tier_lo or 0,
    )
    for lower in tiered:
        meeting = [rate for rate in siblings if rate is not lower and _times_meet(lower, rate)]
        if lower.tier_hi is None or not meeting:
            continue
        if not any(
            (rate.tier_lo or 0) <= lower.tier_hi + 1
            for rate in meeting
            if rate.tier_hi is None or rate.tier_hi > lower.tier_hi
        ):
            yield Problem(
                "rate-gap",
                (described(lower), *(described(rate) for rate in meeting[:1])),
                f"{lower.meter} of {lower.model_match or 'any model'} has no price above "
                f"{lower.tier_hi} prompt tokens",
                "that a tier begins one token above the end of the one below",
            )


def _share_an_account(one: RateCard, other: RateCard) -> bool:
    return one.scope == other.scope or EVERY_ACCOUNT in (one.scope, other.scope)


def _times_meet(one: Rate | Modifier | Alias, other: Rate | Modifier | Alias) -> bool:
    return (one.effective_from or ALWAYS) < (other.effective_to or NEVER) and (
        other.effective_from or ALWAYS
    ) < (one.effective_to or NEVER)


def _tiers_meet(one: Rate, other: Rate) -> bool:
    return (other.tier_hi is None or (one.tier_lo or 0) <= other.tier_hi) and (
        one.tier_hi is None or (other.tier_lo or 0) <= one.tier_hi
    )


def _windows_meet(one: Rate, other: Rate) -> bool:
    if one.window is None or other.window is None:
        return True  # both are None: rates with and without a window are no siblings
    return may_overlap(one.window, other.window)
