"""`metering db`: the books' schema."""

import click

from metering.cli.frame import (
    CONTEXT_SETTINGS,
    emit_json,
    emit_table,
    format_option,
    note,
    settings_or_fail,
)


@click.group(context_settings=CONTEXT_SETTINGS)
def db() -> None:
    r"""Upgrade the books or show their state.

    \b
    Example:
        metering db status
    """


@db.command()
@format_option()
@click.pass_context
def upgrade(ctx: click.Context, /, *, output_format: str) -> None:
    r"""Bring the books to the schema of this program, wholly or not at all.

    Books that were empty also get the list prices that ship with the program. Books that a newer
    program made, or another build of this one, are refused. No other command changes the schema.

    \b
    Example:
        metering db upgrade
    """
    from metering.workflows.books_upgrade import upgrade_books
    from metering.workflows.runs import Run

    done = upgrade_books(settings_or_fail(ctx), Run.now("db upgrade"))
    if output_format == "json":
        emit_json({"before": done.before, "after": done.after})
    elif done.before == done.after:
        click.echo(f"the books are at revision {done.after} already")
    else:
        click.echo(f"upgraded the books from {done.before or 'nothing'} to revision {done.after}")


@db.command()
@format_option()
@click.pass_context
def status(ctx: click.Context, /, *, output_format: str) -> None:
    r"""Show the books' schema and rate cards; changes nothing.

    \b
    Example:
        metering db status --format json
    """
    from metering.workflows.books_upgrade import books_status

    found = books_status(settings_or_fail(ctx))
    if output_format == "json":
        emit_json(
            {
                "revision": found.revision,
                "head": found.head,
                "state": found.state,
                "differences": list(found.differences),
                "postings": found.postings,
                "cards": [
                    {
                        "name": card.name,
                        "version": card.version,
                        "kind": card.kind,
                        "currency": card.currency,
                        "rates": card.rates,
                        "source": f"{card.source_name} {card.source_version}".strip(),
                        "imported_at": card.imported_at.isoformat(),
                        "imported_by": card.imported_by,
                    }
                    for card in found.cards
                ],
            }
        )
        return
    click.echo(f"books     {found.state}: revision {found.revision or 'none'}, head {found.head}")
    for difference in found.differences:
        click.echo(f"{difference}")
    click.echo(f"postings  {found.postings:,}")
    if found.cards:
        emit_table(
            "Rate cards",
            ("card", "version", "kind", "currency", "rates", "imported"),
            [
                (
                    card.name,
                    card.version,
                    card.kind,
                    card.currency,
                    card.rates,
                    f"{card.imported_at:%Y-%m-%d}",
                )
                for card in found.cards
            ],
            right=("version", "rates"),
        )
    if found.state in {"empty", "outdated"}:
        note("next: metering db upgrade")
