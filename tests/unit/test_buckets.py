"""A file replaces the days it covers from midnight on, and answers for a bucket only once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.errors import SourceError
from metering.ingest.contract import Slice
from metering.ingest.shapes.buckets import Coverage, Span, coverage, grouping
from metering.ingest.values.fields import FieldRefused

MIDNIGHT = datetime(2026, 10, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def day(number: int) -> Span:
    return Span(MIDNIGHT + (number - 1) * DAY, MIDNIGHT + number * DAY)


def hours(first: int, end: int) -> list[Span]:
    return [Span(MIDNIGHT + n * HOUR, MIDNIGHT + (n + 1) * HOUR) for n in range(first, end)]


def covered(*spans: Span) -> Coverage:
    return coverage(((span, line) for line, span in enumerate(spans, start=1)), "usage.json")


@given(st.permutations([1, 2, 3, 4, 7, 8, 11]))
def test_each_unbroken_run_of_days_is_one_slice(numbers: list[int]) -> None:
    slices = covered(*map(day, numbers)).slices("completions", "width=day;dimensions=")

    assert list(slices) == [
        Slice("completions", "width=day;dimensions=", "2026-10-01", "2026-10-04"),
        Slice("completions", "width=day;dimensions=", "2026-10-07", "2026-10-08"),
        Slice("completions", "width=day;dimensions=", "2026-10-11", "2026-10-11"),
    ]


def test_the_last_day_may_still_be_open() -> None:
    assert covered(*hours(0, 30)) == Coverage((date(2026, 10, 1), date(2026, 10, 2)))


def test_a_day_that_begins_late_is_not_replaced() -> None:
    found = covered(*hours(12, 30))

    assert found == Coverage((date(2026, 10, 2),), frozenset({date(2026, 10, 1)}))


def test_a_day_with_a_gap_is_not_replaced() -> None:
    found = covered(*hours(0, 6), *hours(7, 48))

    assert found == Coverage((date(2026, 10, 2),), frozenset({date(2026, 10, 1)}))


def test_a_first_bucket_that_the_pull_cut_short_is_a_late_beginning() -> None:
    cut = Span(MIDNIGHT + timedelta(seconds=63_060), MIDNIGHT + DAY)

    assert cut.grain == "range"
    assert covered(cut, day(2)) == Coverage((date(2026, 10, 2),), frozenset({date(2026, 10, 1)}))


def test_no_bucket_covers_no_day() -> None:
    assert covered() == Coverage()
    assert list(covered().slices("completions", "width=day;dimensions=")) == []


@pytest.mark.parametrize("again", [day(2), hours(25, 26)[0]])
def test_two_answers_for_one_instant_are_refused(again: Span) -> None:
    with pytest.raises(SourceError) as caught:
        covered(day(1), day(2), day(3), again)

    assert (caught.value.code, caught.value.where.line) == ("repeated-bucket", 4)


@pytest.mark.parametrize(
    ("spans", "signature"),
    [
        ([day(1)], "width=day;dimensions=batch,model"),
        (hours(0, 24), "width=hour;dimensions=batch,model"),
        ([Span(MIDNIGHT + HOUR, MIDNIGHT + DAY)], "width=day;dimensions=batch,model"),
        ([Span(MIDNIGHT, MIDNIGHT + timedelta(minutes=1))], "width=minute;dimensions=batch,model"),
    ],
)
def test_a_signature_is_the_same_however_the_pull_was_bounded(
    spans: list[Span], signature: str
) -> None:
    assert grouping(spans, {"model", "batch"}) == signature


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (MIDNIGHT, MIDNIGHT),
        (MIDNIGHT + HOUR, MIDNIGHT),
        (MIDNIGHT, MIDNIGHT + 2 * DAY),
        (MIDNIGHT + 23 * HOUR, MIDNIGHT + 25 * HOUR),
    ],
)
def test_a_bucket_lies_within_one_day(start: datetime, end: datetime) -> None:
    with pytest.raises(FieldRefused) as caught:
        Span.of(start, end, field="end_time")

    assert (caught.value.code, caught.value.field) == ("bad-bucket", "end_time")


def test_the_grain_is_the_width_of_the_bucket() -> None:
    widths = (timedelta(minutes=1), HOUR, DAY, timedelta(minutes=5))

    grains = [Span.of(MIDNIGHT, MIDNIGHT + width, field="end").grain for width in widths]

    assert grains == ["minute", "hour", "day", "range"]
