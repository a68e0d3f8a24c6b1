"""Allocation: what pools of shared cost hold, divided among owners by the splits in force.

A pool collects charges; a split gives them on, even, by fixed shares, or in proportion to spend,
tokens, people or an imported driver. Splits are taken in the order of their file (step-down), so a
pool may give to one whose split comes later. What is given on is taken from the pool to the nano:
the shares of one split, what the pool is relieved of and a mark-up always add up to zero, so no
total changes. What no split gives on stays in its pool.

Weights look at what owners were charged before anything was shared, whatever the order of splits.

Source: FinOps Framework, capability "Allocation": even, fixed, proportional and proxy-metric
splits; a deliberate central pot is one too.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from metering.core.ledger import (
    Account,
    AccountKind,
    Basis,
    markup_account,
    owner_account,
    pool_account,
    provider_account,
)
from metering.core.money import apportion, divide_half_even
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod
from metering.core.pricing.decisions import Status
from metering.core.sharing.headcount import Presence, person_days
from metering.core.sharing.splits import WHOLE, By, Sharing, Split, Target

SPLIT_ID: Final = "split:"
"""Begins the rate id of a share; the split's name follows."""

SHARED_PRODUCT: Final = "shared: "
"""Begins the product of a share; the pool's name follows."""


@dataclass(frozen=True, slots=True, order=True)
class Holding:
    """What the money of a pool is owed for; shares never mix two of them.

    Attributes:
        provider, billing_account: whose bill it is on.
        currency: of the money.
        credit: the account it was credited to.
    """

    provider: str
    billing_account: str
    currency: str
    credit: Account


@dataclass(frozen=True, slots=True)
class Use:
    """What one owner was charged in a period, before anything was shared.

    Attributes:
        owner: an owner's account.
        currency: of `amount_nanos`.
        tokens: of every token meter.
    """

    owner: Account
    currency: str
    amount_nanos: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What the weights of one period are taken from.

    Attributes:
        currency: of the books; spend in it is the weight where nobody has any in a pool's own.
        uses: by owner and currency.
        presences: who works for whom.
        drivers: driver to target to weight, of this period.
    """

    period: BillingPeriod
    currency: str
    uses: Sequence[Use] = ()
    presences: Sequence[Presence] = ()
    drivers: Mapping[str, Mapping[Target, int]] | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """One share; the shares of a split and holding sum to zero, amount and weight alike.

    Attributes:
        split: which gave it.
        holding: what for.
        bearer: who takes it; the pool itself with what it is relieved of, below 0.
        weight: what `split.by` measures; 0 for a mark-up.
        amount_nanos: of the holding's currency.
    """

    split: Split
    holding: Holding
    bearer: Account
    weight: int
    amount_nanos: int


def allocate(
    sharing: Sharing, facts: Facts, pooled: Mapping[tuple[str, Holding], int]
) -> tuple[Share, ...]:
    """Return the shares of one period.

    Args:
        sharing: the pools and splits in force.
        facts: of the period.
        pooled: (pool, holding) to the nanos that were collected.

    A split without any weight in the period, or of a pool that holds nothing, gives nothing.
    """
    held: defaultdict[str, dict[Holding, int]] = defaultdict(dict)
    for (pool, holding), nanos in pooled.items():
        held[pool][holding] = nanos
    shares: list[Share] = []
    for split in sharing.splits:
        if not split.holds_in(facts.period):
            continue
        for holding, nanos in sorted(held[split.pool].items()):
            given = tuple(_shares(split, holding, nanos, facts))
            shares += given
            for share in given:
                if share.bearer.kind is AccountKind.POOL and share.weight > 0:
                    below = held[share.bearer.pool]
                    below[holding] = below.get(holding, 0) + share.amount_nanos
    return tuple(shares)


def share_basis(split: Split, holding: Holding) -> Basis:
    """Return why shares of a split are what they are; all of them have the same basis."""
    said = {"pool": split.pool, "split": split.name}
    if holding.credit != provider_account(holding.provider, holding.billing_account):
        said["credited"] = holding.credit.name
    return Basis(
        provider=holding.provider,
        platform="",
        billing_account=holding.billing_account,
        product=f"{SHARED_PRODUCT}{split.pool}",
        model_raw="",
        model="",
        meter=f"shared_{split.by.value}",
        conditions=json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False),
        status=Status.PRICED.value,
        reason="",
        currency=holding.currency,
        card="",
        rate_ids=(SPLIT_ID + split.name,),
    )


def weights_of(split: Split, currency: str, facts: Facts) -> dict[Account, int]:
    """Return what each account that takes a share weighs, without those that weigh nothing.

    Args:
        split: in force in the period.
        currency: of the money that is shared.
        facts: of the period.
    """
    weights: defaultdict[Account, int] = defaultdict(int)
    if split.by is By.SPEND:
        for unit in dict.fromkeys((currency, facts.currency)):
            uses = [use for use in facts.uses if use.currency == unit]
            weights.update(_measured(split, [(use.owner, use.amount_nanos) for use in uses]))
            if any(weight > 0 for weight in weights.values()):
                break
    elif split.by is By.TOKENS:
        weights.update(_measured(split, [(use.owner, use.tokens) for use in facts.uses]))
    elif split.by is By.HEADCOUNT:
        for target, _ in split.targets:
            for owner, days in _people(target, facts):
                weights[owner_account(owner)] += days
    else:
        for account, weight in _declared(split, facts):
            weights[account] += weight
    return {account: weights[account] for account in sorted(weights) if weights[account] > 0}


def _shares(split: Split, holding: Holding, nanos: int, facts: Facts) -> Iterator[Share]:
    weights = weights_of(split, holding.currency, facts)
    if not weights or not nanos:
        return
    total = sum(weights.values())
    given = nanos
    if split.by is By.FIXED and total < WHOLE:
        given = apportion(nanos, {"given": total, "kept": WHOLE - total})["given"]
    charged = divide_half_even(given * (WHOLE + split.markup), WHOLE)
    parts = apportion(charged, {account.name: weight for account, weight in weights.items()})
    for account, weight in weights.items():
        yield Share(split, holding, account, weight, parts[account.name])
    if charged != given:
        yield Share(split, holding, markup_account(split.pool), 0, given - charged)
    yield Share(split, holding, pool_account(split.pool), -total, -given)


def _measured(split: Split, uses: Iterable[tuple[Account, int]]) -> dict[Account, int]:
    found: defaultdict[Account, int] = defaultdict(int)
    for owner, measured in uses:
        for target, _ in split.targets:
            if target.covers(owner):
                found[owner if target.is_each else target.account] += measured
                break
    return found


def _people(target: Target, facts: Facts) -> Iterator[tuple[Owner, int]]:
    within = [one for one in facts.presences if target.covers(one.owner)]
    if not target.is_each:
        owner = Owner(target.cost_centre, target.team, target.project)
        yield owner, person_days(within, facts.period)
        return
    teams: defaultdict[Owner, list[Presence]] = defaultdict(list)
    for one in within:
        teams[Owner(one.owner.cost_centre, one.owner.team)].append(one)
    for owner, members in teams.items():
        yield owner, person_days(members, facts.period)


def _declared(split: Split, facts: Facts) -> Iterator[tuple[Account, int]]:
    if split.by is By.DRIVER:
        driven = (facts.drivers or {}).get(split.driver, {})
        yield from ((target.account, weight) for target, weight in driven.items())
        return
    for target, weight in split.targets:
        if target.is_each:
            owners = {use.owner for use in facts.uses if use.amount_nanos or use.tokens}
            yield from ((owner, weight) for owner in owners if target.covers(owner))
        else:
            yield target.account, weight
