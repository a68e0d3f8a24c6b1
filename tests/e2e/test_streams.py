"""What a command writes is UTF-8 and whole, or the command says that it is not."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from metering.cli.main import main
from metering.settings import FILE_NAME
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest_and_post

HERE = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "metering"]


def _run(line: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        ["bash", "-c", line.replace("metering", " ".join(COMMAND), 1)],  # noqa: S607 - any bash
        cwd=HERE,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize("command", ["metering ingestors", "metering ingestors --format json"])
def test_output_is_utf_8_whatever_the_locale_says(command: str) -> None:
    usual = _run(command, PYTHONUTF8="1")

    ascii_only = _run(command, LC_ALL="C", PYTHONUTF8="0", PYTHONIOENCODING="ascii")

    assert "─" in usual.stdout.decode("utf-8") or "json" in command
    assert (ascii_only.returncode, ascii_only.stdout) == (0, usual.stdout)


def test_a_closed_output_is_no_mistake_of_the_command() -> None:
    done = _run("metering ingestors >&-")

    assert (done.returncode, done.stderr) == (0, b"")


def test_a_reader_that_stops_early_is_no_mistake_of_the_command() -> None:
    done = _run("metering ingestors --format json | head -1; exit ${PIPESTATUS[0]}")

    assert (done.returncode, done.stderr) == (0, b"")


def test_output_that_finds_no_room_is_told() -> None:
    done = _run("metering ingestors > /dev/full")

    assert done.returncode == 1
    assert done.stderr.startswith(b"error[storage-failed]: the output cannot be written: No space")


def test_a_command_that_is_interrupted_says_so_without_a_traceback(tmp_path: Path) -> None:
    # Who runs the tests in the background has interrupts ignored, and a program inherits that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [*COMMAND, "demo", "--out", str(tmp_path / "demo")],
            cwd=HERE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stderr is not None
    begun = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)

    assert begun == b"starting a ledger with the bundled list prices\n"
    assert process.returncode == 130
    assert said.endswith(b"stopped; whatever was not recorded yet is not recorded at all\n")
    assert b"Traceback" not in said


@pytest.mark.parametrize(
    "command",
    [
        f"ingest --dry-run {SAMPLE / 'usage' / 'litellm' / 'spend-logs-2026-05.csv'}",
        "quarantine retry",
        "post --dry-run",
        "verify",
        "tie-out 2026-10",
        "audit",
    ],
)
def test_a_command_ends_without_a_word_of_its_libraries(tmp_path: Path, command: str) -> None:
    # The embedded engine calls what it finds alive at the very end a leak, and lists it.
    settings = fresh_ledger(tmp_path / "ledger")
    ingest_and_post(settings, sorted((SAMPLE / "usage" / "anthropic").iterdir())[:2])

    words = f"--config {settings.home / FILE_NAME} {command}"

    done = _run(f"metering {words}")

    of_the_command = CliRunner().invoke(main, words.split())
    assert done.stderr.decode() == of_the_command.stderr
    assert done.returncode == of_the_command.exit_code
