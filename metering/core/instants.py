"""Open ends of time, and instants as whole numbers."""

from datetime import UTC, datetime, timedelta
from typing import Final

ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
"""The start of what has no start."""
NEVER: Final = datetime.max.replace(tzinfo=UTC)
"""The end of what has no end."""

_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds_since_always(instant: datetime) -> int:
    """Return an instant as a whole number: a float would blur two instants into one."""
    return (instant - ALWAYS) // _MICROSECOND


def microseconds_between(start: datetime, end: datetime) -> int:
    """Return the whole microseconds from one instant to another."""
    return (end - start) // _MICROSECOND
