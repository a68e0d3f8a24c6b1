"""`metering owners`: who pays, by which rule, and for what nobody does."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from metering.cli.frame import (
    emit_json,
    emit_table,
    exit_with,
    format_option,
    money_text,
    note,
    settings_or_fail,
)

if TYPE_CHECKING:
    from metering.workflows.owner_imports import Imported
    from metering.workflows.owners import Checked, Shown, Unowned

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_TOLD_LINES = 5


@click.group()
def owners() -> None:
    r"""Say who pays: import, check and explain owners and rules.

    \b
    Example:
        metering owners show key_helpdesk --on 2026-10-31
    """


@owners.command("import")
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option(
    "--as-of",
    "as_of",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="The day of a snapshot of people: what differs from the one before is dated by it.",
)
@click.option("--repository", default="", metavar="OWNER/NAME", help="Whose CODEOWNERS file it is.")
@format_option()
@click.pass_context
def import_(
    ctx: click.Context,
    /,
    files: tuple[Path, ...],
    *,
    as_of: datetime | None,
    repository: str,
    output_format: str,
) -> None:
    r"""Take FILEs into force, each recognised by its content: owners, the directory, and rules.

    An owners file (CSV) has the columns key, person, team, project, cost_centre, valid_from and
    valid_to (half-open days). A directory says the same in tables: keys, people, teams, projects,
    cost centres and repositories. People also come as an HR export, whose columns [people.columns]
    names, or as SCIM 2.0; repositories as CODEOWNERS or GitHub's list of teams. A rules file (TOML)
    has [[rule]] tables with name, match, assign and, if dated, from and to.

    The files are taken together or not at all: one with a mistake, a team without cost centre, or
    two lines that name different owners for one day, and nothing changes. What was in force before
    is kept as history. What is posted changes with the next `metering post`.

    \b
    Examples:
        metering owners import sample_logs/owners/owners.csv
        metering owners import hr.csv teams.csv cost-centres.csv
        metering owners import okta.json --as-of 2026-10-31
        metering owners import CODEOWNERS --repository acme/shop
    """
    from metering.workflows.owner_imports import Said, import_files
    from metering.workflows.runs import Run

    names = {"file": str(files[0])} if len(files) == 1 else {"files": [str(one) for one in files]}
    said = Said(as_of.date() if as_of else None, repository)
    more = {"as_of": said.as_of, "repository": repository}
    run = Run.now(
        "owners import", **names, **{name: str(value) for name, value in more.items() if value}
    )
    imported = import_files(settings_or_fail(ctx), run, files, said)
    if output_format == "json":
        emit_json(asdict(imported[0]) if len(imported) == 1 else list(map(asdict, imported)))
        return
    for one in imported:
        _tell_import(one)


def _tell_import(one: "Imported") -> None:
    things = {"owners": "entries", "rules": "rules"}.get(one.kind, "lines")
    if one.is_new:
        counted = f"{one.count} {things}"
        note(f"{one.name}: {counted}, in force as {one.kind} version {one.version}")
    else:
        note(f"{one.name} is in force already, as {one.kind} version {one.version}")
    if one.left_out:
        note(f"{one.name}: {len(one.left_out)} say nothing about owners")
    for line in one.left_out[:_TOLD_LINES]:
        note(f"    {line}")


@owners.command()
@click.option("--strict", is_flag=True, help="Exit with 1 if there is anything to tell.")
@format_option()
@click.pass_context
def check(ctx: click.Context, /, *, strict: bool, output_format: str) -> None:
    r"""List rules that never match, are shadowed or overlap, and keys without owner by money.

    Rules are tried on all usage in the lake. The money of a key is what it would be charged at the
    rates in force; usage without a rate has none.

    \b
    Example:
        metering owners check
    """
    from metering.workflows.owners import check as check_owners

    checked = check_owners(settings_or_fail(ctx))
    if output_format == "json":
        emit_json(asdict(checked))
    else:
        _show_check(checked)
    if strict and (checked.remarks or checked.unowned):
        exit_with(1)


@owners.command()
@click.argument("key", metavar="KEY")
@click.option(
    "--on",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="The day of the usage, YYYY-MM-DD; today by default.",
)
@format_option()
@click.pass_context
def show(ctx: click.Context, /, key: str, *, day: datetime | None, output_format: str) -> None:
    r"""Say who pays for usage of KEY on a day, and by which rule or line.

    KEY is an API key, a user or a workspace as the usage spells it. There is one row for each way
    it was used, since rules may look at the provider, the model or a tag as well.

    \b
    Example:
        metering owners show key_ana_marek --on 2026-10-15
    """
    from metering.workflows.owners import show as show_key

    on = (day or datetime.now(UTC)).date()
    rows = show_key(settings_or_fail(ctx), key, on)
    if output_format == "json":
        emit_json([{"day": str(on), **asdict(row)} for row in rows])
        return
    if not rows[0].is_seen:
        note("no usage of this key is in the lake; here is what it would be as each kind of key")
    _show_owners(f"{key} on {on}", rows)


@owners.command()
@click.argument("pseudonym", metavar="PSEUDONYM")
@click.option("--reason", required=True, help="Why you need to know; it is kept.")
@format_option()
@click.pass_context
def reveal(ctx: click.Context, /, pseudonym: str, *, reason: str, output_format: str) -> None:
    r"""Say whom PSEUDONYM stands for; who asked, when and why is kept in the audit log.

    Refused to every account that [people] reveal_by of metering.toml does not name. The name goes
    to the terminal alone: the audit log keeps the pseudonym and the reason.

    \b
    Example:
        metering owners reveal person-5f2c0d9e1a7b3c44 --reason "budget talk, ticket FIN-31"
    """
    from metering.workflows.people import reveal as reveal_person
    from metering.workflows.runs import Run

    found = reveal_person(settings_or_fail(ctx), Run.now("owners reveal"), pseudonym, reason)
    if output_format == "json":
        emit_json(asdict(found))
        return
    click.echo(f"person    {found.person}{f', {found.name}' if found.name else ''}")
    click.echo(f"logins    {', '.join(found.logins)}")
    click.echo(f"said by   {', '.join(found.places)}")
    note(f"kept as run {found.run_id}: metering audit")


def _show_check(checked: "Checked") -> None:
    if checked.remarks:
        emit_table(
            "",
            ("Remark", "Where", "What"),
            [(remark.code, remark.where, remark.says) for remark in checked.remarks],
        )
    if checked.unowned:
        emit_table(
            "Without an owner",
            ("Key", "Seen as", "Currency", "Amount"),
            [_unowned_row(one) for one in checked.unowned],
            right=("Amount",),
        )
    if not checked.identities:
        note("there is no usage in the lake to try owners and rules on")
    elif not checked.remarks and not checked.unowned:
        note(f"every one of {checked.identities:,} identities has an owner, every rule its usage")


def _unowned_row(one: "Unowned") -> tuple[str, str, str, str]:
    return (
        one.key or "(usage that names nobody)",
        one.field,
        one.currency,
        money_text(one.amount_nanos),
    )


def _show_owners(title: str, rows: "tuple[Shown, ...]") -> None:
    emit_table(
        title,
        ("Usage", "Cost centre", "Team", "Project", "Person", "By"),
        [
            (
                ", ".join(f"{field}={value}" for field, value in row.identity.items()),
                *_owner_cells(row),
            )
            for row in rows
        ],
    )


def _owner_cells(row: "Shown") -> tuple[str, str, str, str, str]:
    if row.owned is None:
        return "(nobody)", "", "", "", "suspense:unattributed"
    owner = row.owned.owner
    return owner.cost_centre, owner.team, owner.project, owner.person, row.owned.how
