"""`metering ingest`: source files into the lake and the book."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from metering.cli.frame import (
    counted,
    emit_json,
    emit_table,
    exit_with,
    format_option,
    note,
    settings_or_fail,
)

if TYPE_CHECKING:
    from metering.workflows.recording import Receipt

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option("--dry-run", is_flag=True, help="Read and check, but record nothing.")
@click.option(
    "--ingestor", "forced", metavar="NAME", help="Read the files as this format, recognised or not."
)
@click.option(
    "--account", metavar="NAME", help="The billing account of files that do not name one."
)
@click.option(
    "--all-or-nothing", is_flag=True, help="Record nothing if a single record is refused."
)
@format_option()
@click.pass_context
def ingest(  # noqa: PLR0913 - an option each
    ctx: click.Context,
    /,
    files: tuple[Path, ...],
    *,
    dry_run: bool,
    forced: str | None,
    account: str | None,
    all_or_nothing: bool,
    output_format: str,
) -> None:
    r"""Record the usage of each FILE.

    The format of a file is recognised from its content; gzip, zstd and zip are opened. A record
    that cannot be read is kept in quarantine with its line and the reason, and the command exits
    with 1. Ingesting a file again changes nothing. A file of an unknown format, or of the same
    usage as another source, is refused as a whole.

    \b
    Example:
        metering ingest sample_logs/usage/*
    """
    from metering.ingest.registry import installed
    from metering.workflows.ingest import Order, ingest_files
    from metering.workflows.runs import Run

    settings = settings_or_fail(ctx)
    run = Run.now("ingest", files=[str(path) for path in files], account=account)
    order = Order(installed(settings.mappings), forced, account, dry_run, all_or_nothing)
    receipts = []
    for receipt in ingest_files(settings, run, files, order):
        receipts.append(receipt)
        for rejection in receipt.rejections:
            note(rejection.message(receipt.path))
        for sentence in receipt.notes:
            note(f"{receipt.path}: {sentence}")
    if output_format == "json":
        emit_json([_as_json(receipt) for receipt in receipts])
    else:
        _show(receipts, dry_run=dry_run)
    refused = sum(len(receipt.rejections) for receipt in receipts)
    if refused:
        note(f"{counted(refused, 'record')} refused; see `metering quarantine list`")
        exit_with(1)


def _show(receipts: "list[Receipt]", *, dry_run: bool) -> None:
    counts = ("Records in", "Recorded", "Already known", "Rejected")
    emit_table(
        "Nothing is recorded (--dry-run)" if dry_run else "",
        ("File", "Format", "Role", *counts, "Days"),
        [
            (
                receipt.path,
                receipt.ingestor,
                receipt.role,
                f"{receipt.records_in:,}",
                f"{receipt.recorded:,}",
                f"{receipt.already_known:,}",
                f"{receipt.rejected:,}",
                _days(receipt),
            )
            for receipt in receipts
        ],
        right=counts,
    )


def _days(receipt: "Receipt") -> str:
    if receipt.first_day is None:
        return ""
    if receipt.first_day == receipt.last_day:
        return receipt.first_day
    return f"{receipt.first_day} to {receipt.last_day}"


def _as_json(receipt: "Receipt") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(receipt)
