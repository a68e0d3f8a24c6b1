"""`metering owners`: who pays, by which rule, and for what nobody does."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from metering.cli.arguments import PeriodParam
from metering.cli.frame import (
    counted,
    emit_json,
    emit_table,
    exit_with,
    format_option,
    money_text,
    note,
    settings_or_fail,
)
from metering.cli.owner_people import forget, reveal
from metering.core.periods import BillingPeriod

if TYPE_CHECKING:
    from metering.core.ownership.attribution import Owner
    from metering.core.ownership.suggestions import Column
    from metering.workflows.ownership.owner_check import Checked, Unowned
    from metering.workflows.ownership.owner_imports import Imported
    from metering.workflows.ownership.owner_suggestions import Suggested
    from metering.workflows.ownership.owners import Shown

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_TOLD_LINES = 5
OWNER_WANTED: Final = 3
UNTIDY: Final = 4
_MOST_CANDIDATES: Final = 20


@click.group()
def owners() -> None:
    r"""Say who pays: import, check and explain owners and rules.

    \b
    Example:
        metering owners show key_helpdesk --on 2026-10-31
    """


owners.add_command(reveal)
owners.add_command(forget)


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
    names, as SCIM 2.0 or as LDAP entries in JSON; repositories as CODEOWNERS or GitHub's list of
    teams. A rules file (TOML) has [[rule]] tables with name, match, assign and, if dated, from and
    to.

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
    from metering.workflows.ownership.owner_imports import Said, import_files
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
@click.option("--strict", is_flag=True, help="Tell cron by the exit code what there is to do.")
@format_option()
@click.pass_context
def check(ctx: click.Context, /, *, strict: bool, output_format: str) -> None:
    r"""List rules that never match or are shadowed, and money that nobody answers for.

    That is keys without owner, keys of people who have left with what they cost since, and cost
    centres without an owner or a GL account. Rules are tried on all usage in the lake. Amounts are
    at the rates in force; usage without a rate has none.

    Exit codes with --strict: 0 all is in order; 3 money lacks an owner, or its person has left; 4
    it does not, but there is something to tidy; 1 the message says what to mend.

    \b
    Example:
        metering owners check
    """
    from metering.workflows.ownership.owner_check import check as check_owners

    checked = check_owners(settings_or_fail(ctx))
    if output_format == "json":
        emit_json(asdict(checked))
    else:
        _show_check(checked)
    if strict and not checked.is_in_order:
        exit_with(OWNER_WANTED if checked.asks_for_an_owner else UNTIDY)


@owners.command()
@click.argument("period", type=PeriodParam(), metavar="[PERIOD]", required=False)
@click.option("--by", metavar="COLUMN", help="The column, or tag:NAME, that the rules are for.")
@format_option("table", "json", "toml")
@click.pass_context
def suggest(
    ctx: click.Context, /, period: BillingPeriod | None, *, by: str | None, output_format: str
) -> None:
    r"""Find the column or tag that would attribute most of what nobody owns, and write its rules.

    PERIOD is by default the month of the last usage. Per column: how much of the money it would
    attribute, and of how much the owner is known: from the directory, or since one owner bears all
    other usage that says the same. The rules are for the end of the rules file and take nothing
    that is owned already. Where nobody knows the owner, fill in the cost centre: an empty one is
    refused.

    \b
    Examples:
        metering owners suggest 2026-10
        metering owners suggest 2026-10 --by tag:team --format toml >> rules.toml
    """
    from metering.workflows.ownership.owner_suggestions import suggest as suggest_owners

    found = suggest_owners(settings_or_fail(ctx), period, by)
    if output_format == "json":
        emit_json(
            {**asdict(found), "period": str(found.period), "chosen": _field(found)},
        )
    elif output_format == "toml":
        click.echo(found.rules, nl=False)
    else:
        _show_suggested(found)


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
    from metering.workflows.ownership.owners import show as show_key

    on = (day or datetime.now(UTC)).date()
    rows = show_key(settings_or_fail(ctx), key, on)
    if output_format == "json":
        emit_json([{"day": str(on), **asdict(row)} for row in rows])
        return
    if not rows[0].is_seen:
        note("no usage of this key is in the lake; here is what it would be as each kind of key")
    _show_owners(f"{key} on {on}", rows)


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
    if checked.left:
        emit_table(
            "Keys of people who have left",
            ("Key", "Person", "Since", "Said by", "Borne by", "Currency", "Amount"),
            [
                (
                    one.key,
                    one.person,
                    one.since,
                    one.place,
                    one.borne_by,
                    one.currency,
                    money_text(one.amount_nanos),
                )
                for one in checked.left
            ],
            right=("Amount",),
        )
    if checked.bare_centres:
        emit_table(
            "Cost centres that lack something",
            ("Cost centre", "Lacks", "Currency", "Amount"),
            [
                (
                    one.cost_centre,
                    ", ".join(one.lacks),
                    one.currency,
                    money_text(one.amount_nanos),
                )
                for one in checked.bare_centres
            ],
            right=("Amount",),
        )
    if not checked.identities:
        note("there is no usage in the lake to try owners and rules on")
    elif checked.is_in_order:
        note(f"every one of {checked.identities:,} identities has an owner, every rule its usage")


def _unowned_row(one: "Unowned") -> tuple[str, str, str, str]:
    return (
        one.key or "(what names nobody)",
        one.field,
        one.currency,
        money_text(one.amount_nanos),
    )


def _field(found: "Suggested") -> str | None:
    return found.chosen.field if found.chosen else None


def _show_suggested(found: "Suggested") -> None:
    if not found.unattributed_nanos:
        note(f"{found.period}: every charge has an owner")
        return
    for currency, nanos in found.unattributed_nanos.items():
        click.echo(f"{found.period}: {money_text(nanos)} {currency} without an owner")
    money = ("Amount", "Owner known")
    emit_table(
        "By which column it could be attributed",
        ("Column", "Values", "Currency", *money),
        [
            (one.field, f"{len(one.candidates):,}", currency, *_column_money(one, currency))
            for one in found.columns
            for currency in found.unattributed_nanos
        ],
        right=("Values", *money),
    )
    if found.left_out:
        note(f"too many values to tell: {', '.join(f'tag:{tag}' for tag in found.left_out)}")
    if found.chosen is None:
        note("no column tells whose it is")
        return
    shown = found.chosen.candidates[:_MOST_CANDIDATES]
    emit_table(
        found.chosen.field,
        ("Value", "Currency", "Amount", "Owner", "Because"),
        [
            (one.value, currency, money_text(nanos), _owner_text(one.owner), one.because)
            for one in shown
            for currency, nanos in one.amount_nanos.items()
        ],
        right=("Amount",),
    )
    if len(found.chosen.candidates) > len(shown):
        note(f"and {counted(len(found.chosen.candidates) - len(shown), 'value')} with less money")
    note("for the end of the rules file:")
    click.echo(found.rules, nl=False)


def _column_money(column: "Column", currency: str) -> tuple[str, str]:
    return (
        money_text(column.amount_nanos.get(currency, 0)),
        money_text(column.known_nanos.get(currency, 0)),
    )


def _owner_text(owner: "Owner | None") -> str:
    if owner is None:
        return ""
    return "/".join(filter(None, (owner.cost_centre, owner.team, owner.project)))


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
