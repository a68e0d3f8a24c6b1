"""`metering findings` over the ledger: list, show, and what a reviewer or an owner says of each."""

from typing import TYPE_CHECKING, Any

import click

from metering.cli.arguments import StatedParam
from metering.cli.finding_texts import finding_json, show_finding
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
    from metering.analysis.findings.precision import Precision
    from metering.workflows.findings.cases import Case, Cases


@click.command("list")
@click.option("--all", "every", is_flag=True, help="Those that were answered as well.")
@format_option()
@click.pass_context
def list_(ctx: click.Context, /, *, every: bool, output_format: str) -> None:
    r"""List what a reviewer reads: the largest certain money first.

    Findings are worked out from all usage and outcomes in the books, at the rates in force then.
    One that was explained, dismissed or fixed stays quiet until its pattern changes, or its money
    has doubled. The last line says how many of the first that were decided were confirmed: once
    fewer than 60 % of ten or more are, it takes more money to be listed.

    \b
    Example:
        metering findings list
    """
    from metering.workflows.findings.cases import cases_of

    found = cases_of(settings_or_fail(ctx))
    shown = found.shown if every else found.unread
    if output_format == "json":
        emit_json(
            {
                "findings": [_as_json(case) for case in shown],
                "precision": _precision_json(found.precision),
                "threshold_nanos": found.review.threshold_nanos,
                "data_hash": found.review.data_hash,
            }
        )
        return
    emit_table(
        "",
        ("Finding", "Subject", "Since", "USD", "P10", "P90", "Pattern consistent with", "State"),
        [
            (
                case.case_id,
                str(case.finding.subject),
                str(case.finding.onset),
                money_text(case.finding.excess_nanos, decimals=0),
                money_text(case.finding.p10_nanos, decimals=0),
                money_text(case.finding.p90_nanos, decimals=0),
                case.finding.pattern,
                case.state.value,
            )
            for case in shown
        ],
        right=("USD", "P10", "P90"),
    )
    note(_closing(found, len(found.shown) - len(shown)))
    for scope in found.review.study.masks.unread:
        note(f"an event is about {scope}, which no usage in the books is of")


@click.command()
@click.argument("finding", metavar="ID")
@click.option("--as-answered", is_flag=True, help="As it was when it was last answered.")
@format_option()
@click.pass_context
def show(ctx: click.Context, /, finding: str, *, as_answered: bool, output_format: str) -> None:
    r"""Show finding ID with its evidence, and what nobody has ruled out yet.

    An answer is kept with the finding as it was answered, so that both can be read later; one that
    is found no more is shown so.

    \b
    Example:
        metering findings show 1a2b3c4d
    """
    from metering.workflows.findings.cases import case_of

    _tell(case_of(settings_or_fail(ctx), finding, as_answered=as_answered), output_format)


@click.command()
@click.argument("finding", metavar="ID")
@click.option("--note", "words", type=StatedParam(), required=True, help="What explains it.")
@format_option()
@click.pass_context
def explain(ctx: click.Context, /, finding: str, *, words: str, output_format: str) -> None:
    r"""Answer finding ID with what explains it; it stays quiet until its pattern changes.

    \b
    Example:
        metering findings explain 1a2b3c4d --note "a migration, over by the 20th"
    """
    _say(ctx, finding, "explained", words, output_format)


@click.command()
@click.argument("finding", metavar="ID")
@click.option("--note", "words", default="", help="What will be done.")
@click.option("--fixed", is_flag=True, help="It was, and is no more.")
@format_option()
@click.pass_context
def confirm(
    ctx: click.Context, /, finding: str, *, words: str, fixed: bool, output_format: str
) -> None:
    r"""Confirm finding ID: the money was worth a reviewer's time.

    \b
    Example:
        metering findings confirm 1a2b3c4d --note "the loop has a limit from Monday"
    """
    _say(ctx, finding, "fixed" if fixed else "confirmed", words, output_format)


@click.command()
@click.argument("finding", metavar="ID")
@click.option(
    "--note", "words", type=StatedParam(), required=True, help="Why it was not worth the time."
)
@format_option()
@click.pass_context
def dismiss(ctx: click.Context, /, finding: str, *, words: str, output_format: str) -> None:
    r"""Dismiss finding ID: it was not worth a reviewer's time, and counts against the list.

    \b
    Example:
        metering findings dismiss 1a2b3c4d --note "outcomes of that team are not in our feed"
    """
    _say(ctx, finding, "dismissed", words, output_format)


def _say(ctx: click.Context, finding: str, state: str, words: str, output_format: str) -> None:
    from metering.books.findings import FindingState
    from metering.workflows.findings.cases import say
    from metering.workflows.runs import Run

    run = Run.now("findings", finding=finding, state=state, note=words)
    case = say(settings_or_fail(ctx), run, finding, FindingState(state), words)
    if output_format == "json":
        emit_json(_as_json(case))
        return
    note(f"{case.finding.subject}: {case.state.value}")


def _tell(case: "Case", output_format: str) -> None:
    if output_format == "json":
        emit_json(_as_json(case))
        return
    command = f"metering findings show {case.case_id} --format json"
    show_finding(f"{case.case_id}, {case.state.value}:", case.finding, command)
    for said in case.answers:
        note(f"{said.state.value} on {said.at:%Y-%m-%d} by {said.by}: {said.note or '-'}")
    if not case.is_current:
        note("as it was answered")


def _as_json(case: "Case") -> dict[str, Any]:
    return {
        "finding": case.case_id,
        "state": case.state.value,
        "note": case.said.note if case.said else None,
        "answers": [
            {
                "state": said.state.value,
                "note": said.note,
                "by": said.by,
                "at": said.at,
            }
            for said in case.answers
        ],
        "is_current": case.is_current,
        "place": case.place or None,
        **finding_json(case.finding),
    }


def _closing(found: "Cases", quiet: int) -> str:
    from metering.workflows.reports.review_findings import precision_text

    objects = found.review.study.panel.objects
    told = f"{counted(len(found.shown), 'finding')} in {counted(objects, 'project')}"
    if found.review.workflows:
        told += f" and {counted(found.review.workflows, 'workflow')} of theirs"
    if quiet:
        told += f"; {quiet} answered or beyond the list, see --all"
    if found.precision.decided:
        told += f"; {precision_text(found.precision)}"
    if found.precision.factor > 1:
        told += f", so that {money_text(found.review.threshold_nanos)} USD and more is listed"
    return told


def _precision_json(precision: "Precision") -> dict[str, Any]:
    share = precision.share
    return {
        "k": precision.k,
        "decided": precision.decided,
        "confirmed": precision.confirmed,
        "precision": None if share is None else round(float(share), 6),
        "threshold_factor": round(float(precision.factor), 6),
    }
