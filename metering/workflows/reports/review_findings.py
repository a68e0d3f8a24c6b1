"""The findings of a review in words: what each looks like, what it costs, what is unanswered."""

from fractions import Fraction
from typing import Final

from metering.analysis.findings.finding import Family
from metering.analysis.findings.precision import Precision
from metering.reporting.figures import (
    NIL,
    amount_text,
    minor_text,
    minor_units,
    number_text,
    share_text,
)
from metering.reporting.review.contents import Section, ShownFinding, Table, Value, figures, table
from metering.reporting.words import shown_name
from metering.workflows.findings.cases import Case, Cases
from metering.workflows.reports.review_plots import course_of

_NUMBERS: Final = 3
_HASH_DIGITS: Final = 12
# What is measured is shown with two decimals.
_MEASURED: Final = 10_000


def findings_section(cases: Cases | None, currency: str) -> Section:
    """Return the findings: those that wait for an answer first, the largest certain money first.

    Args:
        cases: None where there is too little usage to compare.
        currency: of their money.
    """
    title = "What to look at"
    if cases is None:
        return Section(title, "There are less than four weeks of usage to compare.")
    shown = tuple(sorted(cases.shown, key=lambda case: (case.is_quiet, -case.finding.p10_nanos)))
    note = (
        "Each project, and each workflow that goes on, is compared with its own past, at constant"
        " prices; no money is in two findings. The money is what was"
        " spent since the onset beyond what its outcomes answer for, with P10 to P90; it is not"
        " of this month alone."
    )
    if cases.precision.decided:
        told = precision_text(cases.precision)
        note += f" {told[0].upper()}{told[1:]}."
    return Section(title, note, findings=tuple(_finding(case, currency) for case in shown))


def precision_text(precision: Precision) -> str:
    """Return the precision at k in words, as part of a sentence."""
    share = share_text(precision.confirmed, precision.decided) or NIL
    return (
        f"precision at {precision.k}: of the first {precision.k} by rank, {precision.decided} were"
        f" decided and {precision.confirmed} confirmed ({share})"
    )


def _finding(case: Case, currency: str) -> ShownFinding:
    found = case.finding
    low, high = found.p10_nanos, found.p90_nanos
    between = f" ({_in_words(low, currency)} to {_in_words(high, currency)})" if low != high else ""
    margin = f" ± {found.onset_margin_days} days" if found.onset_margin_days else ""
    said = f": {shown_name(case.said.note)}" if case.said and case.said.note else ""
    families = {
        Family.TOKEN_MAXING: "more spend than its outcomes answer for",
        Family.NO_OUTCOME: "spend without an outcome",
        Family.NO_FEED: "unknown: the team sends no outcomes",
    }
    return ShownFinding(
        case_id=case.case_id,
        subject=shown_name(str(found.subject)),
        money=f"{currency} {_in_words(found.excess_nanos, currency)}{between}"
        f" since {found.onset}{margin}",
        nanos=found.excess_nanos,
        low=low,
        high=high,
        onset=found.onset,
        pattern=f"{found.pattern} ({families[found.family]})",
        state=f"{case.state.value}{said}",
        numbers=_numbers(case),
        parts=_parts(case, currency),
        checked=tuple(found.checked),
        open_questions=tuple(found.not_checked),
        footing=_footing(case),
        course=course_of(found),
    )


def _footing(case: Case) -> str:
    factor = case.finding.detectable_factor
    least = f"a rise of the cost per outcome by less than {factor:.1f} times would not show; "
    data = f"metering findings show {case.case_id}, data {case.finding.data_hash[:_HASH_DIGITS]}"
    return f"{least if factor > 1 else ''}all of it: {data}"


def _numbers(case: Case) -> Table:
    return table(
        f"Before and after, {case.case_id}",
        ("", "Before", "After", "Observed"),
        [
            figures(
                one.measure,
                [
                    _measured(one.before),
                    _measured(one.after),
                    (f"{one.n_before} / {one.n_after} {one.counted}", None),
                ],
            )
            for one in case.finding.evidence[:_NUMBERS]
        ],
    )


def _parts(case: Case, currency: str) -> Table | None:
    if not case.finding.parts:
        return None
    rows = [
        figures(
            part.workflow,
            [
                *(
                    (amount_text(nanos, currency), nanos)
                    for nanos in (part.excess_nanos, part.p10_nanos, part.p90_nanos)
                ),
                (str(part.onset), None),
                (part.pattern, None),
            ],
        )
        for part in case.finding.parts
    ]
    columns = ("", currency, "P10", "P90", "Since", "Pattern consistent with")
    return table(f"Of it, in workflows of their own, {case.case_id}", columns, rows)


def _measured(number: float | None) -> tuple[str, Value]:
    if number is None:
        return NIL, None
    exact = Fraction(number).limit_denominator(_MEASURED)
    return number_text(exact), exact


def _in_words(nanos: int, currency: str) -> str:
    """Return an amount for a sentence, in which a dash for nothing would be a riddle."""
    return minor_text(minor_units(nanos, currency), currency)
