"""The command line, called in this process: what a command answers, prints, or tells as JSON."""

import json
from typing import Any

from click.testing import CliRunner, Result

from metering.cli.main import main


def metering(*arguments: object) -> Result:
    """Run a command; a bug of ours is raised, and what the user can mend is in the result."""
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(main, words, catch_exceptions=False)


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
