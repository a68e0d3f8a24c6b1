"""Words for what the book keeps as codes, and foreign names as they may be shown."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

from metering.core.closing.adjustments import DEFAULT_POLICY, AdjustmentKind, meter_of
from metering.core.flat.flat_money import FlatMeter
from metering.core.meters import Meter
from metering.core.periods import BillingPeriod
from metering.core.pricing.decisions import Reason
from metering.core.pricing.terms import TermKind
from metering.core.sharing.splits import SHARE_METERS, By

_TOKENS: Final = "tokens"

# Meter -> (label, unit). Labels begin with what a reader looks for: input, output, cache.
_METERS: Final[Mapping[str, tuple[str, str]]] = {
    Meter.INPUT_UNCACHED: ("Input, not cached", _TOKENS),
    Meter.CACHE_READ: ("Cache read", _TOKENS),
    Meter.CACHE_WRITE_5M: ("Cache write, 5 minutes", _TOKENS),
    Meter.CACHE_WRITE_30M: ("Cache write, 30 minutes", _TOKENS),
    Meter.CACHE_WRITE_1H: ("Cache write, 1 hour", _TOKENS),
    Meter.CACHE_WRITE_12H: ("Cache write, 12 hours", _TOKENS),
    Meter.CACHE_WRITE_UNKNOWN: ("Cache write, time unknown", _TOKENS),
    Meter.OUTPUT: ("Output", _TOKENS),
    Meter.INPUT_AUDIO_UNCACHED: ("Audio input, not cached", _TOKENS),
    Meter.CACHE_READ_AUDIO: ("Audio cache read", _TOKENS),
    Meter.OUTPUT_AUDIO: ("Audio output", _TOKENS),
    Meter.INPUT_IMAGE_UNCACHED: ("Image input, not cached", _TOKENS),
    Meter.CACHE_READ_IMAGE: ("Image cache read", _TOKENS),
    Meter.OUTPUT_IMAGE: ("Image output", _TOKENS),
    Meter.INPUT_VIDEO_UNCACHED: ("Video input, not cached", _TOKENS),
    Meter.CACHE_READ_VIDEO: ("Video cache read", _TOKENS),
    Meter.OUTPUT_VIDEO: ("Video output", _TOKENS),
    Meter.CACHE_WRITE_AUDIO: ("Audio cache write", _TOKENS),
    Meter.CACHE_WRITE_IMAGE: ("Image cache write", _TOKENS),
    Meter.CACHE_WRITE_VIDEO: ("Video cache write", _TOKENS),
    Meter.CACHE_STORAGE_TOKEN_HOUR: ("Cache storage", "token-hours"),
    Meter.WEB_SEARCH: ("Web search", "searches"),
    Meter.GROUNDED_PROMPT: ("Grounded prompts", "prompts"),
    Meter.GROUNDED_QUERY: ("Grounding queries", "queries"),
    Meter.FILE_SEARCH: ("File search", "searches"),
    Meter.CODE_EXECUTION_HOUR: ("Code execution", "hours"),
    Meter.CODE_INTERPRETER_SESSION: ("Code interpreter", "sessions"),
    Meter.CONTAINER_MINUTE: ("Containers", "minutes"),
    Meter.REQUEST: ("Requests", "requests"),
    Meter.RERANK_SEARCH: ("Rerank", "searches"),
    Meter.DOCUMENT_PAGE: ("Document pages", "pages"),
    Meter.AUDIO_SECOND: ("Audio", "seconds"),
    Meter.CHARACTER: ("Characters", "characters"),
    Meter.IMAGE: ("Images", "images"),
    Meter.VIDEO_SECOND: ("Video", "seconds"),
    Meter.VECTOR_STORE_BYTE_DAY: ("Vector store", "byte-days"),
    Meter.TRAINING_TOKEN: ("Training", _TOKENS),
    Meter.TRAINING_HOUR: ("Training", "hours"),
    Meter.CAPACITY_UNIT_HOUR: ("Provisioned capacity", "unit-hours"),
    Meter.SEAT_MONTH: ("Seats", "seat-months"),
    Meter.CREDIT: ("Credits", "credits"),
    Meter.CREDIT_MICRO: ("Credits", "millionths of a credit"),
    Meter.BILLED_NANOS: ("As billed", ""),
    FlatMeter.SEAT_DAY: ("Seats", "seat-days"),
    FlatMeter.UNUSED_SEAT_DAY: ("Seats nobody has", "seat-days"),
    FlatMeter.CREDIT_FEE: ("Fee on credit bought", ""),
    FlatMeter.CREDIT_EXPIRY: ("Credit expired", ""),
    FlatMeter.COMMITMENT_SHORTFALL: ("Shortfall of a commitment", ""),
    FlatMeter.CAPACITY_TOKEN: ("Capacity, used", _TOKENS),
    FlatMeter.IDLE_CAPACITY_TOKEN: ("Capacity, idle", _TOKENS),
    TermKind.ALLOWANCE: ("Free allowance", ""),
    TermKind.VOLUME_TIER: ("Volume discount", ""),
    TermKind.COMMITMENT: ("Commitment", ""),
    TermKind.MINIMUM: ("Minimum", ""),
    TermKind.CREDIT: ("Contract credit", ""),
    AdjustmentKind.DISPUTE: ("Moved by a dispute", ""),
    **{
        meter_of(AdjustmentKind.TRUE_UP, reason): (f"True-up: {reason.replace('-', ' ')}", "")
        for reason in DEFAULT_POLICY
    },
}

_REASONS: Final = {
    Reason.NO_MODEL: "no rate card knows the model",
    Reason.NO_RATE: "the model has no rate for this meter",
    Reason.BEFORE_FIRST_RATE: "used before the first known rate",
    Reason.AMBIGUOUS: "several rates match",
    Reason.TIER_UNKNOWN: "prompt size not known, priced at the base tier",
    Reason.TTL_UNKNOWN: "lifetime of the cache write not known",
    Reason.PAST_GUARANTEE: "used after the day the rate was guaranteed to",
    Reason.MINIMUM_UNKNOWN: "requests not known, a minimum for each may apply",
    Reason.STRADDLES_PRICE_CHANGE: "reported over a span in which the price changed",
}


# Meter of a share -> (label, unit of its weight).
_SHARES: Final = {
    By.EVEN: ("Shared cost, even", "parts"),
    By.FIXED: ("Shared cost, fixed", "millionths"),
    By.SPEND: ("Shared cost, by spend", "nanos"),
    By.TOKENS: ("Shared cost, by tokens", _TOKENS),
    By.HEADCOUNT: ("Shared cost, by headcount", "person-days"),
    By.DRIVER: ("Shared cost, by driver", "units"),
}


def meter_label(meter: str) -> str:
    """Return a meter's name as a reader knows it; one we do not know is shown as it stands."""
    if meter in SHARE_METERS:
        return _SHARES[SHARE_METERS[meter]][0]
    return _METERS[meter][0] if meter in _METERS else meter


def meter_unit(meter: str) -> str:
    """Return the unit a meter counts in; empty for a meter we do not know."""
    if meter in SHARE_METERS:
        return _SHARES[SHARE_METERS[meter]][1]
    return _METERS[meter][1] if meter in _METERS else ""


def reason_text(code: str) -> str:
    """Return a code of `core.pricing.decisions` as a sentence's end; an unknown one as it is."""
    name, _, dimension = code.partition(":")
    if name == Reason.UNHANDLED_CONDITION:
        return f"no rate says what {shown_name(dimension) or 'a condition'} costs"
    return _REASONS[Reason(name)] if name in _REASONS else shown_name(code)


_STATUS: Final = {
    "estimate": "The period is open: late usage and invoices may still change these figures.",
    "final": "The period is closed: these figures do not change.",
}


def status_note(status: str) -> str:
    """Return what a report's status means, in a sentence."""
    return _STATUS[status]


_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# Characters that would hide, reorder or break a line of what is shown.
_UNSHOWN: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069"
    "\ud800-\udfff\ufeff]"
)


def shown_name(name: str) -> str:
    """Return a foreign name as a page or terminal shows it: all of it, in one line, as text.

    Control characters, those that change the direction of writing and those that nobody sees become
    a replacement character, so that a name can neither disguise itself as another nor disturb what
    stands beside it.
    """
    return _UNSHOWN.sub("\N{REPLACEMENT CHARACTER}", name)


def shortened(name: str, characters: int) -> str:
    """Return a name that has room where it is shown; the pack shows all of it."""
    return name if len(name) <= characters else name[: characters - 1] + "…"


def month_text(period: BillingPeriod, *, short: bool = False) -> str:
    """Return a period as a reader says it: "October 2026", whatever the machine's locale."""
    name = _MONTHS[period.month - 1]
    return f"{name[:3] if short else name} {period.year}"


def instant_text(instant: datetime) -> str:
    """Return an instant to the minute, in UTC and saying so."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def days_text(first: date | None, last: date | None) -> str:
    """Return a range of days, both included."""
    if first is None or last is None:
        return "no days"
    return str(first) if first == last else f"{first} to {last}"
