"""`metering prices reprice` and `coverage`: what prices do to the book, and leave open."""

from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from metering.cli.arguments import day_range, days_options, period_argument
from metering.cli.frame import (
    counted,
    emit_json,
    emit_table,
    format_option,
    money_text,
    note,
    settings_or_fail,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metering.core.periods import BillingPeriod
    from metering.core.planning.repricing import Movement
    from metering.core.pricing.price_coverage import Coverage
    from metering.workflows.pricing.reprice import Repriced


@click.command()
@click.option(
    "--dry-run", is_flag=True, required=True, help="Required: `metering post` is what posts."
)
@click.option(
    "--card",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Try out a rate card that is not imported.",
)
@days_options("First charge day; all by default.", "Last charge day, inclusive.")
@format_option()
@click.pass_context
def reprice(
    ctx: click.Context,
    /,
    card: Path | None,
    first: datetime | None,
    last: datetime | None,
    *,
    dry_run: bool,
    output_format: str,
) -> None:
    r"""Tell what money the next `metering post` would move, and why; change nothing.

    By period, cost centre, model and reason: the rate changed, usage became priced or unpriced,
    another owner bears it, or usage came that is not posted yet. With --card, as if that card had
    been imported first. The tables leave out what costs the same as before.

    \b
    Example:
        metering prices reprice --dry-run --card contract.toml
    """
    from metering.workflows.posting.post import FIRST_DAY, LAST_DAY
    from metering.workflows.pricing.reprice import reprice as what_moves
    from metering.workflows.runs import Run

    begin, end = day_range(first, last, (FIRST_DAY, LAST_DAY))
    found = what_moves(
        settings_or_fail(ctx),
        Run.now("prices reprice", dry_run=dry_run),
        card=card,
        first=begin,
        last=end,
    )
    if output_format == "json":
        emit_json(
            {
                "dry_run": dry_run,
                "card": found.card or None,
                "days": found.days,
                **moved_json(found),
            }
        )
        return
    show_moved(found)
    for what in found.unheard:
        note(what)


def show_moved(found: "Repriced") -> None:
    """Print what money would move, as a table."""
    shown = [one for one in found.moved if one.moved_nanos]
    if not shown:
        note(f"no money moves for {counted(found.days, 'day')}")
    else:
        emit_table(
            f"Money moved{f' with {found.card}' if found.card else ''}; nothing is posted",
            ("period", "cost centre", "model", "reason", "currency", "moved"),
            [
                (
                    one.period,
                    one.bearer,
                    one.model,
                    one.reason.replace("_", " "),
                    one.currency,
                    money_text(one.moved_nanos, decimals=6),
                )
                for one in shown
            ],
            right=("moved",),
        )
        _show_prices(shown)
    still = sum(one.postings for one in found.moved if not one.moved_nanos and _is_priced(one))
    if still:
        note(f"{counted(still, 'line')} would be posted anew and cost the same")


def _show_prices(moved: "Sequence[Movement]") -> None:
    """Print each price that changes once, whoever bears what it moves."""
    changed = {
        (one.model, change.meter, change.before, change.after)
        for one in moved
        for change in one.changes
        if change.before and change.after and change.before != change.after
    }
    if changed:
        emit_table("By these prices", ("model", "meter", "before", "after"), sorted(changed))


def _is_priced(one: "Movement") -> bool:
    return not one.bearer.startswith("suspense:")


def moved_json(found: "Repriced") -> dict[str, object]:
    """Return what money would move, and what of the card moves none, as scripts read it."""
    return {
        "moved": [_movement_json(one) for one in found.moved],
        "without_effect": list(found.unheard),
    }


def _movement_json(one: "Movement") -> dict[str, object]:
    return {
        "period": one.period,
        "cost_centre": one.bearer,
        "model": one.model,
        "reason": one.reason.value,
        "currency": one.currency,
        "moved_nanos": one.moved_nanos,
        "lines": one.postings,
        "prices": [
            {"meter": change.meter, "before": change.before, "after": change.after}
            for change in one.changes
        ],
    }


@click.command()
@period_argument()
@format_option()
@click.pass_context
def coverage(ctx: click.Context, /, period: "BillingPeriod", *, output_format: str) -> None:
    r"""Say how much of the usage of PERIOD (YYYY-MM) has a price, per provider and day.

    Of what is posted: the priced share of tokens and of ledger lines, the share whose price is
    provisional, and why the rest has none. Shares are rounded down: 100.00 % is all of it. The
    table leaves out days on which everything has a price.

    \b
    Example:
        metering prices coverage 2026-10
    """
    from metering.workflows.pricing.price_coverage import period_coverage

    found = period_coverage(settings_or_fail(ctx), period)
    if output_format == "json":
        emit_json(
            {
                "period": str(period),
                **_coverage_json(found.total),
                "days": [
                    {"provider": provider, "day": day, **_coverage_json(one)}
                    for (provider, day), one in found.days.items()
                ],
            }
        )
        return
    rows = [
        (provider, day, *_coverage_cells(one))
        for (provider, day), one in found.days.items()
        if one.unpriced or one.provisional_tokens
    ]
    emit_table(
        f"Coverage of {period}",
        ("provider", "day", "tokens priced", "of them provisional", "lines priced", "unpriced"),
        [*rows, ("all", "", *_coverage_cells(found.total))],
        right=("tokens priced", "of them provisional", "lines priced"),
    )
    note(_verdict(found.total))


def _verdict(total: "Coverage") -> str:
    """Say what the coverage of a month means for its close, which refuses all that has no price."""
    if not total.unpriced:
        return "everything has a price"
    if total.passes:
        return (
            "what has no price keeps the month open until a card prices it, or the close is told "
            'to accept it: --accept unpriced="why"'
        )
    return (
        "too little has a price to close the month: it takes 99.9 % of tokens, and nothing "
        "ambiguous; see `metering prices import`"
    )


def _coverage_cells(one: "Coverage") -> tuple[str, ...]:
    unsure = Fraction(one.provisional_tokens, one.priced_tokens) if one.priced_tokens else None
    return (
        _percent(one.token_share),
        _percent(unsure),
        _percent(one.line_share),
        ", ".join(f"{reason} {lines:,}" for reason, lines in one.unpriced),
    )


def _coverage_json(one: "Coverage") -> dict[str, object]:
    return {
        "tokens": one.tokens,
        "priced_tokens": one.priced_tokens,
        "provisional_tokens": one.provisional_tokens,
        "lines": one.lines,
        "priced_lines": one.priced_lines,
        "unpriced": dict(one.unpriced),
        "enough_to_close": one.passes,
    }


def _percent(share: Fraction | None) -> str:
    if share is None:
        return ""
    hundredths = share.numerator * 10_000 // share.denominator
    return f"{hundredths // 100}.{hundredths % 100:02d} %"
