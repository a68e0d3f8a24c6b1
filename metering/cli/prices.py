"""`metering prices`: which rates there are, whether they are sound, and what usage costs."""

import json
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
    settings_or_none,
)
from metering.cli.price_answers import (
    day,
    iso,
    price_cells,
    price_json,
    quote_json,
    tell_import,
)
from metering.cli.price_fx import fx
from metering.cli.price_moves import coverage, reprice

if TYPE_CHECKING:
    from metering.core.pricing.rate_book import RateBook
    from metering.workflows.pricing.quotes import Quote


@click.group()
def prices() -> None:
    r"""Show, check and quote rates.

    \b
    Example:
        metering prices show claude-sonnet-4-5
    """


@prices.command("list")
@format_option()
@click.pass_context
def list_platforms(ctx: click.Context, /, *, output_format: str) -> None:
    r"""List the platforms that have prices, and from which cards.

    \b
    Example:
        metering prices list
    """
    from metering.workflows.pricing.prices import priced_platforms

    found = priced_platforms(_book(ctx))
    if output_format == "json":
        emit_json(
            [
                {
                    "provider": one.provider,
                    "platform": one.platform,
                    "models": one.models,
                    "rates": one.rates,
                    "aliases": one.aliases,
                    "cards": list(one.cards),
                }
                for one in found
            ]
        )
        return
    rows = [
        (one.provider, one.platform, one.models, one.rates, one.aliases, ", ".join(one.cards))
        for one in found
    ]
    emit_table(
        "",
        ("provider", "platform", "models", "rates", "aliases", "cards"),
        rows,
        right=("models", "rates", "aliases"),
    )


@prices.command()
@click.argument("model")
@click.option("--provider", default="", help="Only this provider.")
@click.option("--platform", default="", help="Only this platform.")
@format_option()
@click.pass_context
def show(
    ctx: click.Context, /, model: str, provider: str, platform: str, *, output_format: str
) -> None:
    r"""Print the price history of MODEL, and why these rows are its.

    MODEL is a name as it stands in an export; aliases are followed. Nothing is matched by
    likeness: a name that nobody wrote down has no price.

    \b
    Example:
        metering prices show claude-sonnet-4-5-20250929 --platform anthropic-api
    """
    from metering.cli.frame import fail
    from metering.workflows.pricing.prices import meanings, price_history

    book = _book(ctx)
    found = meanings(book, model, provider=provider, platform=platform)
    if not found:
        fail(
            "unknown-model",
            f"no rate card names the model '{model}'",
            do="see `metering prices list`; usage of it goes to suspense until a card names it",
        )
    history = price_history(book, found)
    if output_format == "json":
        emit_json(
            {
                "name": model,
                "meanings": [
                    {
                        "provider": one.provider,
                        "platform": one.platform,
                        "model": one.model,
                        "from": iso(one.starts),
                        "to": iso(one.ends),
                        "why": one.why,
                    }
                    for one in found
                ],
                "prices": [price_json(row) for row in history],
            }
        )
        return
    emit_table(
        f"What '{model}' means",
        ("platform", "model", "from", "to", "because of"),
        [(one.platform, one.model, day(one.starts), day(one.ends), one.why) for one in found],
    )
    emit_table(
        "Price history",
        ("platform", "meter", "price", "per", "from", "to", "only when", "card", "source"),
        [price_cells(row) for row in history],
        right=("price", "per"),
    )


@prices.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Tell what would change, and change nothing.")
@format_option()
@click.pass_context
def import_(ctx: click.Context, /, file: Path, *, dry_run: bool, output_format: str) -> None:
    r"""Take the rate card in FILE into force, as the newest version of its name.

    FILE is TOML, or JSON Lines as `metering.rate_cards.seed` writes them. A card with a mistake,
    or one that contradicts another card in force, is refused whole with file and line, and nothing
    changes. List prices that vanish from a newer FILE are closed, never deleted. What is posted
    changes with the next `metering post`; what it will move is told here, as
    `metering prices reprice` does.

    \b
    Twenty per cent off all of OpenAI's API, as a FILE:
        [card]
        name = "contract-openai"
        kind = "contract"
        currency = "USD"
        [[modifiers]]
        provider = "openai"
        platform = "openai-api"
        match = "any"
        meters = ["*"]
        factor = "0.80"
        from = 2026-10-01T00:00:00Z

    \b
    Example:
        metering prices import contract.toml --dry-run
    """
    from metering.workflows.pricing.card_imports import import_card
    from metering.workflows.pricing.reprice import reprice as reprice_books
    from metering.workflows.runs import Run

    run = Run.now("prices import", file=str(file), dry_run=dry_run)
    settings = settings_or_fail(ctx)
    # Before the card is in force, it is tried out; the two must not be told apart by --dry-run.
    effect = reprice_books(settings, run, card=file)
    done = import_card(settings, run, file, dry_run=dry_run)
    tell_import(done, effect, dry_run=dry_run, output_format=output_format)


@prices.command("update-list")
@click.option("--dry-run", is_flag=True, help="Tell what would change, and change nothing.")
@format_option()
@click.pass_context
def update_list(ctx: click.Context, /, *, dry_run: bool, output_format: str) -> None:
    r"""Take the list prices of the installed genai-prices into force, and show the difference.

    Nothing is fetched: install the newer genai-prices first. Prices that vanish from it are closed,
    never deleted; one that changes without a date begins now. Look before you post:
    `metering prices reprice --dry-run` tells what money would move.

    \b
    Example:
        metering prices update-list --dry-run
    """
    from metering.workflows.pricing import card_imports
    from metering.workflows.runs import Run

    run = Run.now("prices update-list", dry_run=dry_run)
    done = card_imports.update_list(settings_or_fail(ctx), run, dry_run=dry_run)
    tell_import(done, dry_run=dry_run, output_format=output_format)


@prices.command()
@format_option()
@click.pass_context
def check(ctx: click.Context, /, *, output_format: str) -> None:
    r"""Check every rate card: overlaps, ties, gaps, unknown meters and conditions.

    Exit code 0 when they are sound, else 1. A contract for a platform or model that no usage and
    no other card knows is told, and sound.

    \b
    Example:
        metering prices check
    """
    from metering.core.pricing.rate_checks import book_problems
    from metering.workflows.pricing.prices import bundled_problems

    settings = settings_or_none(ctx)
    if settings is None:
        cards, problems = bundled_problems()
        without_effect: tuple[str, ...] = ()
    else:
        from metering.workflows.pricing.card_imports import book_in_force, unheard_in_force

        cards = book_in_force(settings).cards
        problems = book_problems(cards)
        without_effect = unheard_in_force(settings)
    if output_format == "json":
        emit_json(
            {
                "sound": not problems,
                "cards": [
                    {"name": card.name, "version": card.version, "rates": len(card.rates)}
                    for card in cards
                ],
                "problems": [
                    {"code": one.code, "places": list(one.places), "what": one.what}
                    for one in problems
                ],
                "without_effect": list(without_effect),
            }
        )
    for problem in problems:
        note(problem.message())
    for what in without_effect:
        note(what)
    if problems:
        exit_with(1)
    note(f"{len(cards)} cards with {sum(len(card.rates) for card in cards)} rates are sound")


@prices.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@format_option()
@click.pass_context
def quote(ctx: click.Context, /, file: Path, *, output_format: str) -> None:
    r"""Say what each row of FILE costs, by which rates.

    FILE is a CSV with the columns provider, platform, model, event_time_utc, grain,
    conditions_json and meters_json; others are ignored. With --format json there is one JSON
    object per row, in order. A row that cannot be read is refused with its line, and the exit
    code is 1. Allowances of a period are settled at its close and not applied here.

    \b
    Example:
        metering prices quote usage.csv --format json
    """
    from metering.errors import Rejection
    from metering.workflows.pricing.quotes import quotes

    book = _book(ctx)
    answers = list(quotes(file, book))
    quoted = [answer for answer in answers if not isinstance(answer, Rejection)]
    refused = [answer for answer in answers if isinstance(answer, Rejection)]
    if output_format == "json":
        for one in quoted:
            click.echo(json.dumps(quote_json(one, book), ensure_ascii=False))
    else:
        emit_table(
            "",
            ("line", "case", "model", "status", "amount", "currency", "reason"),
            [
                (
                    one.line,
                    one.case_id,
                    one.model,
                    one.status.value,
                    _amount_cell(one),
                    one.currency,
                    one.reason,
                )
                for one in quoted
            ],
            right=("line", "amount"),
        )
    for rejection in refused:
        note(rejection.message(str(file)))
    if refused:
        note(f"{len(refused)} of {len(answers)} rows refused")
        exit_with(1)


prices.add_command(reprice)
prices.add_command(coverage)
prices.add_command(fx)


def _amount_cell(one: "Quote") -> str:
    # What nothing of has a price has no amount; zero would be one.
    if one.meters and all(meter.amount is None for meter in one.meters):
        return ""
    return money_text(one.amount, decimals=9)


def _book(ctx: click.Context) -> "RateBook":
    settings = settings_or_none(ctx)
    if settings is None:
        from metering.workflows.pricing.prices import bundled_book

        note("prices: the rate cards that ship with metering")
        return bundled_book()
    from metering.workflows.pricing.card_imports import book_in_force

    note(f"prices: the rate cards of the ledger in {settings.home}")
    return book_in_force(settings)
