"""Rate cards: immutable versions; the newest of each card is in force.

Rows are read as plain tuples, not as objects of the tables: a few thousand of them are needed
before anything can be priced.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import (
    CheckConstraint,
    Connection,
    Select,
    Table,
    UniqueConstraint,
    exists,
    func,
    insert,
    select,
)
from sqlmodel import Field

from metering.books.card_values import READ, WRITTEN
from metering.books.runs import RunRow
from metering.books.schema import (
    BookTable,
    flag_check,
    inserted_id,
    reference,
    row_id,
    strict,
    table_of,
    whole,
    words,
)
from metering.books.seals import RunSealRow
from metering.books.types import Flag
from metering.core.pricing.rates import (
    Alias,
    CardKind,
    Modifier,
    NoEffect,
    Rate,
    RateCard,
)
from metering.core.pricing.terms import Term


class RateCardRow(BookTable, table=True):
    """One version of a rate card."""

    __tablename__: ClassVar[Any] = "rate_card"
    __table_args__ = strict(UniqueConstraint("name", "version"), flag_check("complete"))

    id: int | None = row_id()
    run_id: int = reference("run.id")
    name: str = words()
    version: int = whole()
    kind: str = words()
    scope: str = words()
    currency: str = words()
    complete: bool = Field(sa_type=Flag)
    source_name: str = words()
    source_version: str = words()
    source_sha256: str = words()
    licence: str = words()


class RateRow(BookTable, table=True):
    """One price of one meter."""

    __tablename__: ClassVar[Any] = "rate"
    __table_args__ = strict(
        CheckConstraint("price_nanos >= 0", name="price_not_negative"),
        CheckConstraint("per > 0 AND qty_step > 0", name="units_positive"),
    )

    id: int | None = row_id()
    card_id: int = reference("rate_card.id", index=True)
    rate_id: str = words()
    provider: str = words()
    platform: str = words()
    model_match: str = words()
    match_kind: str = words()
    meter: str = words()
    price_nanos: int = whole()
    per: int = whole()
    effective_from: str | None = words()
    effective_to: str | None = words()
    guaranteed_until: str | None = words()
    tier_lo: int | None = whole()
    tier_hi: int | None = whole()
    conditions: str | None = words()
    window: str | None = words()
    min_qty_per_event: int = whole()
    qty_step: int = whole()
    allowance_units: int = whole()
    allowance_period: str = words()
    allowance_scope: str = words()
    source_url: str = words()
    retrieved_at: str = words()
    evidence: str = words()
    note: str = words()


class RateModifierRow(BookTable, table=True):
    """What a provider or a contract states as a multiple of a rate."""

    __tablename__: ClassVar[Any] = "rate_modifier"
    __table_args__ = strict(CheckConstraint("factor_den > 0", name="factor_divides"))

    id: int | None = row_id()
    card_id: int = reference("rate_card.id", index=True)
    modifier_id: str = words()
    provider: str = words()
    platform: str = words()
    model_match: str = words()
    match_kind: str = words()
    meters: str = words()
    factor_num: int = whole()
    factor_den: int = whole()
    conditions: str | None = words()
    effective_from: str | None = words()
    effective_to: str | None = words()
    stack_group: str = words()
    list_as_of: str | None = words()
    source_url: str = words()
    retrieved_at: str = words()
    evidence: str = words()
    note: str = words()


class NoEffectRow(BookTable, table=True):
    """The statement that a condition does not change a price."""

    __tablename__: ClassVar[Any] = "no_effect"
    __table_args__ = strict()

    id: int | None = row_id()
    card_id: int = reference("rate_card.id", index=True)
    provider: str = words()
    platform: str = words()
    dimension: str = words()
    values: str = words()
    model_match: str = words()
    match_kind: str = words()
    meters: str = words()
    source_url: str = words()
    note: str = words()


class ModelAliasRow(BookTable, table=True):
    """Another name of a model."""

    __tablename__: ClassVar[Any] = "model_alias"
    __table_args__ = strict()

    id: int | None = row_id()
    card_id: int = reference("rate_card.id", index=True)
    alias_id: str = words()
    provider: str = words()
    platform: str = words()
    raw: str = words()
    match_kind: str = words()
    canonical_model: str = words()
    dimensions: str | None = words()
    effective_from: str | None = words()
    effective_to: str | None = words()
    source_url: str = words()
    note: str = words()


class ContractTermRow(BookTable, table=True):
    """What is settled for a month as a whole: a volume tier, commitment, minimum or credit."""

    __tablename__: ClassVar[Any] = "contract_term"
    __table_args__ = strict(
        CheckConstraint("factor_den > 0 AND beyond_den > 0", name="factors_divide"),
        CheckConstraint("amount_nanos >= 0", name="amount_not_negative"),
        flag_check("whole_period"),
    )

    id: int | None = row_id()
    card_id: int = reference("rate_card.id", index=True)
    term_id: str = words()
    kind: str = words()
    name: str = words()
    provider: str = words()
    platform: str = words()
    models: str = words()
    meters: str = words()
    measure: str = words()
    lo: int = whole()
    hi: int | None = whole()
    whole_period: bool = Field(sa_type=Flag)
    factor_num: int = whole()
    factor_den: int = whole()
    beyond_num: int = whole()
    beyond_den: int = whole()
    amount_nanos: int = whole()
    effective_from: str | None = words()
    effective_to: str | None = words()
    source_url: str = words()
    retrieved_at: str = words()
    evidence: str = words()
    note: str = words()


_RUN: Final = table_of(RunRow)
_SEAL: Final = table_of(RunSealRow)
_CARD: Final = table_of(RateCardRow)
_RATE: Final = table_of(RateRow)
_MODIFIER: Final = table_of(RateModifierRow)
_NO_EFFECT: Final = table_of(NoEffectRow)
_ALIAS: Final = table_of(ModelAliasRow)
_TERM: Final = table_of(ContractTermRow)

# Rows of a card do not carry these: where a row stood in the file is of use only when it is read.
_NOT_STORED: Final = frozenset({"place"})
_PARTS: Final[tuple[tuple[str, Table, type[Any]], ...]] = (
    ("rates", _RATE, Rate),
    ("modifiers", _MODIFIER, Modifier),
    ("no_effects", _NO_EFFECT, NoEffect),
    ("aliases", _ALIAS, Alias),
    ("terms", _TERM, Term),
)
# What this process has read, by the seal of the run that wrote it and its id: a version that is
# sealed never changes, and a night or a close prices several times.
_KNOWN: Final[dict[tuple[str, int], RateCard]] = {}
_KNOWN_AT_MOST: Final = 64
# What a row of a card keeps of it beside its parts, and as it is.
_HEADING: Final = tuple(
    field.name
    for field in fields(RateCard)
    if field.name not in {"kind", *(part for part, _, _ in _PARTS)}
)


@dataclass(frozen=True, slots=True)
class CardVersion:
    """One version of a rate card, without its rows.

    Attributes:
        version: 1 for the first of its name; the greatest is in force.
        rates: how many it holds.
        imported_at, imported_by: when and by whom it was brought into the books.
    """

    id: int
    name: str
    version: int
    kind: CardKind
    scope: str
    currency: str
    source_name: str
    source_version: str
    source_sha256: str
    licence: str
    rates: int
    imported_at: datetime
    imported_by: str


def store_card(connection: Connection, run_id: int, card: RateCard) -> RateCard:
    """Keep a card as the newest version of its name, and return that version.

    A card that says exactly what the newest version says already is not kept again. The version
    of `card` itself is ignored: it is the book that numbers them.
    """
    known = _cards(connection, _newest().where(_CARD.c.name == card.name))
    if known and known[0] == replace(card, version=known[0].version):
        return known[0]
    stored = replace(card, version=known[0].version + 1 if known else 1)
    heading = {name: getattr(stored, name) for name in _HEADING} | {"kind": stored.kind.value}
    card_id = inserted_id(connection, insert(_CARD).values(run_id=run_id, **heading))
    for part, table, _ in _PARTS:
        rows = [{"card_id": card_id, **_row(item)} for item in getattr(stored, part)]
        if rows:
            connection.execute(insert(table), rows)
    return stored


def cards_in_force(connection: Connection) -> tuple[RateCard, ...]:
    """Return the newest version of every card, by name."""
    return _cards(connection, _newest())


def _newest() -> Select[Any]:
    newer = _CARD.alias()
    is_newer = (newer.c.name == _CARD.c.name) & (newer.c.version > _CARD.c.version)
    return select(_CARD.c.id).where(~exists().where(is_newer))


def card_versions(connection: Connection) -> tuple[CardVersion, ...]:
    """Return every version of every card, by name and version."""
    count = (
        select(func.count()).where(_RATE.c.card_id == _CARD.c.id).correlate(_CARD).scalar_subquery()
    )
    rows = connection.execute(
        select(_CARD, count.label("rates"), _RUN.c.started_at, _RUN.c.started_by)
        .join(_RUN, _RUN.c.id == _CARD.c.run_id)
        .order_by(_CARD.c.version)
    )
    return tuple(
        CardVersion(
            id=row.id,
            name=row.name,
            version=row.version,
            kind=CardKind(row.kind),
            scope=row.scope,
            currency=row.currency,
            source_name=row.source_name,
            source_version=row.source_version,
            source_sha256=row.source_sha256,
            licence=row.licence,
            rates=row.rates,
            imported_at=row.started_at,
            imported_by=row.started_by,
        )
        for row in sorted(rows, key=lambda row: str(row.name))
    )


def _cards(connection: Connection, versions: Select[Any]) -> tuple[RateCard, ...]:
    """Return the cards that a selection of their ids names, whole, by name."""
    rows = connection.execute(
        select(_CARD, _SEAL.c.digest.label("seal"))
        .outerjoin(_SEAL, _SEAL.c.run_id == _CARD.c.run_id)
        .where(_CARD.c.id.in_(versions))
    ).all()
    known = {row.id: _KNOWN[row.seal, row.id] for row in rows if (row.seal, row.id) in _KNOWN}
    new = [row for row in rows if row.id not in known]
    read = _read(connection, new) if new else {}
    _KNOWN.update({(row.seal, row.id): read[row.id] for row in new if row.seal is not None})
    while len(_KNOWN) > _KNOWN_AT_MOST:
        del _KNOWN[next(iter(_KNOWN))]
    return tuple(sorted((known | read).values(), key=lambda card: card.name))


def _read(connection: Connection, versions: Sequence[Any]) -> dict[int, RateCard]:
    """Return the cards of some rows of the table of cards, with all their parts, by id."""
    ids = [row.id for row in versions]
    parts = {part: _items(connection, table, item, ids) for part, table, item in _PARTS}
    cards = {}
    for row in versions:
        said: dict[str, Any] = {name: getattr(row, name) for name in _HEADING}
        said |= {part: tuple(items.get(row.id, ())) for part, items in parts.items()}
        cards[row.id] = RateCard(kind=CardKind(row.kind), **said)
    return cards


def _items(
    connection: Connection, table: Table, item: type[Any], card_ids: Sequence[int]
) -> dict[int, list[Any]]:
    """Return the rows of one part of some cards by card, as they were written."""
    names = _stored_fields(item)
    columns = (table.c.card_id, *(table.c[name] for name in names))
    statement = select(*columns).where(table.c.card_id.in_(card_ids)).order_by(table.c.id)
    rows = connection.execute(statement).all()
    if not rows:
        return {}
    of_card, *stored = zip(*rows, strict=True)
    # Column by column: most columns need no translation, and those that do repeat few values.
    read = (
        map(READ[name], column) if name in READ else column
        for name, column in zip(names, stored, strict=True)
    )
    items: dict[int, list[Any]] = defaultdict(list)
    for card_id, values in zip(of_card, zip(*read, strict=True), strict=True):
        items[card_id].append(item(*values))
    return items


def _row(item: Rate | Modifier | NoEffect | Alias | Term) -> dict[str, Any]:
    values = {name: getattr(item, name) for name in _stored_fields(type(item))}
    return {
        name: WRITTEN[name](value) if name in WRITTEN else value for name, value in values.items()
    }


def _stored_fields(item: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(item) if field.name not in _NOT_STORED)
