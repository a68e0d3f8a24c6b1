"""The economics of a period for scripts: exact nanos, statistics as plain numbers."""

from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum
from fractions import Fraction
from typing import Any

from metering.core.periods import BillingPeriod
from metering.workflows.economics.sections import economics_sections
from metering.workflows.economics.whole import ANALYSES, Economics


def economics_document(of: Economics, asked: Collection[str] = ANALYSES) -> dict[str, Any]:
    """Return the figures by analysis, each with what it cannot tell.

    Whole nanos are integers; fractions of them, shares and indices are numbers with a point. What
    is not known is null. What single people used is in none of it.

    Args:
        of: the figures.
        asked: the analyses that are wanted, as `of` was made for.
    """
    spend, forecast = of.spend, of.forecast
    parts: dict[str, Any] = {
        "E1": {
            "company": spend.company,
            "with_feed": spend.with_feed,
            "by_provider": spend.by_provider,
            "by_project": spend.by_project,
        },
        "E2": {"company": spend.rebound, "with_feed": spend.rebound_with_feed},
        "E3": of.seats,
        "E4": of.chain,
        "E5": of.otherwise,
        "E6": {"units": of.units, "stack": spend.stack},
        "E7": {
            "capacity": [
                {"name": one.use.capacity.name, "economics": one.economics, "use": _use(one.use)}
                for one in of.capacity
            ],
            "commitments": of.commitments,
            "failures": of.failures,
        },
        "E8": {"projects": of.worth, "clients": of.clients},
        "E9": {
            "by_class": spend.by_class,
            "moved": [
                {"before": before, "after": after, "nanos": nanos}
                for (before, after), nanos in spend.moved.items()
            ],
            "vendors": spend.vendors,
            "models": spend.models,
            "projects": spend.projects,
            "explorations": of.bets,
            "vanity": of.showings,
            "luxury": of.luxuries,
        },
        "E10": {
            "as_of": forecast.as_of,
            "days_known": forecast.days_known,
            "days": forecast.days,
            "company": forecast.company,
            "parts": forecast.parts,
        },
        "E11": of.incentives,
    }
    missing = {
        section.analysis: [{"what": gap.what, "needs": gap.needs} for gap in section.missing]
        for section in economics_sections(of)
    }
    return {
        "period": str(spend.period),
        "currency": spend.currency,
        **{
            name: {"found": _plain(part), "missing": missing[name]}
            for name, part in parts.items()
            if name in asked
        },
    }


def _use(use: Any) -> dict[str, Any]:
    names = ("cost_nanos", "tokens", "rated_tokens", "idle_nanos", "utilisation")
    return {name: getattr(use, name) for name in names}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, BillingPeriod):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Fraction):
        return float(value)
    return str(value) if isinstance(value, BillingPeriod | date | Enum) else value
