"""What a night takes in: what providers answer, and what waits in the inbox.

What was taken in whole moves to a folder beside the inbox, by day, so that the next night does not
read it again; what was refused stays where it is and is told every night until somebody sees to it.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from metering.errors import MeteringError, PullError, Rejection
from metering.ingest.fingerprints import FileState
from metering.workflows.closing.invoices import ingest_each_invoices
from metering.workflows.intake import pull as pulling
from metering.workflows.intake.inbox import (
    Waiting,
    take,
    waiting_invoices,
    waiting_outcomes,
    waiting_usage,
)
from metering.workflows.intake.ingest import ingest_each
from metering.workflows.intake.order import Order
from metering.workflows.nightly.steps import Step
from metering.workflows.outcomes.outcome_imports import ingest_each_outcomes

if TYPE_CHECKING:
    from metering.ingest.contract import Ingestor
    from metering.ingest.outcomes.contract import OutcomeIngestor
    from metering.settings import Settings
    from metering.workflows.intake.receipts import Receipt
    from metering.workflows.runs import Run

# What was refused of a file that was taken in.
_Refused: TypeAlias = Sequence[Rejection]


def pull(settings: "Settings", run: "Run") -> Step:
    """Ask providers for what metering.toml says, up to the day before the night."""
    order = pulling.Order(None, run.started_at.date() - timedelta(days=1), settings.inbox)
    found = [
        one
        for connector in pulling.configured(settings)
        for one in pulling.pull(settings, connector, order)
    ]
    files = sum(isinstance(one, pulling.Pulled) and one.path is not None for one in found)
    told = (str(one) for one in found if isinstance(one, PullError))
    return Step.done("pull", f"{files} files", told)


def take_usage(settings: "Settings", run: "Run", formats: "Sequence[Ingestor]") -> Step:
    """Take in the usage that waits."""
    waiting = waiting_usage(settings.inbox)
    taken = ingest_each(settings, run, waiting.files, Order(formats))
    return _taken_in("usage", settings, run, waiting, map(_refused_or_why, taken))


def take_outcomes(settings: "Settings", run: "Run", formats: "Sequence[OutcomeIngestor]") -> Step:
    """Take in the outcomes that wait."""
    waiting = waiting_outcomes(settings.inbox)
    taken = ingest_each_outcomes(settings, run, waiting.files, formats)
    return _taken_in("outcomes", settings, run, waiting, map(_refused_or_why, taken))


def take_invoices(settings: "Settings", run: "Run") -> Step:
    """Take in the invoices that wait."""
    waiting = waiting_invoices(settings.inbox)
    taken = ingest_each_invoices(settings, run, waiting.files)
    refused = (one if isinstance(one, MeteringError) else () for one in taken)
    return _taken_in("invoices", settings, run, waiting, refused)


def _taken_in(
    name: str,
    settings: "Settings",
    run: "Run",
    waiting: Waiting,
    taken: Iterable[_Refused | MeteringError],
) -> Step:
    """Move files as they are taken in; `taken` says of each what was refused."""
    if not waiting.files:
        return Step.done(name, "nothing waits", waiting.closed)
    told = list(waiting.closed)
    count = 0
    found = {path: FileState.of(path) for path in waiting.files}
    for path, refused in zip(waiting.files, taken, strict=True):
        if isinstance(refused, MeteringError):
            told.append(str(refused))
            continue
        count += 1
        place = path
        if FileState.of(path) not in (found[path], None):
            told.append(_written_since(path))
        else:
            try:
                place = take(path, settings.inbox, run.started_at)
            except OSError as error:
                told.append(_not_moved(path, error))
        told.extend(one.message(str(place)) for one in refused)
    # What keeps many files from being recorded, such as a full disk, is told once.
    return Step.done(name, f"{count} of {len(waiting.files)} files taken in", dict.fromkeys(told))


def _refused_or_why(taken: "Receipt | MeteringError") -> _Refused | MeteringError:
    return taken if isinstance(taken, MeteringError) else taken.rejections


def _written_since(path: Path) -> str:
    return (
        f"{path}: it was taken in, and somebody has written to it since\n"
        "    do:       nothing: it stays where it is, and the next night reads it again"
    )


def _not_moved(path: Path, error: OSError) -> str:
    return (
        f"{path}: it was taken in, and cannot be moved: {error.strerror or error}\n"
        "    do:       give access to the folder; until then each night reads the file again"
    )
