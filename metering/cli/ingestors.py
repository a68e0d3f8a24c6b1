"""`metering ingestors`: what is recognised, in which role, and where it comes from."""

import click

from metering.cli.frame import emit_json, emit_table, format_option, settings_or_none


@click.command()
@format_option()
@click.pass_context
def ingestors(ctx: click.Context, /, *, output_format: str) -> None:
    r"""List the source formats that are recognised: ours, of plug-ins, and of mapping files.

    A file is recognised on its content, never on its name. ROLE says what its numbers may become:
    metered usage is charged, detail only divides it among owners; outcomes are read by `metering
    outcomes ingest` and are never money. IDENTITY says how a fact is known
    again: an event by its id; a snapshot by the days it covers, which an import replaces.

    \b
    Example:
        metering ingestors --format json
    """
    from metering.ingest.outcomes import registry as outcomes
    from metering.ingest.registry import installed

    settings = settings_or_none(ctx)
    mappings = settings.mappings if settings else None
    rows = [
        {
            "name": ingestor.name,
            "version": ingestor.version,
            "role": ingestor.role.value,
            "identity": ingestor.identity.value,
            "describes": ingestor.describes,
            "export": ingestor.export,
        }
        for ingestor in (*installed(mappings), *outcomes.installed(mappings))
    ]
    if output_format == "json":
        emit_json(rows)
        return
    columns = ("name", "role", "identity", "describes", "export")
    emit_table("", columns, [[row[column] for column in columns] for row in rows])
