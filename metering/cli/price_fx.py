"""`metering prices fx`: exchange rates, and what foreign charges are worth at them."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metering.cli.frame import (
    CONTEXT_SETTINGS,
    counted,
    emit_json,
    emit_table,
    format_option,
    money_text,
    note,
    settings_or_fail,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.group(context_settings=CONTEXT_SETTINGS)
def fx() -> None:
    r"""Take exchange rates in, and list them.

    \b
    Example:
        metering prices fx import rates.csv
    """


@fx.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Tell what would change, and change nothing.")
@format_option()
@click.pass_context
def import_(ctx: click.Context, /, file: Path, *, dry_run: bool, output_format: str) -> None:
    r"""Take the exchange rates in FILE in, and convert the charges that waited for them.

    FILE is a CSV with the columns date, from, to, rate, source and, where a rate holds longer
    than its day, until. One unit of `from` is `rate` of `to`. Charges stay in the currency of
    their card; what they are worth in the reporting currency is kept beside them, with the rate.
    A rate in force is never changed: a line that contradicts one is refused, and with it the
    file.

    \b
    Example:
        metering prices fx import rates.csv --dry-run
    """
    from metering.workflows.pricing.fx import import_fx
    from metering.workflows.runs import Run

    run = Run.now("prices fx import", file=str(file), dry_run=dry_run)
    done = import_fx(settings_or_fail(ctx), run, file, dry_run=dry_run)
    if output_format == "json":
        emit_json(
            {
                "dry_run": dry_run,
                "new": done.new,
                "known": done.known,
                "converted_postings": done.converted,
                "no_fx": {currency: list(days) for currency, days in done.no_fx.items()},
            }
        )
        return
    would = "would be " if dry_run else ""
    note(
        f"{counted(done.new, 'rate')} {would}new, {done.known:,} known already; "
        f"{counted(done.converted, 'posting')} {would}converted"
    )
    tell_no_fx(done.no_fx)


@fx.command("list")
@format_option()
@click.pass_context
def list_rates(ctx: click.Context, /, *, output_format: str) -> None:
    r"""List the exchange rates, what is converted, and the days that lack one.

    \b
    Example:
        metering prices fx list
    """
    from metering.workflows.pricing.fx import fx_standing

    settings = settings_or_fail(ctx)
    found = fx_standing(settings)
    if output_format == "json":
        emit_json(
            {
                "currency": settings.currency,
                "rates": [
                    {
                        "date": one.day.isoformat(),
                        "until": one.until.isoformat(),
                        "from": one.base,
                        "to": one.quote,
                        "rate": one.rate,
                        "source": one.source,
                    }
                    for one in found.rates
                ],
                "converted": [one._asdict() for one in found.converted],
                "no_fx": {currency: list(days) for currency, days in found.no_fx.items()},
            }
        )
        return
    if found.rates:
        emit_table(
            "",
            ("date", "until", "from", "to", "rate", "source"),
            [(r.day, r.until, r.base, r.quote, r.rate, r.source) for r in found.rates],
            right=("rate",),
        )
    else:
        note("there are no exchange rates: see `metering prices fx import`")
    for one in found.converted:
        note(
            f"{one.period}: {one.currency} {money_text(one.amount_nanos)} "
            f"is {settings.currency} {money_text(one.converted_nanos)}"
        )
    tell_no_fx(found.no_fx)


def tell_no_fx(no_fx: "Mapping[str, tuple[str, ...]]") -> None:
    """Say which charges have no exchange rate to the reporting currency."""
    for currency, days in no_fx.items():
        note(f"no-fx: {currency} has no rate on {counted(len(days), 'day')}, first on {days[0]}")
