"""Measure speed and memory as ratios to bare DuckDB on the same data in the same run.

    make bench                        # 1 M rows of JSON, 10 M records in the lake
    python -m tests.benchmarks --json-rows 10000000     # a 10 GB file, for the memory figure

Each measurement runs in a fresh process, so that its peak memory is its own; the floor and what is
compared with it alternate, and the best of several runs counts, since the machine may be shared.
The time of the processor says the same with less noise: that of all threads, whoever else runs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

# The log of a night, the logs of a month in one file, and a month that lies in the lake.
_MEASURED = ("start", "night", "backfill", "post")


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--json-rows", type=int, default=1_000_000)
    parser.add_argument("--lake-records", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", choices=_MEASURED)
    parser.add_argument("--folder", type=Path, help="keep the corpus here, and reuse it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for name in (options.only,) if options.only else _MEASURED:
            rows = options.lake_records if name == "post" else options.json_rows
            for row in _measured(name, folder, rows, options.repeat):
                print("  ".join(row))


def _measured(name: str, folder: Path, rows: int, repeat: int) -> list[tuple[str, ...]]:
    _run("prepare", name, folder, rows)
    floors, ours = [], []
    for _ in range(repeat):
        floors.append(_run("floor", name, folder, rows))
        ours.append(_run("ours", name, folder, rows))
    floors.append(_run("floor", name, folder, rows))
    floor, floor_cpu = (min(result[kind] for result in floors) for kind in ("seconds", "cpu"))
    best = min(ours, key=lambda result: result["seconds"])
    cpu = min(result["cpu"] for result in ours)
    table = [
        (f"{name}: {rows:,} rows",),
        ("   floor", f"{floor:8.3f} s", f"{floor_cpu:8.3f} s of processor", floors[0]["what"]),
        (
            *("   ours ", f"{best['seconds']:8.3f} s", f"{cpu:8.3f} s of processor"),
            *(f"{best['peak_mib']:,.0f} MiB", best["what"]),
        ),
        ("   ratio", f"{best['seconds'] / floor:8.2f} x", f"{cpu / floor_cpu:8.2f} x"),
    ]
    if "narrow" in floors[0]:
        narrow = min(result["narrow"] for result in floors)
        what = "typed scan of eight fields, grouped by day, key, model and team"
        table += [("   narrow floor", f"{narrow:.3f} s", f"{best['seconds'] / narrow:.2f} x", what)]
    table += [
        (f"      {step}", f"{value:.3f} s" if isinstance(value, float) else f"{value:,}")
        for step, value in best["steps"].items()
    ]
    return table


def _run(part: str, name: str, folder: Path, rows: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.measure", part, name, str(folder), str(rows)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
