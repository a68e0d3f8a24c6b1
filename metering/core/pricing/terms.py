"""Terms of a contract on usage: what is settled for a month as a whole, not rate by rate.

A term says how much is taken off, or put on top of, what the usage of one billing account and
calendar month costs by the rates. `core.pricing.settlement` works it out. Prepaid money, seats and
capacity are no terms: they are accounts of their own.

Source: pricing specification, "Precedence, discounts, credits, taxes, seats, capacity".
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import combinations, pairwise
from typing import Final

from metering.core.instants import ALWAYS, NEVER
from metering.core.money import decimal_text
from metering.core.pricing.row_ids import instant_part, row_digest

EVERYTHING: Final = ("*",)


class TermKind(StrEnum):
    """What a term does, in the order in which terms are settled.

    The values stand where the meter of a charge stands, so that every view tells them apart.
    """

    ALLOWANCE = "allowance"  # of a rate, never written as a term
    VOLUME_TIER = "volume_discount"
    COMMITMENT = "commitment"
    MINIMUM = "minimum"
    CREDIT = "contract_credit"


SETTLED_METERS: Final = frozenset(kind.value for kind in TermKind)


class Measure(StrEnum):
    """What the bounds of a volume tier count."""

    SPEND = "spend"  # nanos of the card's currency
    UNITS = "units"  # units of the meters, added up


@dataclass(frozen=True, slots=True)
class Term:
    """One term; several volume tiers of one name are bands of one scale.

    Attributes:
        platform: "" for every platform of the provider.
        models: canonical names; empty for every model.
        meters: names of meters, "*tokens" or "*".
        measure: of a volume tier.
        lo, hi: a volume tier's band, half-open, in nanos or units; `hi` is None without an end.
        whole_period: the tier reached holds for all of the period's usage, not what lies inside.
        factor_num, factor_den: what is paid of the price inside the band or the commitment.
        beyond_num, beyond_den: what is paid of the price above a commitment.
        amount_nanos: what is committed, the least that is paid, or what is granted, each month.
        effective_from, effective_to: first instants of months, half-open; None is unbounded.
        place: file and line, for messages; "" when it does not come from a file.
    """

    term_id: str
    kind: TermKind
    name: str
    provider: str
    platform: str = ""
    models: tuple[str, ...] = ()
    meters: tuple[str, ...] = EVERYTHING
    measure: Measure = Measure.SPEND
    lo: int = 0
    hi: int | None = None
    whole_period: bool = False
    factor_num: int = 1
    factor_den: int = 1
    beyond_num: int = 1
    beyond_den: int = 1
    amount_nanos: int = 0
    effective_from: datetime | None = None
    effective_to: datetime | None = None
    source_url: str = ""
    retrieved_at: str = ""
    evidence: str = "contract"
    note: str = ""
    place: str = field(default="", compare=False)

    def holds_at(self, instant: datetime) -> bool:
        """Say whether the term is in force at an instant."""
        return (self.effective_from or ALWAYS) <= instant < (self.effective_to or NEVER)


@dataclass(frozen=True, slots=True)
class TermFault:
    """What is wrong with one term, or with two together; `row_checks` makes a problem of it."""

    code: str
    terms: tuple[Term, ...]
    what: str
    expected: str


def term_id_of(term: Term) -> str:
    """Return the digest that names a term for ever; closing it keeps its identity."""
    return row_digest(
        "term",
        term.kind.value,
        term.name,
        term.provider,
        term.platform,
        sorted(term.models),
        sorted(term.meters),
        term.measure.value,
        [term.lo, term.hi, term.whole_period],
        [term.factor_num, term.factor_den, term.beyond_num, term.beyond_den],
        term.amount_nanos,
        instant_part(term.effective_from),
    )


def term_subject_of(term: Term) -> str:
    """Return the identity of a term but for how much it takes off or puts on top."""
    plain = replace(
        term, factor_num=1, factor_den=1, beyond_num=1, beyond_den=1, amount_nanos=0, hi=None
    )
    return term_id_of(plain)


def term_faults(terms: Iterable[Term]) -> Iterator[TermFault]:
    """Yield what is wrong with the terms of one card: each by itself, then scales of tiers."""
    scales: dict[tuple[TermKind, str], list[Term]] = defaultdict(list)
    for term in terms:
        yield from _of_one(term)
        scales[term.kind, term.name].append(term)
    for (kind, _), rows in scales.items():
        yield from _of_scale(rows) if kind is TermKind.VOLUME_TIER else _of_namesakes(rows)


def _of_one(term: Term) -> Iterator[TermFault]:
    for bound in (term.effective_from, term.effective_to):
        if bound is not None and (bound.day, bound.time()) != (1, datetime.min.time()):
            yield TermFault(
                "bad-term",
                (term,),
                f"it begins or ends at {bound.isoformat()}, inside a month",
                "the first instant of a month in UTC, since whole months are settled",
            )
    if (term.effective_from or ALWAYS) >= (term.effective_to or NEVER):
        yield TermFault("bad-interval", (term,), "it ends before it begins", "an end after it")
    if term.amount_nanos < 0 or term.factor_num < 0 or term.beyond_num < 0:
        yield TermFault(
            "negative-price",
            (term,),
            "it pays less than nothing",
            "an amount of 0 or more, and a discount of 1 at most",
        )
    if term.lo < 0 or (term.hi is not None and term.hi <= term.lo):
        yield TermFault(
            "bad-tier",
            (term,),
            "the tier holds nothing",
            "a lower bound of 0 or more, and an upper bound above it",
        )


def _of_scale(rows: list[Term]) -> Iterator[TermFault]:
    for one, other in combinations(rows, 2):
        if not _times_meet(one, other):
            continue
        if _usage_of(one) != _usage_of(other):
            yield TermFault(
                "bad-term",
                (one, other),
                f"the tiers of '{one.name}' are not for the same usage, or not of one measure",
                "one provider, platform, models, meters, measure and way to apply in all of them",
            )
        elif (other.hi is None or one.lo < other.hi) and (one.hi is None or other.lo < one.hi):
            yield TermFault(
                "tier-overlap",
                (one, other),
                f"two tiers of '{one.name}' hold the same volume",
                "tiers that end where the next begins; the upper bound is outside",
            )
    # A gap opens where a tier begins, or where one ends that others outlive.
    begins = {row.effective_from or ALWAYS for row in rows}
    ends = {row.effective_to for row in rows if row.effective_to is not None}
    scales = ([row for row in rows if row.holds_at(month)] for month in sorted(begins | ends))
    yield from dict.fromkeys(fault for scale in scales for fault in _gaps(scale))


def _gaps(rows: list[Term]) -> Iterator[TermFault]:
    scale = sorted(rows, key=lambda row: row.lo)
    if scale and scale[0].lo > 0:
        yield _gap((scale[0],), 0, scale[0].lo)
    for lower, upper in pairwise(scale):
        if lower.hi is not None and lower.hi < upper.lo:
            yield _gap((lower, upper), lower.hi, upper.lo)
    if scale and scale[-1].hi is not None:
        yield _gap((scale[-1],), scale[-1].hi, None)


def _gap(terms: tuple[Term, ...], lo: int, hi: int | None) -> TermFault:
    units = terms[0].measure is Measure.UNITS
    begins, ends = (
        "" if bound is None else f"{bound:,} units" if units else decimal_text(bound)
        for bound in (lo, hi)
    )
    until = f"to {ends}" if ends else "on"
    return TermFault(
        "tier-gap",
        terms,
        f"'{terms[0].name}' has no tier from {begins} {until}",
        "tiers from 0 on, each beginning where the one below ends, the last without an end",
    )


def _of_namesakes(rows: list[Term]) -> Iterator[TermFault]:
    for one, other in combinations(rows, 2):
        if _times_meet(one, other):
            yield TermFault(
                "term-tie",
                (one, other),
                f"'{one.name}' stands twice for the same month",
                "one row of a name at a time",
            )


def _usage_of(term: Term) -> tuple[object, ...]:
    return (
        term.provider,
        term.platform,
        frozenset(term.models),
        frozenset(term.meters),
        term.measure,
        term.whole_period,
    )


def _times_meet(one: Term, other: Term) -> bool:
    return (one.effective_from or ALWAYS) < (other.effective_to or NEVER) and (
        other.effective_from or ALWAYS
    ) < (one.effective_to or NEVER)
