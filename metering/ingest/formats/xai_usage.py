"""Pages of xAI's management API: what a team's usage cost, in time series.

An answer does not say what its values are, nor how long its buckets: that stands in the request. So
the request, `analyticsRequest`, has to be saved beside `timeSeries` in each page. It has to ask for
the sum of `usd`, by day or finer, in UTC and without filters.

* Values are in the order of the requested ones. What a protocol buffer leaves out is zero.
* Series are dense: a bucket without usage is counted and not recorded.
* `limitReached` says that series are missing, and refuses the file.
* Of the fields to group by only `api_key_id` is documented; others are kept as tags.

Source: source formats note, section 3.1, read 2026-11-21; xAI's protocol buffers `billing.proto`
and `analytics.proto`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.errors import Rejection, SourceError, SourceRef
from metering.ingest.contract import Identity, Reading, Repeat, Sample, Slice, SourceRole, Verdict
from metering.ingest.marks import by_keys
from metering.ingest.shapes.buckets import Span
from metering.ingest.shapes.pages import Row, RowPage, read_row_pages
from metering.ingest.shapes.records import given, readings, reported
from metering.ingest.values.exact_decimals import amount, nanos
from metering.ingest.values.fields import FieldRefused, Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_SCOPE: Final = "usage"
_LIST: Final = "timeSeries"
_REQUEST: Final = "analyticsRequest"
_MONEY: Final = "usd"
_SUM: Final = "AGGREGATION_SUM"
_KEY: Final = "api_key_id"
_WIDTHS: Final = {
    "TIME_UNIT_DAY": timedelta(days=1),
    "TIME_UNIT_HOUR": timedelta(hours=1),
    "TIME_UNIT_QUARTER_HOUR": timedelta(minutes=15),
    "TIME_UNIT_MINUTE": timedelta(minutes=1),
}
_UTC_ZONES: Final = ("Etc/GMT", "Etc/UTC", "GMT", "UTC")
_WALL_CLOCK: Final = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_AS_ASKED: Final = "pull the sum of usd by day, in Etc/GMT, without filters, from a midnight on"


@dataclass(frozen=True, slots=True)
class _Query:
    """What a page was asked for.

    Attributes:
        start, end: half-open, UTC.
        unit: name of the bucket width.
        place: where `usd` stands among the values of a point.
        group_by: names of the fields that a series' group gives, in order.
    """

    start: datetime
    end: datetime
    unit: str
    place: int
    group_by: tuple[str, ...]

    @property
    def signature(self) -> str:
        """Canonical text of how the page is grouped."""
        return f"width={self.unit};dimensions={','.join(sorted(self.group_by))}"


class XaiUsage:
    """One record per bucket of a series that cost something."""

    name = "xai-usage"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "xAI management API: cost of a team by time bucket and key (JSON pages)"
    export = (
        "POST /v1/billing/teams/{team}/usage with a management key; save analyticsRequest with it"
    )
    cannot_tell = "tokens; models; persons"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the members of a series, and on the request beside it."""
        return by_keys(sample, (_LIST, "dataPoints", _REQUEST), {}, "it holds usage of an xAI team")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield every bucket at what it cost, then the days that the pages cover."""
        asked = [(_query(page, str(path)), page) for page in read_row_pages(path, reader, _LIST)]
        _refuse_overlap([query for query, _ in asked], str(path))
        noise: Counter[str] = Counter()
        yield from readings(
            (record for query, page in asked for record in _records(query, page, noise)), noise
        )
        for query, _ in asked:
            last = query.end - timedelta(microseconds=1)
            yield Slice(_SCOPE, query.signature, str(query.start.date()), str(last.date()))


def _query(page: RowPage, path: str) -> _Query:
    """Return what a page was asked for.

    Raises:
        SourceError: `incomplete-pull` where series are missing; `bad-page` where the request is not
            one whose answer can be told.
    """
    try:
        if Fields(page.members).flag_if_any("limitReached"):
            raise SourceError(
                SourceRef(path),
                "incomplete-pull",
                "limitReached is true: series are missing",
                do="pull fewer days, or group by less, and ingest each pull",
            )
        return _asked_for(Fields(page.members).part(_REQUEST))
    except FieldRefused as refusal:
        raise SourceError(
            SourceRef(path),
            "bad-page",
            f"{refusal.field} is {refusal.found}",
            details=(f"expected: {refusal.expected}",),
            do=_AS_ASKED,
        ) from refusal


def _refuse_overlap(queries: Sequence[_Query], path: str) -> None:
    for earlier, later in pairwise(sorted(queries, key=lambda query: query.start)):
        if later.start.date() <= (earlier.end - timedelta(microseconds=1)).date():
            raise SourceError(
                SourceRef(path),
                "repeated-bucket",
                f"two pages of this file cover {later.start.date()}",
                do="ingest each pull as a file of its own; two answers are never added",
            )


def _asked_for(request: Fields) -> _Query:
    within = request.part("timeRange")
    if within.text("timezone") not in _UTC_ZONES:
        raise within.refused("bad-instant", "timezone", " or ".join(_UTC_ZONES))
    start, end = _wall_clock(within, "startTime"), _wall_clock(within, "endTime")
    if start.time() != time() or end <= start:
        raise within.refused("bad-instant", "startTime", "a midnight, before endTime")
    if request.values.get("filters"):
        raise request.refused("bad-record", "filters", "none, since a part of a day replaces it")
    unit = request.one_of("timeUnit", tuple(_WIDTHS)) or request.text("timeUnit")
    return _Query(start, end, unit, _place_of_money(request), _texts(request, "groupBy"))


def _wall_clock(fields: Fields, name: str) -> datetime:
    spelled = fields.text(name)
    try:
        if _WALL_CLOCK.fullmatch(spelled):
            return datetime.fromisoformat(spelled).replace(tzinfo=UTC)
    except ValueError:
        pass
    raise fields.refused("bad-instant", name, "an instant as YYYY-MM-DD HH:MM:SS")


def _place_of_money(request: Fields) -> int:
    values = request.required("values")
    for place, value in enumerate(values if isinstance(values, list) else []):
        if isinstance(value, Mapping) and (value.get("name"), value.get("aggregation")) == (
            _MONEY,
            _SUM,
        ):
            return place
    raise request.refused("bad-record", "values", f"one of them {_MONEY} with {_SUM}")


def _texts(fields: Fields, name: str) -> tuple[str, ...]:
    found = fields.values.get(name) or []
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise fields.refused("bad-record", name, "a list of texts")
    return tuple(found)


def _records(
    query: _Query, page: RowPage, noise: Counter[str]
) -> Iterator[Mapping[str, object] | Rejection]:
    for row in page.rows:
        try:
            who = _who(query, row.fields)
            points = row.fields.values.get("dataPoints") or []
            if not isinstance(points, list):
                raise row.fields.refused("bad-record", "dataPoints", "a list of points")
        except FieldRefused as refusal:
            yield refusal.at(row.line)
            continue
        yield from _points(query, row, who, points, noise)


def _points(
    query: _Query,
    row: Row,
    who: Mapping[str, object],
    points: Sequence[object],
    noise: Counter[str],
) -> Iterator[Mapping[str, object] | Rejection]:
    for number, value in enumerate(points):
        try:
            point = Fields.of(value, f"dataPoints[{number}]")
            cost = _cost(query, point)
            if not cost:
                noise["empty bucket"] += 1
                continue
            yield {"row_no": row.line, **_span(query, point).cells(), **who, **cost}
        except FieldRefused as refusal:
            yield refusal.at(row.line)


def _who(query: _Query, series: Fields) -> Mapping[str, object]:
    group, labels = _texts(series, "group"), _texts(series, "groupLabels")
    if len(group) != len(query.group_by):
        expected = f"one value for each of {', '.join(query.group_by) or 'no fields'}"
        raise series.refused("bad-record", "group", expected)
    named = {
        name: Fields({name: value}).text_if_any(name)
        for name, value in zip(query.group_by, group, strict=True)
    }
    key = named.pop(_KEY, None)
    if key is not None and len(labels) == len(group):
        named["api_key_name"] = labels[query.group_by.index(_KEY)]
    return {
        "provider": "xai",
        "platform": "xai-api",
        "product": "api",
        "api_key": key,
        "tags": given(named),
    }


def _span(query: _Query, point: Fields) -> Span:
    start = point.instant("timestamp")
    if not query.start <= start < query.end:
        raise point.refused("bad-instant", "timestamp", "an instant within the requested range")
    return Span.of(start, start + _WIDTHS[query.unit], field=f"{point.within}timestamp")


def _cost(query: _Query, point: Fields) -> Mapping[str, object]:
    """Return what a bucket cost; nothing where it cost nothing."""
    values = point.values.get("values") or []
    if not isinstance(values, list):
        raise point.refused("bad-record", "values", "a list of numbers")
    if query.place >= len(values):
        if values:
            raise point.refused("bad-record", "values", "as many as were requested")
        return {}
    units = amount(Fields({_MONEY: values[query.place]}, point.within), _MONEY)
    return reported(nanos(units), "USD", "billed") if units else {}
