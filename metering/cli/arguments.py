"""Arguments and options that several commands take, and how they are written."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from metering.core.periods import BillingPeriod

_Command = TypeVar("_Command", bound=Callable[..., Any] | click.Command)


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


def as_of_option() -> Callable[[_Command], _Command]:
    """Return the `--as-of` option: the books as they stood after a run, or at a moment."""
    return click.option(
        "--as-of",
        metavar="RUN|MOMENT",
        help="As the books stood after this run, at the end of this day (YYYY-MM-DD) or at this "
        "instant, UTC.",
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
