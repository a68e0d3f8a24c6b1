"""Exchange rates, and what foreign postings are worth at them: pinned, beside the postings.

A posting keeps its card's currency. What it is worth in the reporting currency is a row of its
own, which names the rate that was used; it can come later than the posting, with the rate.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, ClassVar, Final, NamedTuple

from sqlalchemy import Connection, UniqueConstraint, func, insert, select, text

from metering.books.ledger import PostingRow
from metering.books.schema import BookTable, reference, row_id, strict, table_of, whole, words
from metering.core.closing.fx import FxRate


class FxRateRow(BookTable, table=True):
    """What one unit of a currency is worth in another, on some days."""

    __tablename__: ClassVar[Any] = "fx_rate"
    __table_args__ = strict(UniqueConstraint("base", "quote", "day"))

    id: int | None = row_id()
    run_id: int = reference("run.id")
    base: str = words()
    quote: str = words()
    day: str = words()
    until: str = words()
    rate: str = words()
    source: str = words()


class PostingFxRow(BookTable, table=True):
    """What one posting is worth in another currency, and by which rate."""

    __tablename__: ClassVar[Any] = "posting_fx"
    __table_args__ = strict(UniqueConstraint("posting_id", "fx_rate_id"))

    id: int | None = row_id()
    posting_id: int = reference("posting.id")
    fx_rate_id: int = reference("fx_rate.id")
    converted_nanos: int = whole()


class Foreign(NamedTuple):
    """A posting in another currency that is not converted yet."""

    posting_id: int
    charge_day: str
    currency: str
    amount_nanos: int


class Converted(NamedTuple):
    """What postings of one period and currency are worth in the reporting currency."""

    period: str
    currency: str
    amount_nanos: int
    converted_nanos: int


_FX: Final = table_of(FxRateRow)
_POSTING_FX: Final = table_of(PostingFxRow)
_POSTING: Final = table_of(PostingRow)

_FOREIGN: Final = text("""
    SELECT p.id, p.charge_day, p.currency, p.amount_nanos FROM posting p
    WHERE p.id > :after AND p.currency <> :currency AND p.amount_nanos <> 0
        AND NOT EXISTS (
            SELECT 1 FROM posting_fx x JOIN fx_rate f ON f.id = x.fx_rate_id
            WHERE x.posting_id = p.id AND f.quote = :currency
        )
    ORDER BY p.id
""")
_CONVERTED: Final = text("""
    SELECT p.period, p.currency, CAST(sum(p.amount_nanos) AS BIGINT),
        CAST(sum(x.converted_nanos) AS BIGINT)
    FROM posting_fx x
    JOIN posting p ON p.id = x.posting_id
    JOIN fx_rate f ON f.id = x.fx_rate_id
    WHERE f.quote = :currency GROUP BY p.period, p.currency
""")


def fx_rates(connection: Connection) -> tuple[FxRate, ...]:
    """Return every rate, sorted."""
    rows = connection.execute(select(_FX))
    return tuple(
        sorted(
            FxRate(
                row.base,
                row.quote,
                date.fromisoformat(row.day),
                date.fromisoformat(row.until),
                row.rate,
                row.source,
            )
            for row in rows
        )
    )


def add_fx_rates(connection: Connection, run_id: int, rates: Iterable[FxRate]) -> None:
    """Keep rates; the caller has seen to it that none is of the days of another."""
    rows = [
        {
            "run_id": run_id,
            "base": rate.base,
            "quote": rate.quote,
            "day": rate.day.isoformat(),
            "until": rate.until.isoformat(),
            "rate": rate.rate,
            "source": rate.source,
        }
        for rate in rates
    ]
    if rows:
        connection.execute(insert(_FX), rows)


def last_posting_id(connection: Connection) -> int:
    """Return the greatest id of a posting; 0 without any."""
    return connection.execute(select(func.max(_POSTING.c.id))).scalar_one() or 0


def foreign_postings(connection: Connection, currency: str, *, after: int = 0) -> Iterator[Foreign]:
    """Yield the postings not in `currency` that are not converted to it, by id.

    Args:
        connection: of either kind of transaction.
        currency: ISO 4217.
        after: only those with a greater id.
    """
    given = {"after": after, "currency": currency}
    yield from (Foreign(*row) for row in connection.execute(_FOREIGN, given))


def add_conversions(connection: Connection, found: Sequence[tuple[int, FxRate, int]]) -> None:
    """Pin what postings are worth.

    Args:
        connection: of a write transaction.
        found: (posting id, the rate, nanos of its quote).
    """
    ids = {
        (row.base, row.quote, row.day): row.id
        for row in connection.execute(select(_FX.c.id, _FX.c.base, _FX.c.quote, _FX.c.day))
    }
    rows = [
        {
            "posting_id": posting_id,
            "fx_rate_id": ids[rate.base, rate.quote, rate.day.isoformat()],
            "converted_nanos": nanos,
        }
        for posting_id, rate, nanos in found
    ]
    if rows:
        connection.execute(insert(_POSTING_FX), rows)


def converted_totals(connection: Connection, currency: str) -> tuple[Converted, ...]:
    """Return what converted postings are worth in a currency, per period and own currency."""
    rows = connection.execute(_CONVERTED, {"currency": currency})
    return tuple(sorted(Converted(*row) for row in rows))
