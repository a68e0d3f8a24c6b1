"""`metering sharing`: shared cost, its pools, and how they are given on."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from metering.cli.arguments import period_argument
from metering.cli.frame import (
    emit_json,
    emit_table,
    exit_with,
    format_option,
    money_text,
    note,
    settings_or_fail,
)
from metering.core.periods import BillingPeriod

if TYPE_CHECKING:
    from metering.workflows.sharing.pools import ShareShown, Shown

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def sharing() -> None:
    r"""Give shared cost on: pools that collect it, and splits that divide it among owners.

    \b
    Example:
        metering sharing show 2026-10
    """


@sharing.command("import")
@click.argument("file", type=_FILE, metavar="FILE")
@format_option()
@click.pass_context
def import_(ctx: click.Context, /, file: Path, *, output_format: str) -> None:
    r"""Take FILE into force: a sharing file (TOML) or a driver (CSV), told apart by content.

    A sharing file has [[pool]] tables with name and match, and [[split]] tables with name, pool, by
    (even, fixed, spend, tokens, headcount or driver), among, shares or driver, and if wanted
    markup, from and to. A driver has the columns period, target and weight; its file's name is what
    splits call it. A file with a mistake is refused whole and nothing changes. What is posted
    changes with the next `metering post`.

    \b
    Example:
        metering sharing import sample_logs/owners/sharing.toml
    """
    from metering.workflows.runs import Run
    from metering.workflows.sharing.pools import import_file

    imported = import_file(settings_or_fail(ctx), Run.now("sharing import", file=str(file)), file)
    if output_format == "json":
        emit_json(asdict(imported))
        return
    if imported.is_new:
        counted = (
            f"{imported.count} {'weights' if imported.kind == 'driver' else 'pools and splits'}"
        )
        note(f"{imported.name}: {counted}, in force as {imported.kind} version {imported.version}")
    else:
        note(f"{imported.name} is in force already, as {imported.kind} version {imported.version}")


@sharing.command()
@period_argument()
@format_option()
@click.pass_context
def show(ctx: click.Context, /, period: BillingPeriod, *, output_format: str) -> None:
    r"""Show what pools collected in PERIOD (YYYY-MM) and gave on, share by share.

    Every share has its split, its weight out of all weights, and its amount; the shares of a pool
    and what it keeps add up to what it collected, to the nano. This is what is posted, as it is
    posted: later files change nothing of a closed period.

    \b
    Example:
        metering sharing show 2026-10
    """
    from metering.workflows.sharing.pools import show as show_sharing

    shown = show_sharing(settings_or_fail(ctx), period)
    if output_format == "json":
        emit_json(
            {
                "period": str(period),
                "pools": [{**asdict(pool), "kept_nanos": pool.kept_nanos} for pool in shown.pools],
                "shares": [asdict(share) for share in shown.shares],
            }
        )
        return
    if not shown.pools:
        note(f"nothing was shared in {period}")
        return
    _show_pools(shown)


@sharing.command()
@click.option("--strict", is_flag=True, help="Exit with 1 if there is anything to tell.")
@format_option()
@click.pass_context
def check(ctx: click.Context, /, *, strict: bool, output_format: str) -> None:
    r"""List pools that collect nothing or keep money, and targets that nobody names any more.

    \b
    Example:
        metering sharing check
    """
    from metering.workflows.sharing.pools import check as check_sharing

    remarks = check_sharing(settings_or_fail(ctx))
    if output_format == "json":
        emit_json([asdict(remark) for remark in remarks])
    elif remarks:
        rows = [(remark.code, remark.where, remark.says) for remark in remarks]
        emit_table("", ("Remark", "Where", "What"), rows)
    else:
        note("every pool collects something and gives all of it on")
    if strict and remarks:
        exit_with(1)


def _show_pools(shown: "Shown") -> None:
    money = ("Collected", "From pools", "Given on", "Kept")
    emit_table(
        "Pools",
        ("Pool", "Currency", *money),
        [
            (
                pool.pool,
                pool.currency,
                money_text(pool.collected_nanos),
                money_text(pool.received_nanos),
                money_text(pool.given_nanos),
                money_text(pool.kept_nanos),
            )
            for pool in shown.pools
        ],
        right=money,
    )
    emit_table(
        "Shares",
        ("Pool", "Split", "Bill", "To", "Weight", "Of all", "Currency", "Amount"),
        [_share_row(share) for share in shown.shares],
        right=("Weight", "Of all", "Amount"),
    )


def _share_row(share: "ShareShown") -> tuple[str, ...]:
    return (
        share.pool,
        f"{share.split} (corrects {share.corrects})" if share.corrects else share.split,
        f"{share.provider}/{share.billing_account}",
        share.account,
        f"{share.weight:,}" if share.weight else "",
        _per_cent(share.weight, share.total) if share.weight else "",
        share.currency,
        money_text(share.amount_nanos, decimals=9),
    )


def _per_cent(weight: int, total: int) -> str:
    return f"{money_text(weight * 100 * 10**9 // total)} %" if total else ""
