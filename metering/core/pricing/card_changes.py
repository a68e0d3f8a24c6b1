"""What a newer version of a rate card changes, and what of the older one is carried forward.

A card of list prices is generated from a catalogue, and catalogues delete the past. A row that
vanishes upstream is therefore closed, never deleted, and a price that changes without a start of
its own begins when it was imported. A card that is kept by hand says itself what it means.

Source: pricing specification, "Seeding and updating list prices".
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from metering.core.instants import ALWAYS, NEVER
from metering.core.pricing.rates import (
    Alias,
    Modifier,
    Rate,
    RateCard,
    alias_id_of,
    modifier_id_of,
    rate_id_of,
)
from metering.core.pricing.terms import Term, term_id_of, term_subject_of

START_UNKNOWN: Final = "effective_date_unknown: the source gives no start; this is the import"

Row = Rate | Modifier | Alias | Term


class ChangeKind(StrEnum):
    """What became of a row."""

    ADDED = "added"
    CLOSED = "closed"  # the same row, which now ends
    CHANGED = "changed"  # the same thing is said otherwise: a price, a factor, a meaning
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Change:
    """One row that differs between two versions of a card.

    Attributes:
        before, after: the row in the older and the newer version; None where it has none.
    """

    kind: ChangeKind
    before: Row | None
    after: Row | None

    @property
    def row(self) -> Row:
        """The row as it stands now, or stood last."""
        row = self.after or self.before
        if row is None:
            raise ValueError("a change has a row on one side at least")
        return row


def card_changes(before: RateCard | None, after: RateCard) -> tuple[Change, ...]:
    """Return the rows that differ, in the order of the newer card, removed ones last.

    Where a row was read, and notes, are no difference.
    """
    old = {_identity(row): row for row in (_rows(before) if before else ())}
    new = {_identity(row): row for row in _rows(after)}
    gone = {_subject(row): row for identity, row in old.items() if identity not in new}
    changes: list[Change] = []
    for identity, row in new.items():
        known = old.get(identity)
        if known is None:
            instead = gone.pop(_subject(row), None)
            kind = ChangeKind.ADDED if instead is None else ChangeKind.CHANGED
            changes.append(Change(kind, instead, row))
        elif _end(known) != _end(row):
            kind = ChangeKind.CLOSED if _end(row) < _end(known) else ChangeKind.CHANGED
            changes.append(Change(kind, known, row))
        elif _promised(known) != _promised(row):
            changes.append(Change(ChangeKind.CHANGED, known, row))
    removed = (Change(ChangeKind.REMOVED, row, None) for row in gone.values())
    return (*changes, *removed)


def carried_forward(before: RateCard, after: RateCard, at: datetime) -> RateCard:
    """Return the newer version of a generated card, with what it would lose of the older one.

    Args:
        before: the version in force.
        after: the version to come, as its source gives it.
        at: when it is imported; aware.

    Returns:
        `after`, with each row that vanished upstream closed at `at`, and each rate whose price
        changed without a new start opened at `at` beside the older one. A history that upstream
        tells anew with dates of its own is taken as it is told.
    """
    after = _with_rows(after, _translated(before, after, at))
    reopened: dict[str, Row] = {}
    kept: list[Row] = []
    for change in card_changes(before, after):
        old, new = change.before, change.after
        if old is None:
            continue
        if new is None:
            ended = _ended(old, at)
            if _start(old) < at and not any(_retells(rate, ended) for rate in after.rates):
                kept.append(ended)
        elif _identity(old) != _identity(new) and _start(new) < at < _end(old):
            kept.append(_ended(old, at))
            reopened[_identity(new)] = _opened(new, at, after.currency)
    settled = [reopened.get(_identity(row), row) for row in _rows(after)]
    return _with_rows(after, [*settled, *kept])


def counted(changes: Iterable[Change]) -> dict[ChangeKind, int]:
    """Return how many changes there are of each kind, every kind named."""
    found = dict.fromkeys(ChangeKind, 0)
    for change in changes:
        found[change.kind] += 1
    return found


def _rows(card: RateCard) -> Iterator[Row]:
    yield from card.rates
    yield from card.modifiers
    yield from card.aliases
    yield from card.terms


def _translated(before: RateCard, after: RateCard, at: datetime) -> list[Row]:
    """Return the newer rows; where we gave a row its start ourselves, it keeps it.

    The source still tells the row as if it had always been so: said as before, it is the row we
    opened; said otherwise, its price has changed once more, now.
    """
    ours = {
        _topic(row): row for row in _rows(before) if START_UNKNOWN in row.note and at < _end(row)
    }
    if not ours:
        return list(_rows(after))
    origin: dict[str, datetime] = {}
    for row in _rows(before):
        origin[_topic(row)] = min(_start(row), origin.get(_topic(row), NEVER))
    told = Counter(_topic(row) for row in _rows(after))
    rows: list[Row] = []
    for row in _rows(after):
        topic = _topic(row)
        known = ours.get(topic)
        if known is None or told[topic] > 1 or _start(row) != origin[topic]:
            rows.append(row)
        elif _said(known) == _said(row):
            rows.append(known)
        else:
            rows.append(_opened(row, at, after.currency))
    return rows


def _with_rows(card: RateCard, rows: list[Row]) -> RateCard:
    return replace(
        card,
        rates=tuple(row for row in rows if isinstance(row, Rate)),
        modifiers=tuple(row for row in rows if isinstance(row, Modifier)),
        aliases=tuple(row for row in rows if isinstance(row, Alias)),
        terms=tuple(row for row in rows if isinstance(row, Term)),
    )


def _opened(row: Row, at: datetime, currency: str) -> Row:
    note = f"{row.note}; {START_UNKNOWN}" if row.note else START_UNKNOWN
    opened = replace(row, effective_from=at, note=note)
    if isinstance(opened, Rate):
        return replace(opened, rate_id=rate_id_of(opened, currency))
    if isinstance(opened, Modifier):
        return replace(opened, modifier_id=modifier_id_of(opened))
    if isinstance(opened, Term):
        return replace(opened, term_id=term_id_of(opened))
    return replace(opened, alias_id=alias_id_of(opened))


def _ended(row: Row, at: datetime) -> Row:
    return row if _end(row) <= at else replace(row, effective_to=at)


def _retells(new: Rate, old: Row) -> bool:
    """Say whether the newer card prices anew what a row of the older one priced."""
    return (
        isinstance(old, Rate)
        and _start(new) < _end(old)
        and _start(old) < _end(new)
        and (new.tier_hi is None or (old.tier_lo or 0) <= new.tier_hi)
        and (old.tier_hi is None or (new.tier_lo or 0) <= old.tier_hi)
        and _telling(new) == _telling(old)
    )


def _identity(row: Row) -> str:
    if isinstance(row, Rate):
        return row.rate_id
    if isinstance(row, Term):
        return row.term_id
    return row.modifier_id if isinstance(row, Modifier) else row.alias_id


def _subject(row: Row) -> str:
    """Return the identity of a row but for what it says of its subject: price, factor, meaning."""
    if isinstance(row, Rate):
        return rate_id_of(replace(row, price_nanos=0, per=1), "")
    if isinstance(row, Modifier):
        return modifier_id_of(replace(row, factor_num=1, factor_den=1))
    if isinstance(row, Term):
        return term_subject_of(row)
    return alias_id_of(replace(row, canonical_model=""))


def _telling(rate: Rate) -> str:
    """Return what a rate prices, its time, tier and price apart."""
    plain = replace(rate, price_nanos=0, per=1, effective_from=None, tier_lo=None, tier_hi=None)
    return rate_id_of(plain, "")


def _said(row: Row) -> str:
    """Return what a row says, its start apart."""
    plain = replace(row, effective_from=None)
    if isinstance(plain, Rate):
        return rate_id_of(plain, "")
    if isinstance(plain, Term):
        return term_id_of(plain)
    return modifier_id_of(plain) if isinstance(plain, Modifier) else alias_id_of(plain)


def _topic(row: Row) -> str:
    """Return what a row is about, its start apart."""
    return _subject(replace(row, effective_from=None))


def _start(row: Row) -> datetime:
    return row.effective_from or ALWAYS


def _end(row: Row) -> datetime:
    return row.effective_to or NEVER


def _promised(row: Row) -> datetime | None:
    return row.guaranteed_until if isinstance(row, Rate) else None
