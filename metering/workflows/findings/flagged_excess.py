"""The part of the spend that findings flag, day by day: what a forecast would be without it."""

from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING

from metering.analysis.findings.finding import Family
from metering.core.money import apportion
from metering.errors import BookError
from metering.workflows.findings.cases import Cases, cases_of

if TYPE_CHECKING:
    from metering.settings import Settings


def flagged_excess(settings: "Settings") -> dict[date, int]:
    """Return the nanos a day that findings nobody has answered say are beyond what outcomes answer.

    Empty where nothing is flagged, and where there is too little usage to compare.
    """
    try:
        return excess_by_day(cases_of(settings))
    except BookError as error:
        if error.code in ("no-usage", "too-few-days"):
            return {}
        raise


def excess_by_day(cases: Cases) -> dict[date, int]:
    """Return the excess of the unread cases by day: each evenly over the days since its onset.

    Of a team that sends no outcomes nothing is known to be in excess; it is left out.
    """
    last = cases.review.study.panel.frames.last_day
    found: dict[date, int] = defaultdict(int)
    for case in cases.unread:
        onset, excess = case.finding.onset, case.finding.excess_nanos
        if case.finding.family is Family.NO_FEED or onset > last or excess <= 0:
            continue
        days = [onset + timedelta(days=at) for at in range((last - onset).days + 1)]
        parts = apportion(excess, dict.fromkeys(map(str, days), 1))
        for day in days:
            found[day] += parts[str(day)]
    return dict(found)
