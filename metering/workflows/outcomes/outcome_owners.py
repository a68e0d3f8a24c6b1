"""Outcomes with their owners: netted by the engine, owned by the same dated rules as usage."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from metering.books import lake as lake_book
from metering.books import outcomes as outcome_book
from metering.engine.outcomes import netting as engine
from metering.engine.outcomes.netting import OWNER_FIELDS
from metering.usage.lake import Lake
from metering.workflows.posting.owning import owner_answers

if TYPE_CHECKING:
    import duckdb
    from sqlalchemy import Connection

    from metering.core.ownership.attribution import Owner
    from metering.core.ownership.rule_review import Identity
    from metering.engine.owners import Values
    from metering.settings import Settings
    from metering.workflows.posting.policy import Policy


def open_owned_outcomes(
    duck: "duckdb.DuckDBPyConnection",
    connection: "Connection",
    settings: "Settings",
    policy: "Policy",
) -> None:
    """Make the engine's table `outcomes` of every outcome that the book names."""
    _open(duck, connection, settings)
    owners: dict[tuple[str, str], int] = {}

    def number_of(owner: "Owner") -> int:
        return owners.setdefault((owner.team, owner.project), len(owners))

    def values_of(fields: Sequence[str]) -> "list[Values] | None":
        # A rule over what outcomes do not have, such as a model, cannot match them.
        return engine.owner_values(duck, fields) if OWNER_FIELDS.keys() >= set(fields) else None

    answers = owner_answers(policy.reigns, values_of, number_of)
    names = [(number, team, project) for (team, project), number in owners.items()]
    engine.own_outcomes(duck, answers, names)


def outcome_identities(
    duck: "duckdb.DuckDBPyConnection",
    connection: "Connection",
    settings: "Settings",
    fields: Sequence[str],
) -> tuple["Identity", ...]:
    """Return what outcomes hold in the fields of rules, distinct; usage fields are None."""
    asked = [field for field in fields if field in OWNER_FIELDS]
    if not asked:
        return ()
    _open(duck, connection, settings)
    nothing = dict.fromkeys(fields)
    return tuple(
        {**nothing, **dict(zip(asked, row, strict=True))}
        for row in engine.owner_values(duck, asked)
        if any(value is not None for value in row)
    )


def last_usage_day(connection: "Connection", settings: "Settings") -> date | None:
    """Return the last day with metered usage, by which outcomes are judged; None without any."""
    days = [
        file.day
        for file in lake_book.live_files(connection)
        if file.records and settings.is_metered(file.ingestor, file.role)
    ]
    return date.fromisoformat(max(days)) if days else None


def _open(
    duck: "duckdb.DuckDBPyConnection", connection: "Connection", settings: "Settings"
) -> None:
    lake = Lake(settings.lake)
    files = [lake.path_of(file.path) for file in outcome_book.outcome_files(connection)]
    engine.open_outcomes(duck, files)
