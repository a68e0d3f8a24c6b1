"""What every command shares: settings, output formats, and how mistakes are told."""

import errno
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

import click

from metering.errors import BookError, MeteringError
from metering.settings import Settings, find_settings

# A shell's word for "stopped by Ctrl-C".
_INTERRUPTED: Final = 130
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
# Nobody folds lines in a pipe: a table there is as wide as its cells.
_PIPED_WIDTH: Final = 1_000
CONTEXT_SETTINGS: Final = {"help_option_names": ["-h", "--help"]}

_Command = TypeVar("_Command", bound=Callable[..., Any] | click.Command)


@dataclass(frozen=True, slots=True)
class Context:
    """What the top-level options said.

    Attributes:
        config: the file given with --config, or None.
    """

    config: Path | None = None


class _Told(click.ClickException):
    """A message that is printed as it stands, so that FILE:LINE leads the line."""

    def show(self, file: Any = None) -> None:
        """Print the message to stderr without a prefix."""
        del file
        click.echo(printable(self.message), err=True)


@contextmanager
def shield() -> Iterator[None]:
    """Turn what the user can mend into a message and exit code 1; let our own bugs trace."""
    try:
        yield
    except MeteringError as error:
        raise _Told(str(error)) from error
    except BrokenPipeError:
        # `metering ... | head` closes our stdout; that is not a failure of the command.
        sys.stderr.close()
        raise SystemExit(0) from None
    except OSError as error:
        if error.filename is not None or error.errno not in _NO_ROOM:
            raise
        message = f"error[storage-failed]: the output cannot be written: {error.strerror}"
        raise _Told(f"{message}\n    do:       make room, and run the command again") from error
    except KeyboardInterrupt:
        note("stopped; whatever was not recorded yet is not recorded at all")
        raise SystemExit(_INTERRUPTED) from None


def write_utf8() -> None:
    """Have results and messages written as UTF-8, whatever the locale: what reads them expects it.

    Where a stream is closed, as under some schedulers, what would be written to it is dropped.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, io.StringIO())
        elif isinstance(stream, io.TextIOWrapper):
            # The name of a file may hold bytes that are no text.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def settings_or_none(ctx: click.Context) -> Settings | None:
    """Return the settings of the nearest metering.toml, or None where there is none."""
    context = ctx.find_object(Context) or Context()
    return find_settings(Path.cwd(), explicit=context.config)


def settings_or_fail(ctx: click.Context) -> Settings:
    """Return the settings of the nearest metering.toml.

    Raises:
        BookError: code `no-ledger`; there is none at or above this folder.
    """
    settings = settings_or_none(ctx)
    if settings is None:
        raise BookError(
            "no-ledger",
            "there is no metering.toml in this folder or above it",
            do="start a ledger with `metering init`, or name one with --config",
        )
    return settings


def format_option(*choices: str) -> Callable[[_Command], _Command]:
    """Return the `--format` option; without choices, table and json."""
    names = choices or ("table", "json")
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(names),
        default=names[0],
        show_default=True,
        help="How to print the result.",
    )


def emit_json(value: object) -> None:
    """Print one JSON document to stdout; money is integer nanos or decimal text, never a float."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=_as_text))


def _as_text(value: object) -> str:
    # ISO 8601 with a T and a Z, as every other instant in JSON.
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)


def emit_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    right: Sequence[str] = (),
) -> None:
    """Print a table that fits the terminal.

    Args:
        title: one line above the table; empty for none.
        columns: headings; all empty for a table without a head.
        rows: cells, shown with `str`; None is shown as empty.
        right: headings of the columns that align right.
    """
    if title:
        # A table's own title would be folded to the table's width.
        click.echo(printable(title))
    cells = [["" if cell is None else printable(str(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        from metering.cli.plain_table import plain_table

        if text := plain_table(columns, cells, right, _PIPED_WIDTH):
            click.echo(text)
            return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(
        show_header=any(columns),
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))
    console().print(table)


def console() -> Any:
    """Return a rich console on stdout: plain when piped, the terminal's width otherwise."""
    from rich.console import Console

    piped = not sys.stdout.isatty()
    return Console(
        file=sys.stdout,
        width=_PIPED_WIDTH if piped else None,
        no_color=piped,
        highlight=False,
        markup=False,
    )


def note(text: str) -> None:
    """Print words for the person to stderr; results alone go to stdout."""
    click.echo(printable(text), err=True)


def fail(code: str, what: str, *, do: str = "") -> NoReturn:
    """End the command with a coded message and exit code 1."""
    raise BookError(code, what, do=do)


def exit_with(code: int) -> NoReturn:
    """End the command with an exit code that scripts read."""
    raise SystemExit(code)


def printable(text: str) -> str:
    """Return foreign text with its control characters replaced.

    An escape sequence in a model's name would otherwise move the cursor or set the window title.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def counted(number: int, thing: str) -> str:
    """Return "1 record" or "1,200 records"."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def money_text(nanos: int, *, decimals: int = 2) -> str:
    """Return nanos as grouped decimal text, rounded half to even for display alone."""
    from metering.core.money import divide_half_even

    scaled = divide_half_even(nanos, 10 ** (9 - decimals))
    sign = "-" if scaled < 0 else ""
    whole, fraction = divmod(abs(scaled), 10**decimals)
    return f"{sign}{whole:,}.{fraction:0{decimals}d}" if decimals else f"{sign}{whole:,}"


def json_ready(value: Mapping[str, object]) -> dict[str, object]:
    """Return a mapping without the entries that are None."""
    return {key: entry for key, entry in value.items() if entry is not None}
