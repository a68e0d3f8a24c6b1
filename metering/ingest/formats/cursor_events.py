"""What Cursor says about one use of it, whichever way it was exported.

The four token counts are disjoint: what was written to the cache is not in the input, whatever the
columns are called. What an event costs and whether anybody is billed for it are two things: events
that a plan includes, that failed, or that a key of the company's own paid for carry a cost, too.
Such an event is recorded as billed with nothing, and its cost is kept as a tag.

Source: source formats note, sections 1.1 and 1.4, read 2026-11-21.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final

from metering.core.meters import Meter
from metering.ingest.shapes.records import given, metered, reported
from metering.ingest.values.exact_decimals import nanos, plain
from metering.ingest.values.fields import Fields

SCOPE: Final = "events"
CENTS: Final = 100

_MILLISECOND: Final = timedelta(milliseconds=1)
_EARLIEST, _LATEST = 946_684_800_000, 4_102_444_800_000  # 2000 to 2099
_LONGEST: Final = 13  # digits of the latest
_INSTANT: Final = "milliseconds since 1970, from 2000 to 2099"
_NOT_CHARGED: Final = ("errored", "aborted", "not_charged", "not charged", "no charge")


@dataclass(frozen=True, slots=True)
class Cost:
    """What an event cost, in US dollars.

    Attributes:
        stated: what the source says it cost; None where it says no number.
        billed: what Cursor bills for it; None where that cannot be told from the source.
    """

    stated: Fraction | None
    billed: Fraction | None


def is_not_charged(kind: str) -> bool:
    """Return whether the kind of an event says that it failed and is not charged."""
    return any(mark in kind.lower() for mark in _NOT_CHARGED)


def request_at(instant: datetime) -> dict[str, object]:
    """Return the cells that say when an event was that is one request."""
    return {"start": instant, "grain": "request"}


def from_milliseconds(fields: Fields, name: str) -> datetime:
    """Return an instant of milliseconds, which the API writes as a number or as text.

    Raises:
        FieldRefused: `missing-field`, or `bad-instant`; seconds are out of range.
    """
    value = fields.required(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _LONGEST:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not _EARLIEST <= value < _LATEST:
        raise fields.refused("bad-instant", name, _INSTANT)
    return datetime.fromtimestamp(0, UTC) + value * _MILLISECOND


def event_cells(
    *,
    when: Mapping[str, object],
    kind: str,
    model: str | None,
    tokens: Mapping[Meter, int],
    cost: Cost,
    tags: Mapping[str, str | None],
) -> Mapping[str, object]:
    """Return the cells of one event; who used it is for the caller to add.

    Args:
        when: start and grain; only of a single request can the prompt and the count be told.
        kind: as the source spells it.
        model: as the source spells it.
        tokens: by meter; none where the source counts none.
        cost: in US dollars.
        tags: what else is known, by name.
    """
    is_request = when["grain"] == "request"
    stated = None if cost.stated is None or is_not_charged(kind) else plain(cost.stated)
    prompt = sum(count for meter, count in tokens.items() if meter is not Meter.OUTPUT)
    billed = {} if cost.billed is None else reported(nanos(cost.billed), "USD", "billed")
    return {
        **when,
        "provider": "cursor",
        "platform": "cursor-api",
        "product": "cursor",
        "model_raw": model,
        "prompt_tokens": prompt if tokens and is_request else None,
        "requests": 1 if is_request else None,
        "failed_requests": int(is_not_charged(kind)) if is_request else None,
        "tags": given({"kind": kind or None, "gross_amount": stated, **tags}),
        **metered(tokens),
        **billed,
    }
