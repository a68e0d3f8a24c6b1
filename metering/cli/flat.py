"""`metering flat`: seats, credit paid beforehand, commitments and capacity."""

from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from metering.cli.arguments import period_argument
from metering.cli.frame import (
    counted,
    emit_json,
    emit_table,
    format_option,
    json_ready,
    money_text,
    note,
    settings_or_fail,
)

if TYPE_CHECKING:
    from metering.core.flat.capacity import CapacityUse
    from metering.core.flat.prepaid import Committed
    from metering.core.periods import BillingPeriod
    from metering.workflows.flat.flat_standing import BlockUse, FlatStanding, SeatUse

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def flat() -> None:
    r"""Charge what is agreed on: seats, prepaid credit, commitments and own capacity.

    \b
    Example:
        metering flat show 2026-10
    """


@flat.command("import")
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option("--dry-run", is_flag=True, help="Read and check, but change nothing.")
@format_option()
@click.pass_context
def import_(
    ctx: click.Context, /, files: tuple[Path, ...], *, dry_run: bool, output_format: str
) -> None:
    r"""Take each FILE into force, all of them or none.

    A file is TOML with [[seats]], [[prepaid]], [[commitment]] and [[capacity]] tables, or CSV with
    the columns key, plan, from and to (half-open days): who has which seat. It replaces the file of
    its name; that one is kept as history. Files with a mistake, or that together hold a seat
    without its plan, more seats than were paid for, or one name twice, are refused with file and
    line, and nothing changes. What is posted changes with the next `metering post`.

    Do not agree here to what an ingested bill charges already.

    \b
    Example:
        metering flat import sample_logs/flat/flat.toml sample_logs/flat/seats.csv
    """
    from metering.workflows.flat.flat_files import import_flat
    from metering.workflows.runs import Run

    run = Run.now("flat import", files=[str(path) for path in files], dry_run=dry_run)
    done = import_flat(settings_or_fail(ctx), run, files, dry_run=dry_run)
    if output_format == "json":
        emit_json([asdict(one) for one in done])
        return
    for one in done:
        held = " and ".join(
            counted(count, thing)
            for count, thing in ((one.agreements, "agreement"), (one.seats, "seat"))
            if count
        )
        if not one.is_new:
            click.echo(f"{one.name} is in force already, as version {one.version}")
        else:
            would = "would be" if dry_run else "is"
            click.echo(f"{one.name} version {one.version} {would} in force: {held or 'nothing'}")


@flat.command()
@period_argument()
@format_option()
@click.pass_context
def show(ctx: click.Context, /, period: "BillingPeriod", *, output_format: str) -> None:
    r"""Show what was paid for in PERIOD (YYYY-MM), and what came of it.

    Of seats, how many days were paid for and on how many somebody had the seat; of credit, what was
    bought, drawn, lost and is left; of commitments, what was used and what falls short; of
    capacity, how much of it was used, what a million tokens cost, and from which utilisation on it
    is cheaper than buying them. Worked out anew from usage and files, through the last day that
    usage or an invoice has come for.

    \b
    Example:
        metering flat show 2026-10
    """
    from metering.workflows.flat.flat_standing import flat_standing

    found = flat_standing(settings_or_fail(ctx), period)
    if output_format == "json":
        emit_json(_as_json(str(period), found))
        return
    if not (found.seats or found.blocks or found.commitments or found.capacity):
        note(f"no flat money in {period}: see `metering flat import`")
        return
    _show_seats(found)
    _show_blocks(found)
    _show_commitments(found)
    _show_capacity(found)
    note(f"charged from {found.first} through {found.last}")


def _show_seats(found: "FlatStanding") -> None:
    if found.seats:
        emit_table(
            "Seats",
            ("plan", "provider", "seats", "days paid", "days had", "used", "", "cost", "unused"),
            [
                (
                    one.plan.name,
                    one.plan.provider,
                    one.seats,
                    one.paid_days,
                    one.used_days,
                    _percent(one.utilisation),
                    one.plan.currency,
                    money_text(one.cost_nanos),
                    money_text(one.unused_nanos),
                )
                for one in found.seats
            ],
            right=("seats", "days paid", "days had", "used", "cost", "unused"),
        )


def _show_blocks(found: "FlatStanding") -> None:
    if found.blocks:
        emit_table(
            "Prepaid credit",
            ("block", "provider", "", "opening", "bought", "drawn", "expired", "left", "expires"),
            [
                (
                    one.block.name,
                    one.block.provider,
                    one.block.currency,
                    money_text(one.opening_nanos),
                    money_text(one.bought_nanos),
                    money_text(one.drawn_nanos),
                    money_text(one.expired_nanos),
                    money_text(one.closing_nanos),
                    one.block.expires or "never",
                )
                for one in found.blocks
            ],
            right=("opening", "bought", "drawn", "expired", "left"),
        )


def _show_commitments(found: "FlatStanding") -> None:
    if found.commitments:
        emit_table(
            "Commitments",
            ("commitment", "provider", "", "amount", "used", "left", "ends", ""),
            [
                (
                    one.commitment.name,
                    one.commitment.provider,
                    one.commitment.currency,
                    money_text(one.commitment.amount_nanos),
                    money_text(one.used_nanos),
                    money_text(one.shortfall_nanos),
                    one.commitment.ends,
                    "shortfall" if one.is_over and one.shortfall_nanos else "",
                )
                for one in found.commitments
            ],
            right=("amount", "used", "left"),
        )


def _show_capacity(found: "FlatStanding") -> None:
    for one in found.capacity:
        currency = one.capacity.currency
        costs = ", ".join(f"{kind} {money_text(nanos)}" for kind, nanos in one.costs.items())
        rows = [
            ("cost", f"{currency} {money_text(one.cost_nanos)} in {counted(one.days, 'day')}"),
            ("of which", costs),
            ("tokens", f"{one.tokens:,}"),
            ("utilisation", _percent(one.utilisation)),
            ("idle", f"{currency} {money_text(one.idle_nanos)}"),
            ("a million tokens", _money(currency, one.nanos_per_million)),
            ("when never idle", _money(currency, one.nanos_per_million_when_full)),
            ("bought elsewhere", _money(currency, one.capacity.api_nanos)),
            ("cheaper from", _percent(one.break_even)),
            (
                "tokens per watt-year",
                "" if one.tokens_per_watt_year is None else f"{one.tokens_per_watt_year:,}",
            ),
        ]
        emit_table(f"Capacity {one.capacity.name}", ("", ""), [row for row in rows if row[1]])


def _money(currency: str, nanos: int | None) -> str:
    return "" if nanos is None else f"{currency} {money_text(nanos, decimals=4)}"


def _percent(share: Fraction | None) -> str:
    if share is None:
        return ""
    return f"{money_text(share.numerator * 10**11 // share.denominator)} %"


def _as_json(period: str, found: "FlatStanding") -> dict[str, object]:
    return {
        "period": period,
        "from": found.first and found.first.isoformat(),
        "through": found.last and found.last.isoformat(),
        "seats": [_seats_json(one) for one in found.seats],
        "prepaid": [_block_json(one) for one in found.blocks],
        "commitments": [_commitment_json(one) for one in found.commitments],
        "capacity": [_capacity_json(one) for one in found.capacity],
    }


def _seats_json(one: "SeatUse") -> dict[str, object]:
    return json_ready(
        {
            "plan": one.plan.name,
            "provider": one.plan.provider,
            "billing_account": one.plan.billing_account,
            "currency": one.plan.currency,
            "seats": one.seats,
            "paid_seat_days": one.paid_days,
            "used_seat_days": one.used_days,
            "utilisation": _decimal(one.utilisation),
            "cost_nanos": one.cost_nanos,
            "unused_nanos": one.unused_nanos,
        }
    )


def _block_json(one: "BlockUse") -> dict[str, object]:
    return {
        "name": one.block.name,
        "provider": one.block.provider,
        "billing_account": one.block.billing_account,
        "currency": one.block.currency,
        "expires": one.block.expires and one.block.expires.isoformat(),
        "opening_nanos": one.opening_nanos,
        "bought_nanos": one.bought_nanos,
        "drawn_nanos": one.drawn_nanos,
        "expired_nanos": one.expired_nanos,
        "closing_nanos": one.closing_nanos,
        "effective_price": _decimal(one.effective_price),
    }


def _commitment_json(one: "Committed") -> dict[str, object]:
    return json_ready(
        {
            "name": one.commitment.name,
            "provider": one.commitment.provider,
            "billing_account": one.commitment.billing_account,
            "currency": one.commitment.currency,
            "ends": one.commitment.ends.isoformat(),
            "amount_nanos": one.commitment.amount_nanos,
            "used_nanos": one.used_nanos,
            "left_nanos": one.shortfall_nanos,
            "is_over": one.is_over,
            "effective_price": _decimal(one.effective_price),
        }
    )


def _capacity_json(one: "CapacityUse") -> dict[str, object]:
    return json_ready(
        {
            "name": one.capacity.name,
            "currency": one.capacity.currency,
            "days": one.days,
            "costs_nanos": dict(one.costs),
            "cost_nanos": one.cost_nanos,
            "idle_nanos": one.idle_nanos,
            "tokens": one.tokens,
            "rated_tokens": one.rated_tokens,
            "utilisation": _decimal(one.utilisation),
            "nanos_per_million_tokens": one.nanos_per_million,
            "nanos_per_million_tokens_when_full": one.nanos_per_million_when_full,
            "api_nanos_per_million_tokens": one.capacity.api_nanos,
            "break_even_utilisation": _decimal(one.break_even),
            "tokens_per_watt_year": one.tokens_per_watt_year,
        }
    )


def _decimal(share: Fraction | None) -> str | None:
    """Return a ratio as decimal text, rounded to nine decimals."""
    from metering.core.money import decimal_text, ratio

    if share is None:
        return None
    return decimal_text(ratio(share.numerator, share.denominator))
