"""Accounts, and the bases of charges: what postings refer to, each kept once by its content."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, ClassVar, Final

from sqlalchemy import CheckConstraint, Connection, Table, UniqueConstraint, insert, select
from sqlmodel import Field

from metering.books.schema import (
    BookTable,
    flag_check,
    in_blocks,
    row_id,
    strict,
    table_of,
    whole,
    words,
)
from metering.books.types import Flag, JsonText
from metering.core.ledger import BASIS_FIELDS, Account, AccountKind, Basis


class AccountRow(BookTable, table=True):
    """One account."""

    __tablename__: ClassVar[Any] = "account"
    __table_args__ = strict(UniqueConstraint("name"))

    id: int | None = row_id()
    name: str = words()
    kind: str = words()
    provider: str = words()
    billing_account: str = words()
    cost_centre: str = words()
    team: str = words()
    project: str = words()


class BasisRow(BookTable, table=True):
    """Why charges are what they are; equal content is one row."""

    __tablename__: ClassVar[Any] = "charge_basis"
    __table_args__ = strict(
        UniqueConstraint("digest"),
        CheckConstraint("(unit_price_nanos IS NULL) = (per IS NULL)", name="price_has_units"),
        CheckConstraint(
            "(list_unit_price_nanos IS NULL) = (list_per IS NULL)", name="list_price_has_units"
        ),
        CheckConstraint("per > 0 AND list_per > 0", name="units_positive"),
        CheckConstraint("factor_den > 0 AND list_factor_den > 0", name="factors_divide"),
        flag_check("promoted"),
    )

    id: int | None = row_id()
    digest: str = words()
    provider: str = words()
    platform: str = words()
    billing_account: str = words()
    product: str = words()
    model_raw: str = words()
    model: str = words()
    meter: str = words()
    conditions: str = words()
    status: str = words()
    reason: str = words()
    currency: str = words()
    card: str = words()
    rate_ids: list[str] = Field(sa_type=JsonText)
    unit_price_nanos: int | None = whole()
    per: int | None = whole()
    factor_num: int = whole()
    factor_den: int = whole()
    list_unit_price_nanos: int | None = whole()
    list_per: int | None = whole()
    list_factor_num: int = whole()
    list_factor_den: int = whole()
    promoted: bool = Field(sa_type=Flag)
    divided_by: str = words()


_ACCOUNT: Final = table_of(AccountRow)
_BASIS: Final = table_of(BasisRow)
_ACCOUNT_FIELDS: Final = tuple(field.name for field in fields(Account))


def ensure_accounts(connection: Connection, accounts: Iterable[Account]) -> dict[str, int]:
    """Return the id of each account by name, opening those that are new."""
    by_name = {account.name: account for account in accounts}
    known = _ids(connection, _ACCOUNT, "name", list(by_name))
    new = sorted(by_name.keys() - known.keys())
    if new:
        connection.execute(
            insert(_ACCOUNT), [_said(by_name[name], _ACCOUNT_FIELDS) for name in new]
        )
    return known | _ids(connection, _ACCOUNT, "name", new)


def ensure_bases(connection: Connection, bases: Iterable[Basis]) -> dict[str, int]:
    """Return the id of each basis by digest, keeping those that are new."""
    by_digest = {basis.digest: basis for basis in bases}
    known = _ids(connection, _BASIS, "digest", list(by_digest))
    new = sorted(by_digest.keys() - known.keys())
    if new:
        rows = [{"digest": digest, **_said(by_digest[digest], BASIS_FIELDS)} for digest in new]
        connection.execute(insert(_BASIS), rows)
    return known | _ids(connection, _BASIS, "digest", new)


def accounts_by_id(connection: Connection) -> dict[int, Account]:
    """Return every account."""
    return {
        row.id: Account(
            row.name,
            AccountKind(row.kind),
            row.provider,
            row.billing_account,
            row.cost_centre,
            row.team,
            row.project,
        )
        for row in connection.execute(select(_ACCOUNT).order_by(_ACCOUNT.c.id))
    }


def used_models(connection: Connection) -> frozenset[tuple[str, str, str]]:
    """Return the provider, platform and model of all charges, models by both of their names."""
    names = (_BASIS.c.model_raw, _BASIS.c.model)
    return frozenset(
        tuple(row)
        for name in names
        for row in connection.execute(select(_BASIS.c.provider, _BASIS.c.platform, name).distinct())
    )


def bases_by_id(connection: Connection, ids: Sequence[int]) -> dict[int, Basis]:
    """Return the bases with these ids."""
    columns = [_BASIS.c[name] for name in BASIS_FIELDS]
    found: dict[int, Basis] = {}
    for block in in_blocks(ids):
        rows = connection.execute(select(_BASIS.c.id, *columns).where(_BASIS.c.id.in_(block)))
        for number, *values in rows:
            said = dict(zip(BASIS_FIELDS, values, strict=True))
            found[number] = Basis(**{**said, "rate_ids": tuple(said["rate_ids"])})
    return found


def _said(item: Account | Basis, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(item, name) for name in names}


def _ids(connection: Connection, table: Table, key: str, names: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for block in in_blocks(names):
        rows = connection.execute(select(table.c[key], table.c.id).where(table.c[key].in_(block)))
        found.update((name, number) for name, number in rows)
    return found
