"""A review with every part a review can have, whatever names its projects bear."""

from datetime import date, datetime, timedelta
from fractions import Fraction

from metering.core.outcomes.funnel import UNIT, Answered, FunnelRow, Stages
from metering.reporting.charts.plots import Course, CourseWeek, Fan
from metering.reporting.figures import NIL, amount_text, number_text
from metering.reporting.review.contents import (
    FinanceReview,
    Gap,
    Section,
    ShownFinding,
    amounts,
    figures,
    table,
)
from metering.reporting.words import shown_name
from metering.workflows.reports.review_plots import (
    funnel_name,
    projects_split,
    split_of,
    stages_reached,
)

_U = 10**9
_HALF = Fraction(1, 2)
_FIRST = date(2026, 5, 4)


def review_of(*names: str) -> FinanceReview:
    """Return a review in which each name stands wherever a name may stand."""
    rows = [
        _row(name, 1_234_567_890_123 + place, 7 * _U + place)
        for place, name in enumerate(names or ("Helpdesk", "Search", "Refunds"))
    ]
    spend = sum((row.spend for row in rows), Answered())
    parts = ("Team / project", "Spend", "Keyed", "Project", "Pending", "None")
    bought = table(
        "Spend by what answers for it",
        parts,
        [
            *(amounts(funnel_name(row), _parts(row.spend), "USD") for row in rows),
            amounts("All", _parts(spend), "USD", "total"),
        ],
    )
    index = table(
        "Concentration",
        ("", "Index", "Largest"),
        [figures("Providers", [(number_text(_HALF), _HALF), (NIL, None)])],
    )
    return FinanceReview(
        period="2026-10",
        month="October 2026",
        month_before="September 2026",
        status="estimate",
        status_note="The period is open.",
        currency="USD",
        snapshot_id="0123456789ab",
        made_at="2026-11-02 06:00 UTC",
        changed_at=datetime(2026, 11, 2, 6),  # noqa: DTZ001 - a workbook's own time has no zone
        billed=amount_text(spend.total, "USD"),
        nanos=spend.total,
        change="+3.0 %",
        headline=(
            figures("Answered for by outcomes", [(amount_text(spend.keyed, "USD"), spend.keyed)]),
        ),
        split=split_of(spend, "USD"),
        sections=(
            Section(
                "What it bought",
                "In words.",
                (bought,),
                plots=(projects_split(rows, "USD"), stages_reached(rows[0].stages)),
            ),
            Section(
                "What to look at",
                "In words.",
                findings=tuple(_finding(place, row) for place, row in enumerate(rows)),
            ),
            Section("Where November 2026 is going", "In words.", plots=(_fan(),)),
            Section("Budgets", "In words.", (table("Budgets", ("Owner", "Budget"), []),)),
        ),
        economics=(
            Section(
                "How concentrated",
                "In words.",
                (index,),
                analysis="E9",
                missing=(Gap("Capacity", "it needs what capacity costs"),),
            ),
        ),
    )


def _row(name: str, keyed: int, none: int) -> FunnelRow:
    return FunnelRow(
        team=name,
        project=name,
        currency="USD",
        spend=Answered(keyed=keyed, pending=3 * _U, no_feed=none),
        tokens=None,
        stages=Stages(completed=46 * UNIT, validated=160 * UNIT, settled=114 * UNIT),
        vendor_units=None,
        window_days=30,
        last_outcome=None,
    )


def _parts(spend: Answered) -> tuple[int, ...]:
    return (spend.total, spend.keyed, spend.project, spend.pending, spend.unattributed)


def _finding(place: int, row: FunnelRow) -> ShownFinding:
    name = shown_name(f"{row.team} / {row.project}")
    return ShownFinding(
        case_id=f"{place:08x}",
        subject=name,
        money="USD 903.96 (396.61 to 1,586.32) since 2026-08-03 ± 33 days",
        nanos=903_960_000_001 + place,
        low=396_610_000_000,
        high=1_586_320_000_000,
        onset=date(2026, 8, 3),
        pattern="more spend, no more outcomes",
        state="open",
        numbers=table(
            f"Before and after, {place}",
            ("", "Before", "After"),
            [figures("USD a week", [(number_text(_HALF), _HALF), (NIL, None)])],
        ),
        parts=table(
            f"Of it, in workflows of their own, {place}",
            ("", "USD", "P10", "P90", "Since", "Pattern consistent with"),
            [
                figures(
                    "nightly",
                    [
                        ("812.00", 812 * 10**9),
                        ("600.00", 600 * 10**9),
                        ("990.00", 990 * 10**9),
                        ("2026-09-01", None),
                        ("repeated prompts", None),
                    ],
                )
            ],
        ),
        checked=("events at the onset: none", "feed: no gap"),
        open_questions=("a change of what the work is worth",),
        footing="all of it: metering findings show a1b2c3d4, data 0123456789ab",
        course=None if place else _course(name),
    )


def _course(name: str) -> Course:
    return Course(
        title=name,
        described="By week; shaded is the range of the weeks before.",
        weeks=tuple(
            CourseWeek(
                _FIRST + timedelta(days=7 * week),
                100.0 + 9 * (week % 3) + (80 if week > 13 else 0),
                None if week > 22 else 100.0 - 7 * (week % 4),
            )
            for week in range(25)
        ),
        onset=date(2026, 8, 3),
        margin=33,
        usual=(100.0, 118.0),
    )


def _fan() -> Fan:
    return Fan(
        title="November 2026 as it adds up",
        described="By day of the month.",
        currency="USD",
        first=date(2026, 11, 1),
        known=tuple(300 * _U * day for day in range(1, 15)),
        expected=tuple(300 * _U * day for day in range(15, 31)),
        low=8_000 * _U,
        high=10_500 * _U,
        earlier=tuple(250 * _U * day for day in range(1, 32)),
        figures=("P10 8,000.00", "9,000.00", "P90 10,500.00"),
    )
