"""Read the terms of a contract on usage: blocks of a TOML card that are settled by the month."""

from dataclasses import replace
from math import gcd
from typing import Final

from metering.core.money import NANOS_PER_UNIT, nanos_from_decimal_text
from metering.core.pricing.terms import EVERYTHING, Measure, Term, TermKind, term_id_of
from metering.errors import shown
from metering.rate_cards import fields
from metering.rate_cards.fields import FieldError, Row

TERM_BLOCKS: Final = {
    "volume_tiers": TermKind.VOLUME_TIER,
    "commitments": TermKind.COMMITMENT,
    "minimums": TermKind.MINIMUM,
    "credits": TermKind.CREDIT,
}
_USAGE: Final = ("name", "provider", "platform", "models", "meters", "from", "to")
_SOURCE: Final = ("source", "read", "evidence", "note")
_OWN: Final = {
    TermKind.VOLUME_TIER: ("measure", "volume", "discount", "applies_to"),
    TermKind.COMMITMENT: ("amount", "discount", "discount_beyond"),
    TermKind.MINIMUM: ("amount",),
    TermKind.CREDIT: ("amount",),
}
_INSIDE: Final = "tier"
_WHOLE: Final = "all"
_BOUNDS: Final = 2


def term_of(kind_of_block: str, block: Row, place: str) -> Term:
    """Return the term that a block holds.

    Raises:
        FieldError: a field is not as the format says.
    """
    kind = TERM_BLOCKS[kind_of_block]
    fields.refuse_unknown(block, (*_USAGE, *_SOURCE, *_OWN[kind]), f"[[{kind_of_block}]]")
    term = Term(
        term_id="",
        kind=kind,
        name=fields.text(block, "name"),
        provider=fields.text(block, "provider"),
        platform=fields.text(block, "platform", ""),
        models=fields.model_names(block, "models", ()),
        meters=fields.texts(block, "meters", EVERYTHING),
        effective_from=fields.instant(block, "from"),
        effective_to=fields.instant(block, "to"),
        source_url=fields.text(block, "source", ""),
        retrieved_at=fields.day(block, "read"),
        evidence=fields.text(block, "evidence", "contract"),
        note=fields.text(block, "note", ""),
        place=place,
    )
    if kind is TermKind.VOLUME_TIER:
        term = _with_tier(term, block)
    else:
        term = replace(term, amount_nanos=_amount(block, "amount"))
    if kind is TermKind.COMMITMENT:
        paid, beyond = _paid(block, "discount"), _paid(block, "discount_beyond")
        term = replace(
            term,
            factor_num=paid[0],
            factor_den=paid[1],
            beyond_num=beyond[0],
            beyond_den=beyond[1],
        )
    return replace(term, term_id=term_id_of(term))


def _with_tier(term: Term, block: Row) -> Term:
    measure = _one_of(block, "measure", tuple(Measure), Measure.SPEND)
    applies = _one_of(block, "applies_to", (_INSIDE, _WHOLE), _INSIDE)
    bounds = fields.text(block, "volume").split("..")
    if len(bounds) != _BOUNDS or not any(bounds):
        raise _bad_volume(block)
    scale = NANOS_PER_UNIT if measure == Measure.SPEND else 1
    lo, hi = (_bound(block, bound, scale) if bound else None for bound in bounds)
    paid = _paid(block, "discount")
    return replace(
        term,
        measure=Measure(measure),
        lo=lo or 0,
        hi=hi,
        whole_period=applies == _WHOLE,
        factor_num=paid[0],
        factor_den=paid[1],
    )


def _bound(block: Row, text: str, scale: int) -> int:
    if not text.isascii() or not text.isdigit():
        raise _bad_volume(block)
    return int(text) * scale


def _bad_volume(block: Row) -> FieldError:
    return FieldError(
        "bad-tier",
        f"volume is {shown(block.get('volume'))}",
        'whole currency units or units of the meters, such as "0..10000" or "10000.."',
    )


def _paid(block: Row, key: str) -> tuple[int, int]:
    """Return what is paid of a price after a discount, in lowest terms; all without one."""
    if key not in block:
        return 1, 1
    numerator, denominator = fields.factor(block, key)
    if denominator == 0:
        raise FieldError("bad-rate", f"{key} is {shown(block[key])}", 'a share such as "0.05"')
    common = gcd(denominator - numerator, denominator)
    return (denominator - numerator) // common, denominator // common


def _amount(block: Row, key: str) -> int:
    value = fields.text(block, key)
    try:
        return nanos_from_decimal_text(value)
    except ValueError:
        expected = 'an amount each month in the card\'s currency, such as "50000"'
        raise FieldError("bad-amount", f"{key} is {shown(value)}", expected) from None


def _one_of(block: Row, key: str, known: tuple[str, ...], default: str) -> str:
    value = fields.text(block, key, default)
    if value not in known:
        raise FieldError("bad-value", f"{key} is {shown(value)}", " or ".join(known))
    return value
