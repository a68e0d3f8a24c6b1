"""`metering dispute`: somebody says that a charge is not theirs, and what comes of it."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from metering.cli.arguments import ROW_NUMBER, StatedParam
from metering.cli.frame import (
    CONTEXT_SETTINGS,
    emit_json,
    emit_table,
    format_option,
    money_text,
    note,
    settings_or_fail,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metering.books.disputes import Dispute


@click.group(context_settings=CONTEXT_SETTINGS)
def dispute() -> None:
    r"""Say that a charge is not yours, and decide it.

    A dispute names a cell of a report, as `metering explain` takes it. Nothing is edited: what is
    accepted moves to another bearer with the next post, in a closed month as a correction.

    \b
    Example:
        metering dispute open 2026-10/CC-4100/payments/refunds --reason "not our key" --owner finops
    """


@dispute.command("open")
@click.argument("reference")
@click.option("--reason", type=StatedParam(), required=True, help="Why the charge is not yours.")
@click.option("--owner", type=StatedParam(), required=True, help="Who is asked to decide.")
@click.option("--deadline", type=click.DateTime(["%Y-%m-%d"]), help="The day by which.")
@click.option("--amount", help="How much of it; all by default.")
@format_option()
@click.pass_context
def open_(
    ctx: click.Context,
    /,
    reference: str,
    deadline: datetime | None,
    output_format: str,
    **said: str | None,
) -> None:
    r"""Dispute what REFERENCE is charged.

    \b
    Example:
        metering dispute open 2026-10/CC-4100/payments/refunds --reason "not our key" --owner finops
    """
    from metering.workflows.closing.disputes import Opening, open_dispute
    from metering.workflows.runs import Run

    opening = Opening(
        reference,
        reason=said["reason"] or "",
        owner=said["owner"] or "",
        deadline=deadline.date() if deadline else None,
        amount=said["amount"],
    )
    run = Run.now("dispute open", reference=reference, **said)
    _show([open_dispute(settings_or_fail(ctx), run, opening)], output_format)


@dispute.command("list")
@format_option()
@click.pass_context
def list_(ctx: click.Context, /, *, output_format: str) -> None:
    r"""List every dispute with how far it is.

    \b
    Example:
        metering dispute list
    """
    from metering.workflows.closing.disputes import list_disputes

    found = list_disputes(settings_or_fail(ctx))
    if not found and output_format == "table":
        note("nothing is disputed")
        return
    _show(found, output_format)


@dispute.command()
@click.argument("number", type=ROW_NUMBER)
@click.option(
    "--note", type=StatedParam(), required=True, help="Why, for everybody who asks later."
)
@click.option("--to", "target", help="Who bears it: CC/TEAM/PROJECT; nobody yet by default.")
@format_option()
@click.pass_context
def accept(
    ctx: click.Context, /, number: int, note: str, target: str | None, output_format: str
) -> None:
    r"""Accept dispute NUMBER: its amount moves to somebody else with the next post.

    \b
    Example:
        metering dispute accept 1 --to CC-4200/platform/build-farm --note "their key"
    """
    _settle(ctx, number, "accepted", note, output_format, target)


@dispute.command()
@click.argument("number", type=ROW_NUMBER)
@click.option(
    "--note", type=StatedParam(), required=True, help="Why, for everybody who asks later."
)
@format_option()
@click.pass_context
def reject(ctx: click.Context, /, number: int, note: str, output_format: str) -> None:
    r"""Reject dispute NUMBER: the charge stays where it is.

    \b
    Example:
        metering dispute reject 1 --note "the key is theirs, see owners.csv line 9"
    """
    _settle(ctx, number, "rejected", note, output_format)


@dispute.command()
@click.argument("number", type=ROW_NUMBER)
@click.option(
    "--note", type=StatedParam(), required=True, help="Why, for everybody who asks later."
)
@format_option()
@click.pass_context
def withdraw(ctx: click.Context, /, number: int, note: str, output_format: str) -> None:
    r"""Withdraw dispute NUMBER: who opened it no longer disputes the charge.

    \b
    Example:
        metering dispute withdraw 1 --note "it was ours after all"
    """
    _settle(ctx, number, "withdrawn", note, output_format)


def _settle(
    ctx: click.Context,
    number: int,
    state: str,
    why: str,
    output_format: str,
    target: str | None = None,
) -> None:
    from metering.books.disputes import DisputeState
    from metering.workflows.closing.disputes import settle_dispute
    from metering.workflows.runs import Run

    run = Run.now("dispute", number=number, state=state, note=why, target=target)
    settled = settle_dispute(
        settings_or_fail(ctx), run, number, DisputeState(state), note=why, target=target
    )
    _show([settled], output_format)
    if state == "accepted":
        note("`metering post` moves it")


def _show(found: "Sequence[Dispute]", output_format: str) -> None:
    if output_format == "json":
        emit_json([_as_json(one) for one in found])
        return
    emit_table(
        "",
        ("Dispute", "Reference", "Currency", "Amount", "Owner", "Deadline", "State", "Note"),
        [
            (
                one.id,
                one.said.reference,
                one.said.currency,
                money_text(one.said.amount_nanos),
                one.said.owner,
                one.said.deadline,
                one.state.value,
                one.note,
            )
            for one in found
        ],
        right=("Dispute", "Amount"),
    )


def _as_json(one: "Dispute") -> dict[str, object]:
    return {
        "dispute": one.id,
        "reference": one.said.reference,
        "period": one.said.period,
        "currency": one.said.currency,
        "amount_nanos": one.said.amount_nanos,
        "reason": one.said.reason,
        "owner": one.said.owner,
        "deadline": one.said.deadline or None,
        "state": one.state.value,
        "note": one.note,
        "by": one.by,
    }
