"""Measure the findings on invented companies, and on practice data where it lies.

    python -m tests.benchmarks.findings                                # eight invented companies
    python -m tests.benchmarks.findings --climates --seeds 301 302     # the same in every climate
    python -m tests.benchmarks.findings --practice ../shared/token_maxing_practice.py

Companies that nothing was tuned on are drawn by other seeds; practice seeds are fresh ones too.
"""

import argparse
import csv
import importlib.util
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple, fields
from datetime import date
from pathlib import Path
from types import ModuleType

import numpy as np

from metering.analysis.findings.finding import Family
from metering.analysis.findings.review_list import Options
from metering.workflows.findings.findings_try import Tried, try_folder
from tests.companies.climates import CLIMATES, Climate
from tests.companies.company import Label, draw_company
from tests.companies.measures import Quality, measure

_SILENT = (Family.NO_OUTCOME.value, Family.NO_FEED.value)


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.findings", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--practice", type=Path, help="the practice generator's script")
    parser.add_argument("--climates", action="store_true", help="every climate, not the usual one")
    options = parser.parse_args()
    usual = (9201, 9202, 9203, 9204, 9205) if options.practice else tuple(range(101, 109))
    seeds = tuple(options.seeds or usual)
    names = [field.name.replace("_", " ") for field in fields(Quality)]
    print(f"{'':18}", *(f"{name:>18}" for name in (*names, "USD rank", "silence right", "CPU s")))
    rows = []
    climates = CLIMATES if options.climates else {"usual": CLIMATES["usual"]}
    for name, climate in climates.items():
        for seed in seeds:
            with tempfile.TemporaryDirectory() as scratch:
                rows.append(_measured(seed, Path(scratch) / "data", options.practice, climate))
            print(f"{name:12} {seed:5}", *(f"{value:18.3f}" for value in rows[-1]), flush=True)
    print(f"{'mean':18}", *(f"{value:18.3f}" for value in np.nanmean(np.array(rows), axis=0)))
    print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")


def _measured(
    seed: int, folder: Path, practice: Path | None, climate: Climate
) -> tuple[float, ...]:
    if practice is None:
        company = draw_company(seed, climate=climate)
        company.write(folder)
        labels = company.labels
    else:
        generator = _loaded(practice)
        generator.generate(str(folder), seed, 90, 150, date(2026, 2, 2))
        labels = list(_labels(folder / "truth" / "labels.csv"))
    before = time.process_time()
    tried = try_folder(folder, Options())
    seconds = time.process_time() - before
    quality = measure(labels, tried.review.findings)
    return (*astuple(quality), _rank(labels, tried), _silence(labels, tried), seconds)


def _loaded(script: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("practice", script)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{script} is no Python script")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _labels(path: Path) -> Iterator[Label]:
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            onset = date.fromisoformat(row["onset"]) if row["onset"] else None
            yield Label(
                *(row["team"], row["project"], row["family"], row["kind"]),
                lookalike=row["lookalike"] == "1",
                onset=onset,
                excess_usd=float(row["excess_cost_usd"]),
            )


def _rank(labels: Sequence[Label], tried: Tried) -> float:
    """Return the rank correlation of money at stake with the money planted."""
    said = {
        (f.subject.team, f.subject.project): f.excess_nanos
        for f in tried.review.findings
        if f.family is Family.TOKEN_MAXING
    }
    known = [x for x in labels if x.family == "token_maxing"]
    planted = np.array([label.excess_usd for label in known], np.float64)
    found = np.array([said[label.team, label.project] for label in known], np.float64)
    if len(known) < 3:
        return float("nan")
    one, other = (np.argsort(np.argsort(values)).astype(np.float64) for values in (planted, found))
    return float(np.corrcoef(one, other)[0, 1])


def _silence(labels: Sequence[Label], tried: Tried) -> float:
    """Return the share of objects, silent or called so, that are called what they are."""
    true = {(x.team, x.project): x.family for x in labels if x.family in _SILENT}
    said = {
        (f.subject.team, f.subject.project): f.family.value
        for f in tried.review.findings
        if f.flagged and f.family.value in _SILENT
    }
    every = true.keys() | said.keys()
    return sum(true.get(key) == said.get(key) for key in every) / max(len(every), 1)


if __name__ == "__main__":
    main()
