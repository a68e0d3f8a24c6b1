"""What is promised in words is there: commands, examples, error codes, formats."""

import ast
import fnmatch
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from metering.cli.main import main
from metering.connectors.registry import CONNECTORS
from metering.ingest.contract import Ingestor
from metering.ingest.outcomes import registry as outcomes
from metering.ingest.outcomes.contract import OutcomeIngestor
from metering.ingest.registry import installed

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
KEYS = {connector.key_from for connector in CONNECTORS.values()}
FORMATS = (*installed(), *outcomes.installed())
_KEBAB = re.compile(r"[a-z]+(-[a-z]+)+")
# The first example; the others run in the folder that it makes.
_DEMO = "metering demo --out build/demo"
_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_a_connector_is_in_the_readme_with_its_key_and_options(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \|.*$", README, re.MULTILINE)

    assert f"`{CONNECTORS[name].key_from}`" in row
    assert all(option in row for option in CONNECTORS[name].options)


def _leaves(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """Yield the commands that do something: a group does nothing but hold some."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command)
    for sub in command.list_commands(context):
        below = command.get_command(context, sub)
        assert below is not None, f"{name} {sub} is listed and cannot be loaded"
        yield from _leaves(f"{name} {sub}", below)


@pytest.mark.parametrize("top", main.list_commands(click.Context(main)))
def test_a_command_has_help_with_an_example_and_is_in_the_readme(top: str) -> None:
    command = main.get_command(click.Context(main), top)
    assert command is not None

    for name, leaf in _leaves(f"metering {top}", command):
        assert re.search(rf"Examples?:\s+{name}\b", leaf.help or ""), f"{name}: help, no example"
        assert re.search(rf"^\$ {name}\b", README, re.MULTILINE), f"{name}: README, no example"
        options = [given for given in leaf.params if isinstance(given, click.Option)]
        assert all(given.help for given in options), f"{name}: an option without help"
        assert any("--format" in given.opts for given in options), f"{name}: no --format"


@pytest.mark.parametrize("ingestor", FORMATS, ids=lambda ingestor: ingestor.name)
def test_a_format_is_in_the_readme(ingestor: Ingestor) -> None:
    assert re.search(rf"^\| `{ingestor.name}` \|", README, re.MULTILINE)


@pytest.mark.parametrize("ingestor", installed(), ids=lambda ingestor: ingestor.name)
def test_the_readme_says_of_a_format_what_the_command_says(ingestor: Ingestor) -> None:
    (row,) = re.findall(rf"^\| `{ingestor.name}` \|.*$", README, re.MULTILINE)

    _, _, counts_as, export, cannot_tell = row.strip("| ").split(" | ")

    assert counts_as == f"{ingestor.role.value}, {ingestor.identity.value}"
    assert export.replace("\\*", "*") == ingestor.export
    assert cannot_tell == ingestor.cannot_tell


@pytest.mark.parametrize("ingestor", outcomes.BUILT_IN, ids=lambda ingestor: ingestor.name)
def test_the_readme_says_of_outcomes_what_their_ingestor_declares(
    ingestor: OutcomeIngestor,
) -> None:
    (row,) = re.findall(rf"^\| `{ingestor.name}` \|.*$", README, re.MULTILINE)

    _, _, gives, export, cannot_tell = row.strip("| ").split(" | ")

    declared = [
        f"{kind.name} {kind.stage.value}, settles after {kind.settles_after_days} days;"
        f" taken back by {kind.reversed_by}"
        for kind in ingestor.kinds
    ]
    assert gives == "; ".join(declared or ["as the file says"])
    assert export == ingestor.export
    assert cannot_tell == ingestor.cannot_tell


# --- examples -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Example:
    """One block of the README.

    Attributes:
        line: of its first line in README.md.
        commands: each with the lines that follow it; "…" stands for any text, and alone on a line
            for any lines.
    """

    line: int
    commands: tuple[tuple[str, tuple[str, ...]], ...]


def _examples() -> list[Example]:
    examples = []
    for block in _CONSOLE.finditer(README):
        commands: list[tuple[str, list[str]]] = []
        for line in block[1].splitlines():
            if line.startswith("$ "):
                commands.append((line.removeprefix("$ "), []))
            else:
                commands[-1][1].append(line)
        line = README.count("\n", 0, block.start()) + 2
        examples.append(Example(line, tuple((typed, tuple(shown)) for typed, shown in commands)))
    return examples


@dataclass(frozen=True, slots=True)
class Demo:
    """A checkout with nothing in it but the demo and the sample company.

    Attributes:
        root: its top folder.
        printed: what the demo printed.
    """

    root: Path
    printed: str


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, warm_folder: Path) -> Demo:
    root = tmp_path_factory.mktemp("checkout")
    (root / "sample_logs").symlink_to(ROOT / "sample_logs")
    return Demo(root, _run(_DEMO, root, warm_folder))


@pytest.mark.parametrize("example", _examples(), ids=lambda example: f"README.md:{example.line}")
def test_an_example_of_the_readme_does_what_it_shows(
    example: Example, demo: Demo, tmp_path: Path, warm_folder: Path
) -> None:
    root = tmp_path / "checkout"
    shutil.copytree(demo.root, root, symlinks=True)

    for typed, shown in example.commands:
        done = typed == _DEMO
        printed = demo.printed if done else _run(typed, root / "build" / "demo", warm_folder)

        assert not _missing(shown, printed.splitlines()), f"{typed} printed:\n{printed}"


def _run(typed: str, folder: Path, programs: Path) -> str:
    """Return what a command line prints; a command meant to fail says so with `|| echo`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join((str(programs), os.environ.get("PATH", os.defpath)))
    # Without the keys that somebody may have: no example asks a provider for anything.
    kept = {name: value for name, value in os.environ.items() if name not in KEYS}
    done = subprocess.run(
        ["bash", "-c", typed],  # noqa: S607 - whichever bash the machine has
        cwd=folder,
        env={**kept, "PATH": path, "COLUMNS": "160", "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{typed} exited {done.returncode}:\n{done.stdout}"
    return done.stdout


def _missing(shown: tuple[str, ...], printed: list[str]) -> list[str]:
    """Return the shown lines that are not printed, in order."""
    left = [line.rstrip() for line in printed]
    missing = []
    for line in shown:
        wanted = line.rstrip()
        if wanted in {"…", ""}:
            continue
        pattern = "".join(
            "*" if part == "…" else _literal(part) for part in re.split("(…)", wanted)
        )
        at = next((n for n, text in enumerate(left) if fnmatch.fnmatchcase(text, pattern)), None)
        if at is None:
            missing.append(wanted)
        else:
            left = left[at + 1 :]
    return missing


def _literal(text: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", text)


# --- errors ---------------------------------------------------------------------------------

_REFUSALS = re.compile(r"(Error|Rejection|Refused|Problem)$|^_?(refused?|fail|damaged)$")


def _codes() -> set[str]:
    """Return every code that is given to an exception or a rejection somewhere in the package."""
    codes: set[str] = set()
    for path in (ROOT / "metering").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            codes.update(code for code in _codes_in(node) if _KEBAB.fullmatch(code))
    return codes - {"metering-error"}


def _codes_in(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ClassDef):
        for line in node.body:
            if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "code":
                yield from _texts(line.value)
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func).rpartition(".")[2]
        if _REFUSALS.search(called):
            for argument in node.args:
                yield from _texts(argument)
        for keyword in node.keywords:
            if keyword.arg == "code":
                yield from _texts(keyword.value)


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def test_every_error_code_has_its_smallest_input() -> None:
    codes = _codes()

    folders = {path.parent.name for path in (ROOT / "tests" / "errors").glob("*/*")}

    assert "bad-json" in codes
    assert sorted(codes - folders) == []


def test_every_error_folder_is_of_a_code_that_is_still_raised() -> None:
    said = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "metering").rglob("*.py"))

    folders = [path.name for path in (ROOT / "tests" / "errors").iterdir() if path.is_dir()]

    assert [name for name in folders if f'"{name}"' not in said and f"'{name}'" not in said] == []


# --- formats --------------------------------------------------------------------------------


@pytest.mark.parametrize("ingestor", FORMATS, ids=lambda ingestor: ingestor.name)
def test_a_format_has_a_good_and_a_bad_golden_file(ingestor: object) -> None:
    name = str(getattr(ingestor, "name", "")).replace("-", "_")

    expected = [
        path.read_text(encoding="utf-8")
        for path in (ROOT / "tests" / "golden" / name).glob("*.expected")
    ]

    assert any("error[" not in text for text in expected), "no good one"
    assert any("error[" in text for text in expected), "no bad one"
