"""Take typed values out of a row of a rate card; refuse what is not as the format says.

Nothing is converted by guess: a price is decimal text, an instant has an offset, a whole number
is not a float that happens to be whole.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Final

from metering.core.money import nanos_from_decimal_text
from metering.core.pricing.rates import MatchKind, Window
from metering.errors import shown


class FieldError(ValueError):
    """One field is not as the format says.

    Attributes:
        code: stable, kebab-case.
        what: which field, and what was found in it.
        expected: what would have been accepted.
    """

    def __init__(self, code: str, what: str, expected: str) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.expected = expected


Row = Mapping[str, object]

_BOUNDS: Final = 2


def refuse_unknown(row: Row, known: Iterable[str], what: str) -> None:
    """Refuse a key that means nothing here: a misspelt one would silently change a price."""
    allowed = frozenset(known)
    for key in row:
        if key not in allowed:
            expected = ", ".join(sorted(allowed))
            raise FieldError("bad-rate", f"{what} has no field {shown(key)}", expected)


def text(row: Row, key: str, default: str | None = None) -> str:
    """Return a text; without a default it must be there and not be empty."""
    value = row.get(key, default)
    if not isinstance(value, str) or (default is None and not value):
        raise _wrong(key, row.get(key), "text in quotes")
    return value


def texts(row: Row, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Return a list of texts; a single text stands for a list of one."""
    value = row.get(key)
    if value is None and default is not None:
        return default
    if isinstance(value, str) and value:
        return (value,)
    if isinstance(value, list) and value and all(isinstance(one, str) and one for one in value):
        return tuple(value)
    raise _wrong(key, value, "a list of texts in quotes")


def whole(row: Row, key: str, default: int | None = None) -> int:
    """Return a whole number; true and 1.0 are none."""
    value = row.get(key, default)
    if type(value) is not int:
        raise _wrong(key, value, "a whole number")
    return value


def whole_or_none(row: Row, key: str) -> int | None:
    """Return a whole number, or None when the field is absent."""
    return None if row.get(key) is None else whole(row, key)


def instant(row: Row, key: str) -> datetime | None:
    """Return an instant in UTC, or None when the field is absent; a naive one is refused."""
    value = row.get(key)
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise _wrong(key, value, "an instant such as 2026-10-01T00:00:00Z") from None
    if not isinstance(value, datetime):
        raise _wrong(key, value, "an instant such as 2026-10-01T00:00:00Z")
    if value.tzinfo is None:
        raise FieldError(
            "naive-timestamp",
            f"{key} is {shown(value)}",
            "an instant with its offset, such as 2026-10-01T00:00:00Z",
        )
    return value.astimezone(UTC)


def day(row: Row, key: str) -> str:
    """Return a calendar day as ISO text, "" when the field is absent."""
    value = row.get(key, "")
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str):
        raise _wrong(key, value, "a day such as 2026-10-01")
    return value


def price_nanos(prices: Row, meter: str) -> int:
    """Return a price, written as decimal text, in whole nanos."""
    value = prices[meter]
    if not isinstance(value, str):
        raise FieldError(
            "bad-price", f"the price of {meter} is {shown(value)}", 'decimal text, such as "2.50"'
        )
    try:
        return nanos_from_decimal_text(value)
    except ValueError:
        raise FieldError(
            "bad-price",
            f"the price of {meter} is {shown(value)}",
            'a decimal with at most nine decimals, such as "2.50"',
        ) from None


def factor(row: Row, key: str) -> tuple[int, int]:
    """Return a factor written "11/10" or "1.1" as numerator and denominator."""
    value = row.get(key)
    over = value.split("/") if isinstance(value, str) else []
    if len(over) == _BOUNDS and all(part.isascii() and part.isdigit() for part in over):
        return int(over[0]), int(over[1])
    try:
        return nanos_from_decimal_text(over[0]), 10**9
    except (IndexError, ValueError):
        raise _wrong(key, value, 'a factor in quotes, such as "11/10" or "0.88"') from None


def tier(row: Row, key: str) -> tuple[int | None, int | None]:
    """Return the bounds of a tier written "lo..hi", "lo.." or "..hi", both inclusive."""
    value = row.get(key)
    if value is None:
        return None, None
    bounds = value.split("..") if isinstance(value, str) else []
    plain = all(part.isascii() and (part.isdigit() or not part) for part in bounds)
    if len(bounds) != _BOUNDS or not plain or not any(bounds):
        raise FieldError(
            "bad-tier",
            f"{key} is {shown(value)}",
            'prompt tokens, such as "272001.." or "..272000"',
        )
    lo, hi = (int(part) if part else None for part in bounds)
    return lo, hi


def match_kind(row: Row, key: str) -> MatchKind:
    """Return how a row's model is compared; exact when the field is absent."""
    value = row.get(key, MatchKind.EXACT.value)
    try:
        return MatchKind(str(value))
    except ValueError:
        raise _wrong(key, value, ", ".join(MatchKind)) from None


def model_names(row: Row, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Return the models a row names; a star is refused, since it would stand for itself alone."""
    names = texts(row, key, default)
    for name in names:
        if "*" in name:
            expected = (
                'models written out, or match = "prefix" with how their names begin, '
                'or match = "any" without models'
            )
            raise _wrong(key, name, expected)
    return names


def choices(row: Row, key: str) -> dict[str, tuple[str, ...]]:
    """Return conditions: dimension to the values of which one must hold."""
    value = row.get(key, {})
    if not isinstance(value, Mapping):
        raise _wrong(key, value, 'a table such as { processing = "batch" }')
    return {dimension: texts(value, dimension) for dimension in value}


def window(row: Row, key: str) -> Window | None:
    """Return the hours in which a rate holds, or None when the field is absent."""
    value = row.get(key)
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise _wrong(key, value, "a table of weekdays, start, end and zone")
    refuse_unknown(value, ("weekdays", "start", "end", "zone", "holidays"), key)
    weekdays = value.get("weekdays", [1, 2, 3, 4, 5, 6, 7])
    if not isinstance(weekdays, list) or not all(type(one) is int for one in weekdays):
        raise _wrong("weekdays", weekdays, "a list of 1 (Monday) to 7")
    return Window(
        weekdays=frozenset(weekdays),
        start=_hour(value, "start"),
        end=_hour(value, "end"),
        zone=text(value, "zone"),
        holidays=text(value, "holidays", ""),
    )


def _hour(row: Row, key: str) -> str:
    value = text(row, key)
    hour, colon, minute = value.partition(":")
    plain = value.isascii() and hour.isdigit() and minute.isdigit() and len(value) == len("00:00")
    if not colon or not plain or int(hour) > 23 or int(minute) > 59:  # noqa: PLR2004 - a clock
        raise FieldError("bad-window", f"{key} is {shown(value)}", 'a time such as "01:00"')
    return value


def _wrong(key: str, value: object, expected: str) -> FieldError:
    if value is None:
        return FieldError("bad-rate", f"there is no {key}", expected)
    return FieldError("bad-rate", f"{key} is {shown(value)}", expected)
