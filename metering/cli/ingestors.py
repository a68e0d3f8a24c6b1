"""`metering ingestors`: what is recognised, in which role, and where it comes from."""

from typing import TYPE_CHECKING, Final

import click

from metering.cli.frame import (
    console,
    emit_json,
    emit_table,
    format_option,
    printable,
    settings_or_none,
)

if TYPE_CHECKING:
    from metering.ingest.contract import Ingestor

_ROLES: Final = {
    "metered": "what the provider bills by; it is charged",
    "detail": "finer than the bill; it only divides what is charged among owners",
    "cost": "the provider's own cost report; it is compared with, and never charged",
    "outcome": "what the spend bought; it is never money",
}
_IDENTITIES: Final = {
    "event": "a record is known again by its id",
    "snapshot": "an import replaces the days it covers",
}
_REPEATS: Final = {
    "reject": "a known id with other content is refused",
    "largest": "of two records with one id, the larger stands",
    "largest-main": "of two records with one id, the larger stands; one told aside gives way",
    "latest": "of two records with one id, the later stands",
}


@click.command()
@click.argument("name", required=False, metavar="[NAME]")
@format_option()
@click.pass_context
def ingestors(ctx: click.Context, /, *, name: str | None, output_format: str) -> None:
    r"""List the source formats that are recognised: ours, of plug-ins, and of mapping files.

    With the NAME of one: how it is exported, and what cannot be told from it.

    A file is recognised on its content, never on its name. ROLE says what its numbers may become:
    metered usage is charged, detail only divides it among owners; outcomes are read by `metering
    outcomes ingest` and are never money. IDENTITY says how a fact is known
    again: an event by its id; a snapshot by the days it covers, which an import replaces.

    \b
    Examples:
        metering ingestors
        metering ingestors openai-usage
        metering ingestors --format json
    """
    from metering.ingest.detection import named
    from metering.ingest.outcomes import registry as outcomes
    from metering.ingest.registry import installed

    settings = settings_or_none(ctx)
    mappings = settings.mappings if settings else None
    known = (*installed(mappings), *outcomes.installed(mappings))
    if name is not None:
        _show(named(name, known, name), output_format)
        return
    if output_format == "json":
        emit_json([_described(ingestor) for ingestor in known])
        return
    columns = ("name", "role", "identity", "describes")
    rows = [_described(ingestor) for ingestor in known]
    emit_table("", columns, [[row[column] for column in columns] for row in rows])
    click.echo("`metering ingestors NAME` says how one is exported, and what it cannot tell.")


def _described(ingestor: "Ingestor") -> dict[str, object]:
    return {
        "name": ingestor.name,
        "version": ingestor.version,
        "role": ingestor.role.value,
        "identity": ingestor.identity.value,
        "repeat": ingestor.repeat.value,
        "describes": ingestor.describes,
        "export": ingestor.export,
        "cannot_tell": ingestor.cannot_tell,
    }


def _show(ingestor: "Ingestor", output_format: str) -> None:
    if output_format == "json":
        emit_json(_described(ingestor))
        return
    from rich.table import Table
    from rich.text import Text

    role, identity = ingestor.role.value, ingestor.identity.value
    again = [_IDENTITIES[identity]]
    if identity == "event":
        again.append(_REPEATS[ingestor.repeat.value])
    said = {
        "reads": ingestor.describes,
        "export": ingestor.export,
        "cannot tell": ingestor.cannot_tell or "nobody has said",
        "role": f"{role}: {_ROLES.get(role, 'flat money')}",
        "identity": f"{identity}: {'; '.join(again)}",
        "version": str(ingestor.version),
    }
    grid = Table.grid(padding=(0, 2, 0, 0))
    for key, words in said.items():
        grid.add_row(Text(f"  {key}"), Text(printable(words)))
    console().print(Text(ingestor.name))
    console().print(grid)
