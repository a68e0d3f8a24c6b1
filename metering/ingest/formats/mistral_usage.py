"""Mistral's console usage as JSON: quantities by day and metric, with a price for each metric.

No export is documented; this is what the console itself loads. It has no costs: an entry is charged
`value_paid` times the price of the same event type, metric and group. What is free is in `value`
alone. Entries for pages, seconds or storage have the same form; whatever their unit, they are
charged, and only tokens are counted as such. They lie in lists at several depths, and the names on
the way to them are kept as a tag. The variant by workspace is laid out in a way that nobody has
documented; entries of one day, metric and group in two places are refused as such.

Source: source formats note, section 3.3, read 2026-11-21.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.errors import Rejection, SourceError, SourceRef
from metering.ingest.contract import Identity, Reading, Repeat, Sample, Slice, SourceRole, Verdict
from metering.ingest.marks import by_keys
from metering.ingest.shapes.buckets import Span
from metering.ingest.shapes.pages import Row
from metering.ingest.shapes.records import given, metered, readings, reported
from metering.ingest.values.amounts import currency
from metering.ingest.values.exact_decimals import exact, nanos, plain, quantity
from metering.ingest.values.fields import FieldRefused, Fields
from metering.ingest.values.strict_json import Cursor

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_VIEW: Final = ("usage", "view=console")
_MARKS: Final = ("billing_metric", "billing_display_name", "value_paid")
_PRICES: Final = "prices"
_JOIN: Final = ("event_type", "billing_metric", "billing_group")
_TOKENS: Final = "api_tokens"
_METERS: Final = {
    "input": Meter.INPUT_UNCACHED,
    "cached": Meter.CACHE_READ,
    "output": Meter.OUTPUT,
}
_DEEPEST: Final = 12
_LARGEST_AMOUNT: Final = 10**9
_AGAIN: Final = "save the console's answer for a month again, whole and not by workspace"

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A value that is no object, or an element of a list.

    Attributes:
        names: of the objects it lies in.
        row: the value, with its line.
        is_listed: whether it is an element.
    """

    names: tuple[str, ...]
    row: Row
    is_listed: bool


@dataclass(frozen=True, slots=True)
class _Month:
    """What a file says about all of its entries.

    Attributes:
        first, last: days, inclusive.
        currency: of the prices.
        prices: by event type, metric and group; None for one that is no number, such as NaN.
    """

    first: date
    last: date
    currency: str
    prices: Mapping[Key, Fraction | None]


class MistralUsage:
    """One record per entry."""

    name = "mistral-usage"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "Mistral console usage of a month, with prices (JSON); undocumented by Mistral"
    export = "admin.mistral.ai, the answer of /api/billing/v2/usage?month=…&year=…"
    cannot_tell = "keys and persons; requests"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the members of an entry, wherever it lies; the prices follow at the end."""
        return by_keys(sample, _MARKS, {}, "its entries have a billing metric and a paid value")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield every entry at its price, then the days of the month that the file is of."""
        leaves = _leaves(path, reader)
        month = _month(leaves, str(path))
        entries = [leaf for leaf in leaves if leaf.is_listed and leaf.names[0] != _PRICES]
        _refuse_two_places(entries, str(path))
        yield from readings(_records(entries, month), {})
        yield Slice(*_VIEW, month.first.isoformat(), month.last.isoformat())


def _leaves(path: Path, reader: "Reader") -> list[_Leaf]:
    content = reader.content(path)
    try:
        cursor = Cursor(content.decode("utf-8"), str(path))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SourceError(
            SourceRef(str(path), line), "bad-encoding", "the text is not UTF-8", do=_AGAIN
        ) from error
    leaves = list(_walk(cursor, (), str(path)))
    if cursor.ahead():
        raise _unusable(str(path), "more follows after its first value", cursor.line())
    return leaves


def _walk(cursor: Cursor, names: tuple[str, ...], path: str) -> Iterator[_Leaf]:
    line = cursor.line()
    if len(names) > _DEEPEST:
        raise _unusable(path, f"objects lie more than {_DEEPEST} deep", line)
    match cursor.ahead():
        case "{":
            seen: set[str] = set()
            for name in cursor.members():
                if name in seen:
                    raise _unusable(path, "a key stands twice in one object", line)
                seen.add(name)
                yield from _walk(cursor, (*names, name), path)
        case "[" if names:
            for at in cursor.elements():
                yield _Leaf(names, Row(at, cursor.value()), is_listed=True)
        case _:
            yield _Leaf(names, Row(line, cursor.value()), is_listed=False)


def _month(leaves: Sequence[_Leaf], path: str) -> _Month:
    said = Fields(
        {
            leaf.names[0]: leaf.row.value
            for leaf in leaves
            if len(leaf.names) == 1 and not leaf.is_listed
        }
    )
    try:
        first, last = said.instant("start_date").date(), said.instant("end_date").date()
        code = currency(said, "currency")
    except FieldRefused as refusal:
        raise _unusable(path, f"{refusal.field} is {refusal.found}") from refusal
    if last < first:
        raise _unusable(path, "end_date lies before start_date")
    prices: dict[Key, Fraction | None] = {}
    for leaf in leaves:
        if leaf.is_listed and leaf.names == (_PRICES,):
            key = _key(leaf.row)
            if key in prices:
                raise _unusable(path, f"two prices for {' '.join(key)}", leaf.row.line)
            prices[key] = exact(leaf.row.member("price"))
    return _Month(first, last, code, prices)


def _refuse_two_places(entries: Sequence[_Leaf], path: str) -> None:
    placed = {
        ((*_key(leaf.row), str(leaf.row.member("timestamp"))), leaf.names) for leaf in entries
    }
    places = Counter(fact for fact, _ in placed)
    twice = [fact for fact, times in places.items() if times > 1]
    if twice:
        raise _unusable(path, f"{' '.join(min(twice))} stands in two places")


def _key(row: Row) -> Key:
    return tuple(str(row.member(name)) for name in _JOIN)


def _unusable(path: str, what: str, line: int = 0) -> SourceError:
    return SourceError(SourceRef(path, line), "bad-page", what, do=_AGAIN)


def _records(entries: Sequence[_Leaf], month: _Month) -> Iterator[Mapping[str, object] | Rejection]:
    for leaf in entries:
        try:
            cells = _cells(leaf.row.fields, "/".join(leaf.names), month)
        except FieldRefused as refusal:
            yield refusal.at(leaf.row.line)
            continue
        yield {"row_no": leaf.row.line, **cells}


def _cells(entry: Fields, place: str, month: _Month) -> Mapping[str, object]:
    paid = quantity(entry, "value_paid")
    key = tuple(entry.text(name) for name in _JOIN)
    day = _day(entry, month)
    price = _price(entry, key, paid, month)
    billed = paid * price
    if billed >= _LARGEST_AMOUNT:
        raise entry.refused("bad-amount", "value_paid", "less than a billion with its price")
    event_type, metric, group = key
    meter = _METERS.get(group) if event_type == _TOKENS else None
    return {
        **Span.of_day(day).cells(),
        "provider": "mistral",
        "platform": "mistral-api",
        "product": "api",
        "model_raw": metric,
        "tags": given(
            {
                "event_type": event_type,
                "group": group,
                "display_name": entry.text_if_any("billing_display_name"),
                "place": place,
                "unit_price": plain(price),
            }
        ),
        **metered({meter: entry.whole_number("value")} if meter else {}),
        **reported(nanos(billed), month.currency, "billed"),
    }


def _price(entry: Fields, key: Key, paid: Fraction, month: _Month) -> Fraction:
    price = month.prices.get(key)
    if not paid:
        return price or Fraction(0)
    if price is None or price < 0:
        raise FieldRefused(
            "bad-price",
            f"{entry.within}billing_metric",
            f"'{key[1]}' without a usable price",
            "a price that is a number, 0 or more, of the same type, metric and group",
            "save the console's answer again; until then the entry stays in quarantine",
        )
    return price


def _day(entry: Fields, month: _Month) -> date:
    spelled = entry.text("timestamp")
    try:
        day = date.fromisoformat(spelled)
    except ValueError:
        day = entry.instant("timestamp").date()
    if not month.first <= day <= month.last:
        raise entry.refused("bad-date", "timestamp", f"a day of {month.first} to {month.last}")
    return day
