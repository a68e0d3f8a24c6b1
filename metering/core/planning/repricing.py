"""Money moved: what the next postings would change, for whom, and why.

A posting that is lacking says what differs; here the two sides of a difference are brought
together again, so that a reader sees "the rate changed" and not a line taken back and another
one made. Every nano that is lacking is in exactly one movement.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from metering.core.flat.flat_money import FLAT_METERS
from metering.core.ledger import UNPRICED, Account, AccountKind, Basis
from metering.core.money import decimal_text
from metering.core.pricing.decisions import Status
from metering.core.pricing.terms import SETTLED_METERS


class MoveReason(StrEnum):
    """Why money moves; stable, scripts match on it."""

    RATE_CHANGED = "rate_changed"
    BECAME_PRICED = "became_priced"
    BECAME_UNPRICED = "became_unpriced"
    OWNER_CHANGED = "owner_changed"
    MODEL_CHANGED = "model_changed"  # the source's name means another model now
    CERTAINTY_CHANGED = "certainty_changed"  # provisional or no longer; unpriced for another reason
    USAGE_CHANGED = "usage_changed"  # came, was restated or withdrawn, and is not posted yet
    AGREED = "agreed"  # seats, credit paid beforehand, commitments, capacity
    TERMS_SETTLED = "terms_settled"  # an allowance or a term of a contract, worked out anew
    SAME_PRICE = "same_price"  # another row or a newer version of a card says the same


_BY_METER: Final[Mapping[str, MoveReason]] = {
    **dict.fromkeys(SETTLED_METERS, MoveReason.TERMS_SETTLED),
    **dict.fromkeys(FLAT_METERS, MoveReason.AGREED),
}


@dataclass(frozen=True, slots=True)
class LackingLine:
    """What the book lacks of one account and basis in one period.

    Attributes:
        quantity, amount_nanos: below 0 for what is taken back.
    """

    period: str
    account: Account
    basis: Basis
    currency: str
    quantity: int
    amount_nanos: int


@dataclass(frozen=True, slots=True, order=True)
class PriceChange:
    """How one meter was priced, and how it will be; "" where it was or will be nothing."""

    meter: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Movement:
    """Money moved to or from one bearer, for one model and one reason.

    Attributes:
        bearer: the cost centre, or the suspense account's name.
        model: canonical.
        moved_nanos: what the bearer is charged more; below 0 for less.
        postings: lines of account and basis it consists of.
        changes: of each meter, once.
    """

    period: str
    bearer: str
    model: str
    reason: MoveReason
    currency: str
    moved_nanos: int
    postings: int
    changes: tuple[PriceChange, ...]


def movements(lines: Iterable[LackingLine]) -> tuple[Movement, ...]:
    """Return the money that moves, by period, bearer, model, reason and currency.

    Args:
        lines: in any order; one per period, account, basis and currency.
    """
    by_subject: dict[tuple[str, ...], list[LackingLine]] = defaultdict(list)
    for line in lines:
        by_subject[_subject(line)].append(line)
    found: dict[tuple[str, str, str, MoveReason, str], list[tuple[LackingLine, PriceChange]]]
    found = defaultdict(list)
    for same in by_subject.values():
        for line, reason, model in _reasons(same):
            key = (line.period, _bearer(line.account), model, reason, line.currency)
            found[key].append((line, _price_change(line, same)))
    return tuple(
        Movement(
            *key,
            moved_nanos=sum(line.amount_nanos for line, _ in found[key]),
            postings=len(found[key]),
            changes=tuple(sorted({change for _, change in found[key]})),
        )
        for key in sorted(found)
    )


def _subject(line: LackingLine) -> tuple[str, ...]:
    """Return what was used, apart from what it costs and who bears it."""
    basis = line.basis
    return (
        line.period,
        basis.provider,
        basis.platform,
        basis.billing_account,
        basis.product,
        basis.model_raw,
        basis.conditions,
        basis.meter,
    )


def _bearer(account: Account) -> str:
    return account.cost_centre if account.kind is AccountKind.OWNER else account.name


def _reasons(same: Sequence[LackingLine]) -> Iterable[tuple[LackingLine, MoveReason, str]]:
    """Yield each line of one subject with its reason and the model to show it under."""
    now = [line for line in same if _comes(line)]
    model = min(line.basis.model for line in now or same)
    for line in same:
        own = [other for other in same if other.account == line.account]
        yield line, _reason(line, own, same), model


def _reason(
    line: LackingLine, own: Sequence[LackingLine], same: Sequence[LackingLine]
) -> MoveReason:
    if line.basis.meter in _BY_METER:
        return _BY_METER[line.basis.meter]
    before, after = _bases(own, comes=False), _bases(own, comes=True)
    if before and after:
        return _of_two_bases(before, after)
    across = [other for other in same if _comes(other) is not _comes(line)]
    if not across:
        return MoveReason.USAGE_CHANGED
    if line.account == UNPRICED:
        return MoveReason.BECAME_UNPRICED if _comes(line) else MoveReason.BECAME_PRICED
    if any(other.account == UNPRICED for other in across):
        return MoveReason.BECAME_PRICED if _comes(line) else MoveReason.BECAME_UNPRICED
    return MoveReason.OWNER_CHANGED


def _of_two_bases(before: Sequence[Basis], after: Sequence[Basis]) -> MoveReason:
    if {basis.model for basis in before} != {basis.model for basis in after}:
        return MoveReason.MODEL_CHANGED
    if {_unit_price(basis) for basis in before} != {_unit_price(basis) for basis in after}:
        return MoveReason.RATE_CHANGED
    if {(b.status, b.reason) for b in before} != {(b.status, b.reason) for b in after}:
        return MoveReason.CERTAINTY_CHANGED
    return MoveReason.SAME_PRICE


def _comes(line: LackingLine) -> bool:
    return (line.quantity or line.amount_nanos) > 0


def _bases(lines: Iterable[LackingLine], *, comes: bool) -> list[Basis]:
    return [line.basis for line in lines if _comes(line) is comes]


def _unit_price(basis: Basis) -> tuple[str, Fraction | None]:
    if basis.unit_price_nanos is None or basis.per is None:
        return basis.currency, None
    return basis.currency, Fraction(
        basis.unit_price_nanos * basis.factor_num, basis.per * basis.factor_den
    )


def _price_change(line: LackingLine, same: Sequence[LackingLine]) -> PriceChange:
    if line.basis.meter in FLAT_METERS:
        return PriceChange(line.basis.meter, "", line.basis.card)
    if line.basis.meter in SETTLED_METERS:
        return PriceChange(line.basis.meter, "", f"{line.basis.conditions} ({line.basis.card})")
    own = [other for other in same if other.account == line.account]
    sides = [_bases(own, comes=comes) or _bases(same, comes=comes) for comes in (False, True)]
    before, after = ("; ".join(sorted(set(map(basis_text, side)))) for side in sides)
    return PriceChange(line.basis.meter, before, after)


def basis_text(basis: Basis) -> str:
    """Return in words how a basis prices: "2.50 USD per 1,000,000 x 11/10 (contract v2)"."""
    if basis.status == Status.UNPRICED or basis.unit_price_nanos is None or basis.per is None:
        return f"unpriced ({basis.reason})"
    factor = (
        "" if basis.factor_num == basis.factor_den else f" x {basis.factor_num}/{basis.factor_den}"
    )
    doubt = f", {basis.reason}" if basis.reason else ""
    price = f"{decimal_text(basis.unit_price_nanos)} {basis.currency} per {basis.per:,}"
    return f"{price}{factor} ({basis.card}{doubt})"
