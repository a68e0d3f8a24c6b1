"""Arrival: which sources of the books have days missing in a month, and which bills never came."""

from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING

from metering.books import coverage as coverage_book
from metering.books.engine import begin_read, open_engine
from metering.core.closing.arrival import HISTORY, Rhythm, Stream, missing_days
from metering.errors import BookError, shown
from metering.ingest.contract import SourceRole

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.core.periods import BillingPeriod
    from metering.settings import Settings


def missing_source_days(
    connection: "Connection", settings: "Settings", period: "BillingPeriod"
) -> dict[Stream, tuple[date, ...]]:
    """Return the days of a month on which a source was expected and did not come.

    Sources that are charged are learned from their own days; any other is expected only where
    `[arrival]` of metering.toml names it: by its ingestor, or as INGESTOR/PROVIDER/ACCOUNT.

    Raises:
        BookError: `bad-settings`: it names a rhythm that we do not know.
    """
    came: dict[Stream, set[date]] = defaultdict(set)
    first, last = period.first_day - HISTORY, period.end_day - timedelta(days=1)
    for claim in coverage_book.claimed_days(connection, first.isoformat(), last.isoformat()):
        declared = _rhythm(settings, Stream(claim.ingestor, claim.provider, claim.billing_account))
        if declared or settings.is_metered(claim.ingestor, claim.role):
            stream = Stream(claim.ingestor, claim.provider, claim.billing_account)
            came[stream].add(date.fromisoformat(claim.day))
    known = {stream.ingestor for stream in came}
    for name in settings.arrival:
        ingestor, *account = name.split("/", 2)
        if ingestor not in known or (account and Stream(ingestor, *account) not in came):
            came[Stream(ingestor, *account)] = set()
    found = {
        stream: missing_days(days, period, _rhythm(settings, stream))
        for stream, days in sorted(came.items())
    }
    return {stream: days for stream, days in found.items() if days}


def unmetered_detail(settings: "Settings") -> tuple[coverage_book.ReportedProvider, ...]:
    """Return the details of providers that no source of the books has ever metered.

    Nothing is charged for what they count, since they only divide what a bill or a usage report
    charges. Where `[roles]` of metering.toml says of such a source what it is, that is meant so.
    """
    with begin_read(open_engine(settings.books_url)) as connection:
        return unmetered_in(connection, settings)


def unmetered_in(
    connection: "Connection", settings: "Settings"
) -> tuple[coverage_book.ReportedProvider, ...]:
    """Return what `unmetered_detail` does, of the books as a connection sees them."""
    reported = coverage_book.reported_providers(connection)
    metered = {one.provider for one in reported if settings.is_metered(one.ingestor, one.role)}
    said = settings.demoted | settings.promoted
    return tuple(
        one
        for one in reported
        if one.role == SourceRole.DETAIL
        and one.provider not in metered
        and one.ingestor not in said
    )


def unmetered_text(one: coverage_book.ReportedProvider) -> str:
    """Return what is said of a detail that nothing meters, and what the user does about it."""
    return (
        f"{one.ingestor} tells of usage of {one.provider} from {one.first_day} to {one.last_day}, "
        f"and nothing meters {one.provider}: nothing is charged for it\n"
        f"    do:       ingest the bill or usage report of {one.provider}; or say under [roles] in "
        f'metering.toml: {one.ingestor} = "metered" to charge what it counts, "detail" where '
        "nothing is to be charged by use"
    )


def _rhythm(settings: "Settings", stream: Stream) -> Rhythm | None:
    account = f"{stream.ingestor}/{stream.provider}/{stream.billing_account}"
    said = settings.arrival.get(account, settings.arrival.get(stream.ingestor))
    if said is None:
        return None
    rhythms = [rhythm.value for rhythm in Rhythm]
    if said not in rhythms:
        raise BookError(
            "bad-settings",
            f"metering.toml: [arrival] {stream.ingestor} is {shown(said)}",
            details=(f"known:    {', '.join(rhythms)}",),
        )
    return Rhythm(said)
