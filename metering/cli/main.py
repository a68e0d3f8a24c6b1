"""The `metering` command: a table of names, each loaded when it is called."""

import atexit
import gc
import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from metering import __version__
from metering.cli.frame import Context, shield, write_utf8

# Nearly all that a command makes while it starts stays to its end: to look through it for garbage
# after every 700 objects, as Python would, takes a fifth of a short command.
_OBJECTS_BETWEEN_COLLECTIONS: Final = 200_000

# Heading of `metering --help` -> command name -> module of metering.cli that holds it.
# Loading only what is called keeps start-up short: pandas alone takes longer than `--help` may.
_HEADINGS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "Start": {
        "demo": ("demo", "Run the whole main job on the sample company."),
        "init": ("init", "Start a ledger in a folder."),
        "db": ("db", "Upgrade the books or show their state."),
    },
    "Take in what is exported": {
        "ingestors": ("ingestors", "List the source formats that are recognised."),
        "pull": ("pull", "Ask providers' APIs for their exports, into files."),
        "ingest": ("ingest", "Record the usage of exported files."),
        "outcomes": ("outcomes", "Record what the spend bought, and set it against the spend."),
        "quarantine": ("quarantine", "Look at the records that were refused, and retry them."),
    },
    "Say what it costs and who pays": {
        "prices": ("prices", "Show, check and quote rates."),
        "flat": ("flat", "Charge what is agreed on: seats, prepaid credit, own capacity."),
        "owners": ("owners", "Say who pays: import, check and explain owners and rules."),
        "sharing": ("sharing", "Give shared cost on: pools, splits and drivers."),
        "budgets": ("budgets", "Set what owners may spend against what they are charged."),
    },
    "Post, tie and close": {
        "post": ("post", "Bring the book up to what the usage ought to cost."),
        "invoices": ("invoices", "Record the providers' invoices."),
        "tie-out": ("tie_out", "Compare the ledger with the invoices of a period."),
        "period": ("period", "Estimate, close and reopen the billing periods."),
        "dispute": ("dispute", "Say that a charge is not yours, and decide it."),
    },
    "Report and ask": {
        "report": ("report", "Write the reports finance forwards."),
        "explain": ("explain", "Follow an amount back to rule, rate, file and line."),
        "findings": ("findings", "Find spend that its outcomes do not answer for."),
        "economics": ("economics", "Say what the spend bought, and what it would have otherwise."),
        "forecast": ("forecast", "Forecast what a month will come to."),
        "whatif": ("whatif", "Price the usage of a month as if something had been different."),
    },
    "Keep it sound": {
        "nightly": ("nightly", "Do what a night has to do, for cron."),
        "verify": ("verify", "Check that the books are sound."),
        "audit": ("audit", "List who changed the books, when, how and why."),
        "gc": ("gc", "Remove lake files that no book entry names."),
    },
}
_COMMANDS: Final = {
    name: found for commands in _HEADINGS.values() for name, found in commands.items()
}


class _LazyGroup(click.Group):
    """A group that imports a command's module only when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every command name in the order of the table."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, importing its module."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module_name, _ = _COMMANDS[cmd_name]
        module = importlib.import_module(f"metering.cli.{module_name}")
        command: click.Command = getattr(module, module_name)
        return keep_whole(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by heading from the table, without importing anything."""
        del ctx
        widest = max(map(len, _COMMANDS))
        for heading, commands in _HEADINGS.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [(name.ljust(widest), text) for name, (_, text) in commands.items()]
                )

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the program."""
        write_utf8()
        # NumPy would start a thread on every core for linear algebra, which nothing here does: that
        # takes as much of the processor as all else of its import.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
        atexit.register(_leave_at_once)
        if _BeforeTheEngine not in sys.meta_path:
            sys.meta_path.insert(0, _BeforeTheEngine)
        return super().main(*args, **options)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what the user can mend is one message and exit code 1."""
        with shield():
            return super().invoke(ctx)


def _leave_at_once() -> None:
    """Let the program end without looking for garbage in all that goes with it anyway.

    That takes a quarter of a short command.
    """
    if "duckdb" not in sys.modules:
        gc.freeze()


class _BeforeTheEngine:
    """Sets aside what is loaded before the embedded engine, which calls what is left of it a leak.

    So whatever is loaded before it must not hold it: its modules import the engine's exceptions,
    and the engine itself within a function.
    """

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Find nothing; set aside what is there when the engine is about to be loaded."""
        del path, target
        if name == "duckdb":
            gc.freeze()


def keep_whole(command: click.Command) -> click.Command:
    r"""Return a command whose help keeps its first sentence and the line ends of its examples.

    Subcommands too. Click marks a paragraph of examples with a backspace character; docstrings are
    raw, as any with a backslash should be, so what stands in them is a backslash and a b. And it
    cuts the sentence that a group lists a command with, unless that is given to it.
    """
    command.help = (command.help or "").replace("\\b\n", "\b\n")
    command.short_help = " ".join(command.help.partition("\n\n")[0].split())
    if isinstance(command, click.Group):
        for below in command.commands.values():
            keep_whole(below)
    return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="metering")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The metering.toml to use, instead of the nearest one above this folder.",
)
@click.pass_context
def main(ctx: click.Context, config: Path | None) -> None:
    r"""Keep the record of what the company spends on AI.

    Provider exports go in every night; every month comes out a chargeback report that ties to the
    invoice to the cent. Start with `metering demo`.

    \b
    Example:
        metering demo --out build/demo
    """
    ctx.obj = Context(config=config)


keep_whole(main)
