"""Measure the month end: post, tie-out and close of a month, and verify of it, wholly.

    python -m tests.benchmarks.close                      # 10 M records, some 300,000 postings
    python -m tests.benchmarks.close --lake-records 1000000

Seconds of the processor are told beside those on the wall, since the machine may be shared. Tie-out
and close together are to take less than 10 s, `verify --full` at most three times as long as the
post of the same month from its records.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from metering.core.periods import BillingPeriod
from metering.settings import Settings, load_settings
from metering.workflows.closing.close import close_period
from metering.workflows.closing.refusals import RefusalCode
from metering.workflows.closing.tie_out import tie_out_period
from metering.workflows.posting.post import post
from metering.workflows.runs import Run
from metering.workflows.verify import verify
from tests.benchmarks.measure import prepare_month

_MONTH = BillingPeriod(2026, 9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lake-records", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="keep the corpus here, and reuse it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        prepare_month(folder, options.lake_records)
        print(f"{options.lake_records:,} records")
        _measure(folder, options.lake_records)


def _measure(folder: Path, rows: int) -> None:
    home = folder / f"month-{rows}"
    books = folder / "closing.sqlite"
    shutil.copyfile(home / "books.sqlite", books)
    settings = replace(load_settings(home / "metering.toml"), books_url=f"sqlite:///{books}")
    posted = _timed("post from cells", lambda: post(settings, _run("post")).postings)
    print(f"   {posted:,} postings")
    _timed("tie-out", lambda: len(tie_out_period(settings, _MONTH)))
    _timed("close", lambda: _close(settings))
    _timed("verify", lambda: len(verify(settings).problems))
    _timed("verify --full", lambda: len(verify(settings, full=True).problems))


def _close(settings: Settings) -> int:
    why: dict[RefusalCode, str] = dict.fromkeys(RefusalCode, "a benchmark")
    return close_period(settings, _run("period close"), _MONTH, accept=why).close.postings


def _timed(what: str, work: Callable[[], int]) -> int:
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"   {what:16} {wall:7.2f} s on the wall, {cpu:7.2f} s of processors")
    return found


def _run(command: str) -> Run:
    return Run(command, "bench", datetime.now(UTC))


if __name__ == "__main__":
    main()
