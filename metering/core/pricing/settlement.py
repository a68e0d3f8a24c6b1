"""Settlement: what allowances and contract terms take off, or put on top of, a month's charges.

Usage is never priced anew. What a pool or a term is worth is one number per billing account and
period, rounded once, and divided among those who bear the usage in proportion to its list cost,
so that the parts add up to it. It depends on the period's usage and the cards alone: late usage
changes it like any other charge.

Source: pricing specification, "Precedence, discounts, credits, taxes, seats, capacity".
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Final

from metering.core.ledger import Basis
from metering.core.meters import Meter
from metering.core.money import apportion, divide_half_even
from metering.core.periods import BillingPeriod
from metering.core.pricing.decisions import Status
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rates import Rate, RateCard, names_meter
from metering.core.pricing.terms import Measure, Term, TermKind

PER_ACCOUNT: Final = frozenset({"organization", "account"})
"""Scopes of allowances that the ledger can tell: a pool of one billing account."""
DAY: Final = "day"
MONTH: Final = "month"


@dataclass(frozen=True, slots=True)
class SettledUsage:
    """Charges of one bearer and basis over one day or month, added up.

    Attributes:
        day: the day they are settled on: their own, or the last of their month.
        bearer: the account's name.
        basis: why they cost what they do; it has a rate.
        list_nanos: of the list price's currency, 0 without one.
    """

    day: date
    bearer: str
    basis: Basis
    quantity: int
    amount_nanos: int
    list_nanos: int


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One adjusting charge.

    Attributes:
        amount_nanos: of the basis' currency; below 0 for what is taken off.
    """

    day: date
    bearer: str
    basis: Basis
    amount_nanos: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """Units of a rate that are free each period; rates that grant alike share one pool.

    Attributes:
        rate_ids: of all rates that draw on it.
        period: `DAY` or `MONTH`.
    """

    card: RateCard
    provider: str
    platform: str
    meter: str
    units: int
    period: str
    rate_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class Scale:
    """A term, or the volume tiers of one name that hold in one month."""

    card: RateCard
    terms: tuple[Term, ...]


def allowances_of(book: RateBook) -> tuple[Allowance, ...]:
    """Return the pools of a book whose scope the ledger can tell, in a stable order."""
    pools: dict[tuple[str, str, str, str, int, str], set[str]] = defaultdict(set)
    cards = {card.name: card for card in book.cards}
    for card in book.cards:
        for rate in card.rates:
            if rate.allowance_units and rate.allowance_scope in PER_ACCOUNT:
                pools[card.name, *_pool(rate)].add(rate.rate_id)
    return tuple(
        Allowance(cards[key[0]], *key[1:], rate_ids=frozenset(pools[key])) for key in sorted(pools)
    )


def _pool(rate: Rate) -> tuple[str, str, str, int, str]:
    return (rate.provider, rate.platform, rate.meter, rate.allowance_units, rate.allowance_period)


def scales_at(book: RateBook, day: date) -> tuple[Scale, ...]:
    """Return the terms in force in the month of a day, in the order in which they are settled."""
    begins = datetime(day.year, day.month, 1, tzinfo=UTC)
    found: dict[tuple[int, str, str], list[Term]] = defaultdict(list)
    cards = {card.name: card for card in book.cards}
    order = {kind: place for place, kind in enumerate(TermKind)}
    for card in book.cards:
        for term in card.terms:
            if term.holds_at(begins):
                found[order[term.kind], card.name, term.name].append(term)
    return tuple(
        Scale(cards[key[1]], tuple(sorted(found[key], key=lambda term: term.lo)))
        for key in sorted(found)
    )


def settle(
    usage: Iterable[SettledUsage], book: RateBook, pools: Sequence[Allowance]
) -> tuple[Adjustment, ...]:
    """Return the adjusting charges of some whole periods.

    Args:
        usage: of any accounts and periods, in any order; each whole.
        book: the rate cards in force.
        pools: `allowances_of(book)`.

    Allowances come first, then volume tiers, commitments, minimums and credits; each looks at
    what is left after those before it. Usage in another currency than the card's is not settled.
    """
    adjustments: list[Adjustment] = []
    for (_, account), lines in _by_account_and_month(usage):
        in_force = book.for_account(account)
        names = frozenset(card.name for card in in_force.cards)
        month = _Month(lines)
        for pool in pools:
            if pool.card.name in names:
                adjustments += _allowed(month, pool)
        for scale in scales_at(in_force, lines[0].day):
            adjustments += _termed(month, scale)
    return tuple(adjustments)


def _by_account_and_month(
    usage: Iterable[SettledUsage],
) -> Iterator[tuple[tuple[str, str], list[SettledUsage]]]:
    """Yield the usage of each month and (provider, billing account), sorted."""
    found: dict[tuple[BillingPeriod, str, str], list[SettledUsage]] = defaultdict(list)
    for line in usage:
        month = BillingPeriod.of(line.day)
        found[month, line.basis.provider, line.basis.billing_account].append(line)
    for key in sorted(found):
        yield key[1:], found[key]


class _Month:
    """The usage of one billing account and month, and what is left of its cost so far."""

    def __init__(self, lines: Sequence[SettledUsage]) -> None:
        self.lines: Final = lines
        self.last_day: Final = BillingPeriod.of(lines[0].day).end_day - timedelta(days=1)
        self._left: Final[dict[Basis, int]] = defaultdict(int)
        for line in lines:
            self._left[line.basis] += line.amount_nanos

    def left(self, lines: Iterable[SettledUsage]) -> int:
        """Return what some whole bases cost, after everything that was adjusted before."""
        return sum(self._left[basis] for basis in {line.basis for line in lines})

    def adjust(
        self, lines: Sequence[SettledUsage], amount: int, basis: Basis, day: date
    ) -> Iterator[Adjustment]:
        """Yield an amount divided among those who bear some usage, by its list cost."""
        if not amount:
            return
        by_basis = apportion(amount, _weights(lines, lambda line: line.basis.digest))
        bases = {line.basis.digest: line.basis for line in lines}
        for digest, part in by_basis.items():
            self._left[bases[digest]] += part
        shares = apportion(amount, _weights(lines, lambda line: line.bearer))
        for bearer in sorted(shares):
            if shares[bearer]:
                yield Adjustment(day, bearer, basis, shares[bearer])


def _weights(
    lines: Iterable[SettledUsage], name_of: Callable[[SettledUsage], str]
) -> dict[str, int]:
    """Return list cost by name; where nothing has one, what was charged; else all alike."""
    by_list: dict[str, int] = defaultdict(int)
    by_charge: dict[str, int] = defaultdict(int)
    for line in lines:
        by_list[name_of(line)] += max(line.list_nanos, 0)
        by_charge[name_of(line)] += max(line.amount_nanos, 0)
    for weights in (by_list, by_charge):
        if any(weights.values()):
            return weights
    return dict.fromkeys(by_list, 1)


def _allowed(month: _Month, pool: Allowance) -> Iterator[Adjustment]:
    """Yield what a pool takes off: the free units at the average price of those that were used."""
    drawing: dict[date, list[SettledUsage]] = defaultdict(list)
    for line in month.lines:
        if not pool.rate_ids.isdisjoint(line.basis.rate_ids):
            drawing[line.day if pool.period == DAY else month.last_day].append(line)
    for day, lines in sorted(drawing.items()):
        used = sum(line.quantity for line in lines)
        if used <= 0:
            continue
        cost = sum(line.amount_nanos for line in lines)
        free = divide_half_even(cost * min(pool.units, used), used)
        said = {"meter": pool.meter, "free": f"{pool.units} per {pool.period}"}
        basis = _basis(lines[0].basis, pool.card, TermKind.ALLOWANCE, said, sorted(pool.rate_ids))
        yield from month.adjust(lines, -free, replace(basis, platform=pool.platform), day)


def _termed(month: _Month, scale: Scale) -> Iterator[Adjustment]:
    lines = [line for line in month.lines if _concerns(scale, line.basis)]
    if not lines:
        return
    amount = _adjustment(scale.terms, month.left(lines), sum(line.quantity for line in lines))
    term = scale.terms[0]
    said = {"term": term.name}
    ids = [one.term_id for one in scale.terms]
    basis = _basis(lines[0].basis, scale.card, term.kind, said, ids)
    yield from month.adjust(lines, amount, replace(basis, platform=term.platform), month.last_day)


def _concerns(scale: Scale, basis: Basis) -> bool:
    term = scale.terms[0]
    return (
        basis.provider == term.provider
        and term.platform in ("", basis.platform)
        and (not term.models or basis.model in term.models)
        and names_meter(term.meters, basis.meter)
        and basis.meter != Meter.BILLED_NANOS
        and basis.currency == scale.card.currency
    )


def _adjustment(terms: Sequence[Term], spend: int, units: int) -> int:
    """Return what terms of one name add to a month's cost, in nanos; below 0 for a discount.

    Args:
        terms: the tiers of a scale, lowest first, or one other term.
        spend: what the usage costs so far, in nanos.
        units: of its meters, added up.
    """
    term = terms[0]
    if term.kind is TermKind.VOLUME_TIER:
        return _volume_discount(terms, spend, units)
    if term.kind is TermKind.COMMITMENT:
        inside = min(max(spend, 0), term.amount_nanos)
        beyond = max(spend, 0) - inside
        paid = Fraction(term.factor_num, term.factor_den) * term.amount_nanos
        paid += Fraction(term.beyond_num, term.beyond_den) * beyond
        return _nanos(paid) - max(spend, 0)
    if term.kind is TermKind.MINIMUM:
        return max(term.amount_nanos - spend, 0)
    return -min(term.amount_nanos, max(spend, 0))


def _volume_discount(tiers: Sequence[Term], spend: int, units: int) -> int:
    volume = spend if tiers[0].measure is Measure.SPEND else units
    if volume <= 0 or spend <= 0:
        return 0
    off = Fraction(0)
    for tier in tiers:
        inside = max(min(volume, volume if tier.hi is None else tier.hi) - tier.lo, 0)
        if tier.whole_period:
            reached = tier.lo <= volume and (tier.hi is None or volume < tier.hi)
            inside = volume if reached else 0
        off += Fraction(tier.factor_den - tier.factor_num, tier.factor_den) * inside
    return -_nanos(off * spend / volume)


def _nanos(amount: Fraction) -> int:
    return divide_half_even(amount.numerator, amount.denominator)


def _basis(
    of: Basis, card: RateCard, kind: TermKind, said: Mapping[str, str], ids: Sequence[str]
) -> Basis:
    """Return the basis of an adjusting charge: which term of which card, for which account."""
    return Basis(
        provider=of.provider,
        platform="",
        billing_account=of.billing_account,
        product="contract",
        model_raw="",
        model="",
        meter=kind.value,
        conditions=json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False),
        status=Status.PRICED.value,
        reason="",
        currency=of.currency,
        card=f"{card.name} v{card.version}",
        rate_ids=tuple(ids),
    )
