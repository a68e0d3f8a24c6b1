"""What a posting says: accounts, the basis of a charge, and the hash of a ledger.

A posting is one transfer between two accounts, so it balances by construction. Which accounts a
charge moves between is decided here and nowhere else.

Source: design, "Five decisions", 3 and 4.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final
from urllib.parse import quote, unquote

from metering.core.digests import value_digest
from metering.core.ownership.attribution import Owner


class AccountKind(StrEnum):
    """What an account stands for."""

    OWNER = "owner"  # a team's project, booked to a cost centre
    SUSPENSE = "suspense"  # metered, but nobody or no rate for it yet
    PROVIDER = "provider"  # what is owed to a provider's billing account
    PREPAID = "prepaid"  # what was paid and is not used up yet
    CAPACITY = "capacity"  # what own or leased computers cost, whoever is paid for it
    POOL = "pool"  # shared cost, until it is given on to owners
    MARKUP = "markup"  # what shares were charged beyond the cost, or below it
    TAX = "tax"
    CREDIT = "credit"
    ROUNDING = "rounding"
    CLEARING = "clearing"


HOLDING_KINDS: Final = frozenset({AccountKind.PROVIDER, AccountKind.PREPAID, AccountKind.CAPACITY})
"""Kinds of accounts that bear nothing: they hold what is owed, or was paid before it was used.

A posting to one of them moves money between what is held, and is no charge: no total of what is
charged has it in it, and no report of who pays.
"""


DEFAULT_ACCOUNT: Final = "default"
"""The billing account of usage and invoices that name none."""


class PostingKind(StrEnum):
    """Why a posting was made."""

    CHARGE = "charge"  # usage in an open period
    CORRECTION = "correction"  # a difference that belongs to a closed period


class CorrectionReason(StrEnum):
    """What a correction puts right in a closed period."""

    LATE_USAGE = "late-usage"  # usage the book held nothing of, or more records of a log
    RESTATED_USAGE = "restated-usage"  # the source reports another quantity than it did
    CORRECTED_PRICE = "corrected-price"  # the same usage at another rate
    OWNER_CHANGE = "owner-change"  # the same usage, borne by another owner
    RESETTLED = "resettled"  # what terms, credit or shares of the whole month come to
    TRUE_UP = "true-up"  # what an invoice says besides usage, as it was decided
    DISPUTE = "dispute"  # what was accepted moves to another bearer


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """One account of the book.

    Attributes:
        name: unique, readable, stable; what postings and exports show.
        kind: what it stands for.
        provider, billing_account: set for provider accounts, else empty.
        cost_centre, team, project: set for owners, else empty; the cost centre of a pool or
            mark-up is its own name, under which reports show it.
    """

    name: str
    kind: AccountKind
    provider: str = ""
    billing_account: str = ""
    cost_centre: str = ""
    team: str = ""
    project: str = ""

    @property
    def pool(self) -> str:
        """The name of a pool; empty for any other account."""
        return unquote(self.name.partition(":")[2]) if self.kind is AccountKind.POOL else ""


UNPRICED: Final = Account("suspense:unpriced", AccountKind.SUSPENSE)
UNATTRIBUTED: Final = Account("suspense:unattributed", AccountKind.SUSPENSE)


def owner_account(owner: Owner) -> Account:
    """Return the account of who bears a charge; a person is never part of it."""
    parts = (owner.cost_centre, owner.team, owner.project)
    return Account(
        "owner:" + "/".join(account_part(part) for part in parts),
        AccountKind.OWNER,
        cost_centre=owner.cost_centre,
        team=owner.team,
        project=owner.project,
    )


def provider_account(provider: str, billing_account: str) -> Account:
    """Return the account of what is owed to a provider's billing account."""
    return Account(
        f"provider:{account_part(provider)}/{account_part(billing_account)}",
        AccountKind.PROVIDER,
        provider=provider,
        billing_account=billing_account,
    )


def prepaid_account(name: str) -> Account:
    """Return the account of what was paid beforehand under a name, and is not used up yet."""
    return Account(f"prepaid:{account_part(name)}", AccountKind.PREPAID)


def bonus_account(name: str) -> Account:
    """Return the account of what a block of credit is worth beyond what was paid for it."""
    return Account(f"prepaid:{account_part(name)}/bonus", AccountKind.PREPAID)


def capacity_account(name: str) -> Account:
    """Return the account of what some own or leased capacity costs."""
    return Account(f"capacity:{account_part(name)}", AccountKind.CAPACITY)


def pool_account(name: str) -> Account:
    """Return the account of a pool of shared cost."""
    account = f"pool:{account_part(name)}"
    return Account(account, AccountKind.POOL, cost_centre=account)


def markup_account(pool: str) -> Account:
    """Return the account of what shares of a pool were charged beyond its cost, below 0."""
    account = f"markup:{account_part(pool)}"
    return Account(account, AccountKind.MARKUP, cost_centre=account)


def account_part(text: str) -> str:
    """Return one name as part of an account's."""
    # A slash inside a team's name must not make two different owners share one account name.
    return quote(text, safe=" :@+") or "-"


@dataclass(frozen=True, slots=True)
class Basis:
    """Why a charge is what it is: what was used, at which rate, or why there is none.

    Attributes:
        provider, platform, billing_account, product: who bills, where it ran, for what.
        model_raw: the model as the source spells it; empty when it does not say.
        model: the canonical model after aliases; equals `model_raw` where none was found.
        meter: what was measured.
        conditions: canonical JSON of what was special about it; "{}" for nothing.
        status: priced, zero_rated, unpriced or provisional.
        reason: code of an unpriced or provisional status, else empty.
        currency: of the card; the reporting currency where there is no rate.
        card: name and version of the card the rate comes from; empty without a rate.
        rate_ids: the rate and the modifiers it was multiplied with, in order.
        unit_price_nanos, per: whole nanos per block of `per` units; None without a rate.
        factor_num, factor_den: product of the modifiers.
        list_unit_price_nanos, list_per, list_factor_num, list_factor_den: the same of the list
            price at that instant; None where no list has one.
        promoted: a detail source stands in for the metered one, as metering.toml says.
        divided_by: the detail source that says who bears it, where the metered one does not.
    """

    provider: str
    platform: str
    billing_account: str
    product: str
    model_raw: str
    model: str
    meter: str
    conditions: str
    status: str
    reason: str
    currency: str
    card: str
    rate_ids: tuple[str, ...]
    unit_price_nanos: int | None = None
    per: int | None = None
    factor_num: int = 1
    factor_den: int = 1
    list_unit_price_nanos: int | None = None
    list_per: int | None = None
    list_factor_num: int = 1
    list_factor_den: int = 1
    promoted: bool = False
    divided_by: str = ""

    @property
    def digest(self) -> str:
        """Return the identity of the basis: equal content, equal digest."""
        said = {name: getattr(self, name) for name in BASIS_FIELDS}
        text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


BASIS_FIELDS: Final = tuple(field.name for field in fields(Basis))


def ledger_hash(periods: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """Return the hash of a ledger: what it says, not how it came to say it.

    Args:
        periods: billing period to the digest of its net lines, see `books.period_content`.
        versions: content digests of the rate cards and rules in force, by name.

    Two ledgers that were fed the same files in another order, renamed, split or compressed have
    the same hash, and any difference of a nano, an owner or a rate changes it.
    """
    return value_digest({"periods": dict(periods), "versions": dict(versions)})
