"""`metering pull`: providers' exports over their APIs, into files."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from metering.cli.arguments import day_range, days_options
from metering.cli.frame import (
    emit_json,
    emit_table,
    exit_with,
    fail,
    format_option,
    note,
    settings_or_fail,
)
from metering.cli.progress import working

if TYPE_CHECKING:
    from metering.workflows.intake.pull import Pulled


@click.command()
@click.argument("providers", nargs=-1, metavar="[PROVIDER...]")
@days_options(
    "First day, UTC; by default all that may change.", "Last day, inclusive; by default yesterday."
)
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the files go; by default the inbox of `metering nightly`.",
)
@format_option()
@click.pass_context
def pull(
    ctx: click.Context,
    /,
    providers: tuple[str, ...],
    *,
    first: datetime | None,
    last: datetime | None,
    folder: Path | None,
    output_format: str,
) -> None:
    r"""Ask PROVIDERs for their exports, into files for `ingest`.

    Without PROVIDER, all that [pull] in metering.toml names. A file holds the provider's answers
    for some days of one export, as they came. The key comes from an environment variable and is
    never written anywhere. What a provider may still change is asked for anew every time: ingesting
    it again replaces what it says otherwise. Exit code 1: something could not be had, and the
    message says what.

    \b
    Example:
        metering pull openai --from 2026-10-01 --to 2026-10-31
    """
    from metering.connectors.registry import CONNECTORS
    from metering.errors import PullError
    from metering.workflows.intake import pull as workflow

    settings = settings_or_fail(ctx)
    unknown = [name for name in providers if name not in CONNECTORS]
    if unknown or not (providers or settings.pull):
        what = f"there is no provider {unknown[0]!r}" if unknown else "no provider is named"
        fail("unknown-provider", what, do=f"name one of {', '.join(CONNECTORS)}")
    yesterday = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=1)
    begin, end = day_range(first, min(last or yesterday, yesterday), (date.min, date.max))
    order = workflow.Order(begin if first else None, end, folder or settings.inbox)
    chosen = [workflow.connector(name, settings) for name in providers or settings.pull]
    with working("pulling"):
        found = [one for connector in chosen for one in workflow.pull(settings, connector, order)]
    files = [one for one in found if isinstance(one, workflow.Pulled)]
    if output_format == "json":
        emit_json({"files": [_as_json(one) for one in files]})
    elif files:
        emit_table(
            "",
            ("Provider", "Export", "From", "To", "Rows", "File"),
            [
                (
                    one.provider,
                    one.export,
                    one.days.first,
                    one.days.last,
                    f"{one.rows:,}",
                    one.path.name if one.path else "nothing in these days",
                )
                for one in files
            ],
            right=("Rows",),
        )
        note(f"files are in {order.folder}; next: `metering nightly`, or `metering ingest FILE...`")
    refused = [one for one in found if isinstance(one, PullError)]
    for one in refused:
        note(str(one))
    if refused:
        exit_with(1)


def _as_json(one: "Pulled") -> dict[str, object]:
    return {
        "provider": one.provider,
        "export": one.export,
        "ingestor": one.ingestor,
        "first_day": one.days.first.isoformat(),
        "last_day": one.days.last.isoformat(),
        "rows": one.rows,
        "path": str(one.path) if one.path else None,
    }
