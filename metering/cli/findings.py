"""`metering findings`: spend that its outcomes do not answer for."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from metering.cli.finding_cases import confirm, dismiss, explain, list_, show
from metering.cli.finding_events import events
from metering.cli.finding_texts import finding_json, show_finding
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

    from metering.workflows.findings.findings_try import Tried

_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
_TARGET: Final = click.Path(dir_okay=False, path_type=Path)


@click.group(context_settings=CONTEXT_SETTINGS)
def findings() -> None:
    r"""Find spend that its outcomes do not answer for.

    A finding is about a team's project or a workflow, never about a person. It says what the spend
    looks like, what it costs, and which benign explanations nobody has ruled out yet.

    \b
    Example:
        metering findings list
    """


for _command in (list_, show, explain, confirm, dismiss, events):
    findings.add_command(_command)


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
    from metering.analysis.findings.review_list import Options
    from metering.workflows.findings.findings_try import try_folder, write_flags

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
        show_finding(f"{number}.", finding)
    held = [f for f in tried.review.findings if f.flagged and f.held_back]
    if held:
        emit_table(
            "Flagged, and not shown",
            ("Subject", "Pattern", "USD", "Why"),
            [
                (
                    str(finding.subject),
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


def _usd(amount: "Decimal") -> str:
    return f"{amount:,.2f}"


def _closing(tried: "Tried") -> str:
    found = tried.review
    test = found.study.test
    drift = sorted({spread.drift for spread in test.spreads.values()})
    return (
        f"{counted(len(found.shown), 'finding')} of {counted(found.objects, 'object')};"
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
        "findings": [finding_json(finding) for finding in found.findings],
    }
