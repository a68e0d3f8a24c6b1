"""Column types that mean the same on SQLite and on PostgreSQL, bit for bit.

Everything is a whole number or text. SQLite stores a `Numeric` as a float and a `DateTime` without
its zone, without a warning; PostgreSQL's `INTEGER` has 32 bits. So counts and money are 64-bit
integers, days and instants are ISO text, which sorts as time does.
"""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

# SQLite's STRICT tables know one integer type, of 64 bits, and it must be spelled INTEGER for a
# primary key to number itself.
BIG_INTEGER: Final = BigInteger().with_variant(Integer(), "sqlite")
TEXT: Final = Text()

_INSTANT_FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


class UtcDateTime(TypeDecorator[datetime]):
    """An instant as ISO text in UTC with microseconds, e.g. 2026-10-01T00:00:00.000000Z.

    Refuses a naive time and any zone but UTC: converting here would hide that somebody upstream
    took a local time for an instant.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Return the text of an instant.

        Raises:
            ValueError: it is naive or not in UTC.
        """
        del dialect
        return None if value is None else instant_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        """Return the aware instant."""
        del dialect
        return None if value is None else instant_of(value)


class DayText(TypeDecorator[date]):
    """A day as ISO text, e.g. 2026-10-01."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Dialect) -> str | None:
        """Return the text of a day.

        Raises:
            ValueError: it is an instant; which day that lies in depends on a zone.
        """
        del dialect
        if isinstance(value, datetime):
            raise ValueError(f"{value.isoformat()} is an instant, not a day")  # noqa: TRY004 - a value
        return None if value is None else value.isoformat()

    def process_result_value(self, value: str | None, dialect: Dialect) -> date | None:
        """Return the day."""
        del dialect
        return None if value is None else date.fromisoformat(value)


class JsonText(TypeDecorator[Any]):
    """A value as canonical JSON text: sorted keys, no spaces; equal values have equal text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        """Return the canonical text; None stays null."""
        del dialect
        return None if value is None else canonical_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> object:
        """Return the value; lists come back as lists."""
        del dialect
        return None if value is None else json.loads(value)


class Flag(TypeDecorator[bool]):
    """True or false as 1 or 0: SQLite's STRICT tables know no boolean."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> int | None:
        """Return 1, 0 or null."""
        del dialect
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> bool | None:
        """Return the flag."""
        del dialect
        return None if value is None else bool(value)


def canonical_json(value: object) -> str:
    """Return JSON text that is equal whenever the values are: sorted keys, no spaces, no floats.

    Raises:
        ValueError: the value holds NaN or infinity.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def instant_text(instant: datetime) -> str:
    """Return an instant as the books store it.

    Raises:
        ValueError: it is naive or not in UTC.
    """
    if instant.utcoffset() != timedelta(0):
        raise ValueError(f"{instant.isoformat()} is not in UTC")
    return instant.strftime(_INSTANT_FORMAT).rjust(len("2026-10-01T00:00:00.000000Z"), "0")


def instant_of(text: str) -> datetime:
    """Return the aware instant of the text that the books store."""
    return datetime.fromisoformat(text).astimezone(UTC)
