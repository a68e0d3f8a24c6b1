"""What the sharing file says: pools that collect charges, and the splits that give them on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

from metering.core.ledger import (
    Account,
    account_part,
    owner_account,
    pool_account,
)
from metering.core.ownership.attribution import Match, Owner
from metering.core.periods import BillingPeriod

WHOLE: Final = 1_000_000
"""What fixed shares and mark-ups are parts of: one per cent is 10,000."""

ACCOUNT_FIELDS: Final = ("account", "cost_centre", "team", "project")
BASIS_FIELDS: Final = ("provider", "platform", "billing_account", "product", "model", "meter")
POOL_FIELDS: Final = (*ACCOUNT_FIELDS, *BASIS_FIELDS)
"""What of a charge a pool may look at: who would bear it, and what it is for."""

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
