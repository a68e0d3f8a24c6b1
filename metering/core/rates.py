"""Rates as dated data: what a unit cost, under which conditions, from when to when, says who.

A rate card is checked as a whole when it is loaded (`check_card`): overlaps, ties, gaps that its
author declared closed, unknown meters or conditions are refused with the rows' names, so that
choosing a rate later can never meet an ambiguity.

Source: pricing specification, sections "Data model" and "Precedence".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CardKind(StrEnum):
    """Whose prices a card holds; the first kind in this order that matches wins."""

    CONTRACT = "contract"
    INTERNAL = "internal"
    OVERLAY = "overlay"
    LIST = "list"


class MatchKind(StrEnum):
    """How `model_match` is compared with the canonical model; exact beats prefix beats any."""

    EXACT = "exact"
    PREFIX = "prefix"
    ANY = "any"


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
        rate_id: stable digest of what the row says; postings pin it.
        price_nanos: whole nanos of the card's currency per block of `per` units; 0 is an explicit
            zero rate, never a missing one.
        effective_from, effective_to: instants, half-open; None is unbounded.
        guaranteed_until: after it the rate is still used, and the line is provisional.
        tier_lo, tier_hi: bounds on the prompt tokens of one request, both inclusive; None is open.
        conditions: dimension to the value it must have; each one given is consumed.
        allowance_units: units free per `allowance_period` and `allowance_scope`, settled at close.
        evidence: page, catalog, contract, derived.
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
