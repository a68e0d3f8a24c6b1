"""The charts of a review, from the same values as its tables: nothing is worked out twice.

Those of the economics are in `review_economics`.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from metering.core.money import NANOS_PER_UNIT
from metering.core.outcomes.funnel import UNIT, Answered, FunnelRow, Stages
from metering.core.periods import BillingPeriod
from metering.reporting.charts.plots import (
    Bar,
    Bars,
    Course,
    CourseWeek,
    Divided,
    DividedBar,
    Fan,
)
from metering.reporting.figures import NIL, amount_text, share_text
from metering.reporting.frames import grouped, history_of, in_currency
from metering.reporting.words import month_text, shown_name
from metering.workflows.outcomes.funnel_json import units_text

if TYPE_CHECKING:
    from metering.analysis.findings.finding import Finding
    from metering.reporting.snapshot import Snapshot
    from metering.workflows.planning.forecast import ForecastLine

_SINGLY: Final = 9
_NEW_ABOVE: Final = 10_000
ANSWERS: Final = ("by its key", "by its project", "waiting", "no outcome")
_STAGES: Final = ("attempted", "completed", "validated", "settled")


def split_of(spend: Answered, currency: str) -> Divided:
    """Return the whole spend by what answers for it."""
    told = ", ".join(
        f"{share_text(nanos, spend.total) or NIL} {part}"
        for part, nanos in zip(ANSWERS, _parts(spend), strict=True)
    )
    bar = DividedBar("All spend", _parts(spend), amount_text(spend.total, currency))
    return Divided("Answered for by outcomes", f"{told}.", currency, ANSWERS, (bar,))


def projects_split(rows: Sequence[FunnelRow], currency: str) -> Divided:
    """Return the largest projects, each by what answers for its spend, and the rest as one."""
    singly = rows if len(rows) <= _SINGLY + 1 else rows[:_SINGLY]
    rest = rows[len(singly) :]
    bars = [
        DividedBar(funnel_name(row), _parts(row.spend), amount_text(row.spend.total, currency))
        for row in singly
        if row.spend.total
    ]
    if rest:
        together = sum((row.spend for row in rest), Answered())
        figure = amount_text(together.total, currency)
        bars.append(DividedBar(f"{len(rest)} others", _parts(together), figure))
    return Divided(
        "Spend by what answers for it",
        f"{len(rows)} projects, the largest first; dark is answered for, the last part is not.",
        currency,
        ANSWERS,
        tuple(bars),
    )


def funnel_name(row: FunnelRow) -> str:
    """Return what a row of the funnel is called."""
    return shown_name(" / ".join(filter(None, (row.team, row.project)))) or "nobody"


def stages_reached(stages: Stages) -> Bars:
    """Return how many units reached each stage; one that nobody reports is said to be unknown."""
    reached = {name: getattr(stages, name) for name in _STAGES}
    bars = [
        Bar(
            name.capitalize(),
            None if units is None else units * NANOS_PER_UNIT // UNIT,
            "unknown" if units is None else (units_text(units) or NIL),
        )
        for name, units in reached.items()
    ]
    told = ", ".join(f"{bar.label.lower()} {bar.figure}" for bar in bars)
    return Bars("Units of work at each stage", f"Of all projects: {told}.", "", tuple(bars))


def course_of(finding: "Finding") -> Course | None:
    """Return the weeks of a finding; None where there are too few of them to be drawn."""
    if len(finding.chart) < 2:  # noqa: PLR2004 - one week is no course
        return None
    highest = max(week.spend for week in finding.chart)
    # Where next to nothing was spent before, the mean before is no measure.
    is_new = highest > _NEW_ABOVE
    scale = 100 / highest if is_new else 1
    weeks = tuple(
        CourseWeek(week.starts, week.spend * scale, week.outcomes) for week in finding.chart
    )
    before = [week.spend for week in weeks if week.starts + timedelta(days=7) <= finding.onset]
    usual = (min(before), max(before)) if len(before) > 1 and not is_new else None
    band = "; shaded is the range of the weeks before" if usual else ""
    margin = f" ± {finding.onset_margin_days} days" if finding.onset_margin_days else ""
    level = "the highest week, as there was next to nothing" if is_new else "the mean"
    since = f"before the onset of {finding.onset}{margin}" if before else "of the first weeks"
    return Course(
        title=shown_name(str(finding.subject)),
        described=f"By week; 100 is {level} {since}{band}.",
        weeks=weeks,
        onset=finding.onset,
        margin=finding.onset_margin_days,
        usual=usual,
    )


def outlook_of(
    line: "ForecastLine", period: BillingPeriod, days_known: int, snapshot: "Snapshot"
) -> Fan | None:
    """Return where a month is going; None where there is no forecast of it.

    Args:
        line: of the reporting currency.
        period: the month: that of the snapshot, or the one after.
        days_known: of the month.
        snapshot: what was charged by day.
    """
    from metering.analysis.forecast import Refusal  # noqa: PLC0415 - numpy, for this chart alone

    if isinstance(line.forecast, Refusal) or line.interval_nanos is None:
        return None
    booked = _by_day(snapshot, period, line.currency)
    left = [0] * days_known + list(line.forecast.days)
    course = list(accumulate(day + more for day, more in zip(booked, left, strict=True)))
    low, high = line.interval_nanos
    expected = course[-1]
    before = month_text(period.previous)
    shown = [amount_text(nanos, line.currency) for nanos in (low, expected, high)]
    return Fan(
        title=f"{month_text(period)} as it adds up",
        described=(
            f"By day of the month: {month_text(period)} comes to {shown[1]}, between {shown[0]} and"
            f" {shown[2]} with eight chances in ten; the light line is {before}."
        ),
        currency=line.currency,
        first=period.first_day,
        known=tuple(course[:days_known]),
        expected=tuple(course[days_known:]),
        low=low,
        high=high,
        earlier=tuple(accumulate(_by_day(snapshot, period.previous, line.currency))),
        figures=(f"P10 {shown[0]}", shown[1], f"P90 {shown[2]}"),
    )


def _by_day(snapshot: "Snapshot", period: BillingPeriod, currency: str) -> list[int]:
    """Return what is booked in a period by day; what is of earlier days stands on the first."""
    days = [0] * ((period.end_day - period.first_day).days)
    history = in_currency(history_of(snapshot.history), currency)
    view = grouped(history[history["period"] == str(period)], ("charge_day",))
    for day, nanos in zip(view["charge_day"], view["amount_nanos"], strict=True):
        at = (day.date() - period.first_day).days
        days[min(max(at, 0), len(days) - 1)] += int(nanos)
    return days


def _parts(spend: Answered) -> tuple[int, ...]:
    return (spend.keyed, spend.project, spend.pending, spend.unattributed)


def ranked(rows: Iterable[FunnelRow], currency: str) -> list[FunnelRow]:
    """Return the rows of one currency, those with the largest spend first."""
    return sorted(
        (row for row in rows if row.currency == currency),
        key=lambda row: (-row.spend.total, row.team, row.project),
    )
