"""E5: what a period would have cost otherwise: list prices, declared scenarios, cheaper models."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from metering.analysis.economics.scenario import (
    Batch,
    CacheRate,
    PriceChange,
    Route,
    Scenario,
)
from metering.analysis.economics.vanity import LuxuryPremium, luxury_premium
from metering.core.findings.economics_rules import EconomicsRules, NamedScenario
from metering.core.periods import BillingPeriod
from metering.errors import BookError
from metering.workflows.pricing.whatif import WhatIf, what_if
from metering.workflows.runs import Run

if TYPE_CHECKING:
    from metering.settings import Settings


@dataclass(frozen=True, slots=True)
class Otherwise:
    """A period in one scenario; amounts in nanos of the reporting currency, all of the bill.

    Attributes:
        name: what is different, in words.
        booked: as charged.
        then: in the scenario.
        hhi_before, hhi_after: concentration among providers; None without spend.
        notes: what a reader must know of it.
        why_not: why there is no answer; empty when there is one.
    """

    name: str
    booked: int = 0
    then: int = 0
    hhi_before: Fraction | None = None
    hhi_after: Fraction | None = None
    notes: tuple[str, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Luxury:
    """What a dear model cost on top of the one that would do, as the company says.

    Attributes:
        tokens_nanos: what its usage was charged.
    """

    model: str
    reference: str
    tokens_nanos: int
    premium: LuxuryPremium


def otherwise(
    settings: "Settings", rules: EconomicsRules, period: BillingPeriod
) -> tuple[Otherwise, ...]:
    """Return a period at list prices and in every declared scenario."""
    every = (NamedScenario("list prices alone", list_prices=True), *rules.scenarios)
    return tuple(_priced(settings, period, one) for one in every)


def luxuries(
    settings: "Settings", rules: EconomicsRules, period: BillingPeriod
) -> tuple[Luxury, ...]:
    """Return what each dear model cost on top of its reference; those not used are left out."""
    return tuple(_luxuries(settings, rules, period))


def _priced(settings: "Settings", period: BillingPeriod, said: NamedScenario) -> Otherwise:
    try:
        scenario = Scenario(
            routes=tuple(map(Route.parse, said.route)),
            price_changes=tuple(map(PriceChange.parse, said.price_change)),
            cache_rates=tuple(map(CacheRate.parse, said.cache_rate)),
            batches=tuple(map(Batch.parse, said.batch)),
        )
        found = _what_if(settings, period, scenario, list_prices=said.list_prices)
    except ValueError as error:
        return Otherwise(said.name, why_not=str(error))
    except BookError as error:
        if error.code != "bad-scenario":
            raise
        return Otherwise(said.name, why_not=str(error.__cause__ or error))
    currency = settings.currency
    groups = [group for group in found.usage.groups if group.currency == currency]
    unmetered = found.unmetered.get(currency, 0)
    terms, _, terms_then, _ = found.terms(currency)
    return Otherwise(
        said.name,
        booked=sum(group.booked for group in groups) + terms + unmetered,
        then=sum(group.middle for group in groups) + terms_then + unmetered,
        hhi_before=found.usage.hhi_before.get(currency),
        hhi_after=found.usage.hhi_after.get(currency),
        notes=found.usage.notes,
    )


def _luxuries(
    settings: "Settings", rules: EconomicsRules, period: BillingPeriod
) -> Iterator[Luxury]:
    for model, reference in sorted(rules.references.items()):
        try:
            scenario = Scenario(routes=(Route(model, reference, Fraction(1)),))
            found = _what_if(settings, period, scenario)
        except BookError as error:
            if error.code != "bad-scenario":
                raise
            continue
        routed = [
            group
            for group in found.usage.groups
            if group.targets and group.currency == settings.currency
        ]
        paid = sum(group.booked for group in routed)
        # Nobody can tell the yields of two models apart from usage and outcomes of projects.
        premium = luxury_premium(paid, sum(group.middle for group in routed), None)
        yield Luxury(model, reference, paid, premium)


def _what_if(
    settings: "Settings", period: BillingPeriod, scenario: Scenario, *, list_prices: bool = False
) -> WhatIf:
    run = Run.now("economics", period=str(period))
    return what_if(settings, run, period, scenario, list_prices=list_prices)
