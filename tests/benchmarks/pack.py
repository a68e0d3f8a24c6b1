"""Measure the whole pack: a month of 300,000 postings, 60 cost centres, 400 projects.

    python -m tests.benchmarks.pack                 # files, then the page in Chromium
    python -m tests.benchmarks.pack --no-browser

Bars: HTML, XLSX, CSV and FOCUS under 30 s and 2 GiB; the page under 6 MB, open in under 2 s, and
10,000 lines filtered without a reader noticing. Each part runs in a process of its own.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from metering.books.accounts import ensure_accounts, ensure_bases
from metering.books.engine import begin_write, open_engine
from metering.books.ledger import add_postings
from metering.books.migrations import upgrade
from metering.books.runs import record_run
from metering.core.ledger import Basis, PostingKind, owner_account, provider_account
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod
from metering.settings import load_settings

_PERIOD = BillingPeriod(2026, 10)
_CENTRES, _PROJECTS, _DAYS = 60, 400, 31
_METERS = ("input_uncached", "cache_read", "cache_write_5m", "output")
_MODELS = tuple(f"model-{n}" for n in range(30))
_MODELS_OF_A_PROJECT = 6
_FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="tests.benchmarks.pack", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--folder", type=Path, help="keep the book here, and reuse it")
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--part", choices=("html", "xlsx", "csv", "pdf", "json", "focus", "all"))
    options = parser.parse_args()
    if options.part:
        print(json.dumps(_part(options.folder, options.part)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        if not (folder / "books.sqlite").exists():
            print(f"{_fill(folder):,} postings")
        for part in ("html", "xlsx", "csv", "pdf", "json", "focus", "all"):
            command = [sys.executable, "-m", "tests.benchmarks.pack", "--folder", str(folder)]
            done = subprocess.run([*command, "--part", part], capture_output=True, check=True)
            found = json.loads(done.stdout)
            sizes = ", ".join(f"{name} {size / 1e6:.2f} MB" for name, size in found["sizes"])
            print(
                f"{part:6}{found['seconds']:7.1f} s  user {found['user']:6.1f} s"
                f"{found['peak_mib']:8,.0f} MiB   {sizes}"
            )
        if not options.no_browser:
            for what, milliseconds in _in_browser(folder / "out" / f"chargeback-{_PERIOD}.html"):
                print(f"   {what:50}{milliseconds:8.0f} ms")


def _part(folder: Path, part: str) -> dict[str, Any]:
    from metering.reporting.focus.columns import FocusVersion  # noqa: PLC0415 - what is measured
    from metering.workflows.reports.focus import write_focus  # noqa: PLC0415
    from metering.workflows.reports.report import ReportFormat, report_chargeback  # noqa: PLC0415

    settings, out = load_settings(folder / "metering.toml"), folder / "out"
    names = ("html", "xlsx", "csv") if part == "all" else (part,)
    began = time.perf_counter()
    paths: list[Path] = []
    if part != "focus":
        formats = tuple(ReportFormat(name) for name in names)
        paths += report_chargeback(settings, _PERIOD, out, formats).paths
    if part in {"focus", "all"}:
        paths += write_focus(settings, _PERIOD, out, FocusVersion.V1_2).paths
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": time.perf_counter() - began,
        "user": used.ru_utime,
        "peak_mib": used.ru_maxrss / 1024,
        "sizes": [(path.suffix, path.stat().st_size) for path in paths],
    }


def _fill(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metering.toml").write_text('[books]\ncurrency = "USD"\n', encoding="utf-8")
    books = open_engine(f"sqlite:///{folder / 'books.sqlite'}", must_exist=False)
    upgrade(books)
    provider = provider_account("anthropic", "acme")
    owners = [
        owner_account(
            Owner(f"CC-{4000 + n % _CENTRES}", f"Team {n % (2 * _CENTRES)}", f"project-{n:03d}")
        )
        for n in range(_PROJECTS)
    ]
    bases = [_basis(model, meter) for model in _MODELS for meter in _METERS]
    with begin_write(books) as connection:
        at = datetime(2026, 11, 3, 2, 14, tzinfo=UTC)
        run = record_run(connection, "post", {}, at, "benchmark")
        ids = ensure_accounts(connection, [provider, *owners])
        known = ensure_bases(connection, bases)
        numbers = [known[basis.digest] for basis in bases]
        debits = [ids[owner.name] for owner in owners]
        return add_postings(connection, run, _rows(debits, ids[provider.name], numbers))


def _rows(debits: list[int], credit: int, bases: list[int]) -> Iterator[tuple[Any, ...]]:
    for month in (_PERIOD.previous, _PERIOD):
        days = _DAYS if month == _PERIOD else 3
        for offset in range(days):
            day: date = month.first_day + timedelta(days=offset)
            for place, debit in enumerate(debits):
                for model in range(_MODELS_OF_A_PROJECT):
                    for meter in range(len(_METERS)):
                        basis = ((place + 5 * model) % len(_MODELS)) * len(_METERS) + meter
                        # As irregular as real amounts, or the page would pack too well.
                        seed = ((place * 40 + model) * 7 + meter) * 37 + offset + 1
                        used = seed * 2_654_435_761 % 99_999_989
                        nanos = used * 2_503
                        yield (
                            *(PostingKind.CHARGE.value, str(month), str(day), debit, credit),
                            *(bases[basis], "USD", used, nanos * 9 // 10, nanos, None, ""),
                        )


def _basis(model: str, meter: str) -> Basis:
    return Basis(
        provider="anthropic",
        platform="anthropic-api",
        billing_account="acme",
        product="api",
        model_raw=model,
        model=model,
        meter=meter,
        conditions="{}",
        status="priced",
        reason="",
        currency="USD",
        card="contract v1",
        rate_ids=("r1",),
        unit_price_nanos=2_252_700,
        per=1_000,
        list_unit_price_nanos=2_503_000,
        list_per=1_000,
    )


def _in_browser(page_file: Path) -> Iterator[tuple[str, float]]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - only where it is measured

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.goto(page_file.as_uri())
        opened = "performance.getEntriesByType('navigation')[0].loadEventEnd"
        page.wait_for_function(f"{opened} > 0")
        yield "open, until drawn", page.evaluate(opened)
        told = page.get_by_role("status").inner_text()
        for what, act in (
            (f"filter by a letter ({told})", _TYPED.format(words="m")),
            ("filter by words", _TYPED.format(words="model-1 output")),
            ("filter away", _TYPED.format(words="")),
            ("open to projects", "document.querySelector('[data-part=unfold]').click()"),
            ("sort all that is open", "document.querySelector('[data-sort=listed]').click()"),
            ("show as lines", "document.querySelector('[data-view=lines]').click()"),
            ("sort the lines", "document.querySelector('.lines [data-sort=quantity]').click()"),
            ("open the days of a line", "document.querySelector('.lines .opens').click()"),
        ):
            yield what, page.evaluate(_MEASURED.format(act=act))
        chromium.close()


_TYPED = (
    "(() => {{ const box = document.querySelector('[data-part=words]');"
    " box.value = '{words}'; box.dispatchEvent(new Event('input')); }})()"
)
# From the reader's doing to the frame that shows what came of it.
_MEASURED = (
    "(async () => {{ const began = performance.now(); {act};"
    " await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));"
    " return performance.now() - began; }})()"
)


if __name__ == "__main__":
    main()
