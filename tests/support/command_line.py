"""The command line, called in this process: what a command answers, prints, or tells as JSON.

A `Settings` among the arguments names its ledger, as `--config` does.
"""

import json
from collections.abc import Iterator
from typing import Any

from click.testing import CliRunner, Result

from metering.cli.main import main
from metering.settings import FILE_NAME, Settings


def metering(*arguments: object) -> Result:
    """Run a command; a bug of ours is raised, and what the user can mend is in the result."""
    return CliRunner().invoke(main, list(_words(arguments)), catch_exceptions=False)


def done(*arguments: object) -> str:
    """Run a command that succeeds, and return all that it prints."""
    result = metering(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def told(*arguments: object) -> Any:
    """Run a command that succeeds, and return what it tells as JSON."""
    result = metering(*arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def verified(*arguments: object) -> dict[str, Any]:
    """Post what is ingested, and return what `verify` says of books that it finds sound."""
    done(*arguments, "post")
    found: dict[str, Any] = told(*arguments, "verify")
    assert found["problems"] == []
    assert found["sound"] is True
    return found


def _words(arguments: tuple[object, ...]) -> Iterator[str]:
    for argument in arguments:
        if isinstance(argument, Settings):
            yield from ("--config", str(argument.home / FILE_NAME))
        else:
            yield str(argument)
