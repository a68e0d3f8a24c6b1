"""What goes into a column comes out of it, or is refused; nothing is converted on the way."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from metering.books.types import (
    DayText,
    Flag,
    JsonText,
    UtcDateTime,
    canonical_json,
    instant_of,
    instant_text,
)

_DIALECT = sqlite.dialect()
_INSTANTS = st.datetimes(timezones=st.just(UTC))


@given(_INSTANTS)
def test_an_instant_comes_back_as_it_was(instant: datetime) -> None:
    text = UtcDateTime().process_bind_param(instant, _DIALECT)

    assert UtcDateTime().process_result_value(text, _DIALECT) == instant


@given(_INSTANTS, _INSTANTS)
def test_the_text_of_instants_sorts_as_time_does(one: datetime, other: datetime) -> None:
    assert (instant_text(one) < instant_text(other)) == (one < other)


def test_an_instant_is_stored_readably() -> None:
    instant = datetime(2026, 10, 1, 3, 10, 0, 5, tzinfo=UTC)

    assert instant_text(instant) == "2026-10-01T03:10:00.000005Z"
    assert instant_of("2026-10-01T03:10:00.000005Z").tzinfo is UTC


@pytest.mark.parametrize(
    "instant",
    [
        datetime(2026, 10, 1),  # noqa: DTZ001 - a naive time is what is refused
        datetime(2026, 10, 1, tzinfo=timezone(timedelta(hours=2))),
    ],
)
def test_an_instant_that_is_not_in_utc_is_refused(instant: datetime) -> None:
    with pytest.raises(ValueError, match="not in UTC"):
        UtcDateTime().process_bind_param(instant, _DIALECT)


@given(st.dates())
def test_a_day_comes_back_as_it_was(day: date) -> None:
    text = DayText().process_bind_param(day, _DIALECT)

    assert DayText().process_result_value(text, _DIALECT) == day


def test_an_instant_is_no_day() -> None:
    with pytest.raises(ValueError, match="is an instant"):
        DayText().process_bind_param(datetime(2026, 10, 1, tzinfo=UTC), _DIALECT)


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text())))
def test_equal_values_have_equal_json(value: dict[str, object]) -> None:
    backwards = dict(reversed(value.items()))
    text = JsonText().process_bind_param(value, _DIALECT)

    assert JsonText().process_bind_param(backwards, _DIALECT) == text
    assert JsonText().process_result_value(text, _DIALECT) == value


def test_json_that_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json({"share": float("nan")})


@pytest.mark.parametrize("kind", [UtcDateTime(), DayText(), JsonText(), Flag()])
def test_nothing_stays_nothing(kind: UtcDateTime | DayText | JsonText | Flag) -> None:
    assert kind.process_bind_param(None, _DIALECT) is None
    assert kind.process_result_value(None, _DIALECT) is None


@pytest.mark.parametrize("flag", [True, False])
def test_a_flag_is_stored_as_one_or_zero(flag: bool) -> None:
    assert Flag().process_bind_param(flag, _DIALECT) == int(flag)
    assert Flag().process_result_value(int(flag), _DIALECT) is flag
