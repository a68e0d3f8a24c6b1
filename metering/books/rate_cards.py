"""Rate cards: immutable versions; the newest of each card is in force.

Rows are read as plain tuples, not as objects of the tables: a few thousand of them are needed
before anything can be priced.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, Final, TypeVar

from sqlalchemy import CheckConstraint, Connection, Table, UniqueConstraint, func, insert, select
from sqlmodel import Field

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
from metering.books.types import Flag, canonical_json, instant_of, instant_text
from metering.core.pricing.rates import (
    Alias,
    CardKind,
    MatchKind,
    Modifier,
    NoEffect,
    Rate,
    RateCard,
    Window,
)
from metering.core.pricing.terms import Measure, Term, TermKind


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
_CARD: Final = table_of(RateCardRow)
_RATE: Final = table_of(RateRow)
_MODIFIER: Final = table_of(RateModifierRow)
_NO_EFFECT: Final = table_of(NoEffectRow)
_ALIAS: Final = table_of(ModelAliasRow)
_TERM: Final = table_of(ContractTermRow)

Item = TypeVar("Item", Rate, Modifier, NoEffect, Alias, Term)

# Rows of a card do not carry these: where a row stood in the file is of use only when it is read.
_NOT_STORED: Final = frozenset({"place"})
_PARTS: Final[tuple[tuple[str, Table], ...]] = (
    ("rates", _RATE),
    ("modifiers", _MODIFIER),
    ("no_effects", _NO_EFFECT),
    ("aliases", _ALIAS),
    ("terms", _TERM),
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
    newest = connection.execute(
        select(func.max(_CARD.c.version)).where(_CARD.c.name == card.name)
    ).scalar_one()
    if newest is not None:
        in_force = _cards(connection, ((card.name, newest),))[0]
        if in_force == replace(card, version=newest):
            return in_force
    stored = replace(card, version=(newest or 0) + 1)
    card_id = inserted_id(connection, insert(_CARD).values(run_id=run_id, **_heading(stored)))
    for part, table in _PARTS:
        rows = [{"card_id": card_id, **_row(item)} for item in getattr(stored, part)]
        if rows:
            connection.execute(insert(table), rows)
    return stored


def cards_in_force(connection: Connection) -> tuple[RateCard, ...]:
    """Return the newest version of every card, by name."""
    newest = select(_CARD.c.name, func.max(_CARD.c.version)).group_by(_CARD.c.name)
    return _cards(connection, sorted((name, number) for name, number in connection.execute(newest)))


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


def _cards(connection: Connection, wanted: Iterable[tuple[str, int]]) -> tuple[RateCard, ...]:
    cards = []
    for name, version in wanted:
        row = connection.execute(
            select(_CARD).where(_CARD.c.name == name, _CARD.c.version == version)
        ).one()
        cards.append(
            RateCard(
                name=name,
                kind=CardKind(row.kind),
                currency=row.currency,
                rates=_items(connection, _RATE, Rate, row.id),
                modifiers=_items(connection, _MODIFIER, Modifier, row.id),
                aliases=_items(connection, _ALIAS, Alias, row.id),
                no_effects=_items(connection, _NO_EFFECT, NoEffect, row.id),
                terms=_items(connection, _TERM, Term, row.id),
                version=version,
                scope=row.scope,
                complete=row.complete,
                source_name=row.source_name,
                source_version=row.source_version,
                source_sha256=row.source_sha256,
                licence=row.licence,
            )
        )
    return tuple(cards)


def _items(
    connection: Connection, table: Table, item: type[Item], card_id: int
) -> tuple[Item, ...]:
    names = _stored_fields(item)
    statement = select(*(table.c[name] for name in names)).where(table.c.card_id == card_id)
    rows = connection.execute(statement.order_by(table.c.id)).all()
    # Column by column: most columns need no translation, and those that do repeat few values.
    columns = (
        map(_READ[name], column) if name in _READ else column
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    )
    return tuple(item(*values) for values in zip(*columns, strict=True)) if rows else ()


def _heading(card: RateCard) -> dict[str, Any]:
    parts = {part for part, _ in _PARTS}
    names = (field.name for field in fields(card) if field.name not in parts)
    return {name: getattr(card, name) for name in names} | {"kind": card.kind.value}


def _row(item: Rate | Modifier | NoEffect | Alias | Term) -> dict[str, Any]:
    values = {name: getattr(item, name) for name in _stored_fields(type(item))}
    return {
        name: _WRITE[name](value) if name in _WRITE else value for name, value in values.items()
    }


def _stored_fields(item: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(item) if field.name not in _NOT_STORED)


def _instant_written(instant: datetime | None) -> str | None:
    return None if instant is None else instant_text(instant)


def _json_written(value: object) -> str | None:
    return None if value is None else canonical_json(value)


def _window_written(window: Window | None) -> str | None:
    if window is None:
        return None
    return canonical_json(
        {
            "weekdays": sorted(window.weekdays),
            "start": window.start,
            "end": window.end,
            "zone": window.zone,
            "holidays": window.holidays,
        }
    )


@lru_cache(maxsize=4096)
def _instant_read(text: str | None) -> datetime | None:
    return None if text is None else instant_of(text)


@lru_cache(maxsize=4096)
def _mapping_read(text: str | None) -> Mapping[str, str] | None:
    return None if text is None else json.loads(text)


@lru_cache(maxsize=4096)
def _names_read(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


@lru_cache(maxsize=4096)
def _window_read(text: str | None) -> Window | None:
    if text is None:
        return None
    said = json.loads(text)
    return Window(**{**said, "weekdays": frozenset(said["weekdays"])})


_INSTANTS: Final = ("effective_from", "effective_to", "guaranteed_until", "list_as_of")
_MAPPINGS: Final = ("conditions", "dimensions")
_NAMES: Final = ("meters", "models", "values")
_WRITE: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(_INSTANTS, _instant_written),
    **dict.fromkeys((*_MAPPINGS, *_NAMES), _json_written),
    "match_kind": str,
    "kind": str,
    "measure": str,
    "window": _window_written,
}
_READ: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(_INSTANTS, _instant_read),
    **dict.fromkeys(_MAPPINGS, _mapping_read),
    **dict.fromkeys(_NAMES, _names_read),
    "match_kind": MatchKind,
    "kind": TermKind,
    "measure": Measure,
    "window": _window_read,
}
