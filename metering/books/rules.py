"""Rules of who pays: versions of the rules file; the newest is in force."""

import json
from datetime import date
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, UniqueConstraint, insert, select
from sqlmodel import Field

from metering.books.schema import (
    BookTable,
    reference,
    row_id,
    strict,
    table_of,
    whole,
    words,
)
from metering.books.types import DayText, canonical_json
from metering.books.versions import Version, VersionRow, new_version, newest, version_of
from metering.core.ownership.attribution import Assign, Match, Rule, RuleSet
from metering.core.patterns import Pattern, PatternKind


class RuleSetRow(VersionRow, table=True):
    """One version of the rules file."""

    __tablename__: ClassVar[Any] = "rule_set"
    __table_args__ = strict(UniqueConstraint("version"))


class RuleRow(BookTable, table=True):
    """One rule."""

    __tablename__: ClassVar[Any] = "rule"
    __table_args__ = strict(UniqueConstraint("rule_set_id", "position"))

    id: int | None = row_id()
    rule_set_id: int = reference("rule_set.id")
    position: int = whole()
    name: str = words()
    match: str = words()
    assign: str = words()
    valid_from: date | None = Field(sa_type=DayText)
    valid_to: date | None = Field(sa_type=DayText)


_RULE_SET: Final = table_of(RuleSetRow)
_RULE: Final = table_of(RuleRow)


def store_rule_set(connection: Connection, run_id: int, rules: RuleSet, sha256: str) -> Version:
    """Keep a rules file as the newest version; the one in force is not kept again.

    Args:
        connection: of a write transaction.
        run_id: the run that brings it.
        rules: the checked file.
        sha256: of its bytes, hexadecimal.
    """
    version, rule_set_id = new_version(connection, run_id, _RULE_SET, (rules.name, sha256))
    if rule_set_id is not None and rules.rules:
        connection.execute(
            insert(_RULE),
            [
                {
                    "rule_set_id": rule_set_id,
                    "position": rule.position,
                    "name": rule.name,
                    "match": _match_written(rule.match),
                    "assign": _assign_written(rule.assign),
                    "valid_from": rule.valid_from,
                    "valid_to": rule.valid_to,
                }
                for rule in rules.rules
            ],
        )
    return version


def rule_set_in_force(connection: Connection) -> RuleSet:
    """Return the newest rules; without any, none."""
    found = newest(connection, _RULE_SET)
    if found is None:
        return RuleSet()
    rows = connection.execute(
        select(_RULE).where(_RULE.c.rule_set_id == found.id).order_by(_RULE.c.position)
    )
    return RuleSet(
        found.source_name,
        tuple(
            Rule(
                row.position,
                row.name,
                _match_read(row.match),
                Assign(**json.loads(row.assign)),
                row.valid_from,
                row.valid_to,
            )
            for row in rows
        ),
    )


def rule_set_version(connection: Connection) -> Version:
    """Return which rules are in force."""
    return version_of(newest(connection, _RULE_SET))


def _match_written(match: tuple[Match, ...]) -> str:
    # A list, not an object: the order of the conditions is that of the file.
    return canonical_json([[one.field, one.pattern.kind.value, one.pattern.text] for one in match])


def _match_read(text: str) -> tuple[Match, ...]:
    return tuple(
        Match(field, Pattern(PatternKind(kind), pattern))
        for field, kind, pattern in json.loads(text)
    )


def _assign_written(assign: Assign) -> str:
    said = {
        "cost_centre": assign.cost_centre,
        "team": assign.team,
        "project": assign.project,
        "person": assign.person,
        "owner_of": assign.owner_of,
        "ticket_in": assign.ticket_in,
    }
    return canonical_json({name: value for name, value in said.items() if value})
