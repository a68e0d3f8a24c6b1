"""The finance review of a period: one page from the ledger, its outcomes and its findings.

Every part is worked out by its own workflow and only set in words here. The charges, the funnel and
the findings are those of the same books; the page carries the snapshot id of the chargeback pack.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from metering.core.outcomes.funnel import Answered, FunnelRow
from metering.core.outcomes.stages import Stage
from metering.core.periods import BillingPeriod
from metering.core.planning.budgets import Stand
from metering.errors import BookError
from metering.reporting.brand import Brand
from metering.reporting.charts.plots import Fan
from metering.reporting.figures import (
    NIL,
    amount_text,
    change_text,
    quantity_text,
    share_text,
)
from metering.reporting.frames import frame_of, in_currency
from metering.reporting.numerals import written_in
from metering.reporting.review.contents import (
    FinanceReview,
    Row,
    Section,
    amounts,
    figures,
    review_html,
    table,
)
from metering.reporting.review.pdf import review_pdf
from metering.reporting.review.xlsx import review_xlsx
from metering.reporting.snapshot import Bearer, Snapshot
from metering.reporting.words import instant_text, month_text, shown_name, status_note
from metering.workflows.economics.sections import economics_sections, shortened
from metering.workflows.economics.sections_plans import forecast_section
from metering.workflows.economics.whole import Economics, economics_whole
from metering.workflows.findings.cases import Cases, cases_of
from metering.workflows.findings.flagged_excess import excess_by_day
from metering.workflows.outcomes.funnel import Funnel, funnel_of_period
from metering.workflows.planning.budgets import budgeted
from metering.workflows.planning.forecast import PeriodForecast, forecast_period
from metering.workflows.reports.branding import brand_of
from metering.workflows.reports.replacing import replace_file
from metering.workflows.reports.report import read_snapshot
from metering.workflows.reports.review_economics import economics_plots
from metering.workflows.reports.review_findings import findings_section
from metering.workflows.reports.review_outcomes import trouble_text
from metering.workflows.reports.review_plots import (
    ANSWERS,
    funnel_name,
    outlook_of,
    projects_split,
    ranked,
    split_of,
    stages_reached,
)

if TYPE_CHECKING:
    from metering.settings import Settings

# Rows of an economics table; a company has hundreds of projects, and a page is read.
_MOST_ROWS: Final = 12


class ReviewFormat(StrEnum):
    """What a review can be written as."""

    HTML = "html"
    PDF = "pdf"
    XLSX = "xlsx"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class ReviewWritten:
    """A review that was written.

    Attributes:
        review: what it says.
        paths: the files.
    """

    review: FinanceReview
    paths: tuple[Path, ...]


def write_review(
    settings: "Settings",
    period: BillingPeriod,
    folder: Path,
    formats: Collection[ReviewFormat] = (ReviewFormat.HTML,),
) -> ReviewWritten:
    """Write the review of a period, `review-PERIOD`; the same books give the same bytes.

    It is of one currency, the reporting one where anything is charged in it, and names the others.

    Raises:
        BookError: `no-charges`: the book holds none of that period; `unwritable-report`.
    """
    brand = brand_of(settings)
    snapshot = read_snapshot(settings, period)
    charged = snapshot.lines.control_totals()
    if charged and settings.currency not in charged:
        # Providers may charge in none of the currency that the books are kept in.
        settings = replace(settings, currency=min(charged))
    with written_in(brand.numerals):
        review = _Review(settings, snapshot).whole()
        rendered = {
            folder / f"review-{period}.{name.value}": _RENDERED[name](review, brand)
            for name in ReviewFormat
            if name in formats
        }
    for path, content in rendered.items():
        replace_file(path, content)
    return ReviewWritten(review, tuple(rendered))


def _json(review: FinanceReview, _brand: Brand) -> bytes:
    """Return a review as scripts read it: figures as on the page, and exactly."""
    text = json.dumps(_plain(asdict(review)), ensure_ascii=False, indent=2)
    return f"{text}\n".encode()


_RENDERED: Final[Mapping[ReviewFormat, Callable[[FinanceReview, Brand], bytes]]] = {
    ReviewFormat.HTML: review_html,
    ReviewFormat.PDF: review_pdf,
    ReviewFormat.XLSX: review_xlsx,
    ReviewFormat.JSON: _json,
}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, Fraction | date) else value


class _Review:
    """Sets the parts of a review in words."""

    def __init__(self, settings: "Settings", snapshot: Snapshot) -> None:
        self._settings = settings
        self._snapshot = snapshot
        self._period = snapshot.period
        self._currency = settings.currency
        self._total = snapshot.lines.control_totals().get(self._currency, 0)
        self._before = snapshot.history.totals_of(self._period.previous).get(self._currency, 0)

    def whole(self) -> FinanceReview:
        """Return the review."""
        funnel = funnel_of_period(self._settings, self._period)
        cases = self._cases()
        excess = excess_by_day(cases) if cases else {}
        economics = economics_whole(self._settings, self._period, funnel=funnel, excess=excess)
        spend = self._answered(funnel)
        analyses = {section.analysis: section for section in self._economics(economics)}
        why, forecast = analyses.pop("E1"), analyses.pop("E10")
        return FinanceReview(
            period=str(self._period),
            month=month_text(self._period),
            month_before=month_text(self._period.previous),
            status=self._snapshot.status.value,
            status_note=status_note(self._snapshot.status.value),
            currency=self._currency,
            snapshot_id=self._snapshot.snapshot_id,
            made_at=instant_text(self._snapshot.made_at),
            changed_at=self._snapshot.made_at.replace(tzinfo=None),
            billed=self._money(self._total),
            nanos=self._total,
            change=change_text(self._total, self._before),
            headline=tuple(self._headline(spend, cases)),
            split=split_of(spend, self._currency),
            sections=(
                why,
                self._bought(funnel),
                findings_section(cases, self._currency),
                *(self._outlook(excess) or (forecast,)),
                *self._budgets(),
                self._open_points(),
            ),
            economics=tuple(analyses.values()),
        )

    def _economics(self, economics: Economics) -> Iterator[Section]:
        drawn = economics_plots(economics)
        for section in economics_sections(economics, _MOST_ROWS):
            yield replace(section, plots=drawn.get(section.analysis, ()))

    def _outlook(self, excess: Mapping[date, int]) -> tuple[Section, ...]:
        """Return where the month is going or, when all of it is known, the one after."""
        for period in (self._period, BillingPeriod.of(self._period.end_day)):
            found = self._forecast(period, excess)
            fan = self._fan(found) if found else None
            if found and fan and fan.expected:
                return (replace(shortened(forecast_section(found), _MOST_ROWS), plots=(fan,)),)
        return ()

    def _forecast(self, period: BillingPeriod, excess: Mapping[date, int]) -> PeriodForecast | None:
        try:
            return forecast_period(self._settings, period, excess=excess)
        except BookError as error:
            if error.code == "no-charges":
                return None
            raise

    def _fan(self, found: PeriodForecast) -> Fan | None:
        for line in found.company:
            if line.currency == self._currency:
                return outlook_of(line, found.period, found.days_known, self._snapshot)
        return None

    def _cases(self) -> Cases | None:
        try:
            return cases_of(self._settings)
        except BookError as error:
            if error.code in ("no-usage", "too-few-days"):
                return None
            raise

    def _headline(self, spend: Answered, cases: Cases | None) -> Iterator[Row]:
        for other, nanos in self._snapshot.lines.control_totals().items():
            if other == self._currency:
                continue
            yield figures(
                f"Billed in {other}, not in this review",
                [(amount_text(nanos, other), None), ("", None)],
            )
        answered = spend.keyed + spend.project
        before = month_text(self._period.previous)
        yield figures(
            f"Billed in {before}", [(self._money(self._before), self._before), ("", None)]
        )
        for name, nanos in (
            ("Answered for by outcomes", answered),
            ("Waiting for outcomes", spend.pending),
            ("No outcome answers for it", spend.unattributed),
        ):
            share = share_text(nanos, spend.total)
            yield figures(name, [(self._money(nanos), nanos), (share, None)])
        if cases is not None:
            open_cases = cases.unread
            stake = sum(case.finding.excess_nanos for case in open_cases)
            name = f"At stake in {len(open_cases)} findings, since each began"
            yield figures(name, [(self._money(stake), stake), ("", None)])

    def _answered(self, funnel: Funnel) -> Answered:
        found = Answered()
        for row in funnel.rows:
            if row.currency == self._currency:
                found += row.spend
        return found

    def _bought(self, funnel: Funnel) -> Section:
        per_unit = f"{self._currency} per unit validated"
        columns = ("Team / project", "Spend", *map(str.capitalize, ANSWERS), per_unit)
        rows = ranked(funnel.rows, self._currency)
        totals = [row for row in funnel.totals if row.currency == self._currency]
        feeds = [feed for feed in funnel.feeds if feed.status != "sending"]
        silent = ", ".join(f"{feed.team or 'nobody'} ({feed.status})" for feed in feeds)
        unheard = f" No outcomes come from {silent}." if silent else ""
        return Section(
            "What it bought",
            "By its key: an outcome names the branch, ticket or workflow of the usage. By its"
            " project: the project had another outcome in time. Waiting: one may still come. Where"
            f" nobody reports outcomes, their cost is not known.{unheard}"
            + trouble_text(funnel, self._currency),
            (
                table(
                    "Spend by what answers for it",
                    columns,
                    [
                        *(self._answers(funnel_name(row), row) for row in rows),
                        *(self._answers("All", row, "total") for row in totals),
                    ],
                ),
            ),
            plots=(
                projects_split(rows, self._currency),
                *(stages_reached(row.stages) for row in totals),
            ),
        )

    def _answers(self, name: str, row: FunnelRow, kind: str = "") -> Row:
        spend = row.spend
        parts = (spend.total, spend.keyed, spend.project, spend.pending, spend.unattributed)
        unit = None if kind else row.nanos_per_unit(Stage.VALIDATED)
        return amounts(name, (*parts, unit), self._currency, kind)

    def _budgets(self) -> Iterator[Section]:
        try:
            found = budgeted(self._settings, self._period)
        except BookError as error:
            if error.code in ("no-budgets", "no-charges"):
                return
            raise
        rows = [
            figures(
                _owner_name(one),
                [
                    (one.budget.months if one.budget else NIL, None),
                    self._known(one.budget.amount_nanos if one.budget else None),
                    self._known(one.actual_nanos),
                    self._known(one.forecast_nanos),
                    (self._bounds(one), None),
                    self._known(one.variance_nanos),
                    (one.state().value, None),
                ],
            )
            for one in found.stands
            if one.currency == self._currency
        ]
        columns = ("Owner", "For", "Budget", "Actual", "Forecast", "P10 to P90", "Over", "")
        yield Section(
            "Budgets",
            "The forecast is for the end of the budget's months; without P10 to P90 it is a run"
            " rate, or the month is over. A cost centre without a budget has a dash.",
            (table("Budgets", columns, rows),),
        )

    def _known(self, nanos: int | None) -> tuple[str, int | None]:
        return NIL if nanos is None else self._money(nanos), nanos

    def _bounds(self, one: Stand) -> str:
        low, high = one.bounds_nanos or (0, 0)
        return NIL if low == high else f"{self._money(low)} to {self._money(high)}"

    def _open_points(self) -> Section:
        lines = in_currency(frame_of(self._snapshot.lines), self._currency)
        unowned = lines[lines["bearer"] == Bearer.UNATTRIBUTED]["amount_nanos"]
        unowned_nanos = sum(int(nanos) for nanos in unowned)
        unpriced = sum(len(tie.ledger.unpriced) for tie in self._snapshot.tie_outs)
        waiting = sum(not tie.is_invoiced for tie in self._snapshot.tie_outs)
        open_ties = sum(tie.is_invoiced and not tie.ties for tie in self._snapshot.tie_outs)
        rows = [
            amounts(f"Spend without an owner, {self._currency}", (unowned_nanos,), self._currency),
            *(
                figures(name, [(quantity_text(count), Fraction(count))])
                for name, count in (
                    ("Meters without a rate", unpriced),
                    ("Records in quarantine", self._snapshot.quarantined),
                    ("Logs of providers that nothing meters", len(self._snapshot.unmetered)),
                    ("Accounts whose invoice has not come", waiting),
                    ("Invoices with something unexplained", open_ties),
                )
            ),
        ]
        return Section(
            "Open points",
            "What keeps the month from being closed, or its figures from being complete.",
            (table("Open points", ("", ""), rows),),
        )

    def _money(self, nanos: int) -> str:
        return amount_text(nanos, self._currency)


def _owner_name(stand: Stand) -> str:
    owner = stand.owner
    return shown_name("/".join(filter(None, (owner.cost_centre, owner.team, owner.project))))
