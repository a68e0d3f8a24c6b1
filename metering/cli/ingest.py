"""`metering ingest`: source files into the lake and the book."""

from pathlib import Path

import click

from metering.cli.frame import format_option, settings_or_fail
from metering.cli.progress import counted_off
from metering.cli.receipts import tell_receipts

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
@click.option(
    "--together", is_flag=True, help="Count exports of parts, one of each, as one export of all."
)
@click.option(
    "--latest", is_flag=True, help="These exports are later than what is recorded of their days."
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
    together: bool,
    latest: bool,
    output_format: str,
) -> None:
    r"""Record the usage of each FILE.

    The format of a file is recognised from its content; gzip, zstd and zip are opened. A record
    that cannot be read is kept in quarantine with its line and the reason, and the command exits
    with 1. Ingesting a file again changes nothing. A file of an unknown format, or of the same
    usage as another source, is refused as a whole. An export takes the place of earlier ones of the
    same days; where it lacks a workspace, project, subscription or account of theirs, that is said.
    The files of an export in several, as clouds number them, count together and are named together.

    \b
    Example:
        metering ingest sample_logs/usage/*
    """
    from metering.workflows.intake.ingest import ingest_files
    from metering.workflows.intake.order import Order
    from metering.workflows.intake.settling_snapshots import Said
    from metering.workflows.intake.usage_formats import usage_formats
    from metering.workflows.runs import Run

    settings = settings_or_fail(ctx)
    run = Run.now("ingest", files=[str(path) for path in files], account=account)
    order = Order(
        usage_formats(settings),
        forced,
        account,
        dry_run=dry_run,
        all_or_nothing=all_or_nothing,
        said=Said.LATEST if latest else Said.NOTHING,
        is_together=together,
    )
    receipts = ingest_files(settings, run, files, order)
    tell_receipts(
        counted_off(receipts, "reading", len(files)), output_format=output_format, dry_run=dry_run
    )
