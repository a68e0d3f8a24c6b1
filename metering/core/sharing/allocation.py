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
from datetime import date
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

from metering.core.ledger import (
    Account,
    AccountKind,
    Basis,
    account_part,
    markup_account,
    owner_account,
    pool_account,
    provider_account,
)
from metering.core.money import apportion, divide_half_even
from metering.core.ownership.attribution import Match, Owner
from metering.core.periods import BillingPeriod
from metering.core.pricing.decisions import Status
from metering.core.sharing.headcount import Presence, person_days

WHOLE: Final = 1_000_000
"""What fixed shares and mark-ups are parts of: one per cent is 10,000."""

ACCOUNT_FIELDS: Final = ("account", "cost_centre", "team", "project")
BASIS_FIELDS: Final = ("provider", "platform", "billing_account", "product", "model", "meter")
POOL_FIELDS: Final = (*ACCOUNT_FIELDS, *BASIS_FIELDS)
"""What of a charge a pool may look at: who would bear it, and what it is for."""

SPLIT_ID: Final = "split:"
"""Begins the rate id of a share; the split's name follows."""

SHARED_PRODUCT: Final = "shared: "
"""Begins the product of a share; the pool's name follows."""

_EVERYBODY: Final = "*"
_POOL: Final = "pool:"
_LEVELS: Final = 3


class By(StrEnum):
    """What a split measures its targets by."""

    EVEN = "even"
    FIXED = "fixed"
    SPEND = "spend"
    TOKENS = "tokens"
    HEADCOUNT = "headcount"
    DRIVER = "driver"


SHARE_METERS: Final[Mapping[str, By]] = {f"shared_{by.value}": by for by in By}
"""Meters of shares; their quantity is the weight: nanos of spend, tokens, days of a person …"""


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """Who takes a share: an owner with everything below it, or another pool.

    Attributes:
        cost_centre, team, project: empty from the first level that is not named.
        pool: another pool; empty for an owner.
        is_each: every owner below, each for itself, instead of the one that is named.
    """

    cost_centre: str = ""
    team: str = ""
    project: str = ""
    pool: str = ""
    is_each: bool = False

    @classmethod
    def parse(cls, text: str) -> "Target":
        """Return the target a file names: CC[/TEAM[/PROJECT]], CC/*, * or pool:NAME.

        Raises:
            ValueError: it names nothing; a slash inside a name is written %2F.
        """
        if text.startswith(_POOL) and text != _POOL:
            return cls(pool=unquote(text.removeprefix(_POOL)))
        parts = text.split("/")
        is_each = parts[-1] == _EVERYBODY
        named = [unquote(part) for part in (parts[:-1] if is_each else parts)]
        if len(parts) > _LEVELS or not all(named) or {_EVERYBODY, _POOL} & {*named}:
            raise ValueError(f"{text!r} names no cost centre, team, project or pool")
        cost_centre, team, project = (*named, "", "", "")[:_LEVELS]
        return cls(cost_centre, team, project, is_each=is_each)

    def __str__(self) -> str:
        if self.pool:
            return _POOL + account_part(self.pool)
        named = [account_part(name) for name in self._levels if name]
        return "/".join((*named, _EVERYBODY) if self.is_each else named)

    @property
    def _levels(self) -> tuple[str, str, str]:
        return self.cost_centre, self.team, self.project

    @property
    def account(self) -> Account:
        """The account that takes the share."""
        if self.pool:
            return pool_account(self.pool)
        return owner_account(Owner(self.cost_centre, self.team, self.project))

    def covers(self, owner: Owner | Account) -> bool:
        """Return whether an owner is the one named, or below it."""
        held = (owner.cost_centre, owner.team, owner.project)
        return not self.pool and all(
            not name or name == level for name, level in zip(self._levels, held, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Pool:
    """What collects shared cost.

    Attributes:
        line: in its file, 1-based.
        name: unique in its file.
        matches: alternatives; a charge that meets every condition of one of them is collected. The
            first pool of the file that a charge meets has it.
        valid_from, valid_to: first days of months, half-open; None is unbounded.
    """

    line: int
    name: str
    matches: tuple[tuple[Match, ...], ...]
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """How a pool is given on.

    Attributes:
        line: in its file, 1-based.
        name: unique in its file; what shares say they come from.
        pool: whose money.
        by: what it measures.
        targets: each with its part of `WHOLE` where `by` is fixed, else with 1; none for a driver,
            whose file names them.
        driver: name of the driver; empty for any other kind.
        markup: of `WHOLE`, what is charged beyond the cost; below 0 is a subsidy.
        valid_from, valid_to: first days of months, half-open; None is unbounded.
    """

    line: int
    name: str
    pool: str
    by: By
    targets: tuple[tuple[Target, int], ...] = ()
    driver: str = ""
    markup: int = 0
    valid_from: date | None = None
    valid_to: date | None = None

    def holds_in(self, period: BillingPeriod) -> bool:
        """Return whether the split is in force in a month."""
        return (self.valid_from is None or self.valid_from <= period.first_day) and (
            self.valid_to is None or period.first_day < self.valid_to
        )


@dataclass(frozen=True, slots=True)
class Sharing:
    """The sharing file.

    Attributes:
        name: the file's name, for explanations.
        pools, splits: in file order.
    """

    name: str = "sharing.toml"
    pools: tuple[Pool, ...] = ()
    splits: tuple[Split, ...] = ()


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


def pool_of(
    sharing: Sharing, account: Account, charge: Mapping[str, str], day: date
) -> Pool | None:
    """Return the pool that collects a charge, or None; the plain reading of the file.

    Args:
        sharing: in force.
        account: who would bear the charge.
        charge: its `BASIS_FIELDS`.
        day: the charge day.
    """
    said = {**account_said(account), **charge}
    for pool in sharing.pools:
        holds = (pool.valid_from or date.min) <= day < (pool.valid_to or date.max)
        if holds and any(meets(conditions, said) for conditions in pool.matches):
            return pool
    return None


def account_said(account: Account) -> dict[str, str]:
    """Return what pools may look at of an account, by `ACCOUNT_FIELDS`."""
    values = (account.name, account.cost_centre, account.team, account.project)
    return dict(zip(ACCOUNT_FIELDS, values, strict=True))


def meets(conditions: Iterable[Match], said: Mapping[str, str]) -> bool:
    """Return whether all conditions hold for what an account or charge says."""
    return all(one.pattern.matches(said[one.field]) for one in conditions)


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
