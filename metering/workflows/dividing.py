"""Divide what is metered by finer usage: which lines, and by which models of the detail."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from metering.core.attribution import Directory
from metering.core.field_sets import Attribution
from metering.core.ledger import Basis
from metering.engine import charges as engine
from metering.engine import detail
from metering.engine.owners import OwnerAnswers

if TYPE_CHECKING:
    import duckdb

    from metering.core.rate_book import RateBook
    from metering.workflows.desired import Policy


def mark(connection: "duckdb.DuckDBPyConnection", policy: "Policy", files: Sequence[Path]) -> None:
    """Open the cells of detail, and mark the metered ones that one of its sources may divide.

    Where several sources match, the first of metering.toml divides; they are never added up.
    """
    detail.open_detail(connection, files)
    dividers = Attribution(policy.dividers, Directory())
    numbers = {owned.owner.cost_centre: no for no, owned in enumerate(dividers.owned)}
    answers = []
    for field_set in dividers.field_sets:
        values = engine.distinct_values(connection, field_set.fields)
        found = dividers.decide(field_set, values)
        answers.append(
            OwnerAnswers(
                field_set.fields,
                values,
                [
                    (at, begin, end, rank, numbers[dividers.owned[owner].owner.cost_centre])
                    for at, begin, end, rank, owner in found
                ],
            )
        )
    detail.mark_divided(connection, answers)


def divisions(
    connection: "duckdb.DuckDBPyConnection",
    policy: "Policy",
    owners: Sequence[OwnerAnswers],
    bases: Sequence[Basis],
    keep: Sequence[str] = (),
) -> list[tuple[int, int]]:
    """Return (basis number, divider) of the metered usage that detail divides.

    Args:
        connection: with the table `charges`, and lines that kept their divider.
        policy: its dividers and model names.
        owners: who bears the usage that the detail tells.
        bases: of the charges, by number.
        keep: columns of the cells of detail that the engine's table `weighed` keeps.
    """
    sources = [rule.name for rule in policy.dividers.rules]
    seen = detail.weigh(connection, owners, sources, keep)
    models = [(*one, model_of(policy.rates, *one)) for one in seen]
    divisible = [
        (number, basis.provider, basis.billing_account, basis.model, basis.meter)
        for number, basis in enumerate(bases)
        if basis.unit_price_nanos is not None and basis.meter != engine.BILLED
    ]
    return detail.find_divided(connection, models, divisible)


def model_of(
    rates: "RateBook", day: date, provider: str, platform: str, account: str, raw: str
) -> str:
    """Return the canonical model of detail usage, as its metered counterpart is called that day."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return rates.for_account(account).resolution_at(provider, platform, raw, at).model
