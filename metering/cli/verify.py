"""`metering verify`: are the books sound?"""

import click

from metering.cli.frame import emit_json, exit_with, format_option, note, settings_or_fail


@click.command()
@click.option(
    "--full", is_flag=True, help="Hash every lake file and recompute every charge as well."
)
@format_option()
@click.pass_context
def verify(ctx: click.Context, /, *, full: bool, output_format: str) -> None:
    r"""Check that the books are sound: silent and exit code 0 when they are.

    Refuses (exit code 1) a book whose rows are not those a command wrote, whose closed periods are
    not what they were, whose lake files are missing or changed, whose receipts do not add up, or
    whose usage is metered twice; with --full, also one that lacks postings of what its usage ought
    to cost. With --format json it prints the ledger hash, the chain of seals and counts anyway.

    \b
    Example:
        metering verify --format json
    """
    from metering.workflows.verify import as_json
    from metering.workflows.verify import verify as verify_books

    found = verify_books(settings_or_fail(ctx), full=full)
    if output_format == "json":
        emit_json(as_json(found))
    for problem in found.problems:
        note(problem)
    if not found.sound:
        exit_with(1)
