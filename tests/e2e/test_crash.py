"""Killed at any moment, the state is the one before or the one after, never between."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from metering.core.periods import BillingPeriod
from metering.errors import BookError
from metering.ingest.outcomes.registry import BUILT_IN as OUTCOME_FORMATS
from metering.settings import FILE_NAME, Settings, load_settings
from metering.workflows.closing.periods import periods, show_period
from metering.workflows.closing.refusals import RefusalCode
from metering.workflows.intake.receipts import Receipt
from metering.workflows.outcomes.outcome_imports import ingest_outcomes
from metering.workflows.ownership.forgetting import forget_people
from metering.workflows.posting.post import post
from metering.workflows.verify import Verified, verify
from tests.support.ledgers import (
    SAMPLE,
    copied,
    fresh_ledger,
    ingest,
    ingest_and_post,
    ledger_hash,
    run,
)
from tests.support.transcript_lines import answer

LOG = SAMPLE / "usage" / "litellm" / "spend-logs-2026-10.jsonl.gz"
BILL = Path(__file__).parents[1] / "golden" / "aws_cur" / "good.csv"
PAGE = SAMPLE / "usage" / "openai" / "completions-2026-10.json"
# The moments of an import and a post that a random kill may miss.
STAGES = (
    "metering.usage.lake:Lake.publish_usage",
    "metering.usage.lake:Lake.sync",
    "metering.books.lake:add_lake_files",
    "metering.books.coverage:add_coverage",
)


PULLS = sorted((SAMPLE / "outcomes").glob("pull-requests-*.json"))[:2]
OUTCOME_STAGES = (
    "metering.usage.lake:Lake.publish_outcomes",
    "metering.usage.lake:Lake.sync",
    "metering.books.sources:add_source",
    "metering.books.outcomes:add_outcome_file",
)


@dataclass(frozen=True)
class Posted:
    """A ledger with usage that is posted.

    Attributes:
        ledger: tests take copies of it.
        hash: its ledger hash.
    """

    ledger: Settings
    hash: str

    def copy(self, folder: Path) -> Settings:
        return copied(self.ledger.home, folder / "ledger")


def _posted(home: Path, *files: Path) -> Posted:
    ledger = fresh_ledger(home)
    ingest_and_post(ledger, files)
    return Posted(ledger, ledger_hash(ledger))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Posted:
    return _posted(tmp_path_factory.mktemp("page") / "ledger", PAGE)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Posted:
    return _posted(tmp_path_factory.mktemp("log") / "ledger", LOG)


@pytest.fixture
def killed_at(warm_folder: Path) -> Callable[..., None]:
    """Return what runs a command in a ledger that kills itself when it has passed a stage."""
    return partial(_killed_at, warm_folder / "metering-python")


@pytest.fixture
def killed_after(warm_folder: Path) -> Callable[..., bool]:
    """Return what runs a command in a ledger that ends after so many seconds, wherever it is."""
    return partial(_killed_after, warm_folder / "metering-python")


def _killed_at(python: Path, settings: Settings, stage: str, *arguments: str) -> None:
    module, _, name = stage.partition(":")
    script = f"""
import importlib, os, signal, sys
module = importlib.import_module({module!r})
owner = module
*path, last = {name!r}.split(".")
for part in path:
    owner = getattr(owner, part)
original = getattr(owner, last)
def passed(*args, **kwargs):
    original(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, last, passed)
from metering.cli.main import main
main({list(arguments)!r})
"""
    done = subprocess.run([python, script], cwd=settings.home, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


# The moments of a close: each of its rows, and the seal over them.
CLOSE_STAGES = (
    "metering.books.periods:add_period_event",
    "metering.books.periods:add_close",
    "metering.books.engine:seal",
)
CLOSE = ("period", "close", "2026-10", *(f"--accept={code}=a test" for code in RefusalCode))


@pytest.mark.parametrize("stage", STAGES)
def test_an_import_killed_between_two_steps_never_happened(
    stage: str, page: Posted, tmp_path: Path, killed_at: Callable[..., None]
) -> None:
    ledger = page.copy(tmp_path)

    killed_at(ledger, stage, "ingest", str(LOG))

    verified = verify(ledger, full=True)
    assert (verified.ledger_hash, verified.problems) == (page.hash, ())
    assert [receipt.recorded for receipt in ingest(ledger, LOG)] == [_records(LOG)]


# The moments of a delivery in several files, which counts whole or not at all.
DELIVERY_STAGES = (
    "metering.books.sources:add_sources",
    "metering.books.sources:add_quarantine",
    *STAGES,
    "metering.books.engine:seal",
)


@pytest.mark.parametrize("stage", DELIVERY_STAGES)
def test_a_delivery_killed_between_two_steps_never_happened(
    stage: str, page: Posted, tmp_path: Path, killed_at: Callable[..., None]
) -> None:
    ledger = page.copy(tmp_path)
    header, *rows = BILL.read_text(encoding="utf-8").splitlines(keepends=True)
    parts = [tmp_path / f"cur-{place:05d}.csv" for place in (1, 2)]
    for part, held in zip(parts, (rows[:3], rows[3:]), strict=True):
        part.write_text(header + "".join(held), encoding="utf-8")

    killed_at(ledger, stage, "ingest", *map(str, parts))

    verified = verify(ledger, full=True)
    assert (verified.ledger_hash, verified.problems) == (page.hash, ())
    receipts = [*ingest(ledger, *parts)]
    assert all(receipt.recorded for receipt in receipts)
    assert not any(receipt.known_before for receipt in receipts)


# The moments at which people leave the lake; at the last one the book has let them go already.
FORGET_STAGES = (
    "metering.usage.lake:Lake.publish_usage",
    "metering.books.lake:retire_lake_files",
    "metering.books.lake:add_lake_files",
    "metering.books.engine:seal",
    "metering.usage.lake:Lake.remove_unknown",
)


@pytest.mark.parametrize("stage", FORGET_STAGES)
def test_people_are_forgotten_wholly_or_not_at_all(
    stage: str, log: Posted, tmp_path: Path, killed_at: Callable[..., None]
) -> None:
    ledger = log.copy(tmp_path)

    killed_at(ledger, stage, "owners", "forget", "--before", "2026-10-03")

    verified = verify(ledger, full=True)
    assert (verified.ledger_hash, verified.problems) == (log.hash, ())
    forget_people(ledger, run(), date(2026, 10, 2))
    for day in ("2026-10-01", "2026-10-02"):
        (file,) = (ledger.lake / "usage" / f"day={day}").iterdir()
        principals = set(pq.read_table(file, columns=["principal"])["principal"].to_pylist())
        assert all(str(name).startswith("stand-in:") for name in principals - {None}), principals
        assert not any((ledger.lake / "cells" / f"day={day}").iterdir())
    assert verify(ledger, full=True).problems == ()


# The steps of the one transaction that records many files, in order.
PACK_STAGES = (
    "metering.workflows.intake.packing:describe_sources",
    "metering.workflows.intake.packing:remove_duplicates",
    "metering.workflows.intake.packing:record_run",
    "metering.books.sources:add_sources",
    "metering.books.sources:add_quarantine",
    "metering.usage.lake:Lake.publish_usage",
    "metering.workflows.intake.packing:publish_rewritten",
    "metering.books.lake:retire_lake_files",
    "metering.usage.lake:Lake.sync",
    "metering.books.lake:add_lake_files",
    "metering.books.coverage:add_coverage",
    "metering.books.engine:seal",
)


@dataclass(frozen=True)
class Sessions:
    """Sessions of which the earliest is in the books, and the others are to be a pack.

    Attributes:
        ledger: with the earliest; tests take copies.
        before: how the books of `ledger` stand.
        files: all of them, the earliest first.
        whole: the ledger hash when all are recorded and posted, undisturbed.
    """

    ledger: Settings
    before: Verified
    files: tuple[Path, ...]
    whole: str

    @property
    def pack(self) -> tuple[Path, ...]:
        return self.files[1:]

    def copy(self, home: Path) -> Settings:
        return copied(self.ledger.home, home)


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Sessions:
    folder = tmp_path_factory.mktemp("sessions")
    files = _sessions(folder)
    ledger, whole = (_charging_sessions(folder / name) for name in ("earlier", "whole"))
    ingest_and_post(ledger, files[:1])
    ingest_and_post(whole, files)
    assert ledger_hash(ledger) != ledger_hash(whole)
    return Sessions(ledger, verify(ledger, full=True), files, ledger_hash(whole))


@pytest.mark.parametrize("stage", PACK_STAGES)
def test_a_pack_killed_between_two_steps_never_happened(
    stage: str, sessions: Sessions, tmp_path: Path, killed_at: Callable[..., None]
) -> None:
    ledger = sessions.copy(tmp_path / "ledger")

    killed_at(ledger, stage, "ingest", *map(str, sessions.pack))

    assert verify(ledger, full=True) == sessions.before
    assert not any(receipt.known_before for receipt in ingest(ledger, *sessions.pack))
    post(ledger, run("post"))
    assert ledger_hash(ledger) == sessions.whole


def test_a_pack_killed_when_it_is_committed_is_recorded_wholly(
    sessions: Sessions, tmp_path: Path, killed_at: Callable[..., None]
) -> None:
    ledger = sessions.copy(tmp_path / "ledger")

    committed = "metering.workflows.intake.importing:Importing._together"
    killed_at(ledger, committed, "ingest", *map(str, sessions.pack))

    assert verify(ledger).sources == len(sessions.files)
    assert all(receipt.known_before for receipt in ingest(ledger, *sessions.pack))
    post(ledger, run("post"))
    assert ledger_hash(ledger) == sessions.whole


def test_a_night_killed_while_it_moves_files_is_finished_by_the_next(
    sessions: Sessions, tmp_path: Path, killed_at: Callable[..., None]
) -> None:
    ledger = sessions.copy(tmp_path / "ledger")
    inbox = ledger.home / "inbox"
    inbox.mkdir()
    for path in sessions.files:
        shutil.copyfile(path, inbox / path.name)

    killed_at(ledger, "metering.workflows.nightly.taking_in:take", "nightly")
    left = len(list(inbox.glob("*.jsonl")))
    subprocess.run([sys.executable, "-m", "metering", "nightly"], cwd=ledger.home, check=False)

    assert left == len(sessions.files) - 1, "one was moved when it was killed"
    assert list(inbox.glob("*.jsonl")) == []
    assert ledger_hash(ledger) == sessions.whole


def _sessions(folder: Path) -> tuple[Path, ...]:
    """Write sessions that meet: an answer goes on in another file, one is copied, one is wrong."""
    wrong = answer(9, 9, 20).replace('"output_tokens":20', '"output_tokens":-20')
    contents = {
        "0-earlier": [answer(1, 1, 20), answer(2, 2, 30)],
        "1-goes-on": [answer(1, 1, 200), answer(3, 3, 40)],
        "2-copies": [answer(2, 2, 30), answer(3, 3, 40)],
        "3-is-wrong": [answer(4, 4, 50, day=2), wrong],
    }
    paths = []
    for name, lines in contents.items():
        paths.append(folder / f"{name}.jsonl")
        paths[-1].write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return tuple(paths)


def _charging_sessions(home: Path) -> Settings:
    """Return a ledger in which a session is the only meter there is, so that it is charged."""
    toml = fresh_ledger(home).home / FILE_NAME
    with toml.open("a", encoding="utf-8") as file:
        file.write('\n[roles]\nclaude-code-transcripts = "metered"\n')
    return load_settings(toml)


@pytest.fixture(scope="module")
def all_outcomes(tmp_path_factory: pytest.TempPathFactory) -> Verified:
    """What `verify` says where all outcomes came undisturbed."""
    ledger = fresh_ledger(tmp_path_factory.mktemp("outcomes") / "ledger")
    _outcomes(ledger, PULLS)
    return verify(ledger)


@pytest.mark.parametrize("stage", OUTCOME_STAGES)
def test_an_import_of_outcomes_killed_between_two_steps_never_happened(
    stage: str, all_outcomes: Verified, tmp_path: Path, killed_at: Callable[..., None]
) -> None:
    ledger = fresh_ledger(tmp_path / "ledger")
    _outcomes(ledger, PULLS[:1])
    before = verify(ledger)

    killed_at(ledger, stage, "outcomes", "ingest", *map(str, PULLS[1:]))

    assert verify(ledger) == before
    assert all(receipt.recorded for receipt in _outcomes(ledger, PULLS[1:]))
    assert verify(ledger) == all_outcomes


def _outcomes(ledger: Settings, files: Sequence[Path]) -> list[Receipt]:
    return list(ingest_outcomes(ledger, run("outcomes ingest"), files, OUTCOME_FORMATS))


@pytest.mark.parametrize("stage", CLOSE_STAGES)
def test_a_close_killed_between_two_steps_never_happened(
    stage: str, page: Posted, tmp_path: Path, killed_at: Callable[..., None]
) -> None:
    ledger = page.copy(tmp_path)
    before = verify(ledger)

    killed_at(ledger, stage, *CLOSE)

    assert verify(ledger) == before
    assert [one.state for one in periods(ledger)] == ["open"]


def test_a_close_killed_at_random_moments_happened_wholly_or_not_at_all(
    page: Posted, tmp_path: Path, killed_after: Callable[..., bool]
) -> None:
    october = BillingPeriod(2026, 10)
    chance = random.Random(11)  # noqa: S311 - a reproducible choice of moments
    killed = 0
    for number in range(4):
        ledger = page.copy(tmp_path / str(number))

        killed += killed_after(ledger, chance.uniform(0.0, 0.25), *CLOSE)

        assert ledger_hash(ledger) == page.hash
        shown = show_period(ledger, october)
        closed = [one.state for one in periods(ledger)] == ["closed"]
        assert (len(shown.events), shown.close is not None) == (int(closed), closed)
    assert killed > 0


def test_commands_killed_at_random_moments_lose_nothing_and_count_nothing_twice(
    tmp_path: Path, killed_after: Callable[..., bool]
) -> None:
    reference = _posted(tmp_path / "reference", PAGE, LOG)
    chance = random.Random(7)  # noqa: S311 - a reproducible choice of moments
    killed = 0
    for number in range(8):
        ledger = fresh_ledger(tmp_path / f"ledger-{number}")
        for arguments in (("ingest", str(PAGE), str(LOG)), ("post",)):
            killed += killed_after(ledger, chance.uniform(0.0, 0.8), *arguments)
            assert verify(ledger).problems == ()

        ingest_and_post(ledger, [PAGE, LOG])

        assert ledger_hash(ledger) == reference.hash
    assert killed > 0


def _killed_after(python: Path, settings: Settings, seconds: float, *arguments: str) -> bool:
    """Run a command that its alarm ends as `kill -9` does; return whether it came to that."""
    script = f"""
import signal
signal.setitimer(signal.ITIMER_REAL, {seconds})
from metering.cli.main import main
main({list(arguments)!r})
"""
    done = subprocess.run([python, script], cwd=settings.home, capture_output=True, check=False)
    assert done.returncode >= 0 or done.returncode == -signal.SIGALRM, done.stderr.decode()
    return done.returncode == -signal.SIGALRM


def test_what_a_killed_import_left_behind_is_collected_and_nothing_else(
    page: Posted, tmp_path: Path, killed_at: Callable[..., None]
) -> None:
    ledger = page.copy(tmp_path)
    killed_at(ledger, STAGES[1], "ingest", str(LOG))
    old = time.time() - 2 * 86_400
    for path in ledger.lake.rglob("*"):
        os.utime(path, (old, old))

    done = subprocess.run(
        [sys.executable, "-m", "metering", "gc", "--format", "json"],
        cwd=ledger.home,
        capture_output=True,
        check=True,
    )

    removed = json.loads(done.stdout)["removed"]
    assert any(path.startswith("usage/") for path in removed)
    assert any(path.startswith("staging/") for path in removed)
    assert verify(ledger, full=True).problems == ()


def test_a_reader_sees_one_committed_state_while_an_import_runs(
    page: Posted, tmp_path: Path
) -> None:
    ledger = page.copy(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "metering", "ingest", str(LOG)],
        cwd=ledger.home,
        stdout=subprocess.DEVNULL,
    )

    hashes = set()
    while process.poll() is None:
        hashes.add(ledger_hash(ledger))

    assert hashes == {page.hash}
    assert process.returncode == 0


def test_a_full_disk_leaves_the_books_as_they_were(
    page: Posted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = page.copy(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("metering.usage.lake._sync_path", full)
    with pytest.raises(BookError, match="No space left"):
        ingest(ledger, LOG)
    monkeypatch.undo()

    assert ledger_hash(ledger) == page.hash
    assert [receipt.recorded for receipt in ingest(ledger, LOG)] == [_records(LOG)]


def _records(path: Path) -> int:
    import gzip  # noqa: PLC0415 - only here

    return gzip.decompress(path.read_bytes()).count(b"\n")


def test_a_lake_that_cannot_be_written_is_told_and_changes_nothing(tmp_path: Path) -> None:
    ledger = fresh_ledger(tmp_path / "ledger")
    shutil.rmtree(ledger.lake, ignore_errors=True)
    ledger.lake.write_text("a file where the lake should be", encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "metering", "ingest", str(PAGE)],
        cwd=ledger.home,
        capture_output=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(b"error[storage-failed]: the lake at ")
    assert b"Traceback" not in done.stderr
