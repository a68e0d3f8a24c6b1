"""The finance review of a period: one page from the ledger, its outcomes and its findings.

Every part is worked out by its own workflow and only set in words here. The charges, the funnel and
the findings are those of the same books; the page carries the snapshot id of the chargeback pack.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from metering.analysis.findings import Family
from metering.core.budgets import Stand
from metering.core.funnel import Answered
from metering.core.outcomes import Stage
from metering.core.periods import BillingPeriod
from metering.errors import BookError
from metering.reporting.figures import NIL, amount_text, change_text, share_text
from metering.reporting.numerals import written_in
from metering.reporting.review import (
    FinanceReview,
    Row,
    Section,
    ShownFinding,
    Table,
    review_html,
    table,
)
from metering.reporting.snapshot import Bearer, Snapshot
from metering.reporting.words import instant_text, month_text
from metering.workflows.branding import brand_of
from metering.workflows.budgets import budgeted
from metering.workflows.economics import economics_of_period
from metering.workflows.findings import Case, Cases, cases_of
from metering.workflows.funnel import Funnel, funnel_of_period
from metering.workflows.report import read_snapshot, replace_file
from metering.workflows.review_economics import economics_sections, why_section
from metering.workflows.review_outcomes import cost_tables, trouble_text
from metering.workflows.unit_costs import unit_costs

if TYPE_CHECKING:
    from metering.settings import Settings

_NUMBERS: Final = 3


@dataclass(frozen=True, slots=True)
class ReviewWritten:
    """A review that was written.

    Attributes:
        review: what it says.
        paths: the files.
    """

    review: FinanceReview
    paths: tuple[Path, ...]


def write_review(settings: "Settings", period: BillingPeriod, folder: Path) -> ReviewWritten:
    """Write the review of a period, `review-PERIOD.html`; the same books give the same bytes.

    Raises:
        BookError: `no-charges`: the book holds none of that period; `unwritable-report`.
    """
    brand = brand_of(settings)
    snapshot = read_snapshot(settings, period)
    with written_in(brand.numerals):
        review = _Review(settings, snapshot).whole()
    path = folder / f"review-{period}.html"
    replace_file(path, review_html(review, brand))
    return ReviewWritten(review, (path,))


def review_json(review: FinanceReview) -> dict[str, Any]:
    """Return a review as scripts read it; figures are those of the page."""
    return asdict(review)


class _Review:
    """Sets the parts of a review in words."""

    def __init__(self, settings: "Settings", snapshot: Snapshot) -> None:
        self._settings = settings
        self._snapshot = snapshot
        self._period = snapshot.period
        self._currency = snapshot.currency
        self._total = snapshot.lines.control_totals().get(self._currency, 0)
        self._before = snapshot.history.totals_of(self._period.previous).get(self._currency, 0)

    def whole(self) -> FinanceReview:
        """Return the review."""
        funnel = funnel_of_period(self._settings, self._period)
        economics = economics_of_period(self._settings, self._period)
        cases = self._cases()
        return FinanceReview(
            period=str(self._period),
            month=month_text(self._period),
            status=self._snapshot.status.value,
            currency=self._currency,
            snapshot_id=self._snapshot.snapshot_id,
            made_at=instant_text(self._snapshot.made_at),
            headline=tuple(self._headline(funnel, cases)),
            sections=(
                why_section(economics),
                self._bought(funnel),
                self._findings(cases),
                *self._budgets(),
                self._open_points(),
            ),
            economics=tuple(economics_sections(economics)),
        )

    def _cases(self) -> Cases | None:
        try:
            return cases_of(self._settings)
        except BookError as error:
            if error.code in ("no-usage", "too-few-days"):
                return None
            raise

    def _headline(self, funnel: Funnel, cases: Cases | None) -> Iterator[Row]:
        spend = self._answered(funnel)
        yield Row("Billed", (self._money(self._total),))
        month = month_text(self._period.previous)
        yield Row(f"Billed in {month}", (self._money(self._before),))
        yield Row(f"Change on {month}", (change_text(self._total, self._before) or NIL,))
        answered = spend.keyed + spend.project
        share = f", {share_text(answered, spend.total)}" if spend.total else ""
        yield Row(f"Answered for by outcomes{share}", (self._money(answered),))
        yield Row("Waiting for outcomes", (self._money(spend.pending),))
        yield Row("No outcome answers for it", (self._money(spend.unattributed),))
        if cases is not None:
            open_cases = cases.unread
            stake = sum(case.finding.excess_nanos for case in open_cases)
            yield Row(
                f"At stake in {len(open_cases)} findings, since each began", (self._money(stake),)
            )

    def _answered(self, funnel: Funnel) -> Answered:
        found = Answered()
        for row in funnel.rows:
            if row.currency == self._currency:
                found += row.spend
        return found

    def _bought(self, funnel: Funnel) -> Section:
        per_unit = f"{self._currency} per unit validated"
        columns = ("Team / project", "Spend", "Keyed", "Project", "Pending", "None", per_unit)
        rows = sorted(
            (row for row in funnel.rows if row.currency == self._currency),
            key=lambda row: (-row.spend.total, row.team, row.project),
        )
        feeds = [feed for feed in funnel.feeds if feed.status != "sending"]
        silent = "; ".join(f"{feed.team or 'nobody'}: {feed.status}" for feed in feeds)
        return Section(
            "What it bought",
            "Keyed: an outcome shares a key of the usage; project: another outcome of the project"
            " came in its window; pending: the window is open. A unit that nobody reports has no"
            f" cost, which is not a cost of nothing. Feeds that do not send: {silent or 'none'}."
            + trouble_text(funnel, self._currency),
            (
                table(
                    "Spend by what answers for it",
                    columns,
                    [
                        Row(
                            " / ".join(filter(None, (row.team, row.project))) or "nobody",
                            (
                                self._money(row.spend.total),
                                self._money(row.spend.keyed),
                                self._money(row.spend.project),
                                self._money(row.spend.pending),
                                self._money(row.spend.unattributed),
                                self._per_unit(row.nanos_per_unit(Stage.VALIDATED)),
                            ),
                        )
                        for row in rows
                    ],
                ),
                *cost_tables(unit_costs(self._settings, self._period), self._currency),
            ),
        )

    def _per_unit(self, nanos: int | None) -> str:
        return NIL if nanos is None else self._money(nanos)

    def _findings(self, cases: Cases | None) -> Section:
        title = "What to look at"
        if cases is None:
            return Section(title, "There are less than four weeks of usage to compare.")
        shown = tuple(
            sorted(cases.shown, key=lambda case: (case.is_quiet, -case.finding.p10_nanos))
        )
        note = (
            "Each project is compared with its own past, at constant prices. The money is what was"
            " spent since the onset beyond what its outcomes answer for, with P10 to P90; it is not"
            " of this month alone."
        )
        if cases.decided:
            note += f" {cases.confirmed} of {cases.decided} answered so far were confirmed."
        return Section(title, note, findings=tuple(self._finding(case) for case in shown))

    def _finding(self, case: Case) -> ShownFinding:
        found = case.finding
        low, high = found.p10_nanos, found.p90_nanos
        between = f" ({self._money(low)} to {self._money(high)})" if low != high else ""
        margin = f" ± {found.onset_margin_days} days" if found.onset_margin_days else ""
        said = f": {case.said.note}" if case.said and case.said.note else ""
        families = {
            Family.TOKEN_MAXING: "more spend than its outcomes answer for",
            Family.NO_OUTCOME: "spend without an outcome",
            Family.NO_FEED: "unknown: the team sends no outcomes",
        }
        return ShownFinding(
            heading=f"{found.subject} · {case.case_id}",
            money=f"{self._currency} {self._money(found.excess_nanos)}{between}"
            f" since {found.onset}{margin}",
            pattern=f"{found.pattern} ({families[found.family]})",
            state=f"{case.state.value}{said}",
            numbers=_numbers(case),
            open_questions=tuple(found.not_checked),
        )

    def _budgets(self) -> Iterator[Section]:
        try:
            found = budgeted(self._settings, self._period)
        except BookError as error:
            if error.code in ("no-budgets", "no-charges"):
                return
            raise
        rows = [
            Row(
                "/".join(filter(None, (one.owner.cost_centre, one.owner.team, one.owner.project))),
                (
                    one.budget.months if one.budget else NIL,
                    self._money(one.budget.amount_nanos) if one.budget else NIL,
                    self._money(one.actual_nanos),
                    NIL if one.forecast_nanos is None else self._money(one.forecast_nanos),
                    self._bounds(one),
                    NIL if one.variance_nanos is None else self._money(one.variance_nanos),
                    one.state().value,
                ),
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

    def _bounds(self, one: Stand) -> str:
        low, high = one.bounds_nanos or (0, 0)
        return NIL if low == high else f"{self._money(low)} to {self._money(high)}"

    def _open_points(self) -> Section:
        lines = self._snapshot.lines.table.to_pylist()
        nobodys = sum(
            int(line["amount_nanos"])
            for line in lines
            if line["bearer"] == Bearer.UNATTRIBUTED.value and line["currency"] == self._currency
        )
        unpriced = sum(len(tie.ledger.unpriced) for tie in self._snapshot.tie_outs)
        waiting = sum(not tie.is_invoiced for tie in self._snapshot.tie_outs)
        open_ties = sum(tie.is_invoiced and not tie.ties for tie in self._snapshot.tie_outs)
        rows = [
            Row("Nobody's", (self._money(nobodys),)),
            Row("Meters without a rate", (str(unpriced),)),
            Row("Records in quarantine", (str(self._snapshot.quarantined),)),
            Row("Accounts whose invoice has not come", (str(waiting),)),
            Row("Invoices with something unexplained", (str(open_ties),)),
        ]
        return Section(
            "Open points",
            "What keeps the month from being closed, or its figures from being complete.",
            (table("Open points", ("", ""), rows),),
        )

    def _money(self, nanos: int) -> str:
        return amount_text(nanos, self._currency)


def _numbers(case: Case) -> Table:
    return table(
        "Before and after",
        ("", "Before", "After", "n"),
        [
            Row(
                one.measure,
                (
                    NIL if one.before is None else f"{one.before:,.2f}",
                    NIL if one.after is None else f"{one.after:,.2f}",
                    f"{one.n_before} / {one.n_after} {one.counted}",
                ),
            )
            for one in case.finding.evidence[:_NUMBERS]
        ],
    )
