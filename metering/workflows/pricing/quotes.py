"""Quote: what each row of a usage file costs, by which rates, from which sources.

Source: the layout of the file and of the answer is a contract, see `metering prices quote --help`.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Final

from metering.core.meters import PROMPT_METERS
from metering.core.pricing.decisions import (
    Decision,
    Reason,
    Status,
    amount_nanos,
    billable_quantity,
    unpriced,
)
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rates import INFORMATIONAL_METERS
from metering.core.pricing.rating import PromptRange, RatingKey, rate_for
from metering.errors import Rejection, SourceError, SourceRef, shown
from metering.workflows.text_files import read_text

COLUMNS: Final = (
    "provider",
    "platform",
    "model",
    "event_time_utc",
    "grain",
    "conditions_json",
    "meters_json",
)
_REMEDY: Final = "correct the row and quote the file again"
_DECIMAL: Final = re.compile(r"\d+(\.\d+)?")
_REQUESTS: Final = re.compile(r"requests_(\d+)")
_BUCKET: Final = re.compile(r"(?:bucket_)?(\d*)(minute|hour|day|m|h|d)")
_LENGTHS: Final[Mapping[str, timedelta]] = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
# The worst status of a row's meters is the row's.
_WORST_FIRST: Final = (Status.UNPRICED, Status.PROVISIONAL, Status.PRICED, Status.ZERO_RATED)

Quantity = int | Fraction


@dataclass(frozen=True, slots=True)
class QuotedMeter:
    """What one meter of a row costs.

    Attributes:
        quantity: as the row says.
        billed_quantity: after the rate's minimum and step.
        decision: the price, or why there is none.
        amount: nanos of the decision's currency; None when there is no price.
    """

    meter: str
    quantity: Quantity
    billed_quantity: Quantity
    decision: Decision
    amount: int | None


@dataclass(frozen=True, slots=True)
class Quote:
    """What one row costs.

    Attributes:
        line: physical line of the row's end, 1-based.
        case_id: the row's own name; None when the file has no such column.
        status: the worst of its meters'.
        reason: of the first meter with that status; "" when there is none.
        amount: the sum of what has a price, each meter rounded once; in nanos of `currency`.
        model: canonical; as the row spells it when nothing is known of it.
    """

    line: int
    case_id: str | None
    status: Status
    reason: str
    amount: int
    currency: str
    model: str
    meters: tuple[QuotedMeter, ...]


@dataclass(frozen=True, slots=True)
class _Usage:
    """A row that could be read.

    Attributes:
        start: when it happened, or began.
        end: when it ended, exclusive; None for an instant.
        requests: how many requests it is of; None when nobody knows.
    """

    key: RatingKey
    start: datetime
    end: datetime | None
    requests: int | None
    meters: Mapping[str, Quantity]


class _Refused(Exception):  # noqa: N818 - control flow inside this module
    def __init__(self, code: str, field: str, found: object, expected: str) -> None:
        super().__init__(code)
        self.code, self.field, self.found, self.expected = code, field, found, expected


def quotes(path: Path, book: RateBook) -> Iterator[Quote | Rejection]:
    """Yield a quote per row of a file, or why the row is refused, in file order.

    Args:
        path: CSV in UTF-8 with the columns of `COLUMNS`; others but `case_id` are ignored.
        book: the rate cards to quote from.

    Raises:
        SourceError: it cannot be read, or lacks a column; nothing is quoted.
    """
    text = read_text(path).text.removeprefix("\ufeff")
    # Without newline handling of its own the csv module sees every line end as it stands.
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        _refuse_missing(path, reader.fieldnames or ())
        for row in reader:
            yield _quote_of_row(row, reader.line_num, book)
    except csv.Error as error:
        where = SourceRef(str(path), reader.line_num)
        raise SourceError(where, "bad-csv", str(error), do=_REMEDY) from error


def _refuse_missing(path: Path, header: Sequence[str]) -> None:
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise SourceError(
            SourceRef(str(path), 1),
            "missing-column",
            f"the header lacks {missing[0]}",
            details=(f"expected: {', '.join(COLUMNS)}",),
            do="name the columns like that and quote the file again",
        )


def _quote_of_row(row: Mapping[str, str], line: int, book: RateBook) -> Quote | Rejection:
    try:
        usage = _usage(row)
    except _Refused as refused:
        found = shown(refused.found)
        return Rejection(line, refused.code, refused.field, found, refused.expected, _REMEDY)
    return _quote(usage, line, row.get("case_id"), book)


def _quote(usage: _Usage, line: int, case_id: str | None, book: RateBook) -> Quote:
    decided = [
        _meter(usage, meter, quantity, book) for meter, quantity in usage.meters.items() if quantity
    ]
    # Reasoning lies inside the output: without a rate of its own there is nothing to price.
    meters = tuple(
        one
        for one in decided
        if one.meter not in INFORMATIONAL_METERS or one.decision.status is not Status.UNPRICED
    )
    currencies = sorted({one.decision.currency for one in meters if one.amount is not None})
    if len(currencies) > 1:
        meters = tuple(_without_price(one) for one in meters)
    worst = min(meters, key=lambda one: _WORST_FIRST.index(one.decision.status), default=None)
    known = book.resolution_at(usage.key.provider, usage.key.platform, usage.key.model, usage.start)
    return Quote(
        line=line,
        case_id=case_id,
        status=worst.decision.status if worst else Status.PRICED,
        reason=worst.decision.reason if worst else "",
        amount=sum(one.amount for one in meters if one.amount is not None),
        currency=currencies[0] if len(currencies) == 1 else "",
        model=known.model,
        meters=meters,
    )


def _meter(usage: _Usage, meter: str, quantity: Quantity, book: RateBook) -> QuotedMeter:
    decision = rate_for(usage.key, meter, book, usage.start, usage.end)
    if decision.status is Status.UNPRICED:
        return QuotedMeter(meter, quantity, quantity, decision, None)
    billed = billable_quantity(quantity, decision, usage.requests)
    return QuotedMeter(meter, quantity, billed, decision, amount_nanos(billed, decision))


def _without_price(one: QuotedMeter) -> QuotedMeter:
    # Amounts of two currencies do not add up to anything that a row could be said to cost.
    decision = unpriced(Reason.AMBIGUOUS, one.decision.model)
    return QuotedMeter(one.meter, one.quantity, one.quantity, decision, None)


# --- reading a row ------------------------------------------------------------------------------


def _usage(row: Mapping[str, str]) -> _Usage:
    meters = {name: _quantity(name, said) for name, said in _object(row, "meters_json").items()}
    conditions = {name: _text(said) for name, said in _object(row, "conditions_json").items()}
    start = _instant(row)
    requests, length = _grain(row)
    prompt = None
    if requests == 1:
        size = sum(-(-count // 1) for name, count in meters.items() if name in PROMPT_METERS)
        prompt = PromptRange(int(size), int(size))
    return _Usage(
        key=RatingKey(
            provider=_present(row, "provider"),
            platform=_present(row, "platform"),
            model=(row["model"] or "").strip(),
            conditions=tuple(sorted(conditions.items())),
            prompt=prompt,
            per_request=requests is not None,
        ),
        start=start,
        end=start + length if length else None,
        requests=requests,
        meters=meters,
    )


def _present(row: Mapping[str, str], column: str) -> str:
    value = (row[column] or "").strip()
    if not value:
        raise _Refused("missing-field", column, value, "a name")
    return value


def _instant(row: Mapping[str, str]) -> datetime:
    value = row["event_time_utc"] or ""
    try:
        instant = datetime.fromisoformat(value.strip())
    except ValueError:
        expected = "an instant, such as 2026-10-01T12:00:00Z"
        raise _Refused("bad-instant", "event_time_utc", value, expected) from None
    if instant.tzinfo is None:
        expected = "an instant with its zone, such as 2026-10-01T12:00:00Z"
        raise _Refused("naive-timestamp", "event_time_utc", value, expected)
    return instant.astimezone(UTC)


def _grain(row: Mapping[str, str]) -> tuple[int | None, timedelta | None]:
    """Return how many requests the row is of, if it says so, and how long a stretch it covers.

    Any other word stands for a sum of nobody knows how many requests at one instant.
    """
    grain = _present(row, "grain")
    if grain == "request":
        return 1, None
    several = _REQUESTS.fullmatch(grain)
    if several is not None:
        return int(several[1]), None
    bucket = _BUCKET.fullmatch(grain)
    if bucket is None:
        return None, None
    return None, _LENGTHS[bucket[2][0]] * int(bucket[1] or 1)


def _object(row: Mapping[str, str], column: str) -> dict[str, object]:
    value = row[column] or ""
    try:
        # A number with decimals stays text: a float could not hold it exactly.
        found = json.loads(value or "{}", parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        raise _Refused("bad-json", column, value, "a JSON object") from None
    if not isinstance(found, dict):
        raise _Refused("bad-json", column, value, "a JSON object")
    return found


def _quantity(meter: str, said: object) -> Quantity:
    if type(said) is int and said >= 0:
        return said
    if isinstance(said, str) and _DECIMAL.fullmatch(said) and said.isascii():
        exact = Fraction(said)
        return exact.numerator if exact.denominator == 1 else exact
    expected = "a whole number or decimal text, 0 or more"
    raise _Refused("bad-quantity", meter, said, expected)


def _text(said: object) -> str:
    if said is None:
        return ""
    return said if isinstance(said, str) else json.dumps(said, separators=(",", ":"))
