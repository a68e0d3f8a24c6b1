"""The charts of the economics of a review, from the same values as their tables."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from metering.core.money import NANOS_PER_UNIT
from metering.core.periods import BillingPeriod
from metering.reporting.charts.plots import Bar, Bars, Bridge, BridgeStep, Divided, DividedBar, Plot
from metering.reporting.figures import MINUS, amount_text, number_text, share_text
from metering.reporting.words import month_text, shown_name
from metering.workflows.economics.sections_plans import plan_name

if TYPE_CHECKING:
    from metering.analysis.economics.jevons import Rebound
    from metering.analysis.economics.seats_or_usage import SeatsOrUsage
    from metering.workflows.economics.period import Change, PeriodEconomics
    from metering.workflows.economics.plans import SeatQuestion
    from metering.workflows.economics.whole import Economics
    from metering.workflows.economics.work import Chain

_SINGLY: Final = 9
_FACTORS: Final = {
    "turns": "Turns",
    "context": "Context of a turn",
    "output": "Output",
    "reasoning": "Reasoning",
    "frontier": "Dearer models",
    "base_price": "Base price",
}
_SEAT_PARTS: Final = ("worth their seats", "beyond the seats", "seats not used up")
_INDEX_DECIMALS: Final = 3


def economics_plots(of: "Economics") -> dict[str, tuple[Plot, ...]]:
    """Return the charts of each analysis that a reader needs one for, by its number."""
    spend = of.spend
    return {
        "E1": tuple(_effects(spend)),
        "E2": tuple(_indices(spend.rebound, spend.rebound_with_feed)),
        "E3": tuple(_seats(of.seats, spend.currency)),
        "E4": tuple(_chain(of.chain, spend)),
        "E9": (_by_class(spend), _by_vendor(spend)),
    }


def _effects(spend: "PeriodEconomics") -> Iterator[Bridge]:
    effects, currency = spend.company.effects, spend.currency
    parts = [
        ("Price", effects.price),
        ("Volume", effects.volume),
        ("Mix", effects.mix),
        ("Other", effects.other),
    ]
    yield _change("By price, volume and mix", parts, spend.company, spend.period, currency)
    yield _providers(spend.by_provider, spend.company, spend.period, currency)
    fed = spend.with_feed
    if fed is not None and fed.effects.efficiency is not None:
        parts = [
            ("Price", fed.effects.price),
            ("Outcomes", fed.effects.volume),
            ("Tokens each", fed.effects.efficiency),
            ("Mix", fed.effects.mix),
            ("Other", fed.effects.other),
        ]
        title = "By outcomes and the tokens of each, of projects that report them"
        yield _change(title, parts, fed, spend.period, currency)


def _change(
    title: str,
    parts: Sequence[tuple[str, int]],
    change: "Change",
    period: BillingPeriod,
    currency: str,
) -> Bridge:
    return _bridge(title, parts, (change.before, change.after), period, currency)


def _bridge(
    title: str,
    parts: Sequence[tuple[str, int]],
    levels: tuple[int, int],
    period: BillingPeriod,
    currency: str,
) -> Bridge:
    steps = (
        _level(period.previous, levels[0], currency),
        *(BridgeStep(name, nanos, _signed(nanos, currency)) for name, nanos in parts),
        _level(period, levels[1], currency),
    )
    told = ", ".join(f"{name} {_signed(nanos, currency)}" for name, nanos in parts)
    return Bridge(title, f"{told or 'Nothing changed'}.", currency, steps)


def _level(period: BillingPeriod, nanos: int, currency: str) -> BridgeStep:
    return BridgeStep(month_text(period), nanos, amount_text(nanos, currency), is_level=True)


def _signed(nanos: int, currency: str) -> str:
    text = amount_text(nanos, currency)
    return f"+{text}" if nanos > 0 and not text.startswith(MINUS) else text


def _providers(
    by_provider: Mapping[str, "Change"], whole: "Change", period: BillingPeriod, currency: str
) -> Bridge:
    """Return which providers the change came from, the largest first and the rest as one."""
    moved = sorted(
        ((name, change.after - change.before) for name, change in by_provider.items()),
        key=lambda entry: (-abs(entry[1]), entry[0]),
    )
    singly = [(shown_name(name) or "nobody's", nanos) for name, nanos in moved[:_SINGLY] if nanos]
    rest = sum(nanos for _, nanos in moved[_SINGLY:])
    parts = [*singly, *([("other providers", rest)] if rest else [])]
    return _change("By provider", parts, whole, period, currency)


def _indices(company: "Rebound", fed: "Rebound | None") -> Iterator[Bars]:
    """Yield price and quantity beside each other: whether volume ate what prices saved."""
    named = (("All", company), ("With a feed", fed))
    bars = [
        Bar(
            f"{name}: {what}",
            round(index * NANOS_PER_UNIT),
            number_text(Fraction(index), _INDEX_DECIMALS),
        )
        for name, found in named
        if found is not None
        for what, index in (("price", found.price_index), ("quantity", found.quantity_index))
        if index is not None
    ]
    if bars:
        told = ", ".join(f"{bar.label} {bar.figure}" for bar in bars)
        yield Bars("Price and quantity", f"1 is the month before: {told}.", "", tuple(bars))


def _seats(question: "SeatQuestion", currency: str) -> Iterator[Divided]:
    for plan in question.plans:
        if plan.bills and plan.bills.groups:
            yield _groups(plan_name(plan), plan.bills, currency)


def _groups(name: str, bills: "SeatsOrUsage", currency: str) -> Divided:
    count = len(bills.groups)
    bars = [
        DividedBar(
            f"{at} of {count}",
            (
                group.usage_nanos - group.subsidy_nanos,
                group.subsidy_nanos,
                group.breakage_nanos,
            ),
            amount_text(group.usage_nanos, currency),
        )
        for at, group in enumerate(bills.groups, start=1)
    ]
    share = bills.top_share_of_subsidy
    top = (
        f", {share_text(share.numerator, share.denominator)} of it by the heaviest" if share else ""
    )
    beyond = amount_text(bills.subsidy_nanos, currency)
    unused = amount_text(bills.breakage_nanos, currency)
    return Divided(
        f"{name[0].upper()}{name[1:]}, from the lightest to the heaviest users",
        f"Used beyond the seats: {beyond}{top}; seats not used up: {unused}."
        " The figure is the usage at list price.",
        currency,
        _SEAT_PARTS,
        tuple(bars),
    )


def _chain(chain: "Chain | None", spend: "PeriodEconomics") -> Iterator[Bridge]:
    """Yield how the cost of an outcome became what it is, one multiplier after another."""
    if chain is None:
        return
    labels = _FACTORS | ({"turns": "Prompt tokens"} if chain.uncounted else {})
    parts = [(labels[name], nanos) for name, nanos in chain.effects.items() if nanos]
    cost = round(chain.costs[0])
    levels = (cost, cost + sum(nanos for _, nanos in parts))
    yield _bridge("What moved the cost of an outcome", parts, levels, spend.period, spend.currency)


def _by_class(spend: "PeriodEconomics") -> Bars:
    """Return what the spend is for."""
    ranked = sorted(spend.by_class.items(), key=lambda entry: (-entry[1], entry[0].value))
    bars = tuple(
        Bar(kind.value, nanos, share_text(nanos, spend.company.after))
        for kind, nanos in ranked
        if nanos
    )
    told = ", ".join(f"{bar.label} {bar.figure}" for bar in bars)
    return Bars("What the spend is for", f"{told}." if told else "", spend.currency, bars)


def _by_vendor(spend: "PeriodEconomics") -> Bars:
    """Return the spend of the period by provider."""
    ranked = sorted(
        ((name, change.after) for name, change in spend.by_provider.items() if change.after),
        key=lambda entry: (-entry[1], entry[0]),
    )
    bars = tuple(
        Bar(shown_name(name) or "nobody's", nanos, share_text(nanos, spend.company.after))
        for name, nanos in ranked[: _SINGLY + 1]
    )
    told = f"The largest is {bars[0].label} with {bars[0].figure}." if bars else "Nobody billed."
    return Bars("Spend by provider", told, spend.currency, bars)
