"""What a source claims to report on; two metered sources of the same usage are refused."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from metering.books import coverage as coverage_book
from metering.errors import SourceError, SourceRef
from metering.ingest.contract import SourceRole

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.ingest.contract import Ingestor
    from metering.settings import Settings
    from metering.usage.staged import StagedDay

_CHARGEABLE = (SourceRole.METERED, SourceRole.DETAIL)


def claims_of(
    ingestor: "Ingestor",
    days: Iterable[tuple[str, tuple[str, str]]],
    scope: str = "*",
    signature: str = "",
) -> tuple[coverage_book.NewCoverage, ...]:
    """Return which days of which accounts some usage reports on; none unless it is chargeable.

    Args:
        ingestor: what read it.
        days: ISO charge day and (provider, billing account).
        scope: the part of the account's usage; "*" for all of it.
        signature: how a snapshot is grouped; "" for events.
    """
    return tuple(
        coverage_book.NewCoverage(
            provider=provider,
            billing_account=account,
            scope=scope,
            signature=signature,
            ingestor=ingestor.name,
            role=ingestor.role.value,
            day=day,
        )
        for day, (provider, account) in days
        if ingestor.role in _CHARGEABLE
    )


def accounts_by_day(days: "Iterable[StagedDay]") -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield each charge day of some staged usage with each of its accounts."""
    for day in days:
        for account in day.accounts:
            yield day.day, account


def refuse_overlap(
    connection: "Connection",
    settings: "Settings",
    ingestor: "Ingestor",
    path: Path,
    account: str,
    claims: Sequence[coverage_book.NewCoverage],
) -> None:
    """Refuse usage that another metered source reports on already, in another view.

    Args:
        connection: of either kind of transaction.
        settings: roles of the ingestors.
        ingestor: what read the file.
        path: of the file, for the message.
        account: billing account of records whose source does not name one.
        claims: what it reports on.

    Raises:
        SourceError: `overlapping-metered`, with both names.
    """
    if not settings.is_metered(ingestor.name, ingestor.role.value):
        return
    clashes = [
        clash
        for clash in coverage_book.conflicting_coverage(connection, claims, account)
        if settings.is_metered(clash.ingestor, clash.role)
    ]
    if not clashes:
        return
    clash = clashes[0]
    days = sorted({other.day for other in clashes})
    raise SourceError(
        SourceRef(str(path)),
        "overlapping-metered",
        f"{clash.provider} account '{clash.billing_account}' is already metered by "
        f"{clash.ingestor} on {days[0]}" + (f" to {days[-1]}" if len(days) > 1 else ""),
        details=(
            f"recorded: {clash.source_path} ({clash.scope}; {clash.signature or 'events'})",
            "two sources of the same usage are never added up",
        ),
        do=_way_out(ingestor.name, clash.ingestor),
    )


def _way_out(ingestor: str, other: str) -> str:
    if ingestor == other:
        return (
            "pull with the grouping of the recorded one; if this is another account, say which "
            "with --account"
        )
    return (
        "if this is another account, say which with --account; if one only divides the other, "
        f'set {ingestor} or {other} = "detail" under [roles] in metering.toml'
    )
