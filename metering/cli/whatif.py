"""`metering whatif`: what a period would have cost in another way."""

from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from metering.cli.arguments import PeriodParam
from metering.cli.frame import (
    emit_json,
    emit_table,
    format_option,
    money_text,
    note,
    settings_or_fail,
)

if TYPE_CHECKING:
    from metering.analysis.economics.repricing import RepricedGroup
    from metering.analysis.economics.scenario import Scenario
    from metering.core.periods import BillingPeriod
    from metering.workflows.pricing.whatif import WhatIf

_SHARE_DECIMALS = 2


@click.command()
@click.argument("period", metavar="PERIOD", type=PeriodParam())
@click.option(
    "--route",
    "routes",
    multiple=True,
    metavar="MODEL=MODEL[@SHARE%]",
    help="Send a model's usage, or a share of it, to another model.",
)
@click.option(
    "--price-change",
    "price_changes",
    multiple=True,
    metavar="NAME=±N%",
    help="Change the prices of a provider or model, after routing.",
)
@click.option(
    "--cache-rate",
    "cache_rates",
    multiple=True,
    metavar="[NAME=]RATE",
    help="Read at least this share of prompt tokens from the cache: 0.6 or 60%. With a provider "
    "or model, openai=60%, exactly this share.",
)
@click.option(
    "--batch",
    "batches",
    multiple=True,
    metavar="NAME[@SHARE%]",
    help="Process a provider's or model's usage as batches.",
)
@click.option(
    "--card",
    "cards",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Try out a rate card that is not imported.",
)
@click.option("--list-prices", is_flag=True, help="Leave contracts out: list prices alone.")
@click.option(
    "--tokens",
    "token_ratios",
    multiple=True,
    metavar="MODEL=RATIO[..RATIO]",
    help="Tokens a target model counts for one token of the source; 1 by default.",
)
@click.option(
    "--demand",
    metavar="INDEX",
    help="How quantity answers a price: 0 = not at all, 1 = the spend stays what it was.",
)
@format_option()
@click.pass_context
def whatif(
    ctx: click.Context,
    /,
    period: "BillingPeriod",
    cards: tuple[Path, ...],
    *,
    list_prices: bool,
    output_format: str,
    **said: Any,
) -> None:
    r"""Price the usage of PERIOD (YYYY-MM) again, as if something had been different.

    Another model, a provider's price cut, a cache rate, batches, another rate card: each may be
    given several times, and together. Every ledger line is rated again with its own day and
    conditions; nothing reaches the book. Low, middle and high differ by --tokens and --demand:
    from "nobody uses more" to "the whole saving is used up". Quality is not looked at: the yield
    is assumed equal. Terms of contracts (volume tiers, commitments, minimums, credits) are settled
    on the usage of the scenario; seats and capacity are kept as booked. What has no price in the
    scenario is kept as charged, and told.

    \b
    Example:
        metering whatif 2026-10 --route claude-opus-5=claude-sonnet-5@50% --demand 0.65
    """
    from metering.workflows.pricing.whatif import what_if
    from metering.workflows.runs import Run

    if not (cards or list_prices or any(said.values())):
        raise click.UsageError("say what is different: --route, --price-change, --cache-rate, …")
    found = what_if(
        settings_or_fail(ctx),
        Run.now("whatif"),
        period,
        _scenario(said),
        cards=cards,
        list_prices=list_prices,
    )
    if output_format == "json":
        emit_json(_as_json(found))
    else:
        _show(found)


def _scenario(said: dict[str, Any]) -> "Scenario":
    from metering.analysis.economics.scenario import (
        Batch,
        CacheRate,
        PriceChange,
        Route,
        Scenario,
        TokenRatio,
    )

    def each(option: str, name: str, parse: Callable[[str], Any]) -> tuple[Any, ...]:
        try:
            return tuple(map(parse, said[name]))
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint=option) from error

    return Scenario(
        routes=each("--route", "routes", Route.parse),
        price_changes=each("--price-change", "price_changes", PriceChange.parse),
        cache_rates=each("--cache-rate", "cache_rates", CacheRate.parse),
        batches=each("--batch", "batches", Batch.parse),
        token_ratios=each("--tokens", "token_ratios", TokenRatio.parse),
        demand=None if said["demand"] is None else _demand(said["demand"]),
    )


def _demand(text: str) -> Fraction:
    try:
        demand = Fraction(text)
    except (ValueError, ZeroDivisionError):
        demand = Fraction(-1)
    if demand < 0:
        raise click.BadParameter(f"{text!r} is no number of 0 or more", param_hint="--demand")
    return demand


def _show(found: "WhatIf") -> None:
    by_currency: dict[str, list[RepricedGroup]] = defaultdict(list)
    for group in found.usage.groups:
        by_currency[group.currency].append(group)
    ranges = any(group.low != group.high for group in found.usage.groups)
    columns = ["model", "goes to", "currency", "booked"]
    columns += ["low", "middle", "high"] if ranges else ["what if"]
    columns += ["difference"]
    rows: list[list[str]] = []
    for currency, groups in by_currency.items():
        changed = [group for group in groups if _is_changed(group)]
        rest = sum(group.booked for group in groups if not _is_changed(group))
        beside = found.unmetered.get(currency, 0)
        terms = found.terms(currency)
        rows += [
            _row(f"{one.provider}/{one.model}", one.targets, currency, _figures(one), ranges=ranges)
            for one in changed
        ]
        if rest:
            rows.append(_row("other usage", (), currency, (rest,) * 4, ranges=ranges))
        if any(terms):
            rows.append(_row("terms of contracts", (), currency, terms, ranges=ranges))
        if beside:
            rows.append(_row("not metered", (), currency, (beside,) * 4, ranges=ranges))
        figures = zip(*(_figures(one) for one in groups), strict=True)
        total = tuple(
            sum(column) + term + beside for column, term in zip(figures, terms, strict=True)
        )
        rows.append(_row("total", (), currency, total, ranges=ranges))
    cards = f" with {', '.join(found.cards)}" if found.cards else ""
    emit_table(
        f"What if, {found.period}{cards}; nothing is posted", columns, rows, right=columns[3:]
    )
    _tell(found)


def _is_changed(group: "RepricedGroup") -> bool:
    return bool(group.targets) or not group.booked == group.low == group.high


def _figures(group: "RepricedGroup") -> tuple[int, ...]:
    return (group.booked, group.low, group.middle, group.high)


def _row(
    name: str, targets: tuple[str, ...], currency: str, figures: tuple[int, ...], *, ranges: bool
) -> list[str]:
    booked, low, middle, high = figures
    shown = (booked, low, middle, high) if ranges else (booked, middle)
    money = [money_text(nanos) for nanos in (*shown, middle - booked)]
    return [name, ", ".join(targets), currency, *money]


def _tell(found: "WhatIf") -> None:
    from metering.analysis.economics.repricing import YIELD_ASSUMED

    for currency, before in found.usage.hhi_before.items():
        after = found.usage.hhi_after.get(currency)
        note(f"vendor concentration (HHI) in {currency}: {_share(before)} -> {_share(after)}")
    if any(group.targets for group in found.usage.groups):
        note(f"{YIELD_ASSUMED}; no observed ratio is known")
    kept = sum(group.without_price for group in found.usage.groups)
    for text in found.usage.notes:
        note(text)
    if kept:
        note(f"without a price in the scenario, and kept as charged: {money_text(kept)}")
    if found.settled and found.settled_then is None:
        note("terms of contracts are kept as booked: the usage of today would not settle at that")


def _share(exact: Fraction | None) -> str:
    return "none" if exact is None else f"{float(exact):.{_SHARE_DECIMALS}f}"


def _as_json(found: "WhatIf") -> dict[str, object]:
    from metering.analysis.economics.repricing import YIELD_ASSUMED

    return {
        "period": str(found.period),
        "cards": list(found.cards),
        "groups": [
            {
                "provider": group.provider,
                "model": group.model,
                "goes_to": list(group.targets),
                "currency": group.currency,
                "booked_nanos": group.booked,
                "low_nanos": group.low,
                "middle_nanos": group.middle,
                "high_nanos": group.high,
                "without_price_nanos": group.without_price,
            }
            for group in found.usage.groups
        ],
        "settled_nanos": found.settled,
        "settled_then_nanos": None
        if found.settled_then is None
        else dict(zip(("low", "middle", "high"), found.settled_then, strict=True)),
        "unmetered_nanos": found.unmetered,
        "hhi_before": {name: _share(hhi) for name, hhi in found.usage.hhi_before.items()},
        "hhi_after": {name: _share(hhi) for name, hhi in found.usage.hhi_after.items()},
        "assumption": YIELD_ASSUMED,
        "notes": list(found.usage.notes),
    }
