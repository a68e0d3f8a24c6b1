"""Claims: which days of which accounts a source reports on, and which two are of the same usage.

Two metered sources of the same usage are never added up; here they are found, and whoever knows
the roles decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final, NamedTuple

from sqlalchemy import Connection, Index, insert, text

from metering.books.schema import BookTable, reference, row_id, strict, table_of, words
from metering.core.ledger import DEFAULT_ACCOUNT


class CoverageRow(BookTable, table=True):
    """One day of an account that a source claims to report on."""

    __tablename__: ClassVar[Any] = "coverage"
    __table_args__ = strict(Index(None, "provider", "billing_account", "day"))

    id: int | None = row_id()
    run_id: int = reference("run.id")
    source_id: int = reference("source.id")
    provider: str = words()
    billing_account: str = words()
    scope: str = words()
    signature: str = words()
    ingestor: str = words()
    role: str = words()
    day: str = words()


_COVERAGE: Final = table_of(CoverageRow)


@dataclass(frozen=True, slots=True)
class NewCoverage:
    """One day of an account that a source claims to report on.

    Attributes:
        scope: the part of the account's usage; "*" for all of it.
        signature: how a snapshot is grouped; "" for events.
        role: as the ingestor declares it.
        day: ISO charge day.
    """

    provider: str
    billing_account: str
    scope: str
    signature: str
    ingestor: str
    role: str
    day: str


_OF_CLAIM: Final = tuple(one.name for one in fields(NewCoverage))


@dataclass(frozen=True, slots=True)
class Clash(NewCoverage):
    """A day that another source reports on already, in another view of the same usage.

    Attributes:
        source_path: that source, as the user named it.
    """

    source_path: str = ""


# Two claims of different ingestors may be of one account, too, where nobody said of which one of
# them is, and the other stands in its file: a gateway's log, and the bill of what it passed on. And
# an account may be a part of another, as Azure's billing profiles are: "account/profile".
_CLASHES: Final = text("""
    SELECT DISTINCT c.provider, c.billing_account, c.scope, c.signature, c.ingestor, c.role, c.day,
        s.path
    FROM coverage c JOIN source s ON s.id = c.source_id
    WHERE c.provider = :provider
        AND (c.billing_account = :billing_account
            OR c.ingestor <> :ingestor
                AND ((c.billing_account = :unnamed AND :billing_account <> :said)
                    OR (:billing_account = :unnamed AND c.billing_account <> s.billing_account)
                    OR substr(c.billing_account, 1, length(CAST(:billing_account AS TEXT)) + 1)
                        = CAST(:billing_account AS TEXT) || '/'
                    OR substr(CAST(:billing_account AS TEXT), 1, length(c.billing_account) + 1)
                        = c.billing_account || '/'))
        AND c.day BETWEEN :first_day AND :last_day
        AND (c.scope = :scope OR c.scope = '*' OR :scope = '*')
        AND NOT (c.scope = :scope AND c.signature = :signature AND c.ingestor = :ingestor)
""")

_CLAIMED: Final = text("""
    SELECT DISTINCT ingestor, role, provider, billing_account, day FROM coverage
    WHERE day BETWEEN :first_day AND :last_day
    ORDER BY ingestor, provider, billing_account, day
""")

_REPORTED: Final = text("""
    SELECT ingestor, role, provider, MIN(day), MAX(day) FROM coverage
    GROUP BY ingestor, role, provider ORDER BY ingestor, provider
""")

_LOGGED: Final = text("""
    SELECT provider, billing_account FROM coverage WHERE role <> 'detail'
    GROUP BY provider, billing_account HAVING max(signature) = ''
""")

_UNNAMED: Final = {"unnamed": DEFAULT_ACCOUNT}
_VIEW: Final = ("provider", "billing_account", "scope", "signature", "ingestor")

# Each pair once: of two views, the one that sorts first stands on the left.
_OVERLAPS: Final = """
    WITH claim AS (
        SELECT DISTINCT {columns}, c.billing_account <> s.billing_account AS in_file
        FROM coverage c JOIN source s ON s.id = c.source_id
    )
    SELECT DISTINCT {left}, {right}
    FROM claim l JOIN claim r
        ON r.provider = l.provider AND r.day = l.day
        AND (r.billing_account = l.billing_account
            OR r.ingestor <> l.ingestor
                AND ((l.billing_account = :unnamed AND r.in_file)
                    OR (r.billing_account = :unnamed AND l.in_file)
                    OR substr(l.billing_account, 1, length(r.billing_account) + 1)
                        = r.billing_account || '/'
                    OR substr(r.billing_account, 1, length(l.billing_account) + 1)
                        = l.billing_account || '/'))
        AND (r.scope = l.scope OR r.scope = '*' OR l.scope = '*')
        AND (l.ingestor, l.scope, l.signature) < (r.ingestor, r.scope, r.signature)
"""


def add_coverage(
    connection: Connection, run_id: int, claims: Mapping[int, Sequence[NewCoverage]]
) -> None:
    """Keep which days of which accounts each source, by its id, claims to report on."""
    # `asdict` copies whatever a field holds, and takes longer than the insert.
    rows = [
        {
            "run_id": run_id,
            "source_id": source_id,
            **{one: getattr(claim, one) for one in _OF_CLAIM},
        }
        for source_id, claimed in claims.items()
        for claim in claimed
    ]
    if rows:
        connection.execute(insert(_COVERAGE), rows)


def conflicting_coverage(
    connection: Connection, rows: Sequence[NewCoverage], said: str = DEFAULT_ACCOUNT
) -> list[Clash]:
    """Return what the book already holds of the same usage in another view.

    Two claims are of the same usage when provider, account and day agree and the scopes are equal
    or one of them is "*". Of two ingestors, one whose account nobody named agrees with any account
    that stands in the other's file, since nothing tells that it is of another, and an account
    agrees with those that are parts of it: "a" with "a/b". They are the same view
    when scope, signature and ingestor are equal too: then the later one replaces the earlier, else
    adding them up would charge twice.

    Args:
        connection: of either kind of transaction.
        rows: the claims of one source.
        said: the account that was said to be that source's; another one stood in its file.

    Returns:
        The clashing claims of the book, by day; whether their roles make it an error is the
        caller's to say.
    """
    days: dict[tuple[str, ...], set[str]] = {}
    for row in rows:
        days.setdefault(tuple(getattr(row, name) for name in _VIEW), set()).add(row.day)
    clashes: set[Clash] = set()
    for view, claimed in days.items():
        values = dict(zip(_VIEW, view, strict=True))
        bounds = {"first_day": min(claimed), "last_day": max(claimed)}
        found = connection.execute(_CLASHES, values | bounds | _UNNAMED | {"said": said})
        clashes.update(clash for clash in (Clash(*row) for row in found) if clash.day in claimed)
    return sorted(clashes, key=lambda one: (one.day, one.source_path, one.ingestor, one.scope))


class ClaimedDay(NamedTuple):
    """One day of an account that sources of one ingestor report on."""

    ingestor: str
    role: str
    provider: str
    billing_account: str
    day: str


def claimed_days(connection: Connection, first_day: str, last_day: str) -> list[ClaimedDay]:
    """Return which days each ingestor reports on, by account.

    Args:
        connection: of either kind of transaction.
        first_day: ISO charge day.
        last_day: inclusive.
    """
    rows = connection.execute(_CLAIMED, {"first_day": first_day, "last_day": last_day})
    return [ClaimedDay(*row) for row in rows]


class ReportedProvider(NamedTuple):
    """A provider that sources of one ingestor report on, from the first to the last day."""

    ingestor: str
    role: str
    provider: str
    first_day: str
    last_day: str


def reported_providers(connection: Connection) -> list[ReportedProvider]:
    """Return which providers each ingestor reports on, whatever the day."""
    return [ReportedProvider(*row) for row in connection.execute(_REPORTED)]


def logged_accounts(connection: Connection) -> frozenset[tuple[str, str]]:
    """Return the provider and billing account of usage that only events tell of, no snapshot."""
    return frozenset((row[0], row[1]) for row in connection.execute(_LOGGED))


def overlapping_claims(connection: Connection) -> list[tuple[NewCoverage, NewCoverage]]:
    """Return every pair of claims to the same usage in two views, by day.

    A change of roles can make an error of what was none when it was ingested.
    """
    columns = _OF_CLAIM
    statement = _OVERLAPS.format(
        columns=", ".join(f"c.{name}" for name in columns),
        left=", ".join(f"l.{name} AS l_{name}" for name in columns),
        right=", ".join(f"r.{name} AS r_{name}" for name in columns),
    )
    middle = len(columns)
    pairs = [
        (NewCoverage(*row[:middle]), NewCoverage(*row[middle:]))
        for row in connection.execute(text(statement), _UNNAMED)
    ]
    return sorted(pairs, key=lambda pair: (pair[0].day, repr(pair)))
