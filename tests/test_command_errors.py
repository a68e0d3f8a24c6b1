"""Each refusal of a command has its smallest cause, and says exactly this on stderr.

A folder of `tests/errors/` holds `command`, lines for a shell, and the files they need;
`command.expected` is what the last line prints to stderr. The lines before it must succeed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = sorted((Path(__file__).parent / "errors").glob("*/command"))


def _run(line: str, folder: Path, programs: Path) -> "subprocess.CompletedProcess[str]":
    here = (str(programs), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))
    return subprocess.run(
        ["bash", "-c", line],  # noqa: S607 - whichever bash the machine has
        cwd=folder,
        env={**os.environ, "PATH": os.pathsep.join(here)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=lambda path: path.parent.name)
def test_a_command_says_what_it_refuses_and_what_to_do(
    command: Path, tmp_path: Path, warm_folder: Path, pytestconfig: pytest.Config
) -> None:
    folder = tmp_path / "here"
    shutil.copytree(command.parent, folder)
    *before, last = command.read_text(encoding="utf-8").splitlines()
    for line in before:
        assert _run(line, folder, warm_folder).returncode == 0, line

    refused = _run(last, folder, warm_folder)

    expected = command.with_name("command.expected")
    said = refused.stderr.replace(f"{folder.resolve()}/", "")
    if pytestconfig.getoption("--update-golden"):
        expected.write_text(said, encoding="utf-8")
    assert refused.returncode == 1
    assert said == expected.read_text(encoding="utf-8")
    assert f"error[{command.parent.name}]" in said
