"""A finding as a reviewer reads it, and as a script does."""

from typing import TYPE_CHECKING, Any, Final

from metering.cli.frame import console, emit_table, money_text, printable

if TYPE_CHECKING:
    from metering.analysis.findings.finding import Evidence, Finding, Part

# Spend, outcomes, their ratio, and what names the pattern; the other detectors are in the JSON.
_SHOWN_NUMBERS: Final = 4


def show_finding(title: str, finding: "Finding", command: str = "") -> None:
    """Print a finding as a reviewer reads it.

    Args:
        title: what stands before its subject.
        finding: what was found.
        command: the one that gives all of its numbers; "" where the reader has just typed it.
    """
    amount = money_text(finding.excess_nanos, decimals=0)
    low, high = (money_text(n, decimals=0) for n in (finding.p10_nanos, finding.p90_nanos))
    between = f" ({low} to {high})" if low != high else ""
    margin = f" ± {finding.onset_margin_days} days" if finding.onset_margin_days else ""
    out = console()
    out.print(
        printable(
            f"{title} {finding.subject}\n"
            f"   {amount} USD{between} since {finding.onset}{margin}\n"
            f"   pattern consistent with: {finding.pattern} ({finding.detector})"
        )
    )
    emit_table(
        "",
        ("", "before", "after", "n before", "n after", "of"),
        [_row(evidence) for evidence in finding.evidence[:_SHOWN_NUMBERS]],
        right=("before", "after", "n before", "n after"),
    )
    if finding.parts:
        emit_table(
            "of it, in workflows of their own",
            ("", "USD", "P10", "P90", "since", "pattern consistent with"),
            [_part(part) for part in finding.parts],
            right=("USD", "P10", "P90"),
        )
    for words, sentences in (
        ("looked at", finding.checked),
        ("benign explanations to rule out", finding.not_checked),
    ):
        out.print(printable("\n".join((f"   {words}", *(f"     - {one}" for one in sentences)))))
    terms = ", ".join(f"{value:.2f} from {name}" for name, value in finding.terms.items())
    closing = f"   strength of evidence {finding.score:.2f}: {terms}"
    if finding.detectable_factor > 1:
        closing += (
            f"\n   q = {finding.q:.2f}: the share of a list that ends here that is chance"
            "\n   a rise of the cost per outcome by less than"
            f" {finding.detectable_factor:.1f} times would not show"
        )
    closing += f"\n   {command and f'all of it: {command}; '}data {finding.data_hash}"
    out.print(printable(f"{closing}\n"))


def _row(evidence: "Evidence") -> tuple[object, ...]:
    return (
        evidence.measure,
        _figure(evidence.before),
        _figure(evidence.after),
        evidence.n_before,
        evidence.n_after,
        evidence.counted,
    )


def _part(part: "Part") -> tuple[object, ...]:
    amounts = (part.excess_nanos, part.p10_nanos, part.p90_nanos)
    shown = (money_text(nanos, decimals=0) for nanos in amounts)
    return (part.workflow, *shown, str(part.onset), part.pattern)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"


def finding_json(finding: "Finding") -> dict[str, Any]:
    """Return a finding with the names that scripts read."""
    return {
        "team": finding.subject.team,
        "project": finding.subject.project,
        "workflow": finding.subject.workflow,
        "family": finding.family.value,
        "pattern": finding.pattern,
        "detector": finding.detector,
        "flagged": finding.flagged,
        "held_back": finding.held_back,
        "onset": str(finding.onset),
        "onset_margin_days": finding.onset_margin_days,
        "until": str(finding.until),
        "excess_nanos": finding.excess_nanos,
        "p10_nanos": finding.p10_nanos,
        "p90_nanos": finding.p90_nanos,
        "score": finding.score,
        "terms": dict(finding.terms),
        "q": finding.q,
        "evidence": [
            {
                "detector": evidence.detector,
                "measure": evidence.measure,
                "before": evidence.before,
                "after": evidence.after,
                "n_before": evidence.n_before,
                "n_after": evidence.n_after,
                "counted": evidence.counted,
                "usd_nanos": evidence.usd_nanos,
            }
            for evidence in finding.evidence
        ],
        "unanswered": list(finding.unanswered),
        "checked": list(finding.checked),
        "not_checked": list(finding.not_checked),
        "chart": [
            {"starts": str(week.starts), "spend": week.spend, "outcomes": week.outcomes}
            for week in finding.chart
        ],
        "detectable_factor": finding.detectable_factor,
        "data_hash": finding.data_hash,
        "is_workflow": finding.is_workflow,
        "parts": [
            {
                "workflow": part.workflow,
                "onset": str(part.onset),
                "pattern": part.pattern,
                "excess_nanos": part.excess_nanos,
                "p10_nanos": part.p10_nanos,
                "p90_nanos": part.p90_nanos,
                "score": part.score,
            }
            for part in finding.parts
        ],
    }
