"""`metering findings`: spend that its outcomes do not answer for."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from metering.cli.frame import (
    CONTEXT_SETTINGS,
    console,
    counted,
    emit_json,
    emit_table,
    format_option,
    money_text,
    note,
    printable,
)

if TYPE_CHECKING:
    from decimal import Decimal

    from metering.analysis.findings import Evidence, Finding
    from metering.workflows.findings_try import Tried

_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
# Spend, outcomes, their ratio, and what names the pattern; the other detectors are in the JSON.
_SHOWN_NUMBERS: Final = 4
_TARGET: Final = click.Path(dir_okay=False, path_type=Path)


@click.group(context_settings=CONTEXT_SETTINGS)
def findings() -> None:
    r"""Find spend that its outcomes do not answer for.

    A finding is about a team's project or a workflow, never about a person. It says what the spend
    looks like, what it costs, and which benign explanations nobody has ruled out yet.

    \b
    Example:
        metering findings try exports/
    """


@findings.command("try")
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.option("--write", "target", type=_TARGET, help="Write every score to this CSV file.")
@click.option(
    "--budget",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many findings a reviewer reads.",
)
@format_option()
def try_findings(folder: Path, target: Path | None, *, budget: int, output_format: str) -> None:
    r"""Run the detectors over the exports in DIR; no book is touched.

    DIR holds usage.csv and projects.csv, and may hold outcomes.csv, prices.csv and events.csv. What
    is shown is the list a reviewer would read: the largest certain money first, with the numbers
    before and after. --write gives the score of every team and project, flagged or not.

    \b
    Example:
        metering findings try exports/ --write flags.csv
    """
    from metering.analysis.review import Options
    from metering.workflows.findings_try import try_folder, write_flags

    tried = try_folder(folder, Options(budget=budget))
    if target is not None:
        write_flags(tried, target)
    for sentence in tried.notes:
        note(sentence)
    if output_format == "json":
        emit_json(_as_json(tried))
    else:
        _show(tried)
    if target is not None:
        note(f"{counted(len(tried.review.findings), 'score')} in {target}")


def _show(tried: "Tried") -> None:
    shown = tried.review.shown
    for number, finding in enumerate(shown, start=1):
        _show_case(number, finding)
    held = [f for f in tried.review.findings if f.flagged and f.held_back]
    if held:
        emit_table(
            "Flagged, and not shown",
            ("Team", "Project", "Pattern", "USD", "Why"),
            [
                (
                    finding.subject.team,
                    finding.subject.project,
                    finding.pattern,
                    money_text(finding.excess_nanos),
                    finding.held_back,
                )
                for finding in held
            ],
            right=("USD",),
        )
    emit_table(
        "Which outcomes answer for the spend",
        ("", "USD"),
        [*((name, _usd(usd)) for name, usd in tried.split.items()), ("total", _usd(tried.total))],
        right=("USD",),
    )
    console().print(printable(_closing(tried)))


def _show_case(number: int, finding: "Finding") -> None:
    amount = money_text(finding.excess_nanos, decimals=0)
    low, high = (money_text(n, decimals=0) for n in (finding.p10_nanos, finding.p90_nanos))
    between = f" ({low} to {high})" if low != high else ""
    margin = f" ± {finding.onset_margin_days} days" if finding.onset_margin_days else ""
    out = console()
    out.print(
        printable(
            f"{number}. {finding.subject}\n"
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
    for words, sentences in (
        ("looked at", finding.checked),
        ("benign explanations to rule out", finding.not_checked),
    ):
        out.print(printable("\n".join((f"   {words}", *(f"     - {one}" for one in sentences)))))
    terms = " ".join(f"{value:+.2f} {name}" for name, value in finding.terms.items())
    closing = f"   evidence {finding.score:.2f} = {terms}"
    if finding.detectable_factor > 1:
        closing += (
            f"\n   q = {finding.q:.2f}; a rise of the cost per outcome by less than"
            f" {finding.detectable_factor:.1f} times would not show"
        )
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


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.2f}"


def _usd(amount: "Decimal") -> str:
    return f"{amount:,.2f}"


def _closing(tried: "Tried") -> str:
    found = tried.review
    test = found.study.test
    drift = sorted({spread.drift for spread in test.spreads.values()})
    return (
        f"{counted(len(found.shown), 'finding')} of {counted(found.study.panel.objects, 'object')};"
        f" material from {money_text(found.threshold_nanos)} USD; elasticity {test.elasticity:.2f},"
        f" drift {', '.join(f'{value:.2f}' for value in drift) or 'not estimated'}"
        f"; data {found.data_hash[:12]}"
    )


def _as_json(tried: "Tried") -> dict[str, Any]:
    from metering.analysis.detectors.catalogue import CATALOGUE

    found = tried.review
    test = found.study.test
    return {
        "data_hash": found.data_hash,
        "threshold_nanos": found.threshold_nanos,
        "elasticity": test.elasticity,
        "drift": {
            str(number): {"drift": spread.drift, "is_estimated": spread.is_estimated}
            for number, spread in test.spreads.items()
        },
        "attribution": {
            **{name: str(usd) for name, usd in tried.split.items()},
            "total": str(tried.total),
        },
        "unattributed": {name: str(usd) for name, usd in tried.unattributed.items()},
        "common_cause": [
            {"model": m.model, "week": m.week, "factor": round(m.factor, 4), "objects": m.objects}
            for m in found.common
        ],
        "gaps": [
            {
                "team": gap.team,
                "first": str(found.study.panel.day(gap.first)),
                "days": gap.end - gap.first,
                "told": gap.is_told,
            }
            for gap in found.study.masks.gaps
        ],
        "notes": list(tried.notes),
        "detectors": [
            {
                "number": detector.number,
                "name": detector.name,
                "question": detector.question,
                "needs": detector.needs,
                "fails": detector.fails,
            }
            for detector in CATALOGUE
        ],
        "findings": [_finding_json(finding) for finding in found.findings],
    }


def _finding_json(finding: "Finding") -> dict[str, Any]:
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
    }
