"""Rates as dated data: what a unit cost, under which conditions, from when to when, says who.

A rate card is checked as a whole when it is loaded (`core.pricing.rate_checks`): overlaps, ties,
gaps in a contract, unknown meters or conditions are refused with the rows' names, so that choosing
a rate later can never meet an ambiguity.

Source: pricing specification, sections "Data model" and "Precedence".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from metering.core.pricing.row_ids import instant_part, row_digest
from metering.core.pricing.terms import Term

# In a modifier or a no-effect row: every meter that counts tokens of a request or its answer.
ALL_TOKENS: Final = "*tokens"
ALL_METERS: Final = "*"
ANY_VALUE: Final = "*"
EVERY_ACCOUNT: Final = "all"

INFORMATIONAL_METERS: Final = frozenset({"reasoning", "prompt_total"})
"""Quantities that lie inside others: never priced unless a rate says so."""

_TOKEN_PREFIXES: Final = ("input_", "cache_read", "cache_write", "output")


class CardKind(StrEnum):
    """Whose prices a card holds; the first kind in this order that matches wins."""

    CONTRACT = "contract"
    INTERNAL = "internal"
    OVERLAY = "overlay"
    LIST = "list"


class MatchKind(StrEnum):
    """How a row's model is compared; exact beats prefix beats any.

    `PATTERN` is for aliases alone: an anchored RE2 expression.
    """

    EXACT = "exact"
    PREFIX = "prefix"
    ANY = "any"
    PATTERN = "pattern"


@dataclass(frozen=True, slots=True)
class Window:
    """The hours in which a rate holds.

    Attributes:
        weekdays: ISO weekdays (1 = Monday) on which the window *starts*.
        start, end: "HH:MM", local, half-open; an end at or before the start crosses midnight.
        zone: IANA name.
        holidays: name of the calendar whose days are outside the window; "" for none.
    """

    weekdays: frozenset[int]
    start: str
    end: str
    zone: str
    holidays: str = ""


@dataclass(frozen=True, slots=True)
class Rate:
    """One price of one meter.

    Attributes:
        rate_id: stable digest of what the row says (`rate_id_of`); postings pin it.
        model_match: compared with the canonical model, after aliases; "" with `ANY`.
        price_nanos: whole nanos of the card's currency per block of `per` units; 0 is an explicit
            zero rate, never a missing one.
        effective_from, effective_to: instants, half-open; None is unbounded.
        guaranteed_until: from then on the rate is still used, and the line is provisional.
        tier_lo, tier_hi: bounds on the prompt tokens of one request, both inclusive; None is open.
        conditions: dimension to the value it must have; each one given is consumed.
        min_qty_per_event, qty_step: the least quantity of one request, and what it is rounded up
            to a multiple of.
        allowance_units: units free per `allowance_period` and `allowance_scope`, settled at close.
        retrieved_at: the day the source was read, ISO.
        evidence: page, catalog, contract, derived.
        place: file and line of the row, for messages; "" when it does not come from a file.
    """

    rate_id: str
    provider: str
    platform: str
    model_match: str
    match_kind: MatchKind
    meter: str
    price_nanos: int
    per: int
    effective_from: datetime | None = None
    effective_to: datetime | None = None
    guaranteed_until: datetime | None = None
    tier_lo: int | None = None
    tier_hi: int | None = None
    conditions: Mapping[str, str] | None = None
    window: Window | None = None
    min_qty_per_event: int = 0
    qty_step: int = 1
    allowance_units: int = 0
    allowance_period: str = ""
    allowance_scope: str = ""
    source_url: str = ""
    retrieved_at: str = ""
    evidence: str = "page"
    note: str = ""
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Modifier:
    """What a provider or a contract states as a multiple of a rate.

    A modifier of a contract or an internal card applies to rates of cards that rank below its
    own ("12 % off list"); one of a list or overlay card to any rate that does not itself name the
    modifier's conditions.

    Attributes:
        meters: names of meters, `ALL_TOKENS` or `ALL_METERS`.
        factor_num, factor_den: 11/10 for ten per cent on top.
        stack_group: of the modifiers of one group only the best match applies; groups multiply.
            An empty group stands for itself.
        list_as_of: the instant whose list rate the factor is applied to; None for the rate in
            force at the event.
    """

    modifier_id: str
    provider: str
    platform: str
    model_match: str
    match_kind: MatchKind
    meters: tuple[str, ...]
    factor_num: int
    factor_den: int
    conditions: Mapping[str, str] | None = None
    effective_from: datetime | None = None
    effective_to: datetime | None = None
    stack_group: str = ""
    list_as_of: datetime | None = None
    source_url: str = ""
    retrieved_at: str = ""
    evidence: str = "page"
    note: str = ""
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class NoEffect:
    """The explicit statement that a condition does not change a price.

    Attributes:
        model_match: "" with `ANY` for every model.
        values: the values that have no effect; `ANY_VALUE` for all.
        meters: what it holds for; names, `ALL_TOKENS` or `ALL_METERS`.
    """

    provider: str
    platform: str
    dimension: str
    values: tuple[str, ...] = (ANY_VALUE,)
    model_match: str = ""
    match_kind: MatchKind = MatchKind.ANY
    meters: tuple[str, ...] = (ALL_METERS,)
    source_url: str = ""
    note: str = ""
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Alias:
    r"""Another name of a model, from when to when.

    Attributes:
        raw: the name as sources spell it; its beginning with `PREFIX`; an anchored RE2 expression
            with `PATTERN`.
        canonical_model: the name that rates use; with `PATTERN`, `\1` stands for the first group.
        dimensions: conditions that the name implies, e.g. `endpoint_scope` geo for "us.".
    """

    alias_id: str
    provider: str
    platform: str
    raw: str
    match_kind: MatchKind
    canonical_model: str
    dimensions: Mapping[str, str] | None = None
    effective_from: datetime | None = None
    effective_to: datetime | None = None
    source_url: str = ""
    note: str = ""
    place: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class RateCard:
    """One set of prices in one currency; a version of it never changes.

    Attributes:
        currency: ISO 4217.
        scope: the billing account it holds for, or `EVERY_ACCOUNT`.
        terms: what is settled for a month as a whole (`core.pricing.settlement`).
        complete: its author says that it has no gaps in time; a contract always says so.
        source_name, source_version, source_sha256, licence: where a generated card comes from.
    """

    name: str
    kind: CardKind
    currency: str
    rates: tuple[Rate, ...] = ()
    modifiers: tuple[Modifier, ...] = ()
    aliases: tuple[Alias, ...] = ()
    no_effects: tuple[NoEffect, ...] = ()
    terms: tuple[Term, ...] = ()
    version: int = 1
    scope: str = EVERY_ACCOUNT
    complete: bool = False
    source_name: str = ""
    source_version: str = ""
    source_sha256: str = ""
    licence: str = ""


def counts_tokens(meter: str) -> bool:
    """Say whether a meter counts tokens that go into a model or come out of it."""
    return meter.startswith(_TOKEN_PREFIXES)


def names_meter(meters: tuple[str, ...], meter: str) -> bool:
    """Say whether a row that names `meters` holds for one meter."""
    return (
        meter in meters or ALL_METERS in meters or (ALL_TOKENS in meters and counts_tokens(meter))
    )


def matches_model(match_kind: MatchKind, model_match: str, model: str) -> bool:
    """Say whether a row holds for a canonical model; never by substring or nearness."""
    if match_kind is MatchKind.EXACT:
        return model == model_match
    return match_kind is MatchKind.ANY or model.startswith(model_match)


def rate_id_of(rate: Rate, currency: str) -> str:
    """Return the digest that names a rate for ever.

    It covers what decides a price. Left out are the provenance, so that reading the page again
    gives no new identity, and the end of the rate, so that closing it keeps its identity too.
    """
    window = rate.window
    return row_digest(
        "rate",
        currency,
        rate.provider,
        rate.platform,
        rate.model_match,
        rate.match_kind.value,
        rate.meter,
        rate.price_nanos,
        rate.per,
        instant_part(rate.effective_from),
        rate.tier_lo,
        rate.tier_hi,
        sorted((rate.conditions or {}).items()),
        window
        and [sorted(window.weekdays), window.start, window.end, window.zone, window.holidays],
        rate.min_qty_per_event,
        rate.qty_step,
        [rate.allowance_units, rate.allowance_period, rate.allowance_scope],
    )


def modifier_id_of(modifier: Modifier) -> str:
    """Return the digest that names a modifier for ever, by the same rule as for a rate."""
    return row_digest(
        "modifier",
        modifier.provider,
        modifier.platform,
        modifier.model_match,
        modifier.match_kind.value,
        sorted(modifier.meters),
        modifier.factor_num,
        modifier.factor_den,
        sorted((modifier.conditions or {}).items()),
        instant_part(modifier.effective_from),
        modifier.stack_group,
        instant_part(modifier.list_as_of),
    )


def alias_id_of(alias: Alias) -> str:
    """Return the digest that names an alias for ever, by the same rule as for a rate."""
    return row_digest(
        "alias",
        alias.provider,
        alias.platform,
        alias.raw,
        alias.match_kind.value,
        alias.canonical_model,
        sorted((alias.dimensions or {}).items()),
        instant_part(alias.effective_from),
    )
