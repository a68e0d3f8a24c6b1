"""Measure the ingest of bulk formats against DuckDB's bare scan of the same files.

    python -m tests.benchmarks.formats                      # every format
    python -m tests.benchmarks.formats --only cur otlp      # some of them

The bare scan reads every value of a file, as DuckDB finds the columns, and hashes it. Ours
recognises the files, hashes, reads, checks and records them in a new ledger. Both run in turn, each
in a process of its own, and the least processor time of each counts, since the machine may be
shared. Most rows of a bill and most bytes of a log are of no interest to us; that is as in life.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from tests.benchmarks.format_corpora import CORPORA

_MEMORY: Final = "1GB"


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.formats")
    parser.add_argument("--only", nargs="*", choices=tuple(CORPORA), default=tuple(CORPORA))
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keep the corpora here, and reuse them")
    parser.add_argument("--part", choices=("floor", "ours"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        if options.part:
            (name,) = options.only
            print(json.dumps(_PARTS[options.part](folder / name)))
            return
        print(f"{'':14s}{'MB':>8s}{'floor':>9s}{'ours':>9s}{'ratio':>8s}{'peak MiB':>10s}")
        for name in options.only:
            _tell(name, folder, options.repeat)


def _tell(name: str, folder: Path, repeat: int) -> None:
    home = folder / name
    if not home.exists():
        making = folder / f"{name}-in-the-making"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        CORPORA[name].write(making)
        making.rename(home)
    runs = [(_run("floor", name, folder), _run("ours", name, folder)) for _ in range(repeat)]
    floor = min(floor["cpu"] for floor, _ in runs)
    ours = min(ours["cpu"] for _, ours in runs)
    peak = max(ours["peak_mib"] for _, ours in runs)
    size = sum(path.stat().st_size for path in _files(home)) / 1e6
    print(f"{name:14s}{size:8,.0f}{floor:7.2f} s{ours:7.2f} s{ours / floor:7.2f}x{peak:10,.0f}")


def _run(part: str, name: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.formats", "--part", part]
    command += ["--folder", str(folder), "--only", name]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(work: Callable[[], object]) -> dict[str, float]:
    before, began = time.process_time(), time.perf_counter()
    work()
    return {
        "cpu": time.process_time() - before,
        "seconds": time.perf_counter() - began,
        "peak_mib": _peak_mib(),
    }


def _peak_mib() -> float:
    # What getrusage says of a process that was forked off a large one is that one's size.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _floor(home: Path) -> dict[str, float]:
    connection = duckdb.connect()
    files = [str(path) for path in _files(home)]
    source = {
        ".parquet": f"read_parquet({files})",
        ".csv": f"read_csv({files}, all_varchar = true)",
        ".jsonl": f"read_json({files}, sample_size = 2048)",
    }[Path(files[0]).suffix]
    # To count would be answered from the statistics of a Parquet file, unread.
    query = f"SELECT bit_xor(hash(found)) FROM {source} AS found"
    return _measured(lambda: connection.execute(query).fetchall())


def _ours(home: Path) -> dict[str, float]:
    from metering.ingest.registry import BUILT_IN  # noqa: PLC0415 - none of the floor
    from metering.settings import load_settings  # noqa: PLC0415
    from metering.workflows.intake.ingest import ingest_files  # noqa: PLC0415
    from metering.workflows.intake.order import Order  # noqa: PLC0415
    from metering.workflows.ledger_start import start_ledger  # noqa: PLC0415
    from metering.workflows.runs import Run  # noqa: PLC0415

    ledger = home / "ledger"
    shutil.rmtree(ledger, ignore_errors=True)
    run = Run("bench", "bench", datetime.now(UTC))
    start_ledger(ledger, run)
    settings = replace(load_settings(ledger / "metering.toml"), memory_limit=_MEMORY)
    recorded = 0

    def work() -> None:
        nonlocal recorded
        for receipt in ingest_files(settings, run, _files(home), Order(BUILT_IN)):
            if receipt.rejections:
                raise AssertionError(receipt.rejections[0])
            recorded += receipt.recorded

    found = _measured(work)
    if not recorded:
        raise AssertionError(home)
    return found


_PARTS: Final = {"floor": _floor, "ours": _ours}


def _files(home: Path) -> list[Path]:
    patterns = ("*.parquet", "*.csv", "*.jsonl", "projects/*/*.jsonl")
    return sorted(path for pattern in patterns for path in home.glob(pattern))


if __name__ == "__main__":
    main()
