"""Credit paid beforehand, and commitments to spend: what they are worth, and what is lost of them.

A *block* is credit that was bought, or granted, and is used up by what usage costs. A *commitment*
is a promise to spend; what is not spent when it ends is owed all the same.

Usage is charged to its owners at its rate whether it is paid for by a block or not: credit never
lowers what usage costs, and nothing is charged twice. In the books, for a block that is worth 1,000
and cost 900:

* bought: debit `prepaid:<block>` 900, credit provider 900: the invoice of the purchase ties to it;
  debit `prepaid:<block>` 100, credit `prepaid:<block>/bonus` 100: worth that was not paid for.
* used: usage was charged as ever, debit owner, credit provider. Drawing the block down says that
  this is owed no more: debit provider, credit `prepaid:<block>`. The provider's account is left
  with what its invoice asks for.
* expired, with 50 left: debit the owner that the block names 45, the part of it that was paid, and
  debit `prepaid:<block>/bonus` 5; credit `prepaid:<block>` 50. The account is at zero.
* a fee on the purchase is a charge of its own: debit that owner, credit provider.

What stands on `…/bonus` at the end is what owners were charged beyond what was paid; finance may
share it out. Only usage, settled by its contract, draws a block down; seats and capacity do not.
Blocks of one billing account and currency are drawn in the order of their expiry, then of purchase.
What usage is given back goes back to the block that was drawn last. On the day it expires a block
pays for nothing any more.

A shortfall is owed on the last day of a commitment: debit the owner it names, credit provider.

Source: pricing specification, "Precedence, discounts, credits, taxes, seats, capacity"; effective
price and shortfall, economics E7.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from metering.core.flat.flat_money import FlatCharge, FlatMeter, FlatProduct, Written, flat_basis
from metering.core.ledger import (
    Account,
    Basis,
    bonus_account,
    owner_account,
    prepaid_account,
    provider_account,
)
from metering.core.money import divide_half_even
from metering.core.ownership.attribution import Owner
from metering.core.pricing.row_ids import row_digest

Payee = tuple[str, str, str]
"""Provider, billing account, currency: whose usage a block pays for."""

Spend = Mapping[Payee, Mapping[date, int]]
"""What usage of each payee costs by day, in nanos, after its contract is settled."""


@dataclass(frozen=True, slots=True)
class CreditBlock:
    """Credit that was bought or granted.

    Attributes:
        credit_nanos: what it is worth against usage.
        paid_nanos: what it cost; 0 for a grant, never more than it is worth.
        fee_nanos: charged on the purchase, beside it.
        bought: the day from which it pays for usage.
        expires: the first day on which it does not; None for never.
        owner: who bears its fee, and what expires of it.
    """

    name: str
    provider: str
    billing_account: str
    currency: str
    credit_nanos: int
    paid_nanos: int
    bought: date
    expires: date | None
    owner: Owner
    fee_nanos: int = 0
    written: Written = field(default=Written("", 0), compare=False)

    @property
    def payee(self) -> Payee:
        """Whose usage it pays for."""
        return self.provider, self.billing_account, self.currency

    @property
    def entry_id(self) -> str:
        """The digest of what the block says, wherever it stands."""
        owner = (self.owner.cost_centre, self.owner.team, self.owner.project)
        amounts = (self.credit_nanos, self.paid_nanos, self.fee_nanos)
        days = (self.bought, self.expires or "")
        return row_digest(FlatProduct.PREPAID, self.name, *self.payee, *amounts, *days, owner)

    def paid_part(self, nanos: int) -> int:
        """Return what was paid for a part of the credit."""
        return divide_half_even(nanos * self.paid_nanos, self.credit_nanos)


@dataclass(frozen=True, slots=True)
class Commitment:
    """A promise to spend an amount between two days.

    Attributes:
        amount_nanos: what is promised, over the whole time.
        begins, ends: half-open.
        owner: who bears what falls short.
    """

    name: str
    provider: str
    billing_account: str
    currency: str
    amount_nanos: int
    begins: date
    ends: date
    owner: Owner
    written: Written = field(default=Written("", 0), compare=False)

    @property
    def payee(self) -> Payee:
        """Whose usage counts."""
        return self.provider, self.billing_account, self.currency

    @property
    def entry_id(self) -> str:
        """The digest of what the commitment says, wherever it stands."""
        owner = (self.owner.cost_centre, self.owner.team, self.owner.project)
        said = (self.amount_nanos, self.begins, self.ends)
        return row_digest(FlatProduct.COMMITMENT, self.name, *self.payee, *said, owner)


@dataclass(frozen=True, slots=True)
class Movement:
    """What happened to a block on a day.

    Attributes:
        meter: what it was: purchase, draw-down or expiry.
        nanos: of its credit; a draw-down below 0 was given back.
    """

    block: CreditBlock
    day: date
    meter: FlatMeter
    nanos: int


@dataclass(frozen=True, slots=True)
class Committed:
    """How a commitment stands on a day.

    Attributes:
        used_nanos: spent of it so far.
        is_over: whether it has ended; what falls short is owed only then.
    """

    commitment: Commitment
    used_nanos: int
    is_over: bool

    @property
    def shortfall_nanos(self) -> int:
        """What is owed although it was not used, or would be if it ended now."""
        return max(self.commitment.amount_nanos - self.used_nanos, 0)

    @property
    def effective_price(self) -> Fraction | None:
        """What is paid for each unit of money used; None where nothing was."""
        if self.used_nanos <= 0:
            return None
        return Fraction(self.used_nanos + self.shortfall_nanos, self.used_nanos)


def movements_of(blocks: Iterable[CreditBlock], spend: Spend, last: date) -> Iterator[Movement]:
    """Yield what happens to every block until a day, by payee and day.

    Args:
        blocks: in any order.
        spend: of all days since the first block of a payee was bought.
        last: inclusive.
    """
    by_payee: dict[Payee, list[CreditBlock]] = defaultdict(list)
    for block in blocks:
        by_payee[block.payee].append(block)
    for payee in sorted(by_payee):
        found = sorted(by_payee[payee], key=_drawn_first)
        yield from _of_payee(found, spend.get(payee, {}), last)


def charges_of_blocks(movements: Iterable[Movement]) -> Iterator[FlatCharge]:
    """Yield the postings that movements of blocks come to."""
    for one in movements:
        block = one.block
        prepaid, bonus = prepaid_account(block.name), bonus_account(block.name)
        provider = provider_account(block.provider, block.billing_account)
        owner = owner_account(block.owner)
        paid = block.paid_part(one.nanos)
        moved: tuple[tuple[FlatMeter, Account, Account, int], ...]
        if one.meter is FlatMeter.CREDIT_PURCHASE:
            moved = (
                (one.meter, prepaid, provider, paid),
                (FlatMeter.CREDIT_BONUS, prepaid, bonus, one.nanos - paid),
                (FlatMeter.CREDIT_FEE, owner, provider, block.fee_nanos),
            )
        elif one.meter is FlatMeter.CREDIT_EXPIRY:
            moved = (
                (one.meter, owner, prepaid, paid),
                (FlatMeter.CREDIT_BONUS_EXPIRY, bonus, prepaid, one.nanos - paid),
            )
        else:
            moved = ((one.meter, provider, prepaid, one.nanos),)
        for meter, debit, credit, nanos in moved:
            if nanos:
                basis = _basis(FlatProduct.PREPAID, meter, block)
                yield FlatCharge(one.day, debit, credit, basis, 0, nanos)


def committed(commitments: Iterable[Commitment], spend: Spend, last: date) -> Iterator[Committed]:
    """Yield how each commitment that has begun stands at the end of a day."""
    for one in sorted(commitments, key=lambda found: (found.name, found.begins)):
        if one.begins <= last:
            until = min(one.ends, last + timedelta(days=1))
            days = spend.get(one.payee, {}).items()
            used = sum(nanos for day, nanos in days if one.begins <= day < until)
            yield Committed(one, used, is_over=one.ends == until)


def charges_of_commitments(standing: Iterable[Committed]) -> Iterator[FlatCharge]:
    """Yield what falls short of the commitments that are over."""
    for found in standing:
        one = found.commitment
        if found.is_over and found.shortfall_nanos:
            yield FlatCharge(
                one.ends - timedelta(days=1),
                owner_account(one.owner),
                provider_account(one.provider, one.billing_account),
                _basis(FlatProduct.COMMITMENT, FlatMeter.COMMITMENT_SHORTFALL, one),
                0,
                found.shortfall_nanos,
            )


def _drawn_first(block: CreditBlock) -> tuple[date, date, str]:
    return block.expires or date.max, block.bought, block.name


def _of_payee(
    blocks: Sequence[CreditBlock], spend: Mapping[date, int], last: date
) -> Iterator[Movement]:
    left: dict[str, int] = {}
    days = {*spend, *(block.bought for block in blocks)}
    days |= {block.expires for block in blocks if block.expires is not None}
    for day in sorted(day for day in days if day <= last):
        for block in blocks:
            if block.expires == day and left.get(block.name):
                yield Movement(block, day, FlatMeter.CREDIT_EXPIRY, left.pop(block.name))
        for block in blocks:
            if block.bought == day and block.credit_nanos:
                left[block.name] = block.credit_nanos
                yield Movement(block, day, FlatMeter.CREDIT_PURCHASE, block.credit_nanos)
        open_blocks = [block for block in blocks if _is_open(block, day)]
        yield from _drawn(open_blocks, left, day, spend.get(day, 0))


def _is_open(block: CreditBlock, day: date) -> bool:
    return block.bought <= day and (block.expires is None or day < block.expires)


def _drawn(
    blocks: Sequence[CreditBlock], left: dict[str, int], day: date, spent: int
) -> Iterator[Movement]:
    given_back = spent < 0
    for block in reversed(blocks) if given_back else blocks:
        balance = left[block.name]
        least, most = balance - block.credit_nanos, balance
        nanos = min(max(spent, least), most)
        if nanos:
            left[block.name] -= nanos
            spent -= nanos
            yield Movement(block, day, FlatMeter.CREDIT_DRAWDOWN, nanos)


def _basis(product: FlatProduct, meter: FlatMeter, of: CreditBlock | Commitment) -> Basis:
    return flat_basis(
        product,
        meter,
        provider=of.provider,
        billing_account=of.billing_account,
        name=of.name,
        currency=of.currency,
        file=of.written.file,
        entry_id=of.entry_id,
    )
