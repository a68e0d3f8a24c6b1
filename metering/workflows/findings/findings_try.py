"""Try the detectors on a folder of exports: no book is read, none is written."""

import csv
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.analysis.findings.review_list import Options, Review, review
from metering.analysis.observed.panel import Frames
from metering.core.outcomes.stages import DEFAULT_WINDOW_DAYS
from metering.engine.behaviour.of_folder import open_folder
from metering.engine.behaviour.of_workflows import Recurring, sum_workflows
from metering.engine.behaviour.summed import Behaviour, sum_behaviour
from metering.engine.connection import open_duckdb
from metering.errors import SourceError, SourceRef

if TYPE_CHECKING:
    import duckdb

    from metering.analysis.findings.finding import Finding

_MEMORY_LIMIT: Final = "1GB"
LEAST_DAYS: Final = 28
# A baseline of five weeks, and a stretch of three that is compared with it.
_LEAST_WEEKS: Final = 8
_UNATTRIBUTED: Final = ("has-feed", "feed-silent", "no-feed")
_FLAG_COLUMNS: Final = (
    "team",
    "project",
    "family",
    "score",
    "flagged",
    "kind",
    "onset",
    "dollars_at_stake",
)


@dataclass(frozen=True, slots=True)
class Tried:
    """What a try found.

    Attributes:
        review: the findings.
        split: bucket -> USD: keyed, project, pending, unattributed; they add up to `total`.
        unattributed: why, -> USD; they add up to the bucket.
        total: all spend, USD, exact to the last digit of the files.
        notes: what was left out or could not be read, in sentences.
    """

    review: Review
    split: dict[str, Decimal]
    unattributed: dict[str, Decimal]
    total: Decimal
    notes: tuple[str, ...]


def try_folder(folder: Path, options: Options) -> Tried:
    """Return the findings of a folder in the layout of `engine.behaviour.of_folder`.

    Raises:
        MeteringError: a file is missing or cannot be read, or `too-few-days`; nothing has been
            found then.
    """
    with (
        tempfile.TemporaryDirectory(prefix="metering-try-") as scratch,
        open_duckdb(Path(scratch), memory_limit=_MEMORY_LIMIT, threads=0) as connection,
    ):
        first, last = open_folder(connection, folder)
        _check_length(folder, (last - first).days + 1)
        summed = sum_behaviour(connection, first, last, default_window_days=DEFAULT_WINDOW_DAYS)
        frames = frames_of(summed)
        workflows = frames_of_workflows(connection, summed, options)
    found = review(frames, options, workflows)
    return Tried(
        review=found,
        split={
            "keyed": _sum(summed, "keyed"),
            "project": _sum(summed, "project"),
            "pending": _sum(summed, "pending"),
            "unattributed": _sum(summed, *_UNATTRIBUTED),
        },
        unattributed={bucket: _sum(summed, bucket) for bucket in _UNATTRIBUTED},
        total=sum((usd for *_, usd in summed.split), Decimal(0)),
        notes=_notes(summed, found),
    )


def _check_length(folder: Path, days: int) -> None:
    if days < LEAST_DAYS:
        raise SourceError(
            SourceRef(str(folder / "usage.csv")),
            "too-few-days",
            f"it covers {days} of {LEAST_DAYS} days",
            details=("expected: four weeks at least, and twelve to say much",),
            do="export a longer stretch: an object is compared with its own past",
        )


def frames_of(summed: Behaviour) -> Frames:
    """Return what the engine summed as the frames of `analysis`."""
    return Frames(
        first_day=summed.first_day,
        last_day=summed.last_day,
        objects=summed.objects.to_pandas(),
        cells=summed.cells.to_pandas(),
        outcomes=summed.outcomes.to_pandas(),
        lags=summed.lags.to_pandas(),
        people=summed.people.to_pandas(),
        persons=summed.persons.to_pandas(),
        keys=summed.keys.to_pandas(),
        targets=summed.targets.to_pandas(),
        workflows=summed.workflows.to_pandas(),
        prices=summed.prices.to_pandas(),
        events=summed.events.to_pandas(),
    )


def frames_of_workflows(
    connection: "duckdb.DuckDBPyConnection", summed: Behaviour, options: Options
) -> Frames | None:
    """Return the frames of the workflows whose money could be material; None if there are none."""
    recurring = Recurring(_LEAST_WEEKS, options.least_usd, options.least_share)
    by_workflow = sum_workflows(connection, summed, recurring)
    return None if by_workflow is None else frames_of(by_workflow)


def _sum(summed: Behaviour, *buckets: str) -> Decimal:
    return sum((usd for _, _, bucket, usd in summed.split if bucket in buckets), Decimal(0))


def _notes(summed: Behaviour, found: Review) -> tuple[str, ...]:
    notes = []
    if summed.unknown_outcomes:
        notes.append(
            f"{summed.unknown_outcomes:,} outcomes are of teams and projects without usage, and"
            " are left out"
        )
    scopes = found.study.masks.unread
    if scopes:
        notes.append(f"events about {', '.join(scopes)} are about nothing that has usage")
    if not found.study.test.usable.any():
        days = found.study.panel.days
        notes.append(
            f"nothing can be compared: {days} days of 42, or no outcomes that have matured"
        )
    return tuple(notes)


def write_flags(tried: Tried, path: Path) -> None:
    """Write one row per project and family, by team, project and family."""
    rows = sorted((f for f in tried.review.findings if not f.is_workflow), key=_flag_key)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_FLAG_COLUMNS)
        writer.writerows(
            (
                finding.subject.team,
                finding.subject.project,
                finding.family.value,
                f"{finding.score:.6f}",
                int(finding.flagged),
                finding.pattern,
                finding.onset.isoformat(),
                f"{finding.excess_nanos // 10**9}.{finding.excess_nanos % 10**9:09d}",
            )
            for finding in rows
        )


def _flag_key(finding: "Finding") -> tuple[str, str, str]:
    return finding.subject.team, finding.subject.project, finding.family.value
