"""Report: write the files finance forwards, all from one snapshot of the book."""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.periods import BillingPeriod
from metering.errors import BookError
from metering.reporting.chargeback import ChargebackReport, chargeback_report
from metering.reporting.csvfile import chargeback_csv
from metering.reporting.html import chargeback_html
from metering.reporting.snapshot import Snapshot
from metering.workflows.period_snapshot import snapshot_of_period
from metering.workflows.reading import reading

if TYPE_CHECKING:
    from metering.settings import Settings


class ReportFormat(StrEnum):
    """What a report can be written as."""

    HTML = "html"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Reported:
    """A report that was written.

    Attributes:
        report: what it says, formatted.
        paths: the files, in the order of `ReportFormat`.
    """

    report: ChargebackReport
    paths: tuple[Path, ...]


_RENDERED: Final[Mapping[ReportFormat, Callable[[Snapshot, ChargebackReport], bytes]]] = {
    ReportFormat.HTML: lambda _, report: chargeback_html(report),
    ReportFormat.CSV: lambda snapshot, _: chargeback_csv(snapshot),
}


def report_chargeback(
    settings: "Settings",
    period: BillingPeriod,
    folder: Path,
    formats: Collection[ReportFormat] = tuple(ReportFormat),
    *,
    as_of: str | None = None,
) -> Reported:
    """Write the chargeback report of a period; the same ledger gives the same bytes.

    Args:
        settings: where the books are.
        period: the month.
        folder: where the files go, `chargeback-PERIOD.html` and `.csv`; made if it is not there.
        formats: which of them to write.
        as_of: a run or a moment, see `workflows.reading`; None for now.

    Raises:
        BookError: `no-charges`: the book holds none of that period; `unwritable-report`: a file
            cannot be written there. A file is replaced whole or left as it was.
    """
    with reading(settings, as_of=as_of) as connection:
        snapshot = snapshot_of_period(connection, settings, period)
    report = chargeback_report(snapshot)
    wanted = [name for name in ReportFormat if name in formats]
    rendered = {
        folder / f"chargeback-{period}.{name.value}": _RENDERED[name](snapshot, report)
        for name in wanted
    }
    for path, content in rendered.items():
        replace_file(path, content)
    return Reported(report, tuple(rendered))


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole, or leave what was there as it was.

    Raises:
        BookError: `unwritable-report`.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_bytes(content)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise BookError(
            "unwritable-report",
            f"{path} cannot be written: {error.strerror}",
            do="name another folder with --out",
        ) from error
