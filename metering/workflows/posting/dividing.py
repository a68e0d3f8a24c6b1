"""Divide what is metered by finer usage: which lines, and by which models of the detail."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.ledger import Basis
from metering.core.ownership.attribution import Directory
from metering.core.ownership.field_sets import Attribution
from metering.core.pricing.rating import RatingKey, rate_for
from metering.engine import trace
from metering.engine.charging import charges as engine
from metering.engine.charging import detail
from metering.engine.owners import OwnerAnswers

if TYPE_CHECKING:
    import duckdb

    from metering.books.ledger import NetLine
    from metering.core.pricing.rate_book import RateBook
    from metering.workflows.posting.policy import Policy

_ONE_DAY: Final = timedelta(days=1)
# Where it runs, and the version of an API, which say nothing about the model.
_AROUND: Final = re.compile(r"^(us|eu|apac|jp|au|ca|in|global)\.|-v\d+(:\d+)?$", re.ASCII)
_DATE: Final = re.compile(r"[-@ ]?20\d\d-?\d\d-?\d\d", re.ASCII)
_WORDS: Final = re.compile(r"\d+(?:\.\d+)*(?:[a-z](?![a-z]))?|[a-z]+", re.ASCII)
_MAKERS: Final = frozenset(("amazon", "anthropic", "google", "meta", "mistral", "openai"))


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
    meters = detail.weighed_meters(connection)
    worth = {one: _worth(policy.rates, one, meters) for one in seen}
    prices = [(*one, *price[:-1]) for one, found in worth.items() for price in found]
    detail.value(connection, prices, engine.BILLED)
    models = []
    for one, found in worth.items():
        currency = found[0][-1] if found else ""
        billed = billed_name(one[-1], currency)
        models.append((*one, model_of(policy.rates, *one), engine.BILLED, billed))
    divisible = [
        (
            number,
            basis.provider,
            basis.billing_account,
            billed_name(basis.model_raw, basis.currency)
            if basis.meter == engine.BILLED
            else basis.model,
            basis.meter,
        )
        for number, basis in enumerate(bases)
        if basis.unit_price_nanos is not None
    ]
    return detail.find_divided(connection, models, divisible)


def _worth(
    rates: "RateBook", one: detail.Seen, meters: Sequence[str]
) -> list[tuple[str, int, int, str]]:
    """Return what a unit of some detail usage is worth at list prices, where that is known.

    Returns:
        The meter, nanos and units as a fraction, and the currency of the price.
    """
    day, provider, platform, account, raw = one
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    key, book = RatingKey(provider, platform, raw), rates.for_account(account)
    decisions = ((meter, rate_for(key, meter, book, start, start + _ONE_DAY)) for meter in meters)
    return [
        (
            meter,
            found.list_price_nanos * found.list_factor_num,
            found.list_per * found.list_factor_den,
            found.list_currency,
        )
        for meter, found in decisions
        if found.list_price_nanos and found.list_per
    ]


def measured_in(line: "NetLine") -> str:
    """Return what the records behind a line are measured in: no log counts a bill's money."""
    return trace.TOKENS if line.divided_by and line.meter == engine.BILLED else line.meter


def is_same_model(rates: "RateBook", line: "NetLine", kind: trace.Kind) -> bool:
    """Return whether detail usage is of the model of a line that it divides."""
    if line.meter == engine.BILLED:
        return billed_name(kind.model_raw, "") == billed_name(line.model_raw, "")
    day = date.fromisoformat(kind.day)
    used = (day, kind.provider, kind.platform, kind.billing_account, kind.model_raw)
    return line.model == model_of(rates, *used)


def billed_name(model: str, currency: str) -> str:
    """Return how a bill and a log name the same model alike: its words and numbers, in any order.

    Bills spell models as products ("Claude4.6Sonnet", "Gemini 2.5 Flash"), logs as the API does
    ("eu.anthropic.claude-sonnet-4-6-20260217-v1:0"). The name is of no use for anything else.

    Args:
        model: as either spells it.
        currency: of the bill, or of the price that the log's usage is worth.
    """
    plain = _DATE.sub("", _AROUND.sub("", model.lower()))
    versioned = re.sub(r"(?<=\d)-(?=\d)", ".", plain)
    words = {word.removesuffix(".0") for word in _WORDS.findall(versioned)} - _MAKERS
    return " ".join((*sorted(words), "in", currency))


def model_of(
    rates: "RateBook", day: date, provider: str, platform: str, account: str, raw: str
) -> str:
    """Return the canonical model of detail usage, as its metered counterpart is called that day."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return rates.for_account(account).resolution_at(provider, platform, raw, at).model
