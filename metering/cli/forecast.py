"""`metering forecast`: what a month will come to."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from metering.cli.arguments import PeriodParam
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
    from metering.core.periods import BillingPeriod
    from metering.workflows.planning.forecast import ForecastLine, PeriodForecast

_PARTS = {
    "cost-centre": "cost_centre",
    "team": "team",
    "project": "project",
    "provider": "provider",
}


@click.command()
@click.argument("period", metavar="PERIOD", type=PeriodParam())
@click.option(
    "--by",
    type=click.Choice(list(_PARTS)),
    default="cost-centre",
    show_default=True,
    help="What to forecast besides the company.",
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="Know of charge days up to this one; the last with usage by default.",
)
@click.option(
    "--known-days",
    type=click.IntRange(0, 31),
    metavar="N",
    help="The same, as the number of days of the period that are known.",
)
@click.option(
    "--without-flagged",
    is_flag=True,
    help="Also say what it would be if the excess of open findings stopped now.",
)
@format_option()
@click.pass_context
def forecast(
    ctx: click.Context,
    /,
    period: "BillingPeriod",
    by: str,
    *,
    without_flagged: bool,
    output_format: str,
    **known: Any,
) -> None:
    r"""Forecast what PERIOD (YYYY-MM) will come to, with 80 % intervals.

    Usage to date, plus the profile of its weekdays times the recent level for the days that are
    left; terms of contracts, seats and capacity are taken as they are booked. The company and each
    part are forecast on their own: forecasts of the parts do not add up to the company's. With
    too little history there is no forecast, and the reason is printed instead. Give --as-of or
    --known-days for a month that is over, and see what would have been forecast.

    \b
    Example:
        metering forecast 2026-10 --known-days 10
        metering forecast 2026-10 --known-days 10 --without-flagged
    """
    from metering.workflows.findings.flagged_excess import flagged_excess
    from metering.workflows.planning.forecast import forecast_period

    if None not in known.values():
        raise click.UsageError("give --as-of or --known-days, not both")
    settings = settings_or_fail(ctx)
    found = forecast_period(
        settings,
        period,
        by=_PARTS[by],  # type: ignore[arg-type]  # the values of the table are the subjects
        as_of=_last_known(period, **known),
        excess=flagged_excess(settings) if without_flagged else None,
    )
    if output_format == "json":
        emit_json(_as_json(found))
        return
    _show(found, by.replace("-", " "))


def _last_known(
    period: "BillingPeriod", as_of: datetime | None, known_days: int | None
) -> date | None:
    if known_days is not None:
        return period.first_day + timedelta(days=known_days - 1)
    return as_of.date() if as_of else None


def _show(found: "PeriodForecast", by: str) -> None:
    lines = [("company", line) for line in found.company]
    lines += [(line.name or "-", line) for line in found.parts]
    over = any(line.booked_nanos is not None for line in found.company)
    backtest = over and found.days_known < found.days
    fixed = any(line.fixed_nanos for _, line in lines)
    refused: dict[str, list[str]] = {}
    for name, line in lines:
        if line.total_nanos is None:
            refused.setdefault(_reason(line), []).append(name)
    columns = [
        by,
        "currency",
        "known",
        *(["fixed"] if fixed else []),
        "forecast",
        "from (P10)",
        "to (P90)",
        *(["became"] if backtest else []),
    ]
    emit_table(
        f"Forecast of {found.period} as of {found.as_of}: "
        f"{found.days_known} of {found.days} days known",
        columns,
        [
            [
                name,
                line.currency,
                money_text(line.known_nanos),
                *([money_text(line.fixed_nanos)] if fixed else []),
                _money(line.total_nanos),
                *(map(_money, line.interval_nanos or (None, None))),
                *([_money(line.booked_nanos)] if backtest else []),
            ]
            for name, line in lines
        ],
        right=columns[2:],
    )
    for reason, names in refused.items():
        note(f"no forecast of {', '.join(names)}: {reason}")
    for line in found.company:
        _tell(line)
    for provider, day in found.silent.items():
        note(f"{provider} has no usage since {day}: its missing days count as days without spend")


def _money(nanos: int | None) -> str:
    return "" if nanos is None else money_text(nanos)


def _reason(line: "ForecastLine") -> str:
    from metering.analysis.forecast import Refusal

    return line.forecast.reason if isinstance(line.forecast, Refusal) else ""


def _tell(line: "ForecastLine") -> None:
    """Print how the company's forecast was made, and how such intervals fared in its past."""
    from metering.analysis.forecast import METHOD, MonthForecast

    said = line.forecast
    if not isinstance(said, MonthForecast) or not said.days:
        return
    held = f"{said.held} of {said.tried} held" if said.tried else "too few to say how many held"
    note(f"method: {METHOD}; 80 % intervals from {counted(said.origins, 'past week')}: {held}")
    if said.without_excess is not None:
        total = money_text(line.fixed_nanos + said.without_excess)
        note(f"flagged excess removed from now on: {line.currency} {total}")


def _as_json(found: "PeriodForecast") -> dict[str, object]:
    from metering.analysis.forecast import CONFIDENCE, METHOD

    return {
        "period": str(found.period),
        "as_of": found.as_of,
        "days_known": found.days_known,
        "days": found.days,
        "by": found.by,
        "method": METHOD,
        "confidence": CONFIDENCE,
        "company": [_line_json(line) for line in found.company],
        "parts": [_line_json(line) for line in found.parts],
        "silent_providers": {name: day.isoformat() for name, day in found.silent.items()},
    }


def _line_json(line: "ForecastLine") -> dict[str, object]:
    from metering.analysis.forecast import MonthForecast

    said = line.forecast
    made = said if isinstance(said, MonthForecast) else None
    low, high = line.interval_nanos or (None, None)
    return {
        "name": line.name or None,
        "currency": line.currency,
        "known_nanos": line.known_nanos,
        "fixed_nanos": line.fixed_nanos,
        "forecast_nanos": line.total_nanos,
        "low_nanos": low,
        "high_nanos": high,
        "days_nanos": made and list(made.days),
        "past_origins": made and made.origins,
        "intervals_held": made and made.held,
        "intervals_tried": made and made.tried,
        "without_excess_nanos": (
            line.fixed_nanos + made.without_excess
            if made and made.without_excess is not None
            else None
        ),
        "refused": _reason(line) or None,
        "booked_nanos": line.booked_nanos,
    }
