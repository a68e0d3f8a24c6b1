"""Share pooled cost: from the charges of whole months to the shares of what pools collected."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Final

from metering.core.ledger import (
    HOLDING_KINDS,
    UNPRICED,
    Account,
    AccountKind,
    Basis,
    pool_account,
)
from metering.core.meters import TOKEN_METERS
from metering.core.periods import BillingPeriod
from metering.core.sharing.allocation import Facts, Holding, Share, Use, allocate
from metering.core.sharing.headcount import presences
from metering.core.sharing.reigns import Reign, clipped
from metering.core.sharing.splits import ACCOUNT_FIELDS, BASIS_FIELDS, account_said, meets
from metering.engine.charging import sharing as engine

if TYPE_CHECKING:
    import duckdb

    from metering.workflows.posting.policy import Policy

_TOKENS: Final = frozenset(meter.value for meter in TOKEN_METERS)


def allocated(
    connection: "duckdb.DuckDBPyConnection",
    policy: "Policy",
    debits: dict[int, Account],
    bases: Sequence[Basis],
    credit: Callable[[int], Account],
) -> list[tuple[date, Share]]:
    """Debit what pools collect to them, and return what is given on of it.

    Args:
        connection: the engine, whose table `charges` holds whole months.
        policy: its sharing files, drivers and owners files decide, each in its days.
        debits: debit number to account; pools are added.
        bases: by their number.
        credit: basis number to the account that its charges are credited to.

    Returns:
        Shares with the last day of their month, in the order in which they are made.
    """
    named = dict.fromkeys(pool.name for reign in policy.reigns for pool in reign.sharing.pools)
    pools = {name: _numbered(debits, pool_account(name)) for name in named}
    engine.collect(
        connection,
        [one for reign in policy.reigns for one in _collections(reign, pools, debits, bases)],
    )
    names = {number: name for name, number in pools.items()}
    held: defaultdict[date, defaultdict[tuple[str, Holding], int]]
    held = defaultdict(lambda: defaultdict(int))
    for month, debit, basis_no, currency, nanos in engine.pooled(connection, list(names)):
        basis = bases[basis_no]
        holding = Holding(basis.provider, basis.billing_account, currency, credit(basis_no))
        held[month][names[debit], holding] += nanos
    owners = [number for number, one in debits.items() if one.kind is AccountKind.OWNER]
    tokens = [number for number, basis in enumerate(bases) if basis.meter in _TOKENS]
    used: defaultdict[date, list[Use]] = defaultdict(list)
    for month, debit, currency, nanos, quantity in engine.uses(connection, owners, tokens):
        used[month].append(Use(debits[debit], currency, nanos, quantity))
    return [
        (month, share)
        for month in sorted(held)
        for share in allocate(
            policy.reign_on(month).sharing, _facts(policy, month, used[month]), held[month]
        )
    ]


def number_of(debits: dict[int, Account]) -> Callable[[Account], int]:
    """Return what numbers accounts, giving new ones the next number."""
    known = {account: number for number, account in debits.items()}

    def number(account: Account) -> int:
        if account not in known:
            known[account] = _numbered(debits, account)
        return known[account]

    return number


def _numbered(debits: dict[int, Account], account: Account) -> int:
    number = max((*debits, -1)) + 1
    debits[number] = account
    return number


def _facts(policy: "Policy", month: date, used: Sequence[Use]) -> Facts:
    period, reign = BillingPeriod.of(month), policy.reign_on(month)
    return Facts(
        period=period,
        currency=policy.currency,
        uses=used,
        presences=presences(reign.directory),
        drivers={driver.name: driver.of(period) for driver in reign.drivers},
    )


def _collections(
    reign: Reign,
    numbers: Mapping[str, int],
    debits: Mapping[int, Account],
    bases: Sequence[Basis],
) -> Iterator[engine.Collection]:
    borne = {
        number: account
        for number, account in debits.items()
        if account.kind not in HOLDING_KINDS | {AccountKind.POOL} and account != UNPRICED
    }
    said = [{name: str(getattr(basis, name)) for name in BASIS_FIELDS} for basis in bases]
    for pool in reign.sharing.pools:
        stretches = tuple(clipped(reign.stretches, pool.valid_from, pool.valid_to))
        for conditions in pool.matches:
            of_account = [one for one in conditions if one.field in ACCOUNT_FIELDS]
            of_basis = [one for one in conditions if one.field not in ACCOUNT_FIELDS]
            yield engine.Collection(
                numbers[pool.name],
                [number for number, one in borne.items() if meets(of_account, account_said(one))],
                [number for number, one in enumerate(said) if meets(of_basis, one)],
                stretches,
            )
