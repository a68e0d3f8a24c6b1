"""`metering explain`: from an amount back to rule, rate, file and line."""

import json
from typing import TYPE_CHECKING

import click

from metering.cli.arguments import as_of_option
from metering.cli.frame import (
    emit_json,
    emit_table,
    format_option,
    money_text,
    note,
    settings_or_fail,
)
from metering.core.closing.adjustments import ADJUSTMENT_METERS
from metering.core.meters import Meter
from metering.core.sharing.splits import SHARE_METERS

if TYPE_CHECKING:
    from metering.workflows.explaining.charge_explained import Explained, Found, Price


@click.command()
@click.argument("reference")
@click.option("--charges", default=5, show_default=True, help="How many charges to follow.")
@click.option("--records", default=3, show_default=True, help="Usage records to show for each.")
@as_of_option()
@format_option()
@click.pass_context
def explain(
    ctx: click.Context,
    /,
    reference: str,
    charges: int,
    records: int,
    *,
    as_of: str | None,
    output_format: str,
) -> None:
    r"""Follow an amount back to rule, rate, price source, file and line.

    REFERENCE is a cell of a report, from the left: PERIOD, or
    PERIOD/COST_CENTRE/TEAM/PROJECT/MODEL/METER cut off anywhere; PERIOD/ACCOUNT for a suspense
    account; or posting:NUMBER. A slash inside a name is written %2F.

    \b
    Example:
        metering explain 2026-10
    """
    from dataclasses import asdict

    from metering.workflows.explaining.explain import explain as explain_amount

    found = explain_amount(
        settings_or_fail(ctx), reference, charges=charges, records=records, as_of=as_of
    )
    if output_format == "json":
        emit_json(asdict(found))
        return
    for currency, nanos in found.amounts.items():
        click.echo(f"{reference}: {currency} {money_text(nanos)}")
    for charge in found.explained:
        click.echo()
        _show(charge)
    if found.charges > len(found.explained):
        note(
            f"{found.charges - len(found.explained)} smaller charges are not shown: "
            "narrow the reference, or ask for more with --charges"
        )


def _show(charge: "Explained") -> None:
    is_share = charge.meter in SHARE_METERS
    rows: list[tuple[str, str]] = [
        ("amount", f"{charge.currency} {money_text(charge.amount_nanos, decimals=9)}"),
        ("account", charge.account),
        _what_for(charge),
        ("decided", charge.decided) if charge.decided else ("status", _status(charge)),
    ]
    rows += [("corrects" if not at else "", what) for at, what in enumerate(charge.corrections)]
    if charge.conditions != "{}":
        rows.append(_conditions(charge))
    if charge.arithmetic:
        rows.append(("arithmetic", charge.arithmetic))
    for price in charge.prices:
        rows.append(
            (
                "split" if is_share else "rate",
                f"{price.says}, {_in_force(price)}, {price.card} [{price.rate_id}]",
            )
        )
        if price.source:
            rows.append(("", f"from {price.source}, read {price.read or 'on an unknown day'}"))
    if charge.divided:
        rows.append(("divided", charge.divided))
    rows += [("owner" if not at else "", how) for at, how in enumerate(charge.owners)]
    if charge.records and not is_share:
        rows.append(("records", f"{charge.records:,}, the largest of them:"))
    rows += [("", f"{one.place}  {_held(one, charge.currency)}") for one in charge.examples]
    emit_table("", ("", ""), rows)


def _what_for(charge: "Explained") -> tuple[str, str]:
    """Return what the charge is for, and on which days."""
    from metering.reporting.words import meter_label

    one_day = charge.first_day == charge.last_day
    days = charge.first_day if one_day else f"{charge.first_day} to {charge.last_day}"
    if charge.meter in SHARE_METERS:
        return "share", f"{charge.meter}, {days}"
    if charge.meter in ADJUSTMENT_METERS:
        return "charge", f"{meter_label(charge.meter)}, {days}"
    return "usage", f"{_measured(charge)} of {charge.model}, {days}"


def _conditions(charge: "Explained") -> tuple[str, str]:
    if charge.meter in ADJUSTMENT_METERS:
        return "rests on", json.loads(charge.conditions)["references"]
    return "conditions", charge.conditions


def _status(charge: "Explained") -> str:
    from metering.reporting.words import reason_text

    return f"{charge.status}: {reason_text(charge.reason)}" if charge.reason else charge.status


def _in_force(price: "Price") -> str:
    """Return when a rate is in force, as a sentence's part; a day where it changes at midnight."""
    since, until = (
        moment.replace("+00:00", "Z").removesuffix("T00:00:00Z")
        for moment in (price.since, price.until)
    )
    bounds = (f"since {since}" if since else "", f"until {until}" if until else "")
    return " ".join(filter(None, bounds)) or "at all times"


def _measured(charge: "Explained") -> str:
    if charge.meter == Meter.BILLED_NANOS:
        return "what is billed"
    return charge.meter if charge.quantity is None else f"{charge.quantity:,} {charge.meter}"


def _held(found: "Found", currency: str) -> str:
    if found.amount_nanos is not None:
        return f"{currency} {money_text(found.amount_nanos, decimals=9)}"
    return "" if found.quantity is None else f"{found.quantity:,}"
