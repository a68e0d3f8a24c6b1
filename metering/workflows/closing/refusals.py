"""Refusals: every reason not to close a period, found at once."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.books import period_content as content_book
from metering.books import runs as run_book
from metering.books import sources as source_book
from metering.core.money import decimal_text, nanos_from_decimal_text
from metering.engine.charging.lacking import lacking_totals
from metering.errors import BookError, first_of, shown
from metering.workflows.intake.arrival import missing_source_days
from metering.workflows.posting.post import FIRST_DAY, LAST_DAY, lacking
from metering.workflows.verify import book_problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from metering.core.closing.tieout import TieOut
    from metering.core.periods import BillingPeriod
    from metering.settings import Settings

_TOLD: Final = 8
# What changes nothing that a post computes.
_CHANGE_NO_CHARGE: Final = ("post", "period ", "quarantine ", "prices fx ")


class RefusalCode(StrEnum):
    """Why a period cannot be closed."""

    NOT_POSTED = "not-posted"
    UNPRICED = "unpriced"
    QUARANTINE = "quarantine"
    UNEXPLAINED = "unexplained"
    MISSING_DAYS = "missing-days"
    UNSOUND = "unsound"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason not to close a period.

    Attributes:
        found: what is wrong, a phrase.
        details: the largest or first cases of it.
        do: what the user does about it.
    """

    code: RefusalCode
    found: str
    details: tuple[str, ...]
    do: str


def refusals(
    connection: "Connection",
    settings: "Settings",
    staging: Path,
    period: "BillingPeriod",
    ties: "Sequence[TieOut]",
) -> tuple[Refusal, ...]:
    """Return every reason not to close a period, none when it can be closed.

    Args:
        connection: of a write transaction; nothing is changed in it.
        settings: the lake, the tolerance, and when sources arrive.
        staging: folder on the lake's file system, for what is computed on the way.
        period: the month.
        ties: its tie-outs.
    """
    return (
        # First: what is computed next may name accounts and bases that no run has written yet.
        *_unsound(connection, settings),
        *_not_posted(connection, settings, staging, period),
        *_unpriced(connection, period),
        *_quarantined(connection, period),
        *_unexplained(settings, period, ties),
        *_missing_days(connection, settings, period),
    )


def _not_posted(
    connection: "Connection", settings: "Settings", staging: Path, period: "BillingPeriod"
) -> Iterator[Refusal]:
    first, last = period.first_day, date.fromordinal(period.end_day.toordinal() - 1)
    if _changed_since_post(connection):
        # Whatever is lacking of an earlier, closed month belongs in this one as a correction.
        first, last = FIRST_DAY, LAST_DAY
    with lacking(connection, settings, staging, first, last) as found:
        count = sum(row[4] for row in lacking_totals(found.duck) if row[1] == str(period))
    if count:
        yield Refusal(
            RefusalCode.NOT_POSTED,
            f"postings the book lacks of what usage and prices ask for: {count:,}",
            (),
            "run `metering post`",
        )


def _changed_since_post(connection: "Connection") -> bool:
    """Return whether anything that decides charges was changed since postings were written."""
    posted = content_book.last_posting_run(connection)
    return any(
        run.id > posted and not run.command.startswith(_CHANGE_NO_CHARGE)
        for run in run_book.runs_after(connection, posted)
    )


def _unpriced(connection: "Connection", period: "BillingPeriod") -> Iterator[Refusal]:
    lines = content_book.unpriced_usage(connection, str(period))
    if lines:
        yield Refusal(
            RefusalCode.UNPRICED,
            f"meters of usage without a rate: {len(lines):,}",
            first_of(
                (
                    f"{line.quantity:,} {line.meter} of {line.model or 'no named model'} "
                    f"({line.provider}): {line.reason}"
                    for line in lines
                ),
                _TOLD,
            ),
            "import a rate card that prices them, then `metering post`",
        )


def _quarantined(connection: "Connection", period: "BillingPeriod") -> Iterator[Refusal]:
    first, end = str(period.first_day), str(period.end_day)
    sources = {stored.id: stored.source for stored in source_book.list_sources(connection)}
    files: Counter[str] = Counter()
    for one in source_book.unowned_quarantine(connection):
        source = sources[one.source_id]
        # A file of which nothing could be read may be of any month.
        if (source.first_day or first) < end and (source.last_day or first) >= first:
            files[one.path] += 1
    if files:
        yield Refusal(
            RefusalCode.QUARANTINE,
            f"refused records that are in no amount and that nobody sees to: {files.total():,}",
            first_of((f"{path}: {count:,}" for path, count in files.most_common()), _TOLD),
            "correct and retry them, or say who does: `metering quarantine assign`",
        )


def _unexplained(
    settings: "Settings", period: "BillingPeriod", ties: "Sequence[TieOut]"
) -> Iterator[Refusal]:
    tolerance = _tolerance(settings)
    found = [tie for tie in ties if tie.is_invoiced and abs(tie.unexplained_nanos) > tolerance]
    if found:
        yield Refusal(
            RefusalCode.UNEXPLAINED,
            f"billing accounts that differ from their invoices without a reason: {len(found):,}",
            first_of(
                (
                    f"{tie.provider}/{tie.billing_account}: {tie.currency} "
                    f"{decimal_text(tie.unexplained_nanos)}"
                    for tie in sorted(found, key=lambda tie: -abs(tie.unexplained_nanos))
                ),
                _TOLD,
            ),
            f"see `metering tie-out {period}`; up to {decimal_text(tolerance)} may "
            "be unexplained ([close] tolerance)",
        )


def _tolerance(settings: "Settings") -> int:
    """Return the nanos that may be unexplained of each invoice.

    Raises:
        BookError: `bad-settings`: it is not an amount.
    """
    try:
        # A number without quotes would be a float: 0.05 is not exactly five cents.
        nanos = nanos_from_decimal_text(settings.tolerance)
    except (AttributeError, ValueError):
        nanos = -1
    if nanos < 0:
        raise BookError(
            "bad-settings",
            f"metering.toml: [close] tolerance is {shown(settings.tolerance)}",
            details=('expected: an amount in quotes, 0 or more, like "0.05"',),
        )
    return nanos


def _missing_days(
    connection: "Connection", settings: "Settings", period: "BillingPeriod"
) -> Iterator[Refusal]:
    missing = missing_source_days(connection, settings, period)
    if missing:
        yield Refusal(
            RefusalCode.MISSING_DAYS,
            f"days of sources that have not come: {sum(map(len, missing.values())):,}",
            first_of((f"{stream}: {days_text(days)}" for stream, days in missing.items()), _TOLD),
            "ingest them, or say under [arrival] in metering.toml when the source comes",
        )


def _unsound(connection: "Connection", settings: "Settings") -> Iterator[Refusal]:
    problems = tuple(book_problems(connection, settings))
    if problems:
        yield Refusal(
            RefusalCode.UNSOUND,
            f"what is wrong with the books: {len(problems):,}",
            first_of(problems, _TOLD),
            "see `metering verify`, and restore what was damaged from a backup",
        )


def days_text(days: tuple[date, ...]) -> str:
    """Return days as a reader writes them: runs of days as "first to last"."""
    runs: list[list[date]] = []
    for day in days:
        if runs and day.toordinal() == runs[-1][-1].toordinal() + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    texts = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    return ", ".join(first_of(texts, _TOLD))
