"""Money that usage does not explain: true-ups to invoices, and what disputes end in.

An adjustment is an input like any other: it is decided once, recorded with its reason, and what it
charges converges through `post`. The newest adjustment of a key replaces the one before it, and one
without lines takes it back, so that nothing in the book is ever edited.

A true-up brings what the ledger owes a billing account to what its invoices say. Each difference
that the tie-out names goes where a stated policy sends it: to the owners, in proportion to what
they are charged for that account, to one owner, to a pool of shared cost, or to nobody yet.

Source: design, "Five decisions", 3; peers, "Timing" and "Allocation".
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from metering.core.closing.tieout import Reason, TieOut
from metering.core.ledger import UNATTRIBUTED, Account, Basis, owner_account
from metering.core.money import apportion
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod

_TRUE_UP: Final = "true_up_"

PRODUCT: Final = "adjustment"
"""The product of every charge that an adjustment makes: views tell it from usage by it."""


class AdjustmentKind(StrEnum):
    """What a decision was about."""

    TRUE_UP = "true-up"
    DISPUTE = "dispute"


class Spread(StrEnum):
    """Where a difference goes, besides to a named owner."""

    OWNERS = "owners"  # in proportion to what each is charged for the account
    NOBODY = "unattributed"


DEFAULT_POLICY: Final[Mapping[Reason, str]] = {
    reason: Spread.NOBODY.value if reason is Reason.UNEXPLAINED else Spread.OWNERS.value
    for reason in Reason
    if reason not in (Reason.USAGE, Reason.SEATS, Reason.NOT_INVOICED)
}
"""What is trued up, and where it goes when metering.toml says nothing.

Seats are charged from the seat file and never from the invoice, so that nobody pays for them twice.
"""


@dataclass(frozen=True, slots=True)
class AdjustmentLine:
    """One charge of an adjustment.

    Attributes:
        reason: code of why: a `tieout.Reason`, or "dispute".
        bearer: who is charged.
        amount_nanos: of the adjustment's currency; negative for what is given back.
    """

    reason: str
    bearer: Account
    amount_nanos: int


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One decision, and what it charges.

    Attributes:
        kind: what it was about.
        key: what it replaces: the newest adjustment of a kind and key is in force.
        period: the month its charges belong to.
        provider, billing_account: whose account is credited.
        currency: of its lines.
        references: what it rests on, e.g. numbers of invoices; shown where the charge is explained.
        lines: none takes back what the adjustment before it charged.
    """

    kind: AdjustmentKind
    key: str
    period: BillingPeriod
    provider: str
    billing_account: str
    currency: str
    references: tuple[str, ...]
    lines: tuple[AdjustmentLine, ...]

    @property
    def day(self) -> date:
        """The charge day of its lines: the last of the period."""
        return self.period.end_day - timedelta(days=1)

    @property
    def nanos(self) -> int:
        """What it adds to what the provider is owed."""
        return sum(line.amount_nanos for line in self.lines)

    @property
    def digest(self) -> str:
        """Return the identity of what it says: equal content, equal digest."""
        lines = [[one.reason, one.bearer.name, one.amount_nanos] for one in self.lines]
        said = [
            self.kind,
            self.key,
            str(self.period),
            self.currency,
            self.references,
            sorted(lines),
        ]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()[:32]

    def basis(self, line: AdjustmentLine) -> Basis:
        """Return why a line is charged, as the ledger keeps it."""
        conditions = {"references": ", ".join(self.references)} if self.references else {}
        return Basis(
            provider=self.provider,
            platform="",
            billing_account=self.billing_account,
            product=PRODUCT,
            model_raw="",
            model="",
            meter=meter_of(self.kind, line.reason),
            conditions=json.dumps(conditions, ensure_ascii=False, separators=(",", ":")),
            status="priced",
            reason="",
            currency=self.currency,
            card="",
            rate_ids=(),
        )


def meter_of(kind: AdjustmentKind, reason: str) -> str:
    """Return what stands where the meter of a charge stands: "true_up_tax", "dispute"."""
    if kind is AdjustmentKind.DISPUTE:
        return kind.value
    return _TRUE_UP + reason.replace("-", "_")


DISPUTE_METER: Final = meter_of(AdjustmentKind.DISPUTE, "")
TRUE_UP_METERS: Final = frozenset(
    meter_of(AdjustmentKind.TRUE_UP, reason) for reason in DEFAULT_POLICY
)
ADJUSTMENT_METERS: Final = TRUE_UP_METERS | {DISPUTE_METER}
"""What stands where a meter stands in charges that adjustments make."""


def true_up_key(period: BillingPeriod, provider: str, billing_account: str, currency: str) -> str:
    """Return the key of a true-up: one for each month, billing account and currency."""
    return f"{period}/{provider}/{billing_account}/{currency}"


def true_up(
    tie: TieOut, charged: Mapping[Account, int], policy: Mapping[Reason, str]
) -> Adjustment:
    """Return what brings the ledger of one billing account to its invoices.

    Args:
        tie: the account's tie-out, with an invoice.
        charged: what each account is charged for usage of it, nanos of its currency.
        policy: where each reason goes, see `bearers`; a reason it does not name is left alone.
    """
    lines: dict[tuple[str, Account], int] = {}
    for reason, nanos in _lacking(tie, policy).items():
        for bearer, part in bearers(policy[reason], nanos, charged).items():
            lines[reason.value, bearer] = part
    return Adjustment(
        kind=AdjustmentKind.TRUE_UP,
        key=true_up_key(tie.period, tie.provider, tie.billing_account, tie.currency),
        period=tie.period,
        provider=tie.provider,
        billing_account=tie.billing_account,
        currency=tie.currency,
        references=tie.invoice_ids,
        lines=tuple(
            AdjustmentLine(reason, bearer, nanos)
            for (reason, bearer), nanos in sorted(lines.items())
            if nanos
        ),
    )


def _lacking(tie: TieOut, policy: Mapping[Reason, str]) -> dict[Reason, int]:
    """Return what the ledger lacks of each reason of a tie-out that the policy names.

    What it settles and what is agreed on are in it already, credit paid beforehand included.
    """
    if tie.invoiced_nanos == tie.ledger.owed_nanos:
        return {}
    lacking: Counter[Reason] = Counter()
    for part in tie.lines:
        lacking[part.reason] += part.nanos
    for category, nanos in (*tie.ledger.settled, *tie.ledger.agreed):
        lacking[Reason(category.value)] -= nanos
    return {reason: nanos for reason, nanos in lacking.items() if nanos and reason in policy}


def moved(
    charged: Mapping[tuple[str, str, str, Account], int],
    nanos: int,
    target: Account,
    *,
    key: str,
    period: BillingPeriod,
    references: tuple[str, ...],
) -> tuple[Adjustment, ...]:
    """Return what moves a disputed amount from those who are charged it to somebody else.

    Args:
        charged: what is charged, by provider, billing account, currency (one) and bearer.
        nanos: how much of it is moved; it is taken from each in proportion.
        target: who bears it from now on.
        key: of the dispute.
        period: the month the charges belong to.
        references: shown where the move is explained.
    """
    weights = {"\x1f".join((*place[:3], place[3].name)): abs(one) for place, one in charged.items()}
    parts = apportion(nanos, weights)
    lines: dict[tuple[str, str, str], list[AdjustmentLine]] = {}
    for place, part in zip(charged, parts.values(), strict=True):
        if not part or place[3] == target:
            continue
        lines.setdefault(place[:3], []).extend(
            (
                AdjustmentLine(AdjustmentKind.DISPUTE.value, place[3], -part),
                AdjustmentLine(AdjustmentKind.DISPUTE.value, target, part),
            )
        )
    return tuple(
        Adjustment(
            kind=AdjustmentKind.DISPUTE,
            key=f"{key}/{provider}/{account}",
            period=period,
            provider=provider,
            billing_account=account,
            currency=currency,
            references=references,
            lines=tuple(found),
        )
        for (provider, account, currency), found in sorted(lines.items())
    )


def bearers(target: str, nanos: int, charged: Mapping[Account, int]) -> dict[Account, int]:
    """Return who bears an amount; the parts sum to it.

    Args:
        target: "owners", "unattributed", or an owner as "cost centre/team/project".
        nanos: the amount; may be negative.
        charged: what each account is charged; what is owed back weighs nothing. Where nobody is
            charged anything, the amount is nobody's.
    """
    if target == Spread.OWNERS:
        weights = {account.name: max(amount, 0) for account, amount in charged.items()}
        if not any(weights.values()):
            return {UNATTRIBUTED: nanos}
        by_name = {account.name: account for account in charged}
        parts = apportion(nanos, weights)
        return {by_name[name]: part for name, part in parts.items() if part}
    if target == Spread.NOBODY:
        return {UNATTRIBUTED: nanos}
    cost_centre, team, project = owner_parts(target)
    return {owner_account(Owner(team=team, project=project, cost_centre=cost_centre)): nanos}


def owner_parts(target: str) -> tuple[str, str, str]:
    """Return cost centre, team and project of "CC-1/finance/tax"; what is left out is empty.

    Raises:
        ValueError: it has no cost centre, or more than three parts.
    """
    parts = target.split("/")
    if not parts[0] or len(parts) > 3:  # noqa: PLR2004 - the three levels of an owner
        raise ValueError(
            f"{target!r} is not a cost centre, with a team and a project behind slashes"
        )
    cost_centre, team, project = (*parts, "", "")[:3]
    return cost_centre, team, project


def in_force(adjustments: Iterable[Adjustment]) -> tuple[Adjustment, ...]:
    """Return the newest adjustment of each kind and key, in the order of their keys.

    Args:
        adjustments: oldest first.
    """
    newest = {(one.kind, one.key): one for one in adjustments}
    return tuple(newest[key] for key in sorted(newest) if newest[key].lines)


def checked_policy(said: Mapping[str, str]) -> dict[Reason, str]:
    """Return a policy with what is said over the default.

    Raises:
        ValueError: a reason is unknown or never trued up, or a target names no owner.
    """
    policy = dict(DEFAULT_POLICY)
    for name, target in said.items():
        known: Sequence[str] = [reason.value for reason in DEFAULT_POLICY]
        if name not in known:
            raise ValueError(f"{name!r} is not one of {', '.join(known)}")
        if target not in tuple(Spread):
            owner_parts(target)
        policy[Reason(name)] = target
    return policy
