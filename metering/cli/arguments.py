"""Arguments and options that several commands take, and how they are written."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from metering.cli.frame import fail
from metering.core.periods import BillingPeriod

_Command = TypeVar("_Command", bound=Callable[..., Any] | click.Command)

ROW_NUMBER: Final = click.IntRange(1, 2**63 - 1)
"""The number of a row of the books, as a list showed it."""

_DAY: Final = click.DateTime(["%Y-%m-%d"])


class PeriodParam(click.ParamType[BillingPeriod]):
    """A billing period, written YYYY-MM."""

    name = "period"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> BillingPeriod:
        """Return the period, or end the command with the usage."""
        try:
            return BillingPeriod.parse(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class StatedParam(click.ParamType[str]):
    """Words that somebody reads later, which is why blanks are none."""

    name = "text"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the words, or end the command with the usage."""
        words = str(value).strip()
        if not words:
            self.fail("it is empty", param, ctx)
        return words


def days_options(first: str, last: str) -> Callable[[_Command], _Command]:
    """Return the `--from` and `--to` options, called `first` and `last`; see `day_range`.

    Args:
        first: help of `--from`.
        last: help of `--to`.
    """

    def decorated(command: _Command) -> _Command:
        command = click.option("--to", "last", type=_DAY, metavar="DAY", help=last)(command)
        return click.option("--from", "first", type=_DAY, metavar="DAY", help=first)(command)

    return decorated


def day_range(
    first: datetime | None, last: datetime | None, usual: tuple[date, date]
) -> tuple[date, date]:
    """Return the days that the options ask for, both inclusive.

    Args:
        first: as `days_options` give it; None where it is left out.
        last: likewise.
        usual: what stands in for them then.

    Raises:
        BookError: code `no-days`; the last is before the first.
    """
    begin = first.date() if first else usual[0]
    end = last.date() if last else usual[1]
    if begin > end:
        fail("no-days", f"no day lies between {begin} and {end}", do="ask for others")
    return begin, end


def as_of_option() -> Callable[[_Command], _Command]:
    """Return the `--as-of` option: the books as they stood after a run, or at a moment."""
    return click.option(
        "--as-of",
        metavar="RUN|MOMENT",
        help="As the books stood after this run, at the end of this day (YYYY-MM-DD) or at this "
        "instant, UTC.",
    )


def period_argument() -> Callable[[_Command], _Command]:
    """Return the PERIOD argument of a command that is about one month."""
    return click.argument("period", type=PeriodParam(), metavar="PERIOD")


def out_option(what: str = "Where the files go") -> Callable[[_Command], _Command]:
    """Return the `--out` option of a report; see `out_folder`.

    Args:
        what: begins its help.
    """
    return click.option(
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        help=f"{what}; metering-PERIOD in this folder by default.",
    )


def out_folder(said: Path | None, period: BillingPeriod) -> Path:
    """Return where a report goes."""
    return said or Path(f"metering-{period}")


def formats_option(
    known: tuple[str, ...],
    usual: tuple[str, ...],
    text: str = "Which files to write, separated by commas; json as well.",
) -> Callable[[_Command], _Command]:
    """Return the `--format` option of a report, which takes several.

    Args:
        known: all there are.
        usual: those that are written where nobody says.
        text: its help.
    """
    return click.option(
        "--format",
        "formats",
        type=FormatsParam(known),
        default=",".join(usual),
        show_default=True,
        help=text,
    )


class FormatsParam(click.ParamType[tuple[str, ...]]):
    """Names of formats, separated by commas."""

    name = "formats"

    def __init__(self, known: tuple[str, ...]) -> None:
        self._known = known

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the names, or end the command with the usage."""
        names = tuple(name.strip() for name in str(value).split(","))
        unknown = [name for name in names if name not in self._known]
        if unknown:
            self.fail(f"{unknown[0]!r} is not one of {', '.join(self._known)}", param, ctx)
        return names
