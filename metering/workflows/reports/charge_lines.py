"""Read the charges of a period as the columns a report is made from.

The book has hundreds of thousands of lines a month, of a few hundred accounts and reasons: what a
line says of its account and its basis is decided once for each, and spread over the lines by index.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from metering.books.accounts import accounts_by_id, bases_by_id
from metering.books.period_content import charged
from metering.core.ledger import (
    HOLDING_KINDS,
    UNATTRIBUTED,
    UNPRICED,
    Account,
    AccountKind,
    Basis,
)
from metering.core.periods import BillingPeriod
from metering.core.sharing.allocation import SPLIT_ID
from metering.core.sharing.splits import SHARE_METERS
from metering.errors import LedgerError
from metering.reporting.snapshot import Bearer, ChargeLines
from metering.workflows.posting.accounting import Accounting

if TYPE_CHECKING:
    from sqlalchemy import Connection

_BETWEEN: Final = "|"
_SHARED: Final = frozenset({AccountKind.POOL, AccountKind.MARKUP})
_OF_ACCOUNT: Final = ("bearer", "cost_centre", "team", "project")
_OF_BOOKING: Final = (
    *("centre_owner", "gl_account", "capex_opex", "cogs_or_rnd"),
    *("booking_currency", "fx_rate", "fx_day"),
)
_OF_BASIS: Final = (
    *("provider", "billing_account", "platform", "product", "model", "meter"),
    *("status", "reason", "rule", "card", "is_listed"),
)


@dataclass(frozen=True, slots=True)
class ChargesRead:
    """The charges of a period.

    Attributes:
        lines: what is charged to anybody; empty where nothing is.
        cards: names and versions of the rate cards they were priced with.
        promoted: provider and billing account of what was charged from detail.
    """

    lines: ChargeLines
    cards: frozenset[str]
    promoted: frozenset[tuple[str, str]]


def read_charges(
    connection: "Connection", period: BillingPeriod, accounting: Accounting
) -> ChargesRead:
    """Return the charges of a period, without what is moved between accounts that bear nothing.

    Args:
        connection: of a read transaction.
        period: the month.
        accounting: what finance books by on the day of a charge.

    Raises:
        LedgerError: a report does not know an account.
    """
    table = pa.table(charged(connection, str(period)))
    accounts = {
        number: account
        for number, account in accounts_by_id(connection).items()
        if account.kind not in HOLDING_KINDS
    }
    bearing = pa.array(accounts, pa.int64())
    table = table.filter(pc.is_in(table["debit_account_id"], value_set=bearing))
    used = [int(str(number)) for number in pc.unique(table["basis_id"]).to_pylist()]
    bases = bases_by_id(connection, used)
    owners = _spread(
        _OF_ACCOUNT, {n: _account_said(accounts[n]) for n in accounts}, table["debit_account_id"]
    )
    reasons = _spread(_OF_BASIS, {n: _basis_said(bases[n]) for n in used}, table["basis_id"])
    columns: dict[str, Any] = {
        **owners,
        **reasons,
        **_booking(table, accounts, accounting),
        "charge_day": table["charge_day"].cast(pa.string()).cast(pa.date32()),
        "currency": table["currency"],
        "quantity": table["quantity"],
        "amount_nanos": table["amount_nanos"],
        "list_nanos": pc.if_else(
            reasons["is_listed"], table["list_nanos"].cast(pa.int64()), pa.scalar(None, pa.int64())
        ),
        "corrects": table["corrects_period"],
    }
    return ChargesRead(
        ChargeLines.of(pa.table(columns)),
        frozenset(basis.card for basis in bases.values() if basis.card),
        frozenset(
            (basis.provider, basis.billing_account) for basis in bases.values() if basis.promoted
        ),
    )


def _booking(
    table: pa.Table, accounts: Mapping[int, Account], accounting: Accounting
) -> dict[str, Any]:
    """Return the columns of what finance books by: decided once an account, day and currency."""
    names = ("debit_account_id", "charge_day", "currency")
    parts: list[Any] = [table[name].cast(pa.string()) for name in names]
    keys = pc.binary_join_element_wise(*parts, _BETWEEN)
    said = {}
    for key in pc.unique(keys).to_pylist():
        number, day, currency = str(key).split(_BETWEEN)
        account, on = accounts[int(number)], date.fromisoformat(day)
        owner: tuple[object, ...] = (None,) * 4
        if account.kind is AccountKind.OWNER:
            one = accounting.of(account.cost_centre, account.project, on)
            owner = (one.owner, one.gl_account, one.capex_opex, one.cogs_or_rnd)
        rate = accounting.rates.get((currency, on))
        fx = (rate.quote, rate.rate, rate.day.isoformat()) if rate else (None,) * 3
        said[key] = tuple(text or None for text in (*owner, *fx))
    return _spread(_OF_BOOKING, said, keys)


def _spread(
    names: Iterable[str],
    said: Mapping[Any, tuple[object, ...]],
    keys: "pa.ChunkedArray[Any]",
) -> dict[str, Any]:
    """Return columns as long as `keys`, each with what is said of its key."""
    # Without any line a column has no type of its own.
    values: Any = pa.array(list(said) or [""])
    places = pc.index_in(keys.cast(values.type), value_set=values)
    columns = zip(*said.values(), strict=True) if said else ((),) * len(tuple(names))
    kinds = {"is_listed": pa.bool_()}
    return {
        name: pa.array(column, kinds.get(name, pa.string())).take(places)
        for name, column in zip(names, columns, strict=True)
    }


def _account_said(account: Account) -> tuple[object, ...]:
    owner = (account.cost_centre or None, account.team or None, account.project or None)
    return (_bearer(account).value, *owner)


def _basis_said(basis: Basis) -> tuple[object, ...]:
    return (
        *(basis.provider, basis.billing_account, basis.platform, basis.product or None),
        *(basis.model or basis.model_raw or None, basis.meter, basis.status, basis.reason or None),
        *(_rule(basis), basis.card or None, basis.list_unit_price_nanos is not None),
    )


def _rule(basis: Basis) -> str | None:
    # Which rule found an owner is not kept with a charge; `metering explain` finds it.
    return basis.rate_ids[0].removeprefix(SPLIT_ID) if basis.meter in SHARE_METERS else None


def _bearer(account: Account) -> Bearer:
    if account.kind in _SHARED:
        return Bearer.SHARED
    if account.kind is AccountKind.OWNER:
        return Bearer.OWNER
    if account == UNATTRIBUTED:
        return Bearer.UNATTRIBUTED
    if account == UNPRICED:
        return Bearer.UNPRICED
    raise LedgerError(f"a report does not know the account {account.name}")
