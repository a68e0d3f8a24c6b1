"""Exchange rates are read exactly, hold for their days alone, and convert to the nano."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.core.closing.fx import FxRate, conflicts, fx_for, parse_fx
from metering.errors import RefusedFileError

HEAD = "date,until,from,to,rate,source\n"
RATE = FxRate("EUR", "USD", date(2026, 10, 2), date(2026, 10, 4), "1.1702", "ECB")


def test_a_rate_holds_from_its_day_through_its_last() -> None:
    (rate,) = parse_fx(HEAD + "2026-10-02,2026-10-04,EUR,USD,1.1702,ECB\n", "fx.csv")

    days = [day for _, day in fx_for([rate])]

    assert rate == RATE
    assert days == [date(2026, 10, day) for day in (2, 3, 4)]


def test_a_rate_without_an_end_holds_for_one_day() -> None:
    (rate,) = parse_fx("date,from,to,rate,source\n2026-10-02,EUR,USD,1,ECB\n", "fx.csv")

    assert rate.until == rate.day


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**12))
def test_conversion_rounds_as_exact_arithmetic_does(nanos: int, billionths: int) -> None:
    rate = f"{billionths // 10**9}.{billionths % 10**9:09d}"

    converted = FxRate("EUR", "USD", RATE.day, RATE.day, rate, "ECB").convert(nanos)

    assert converted == round(nanos * Fraction(billionths, 10**9))


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("02.10.2026,,EUR,USD,1.17,ECB", "bad-date"),
        ("2026-10-02,2026-10-01,EUR,USD,1.17,ECB", "bad-date"),
        ("2026-10-02,,Euro,USD,1.17,ECB", "bad-currency"),
        ("2026-10-02,,USD,USD,1,ECB", "bad-currency"),
        ("2026-10-02,,EUR,USD,0,ECB", "bad-fx-rate"),
        ("2026-10-02,,EUR,USD,-1.17,ECB", "bad-fx-rate"),
        ("2026-10-02,,EUR,USD,1.17e0,ECB", "bad-fx-rate"),
        ("2026-10-02,,EUR,USD,1.17,", "missing-field"),
    ],
)
def test_a_line_that_is_not_as_the_format_says_refuses_the_file(line: str, code: str) -> None:
    with pytest.raises(RefusedFileError) as refused:
        parse_fx(f"{HEAD}2026-09-01,,EUR,USD,1.1,ECB\n{line}\n", "fx.csv")

    assert [(one.line, one.code) for one in refused.value.rejections] == [(3, code)]


def test_two_rates_on_one_day_are_refused() -> None:
    lines = "2026-10-02,2026-10-04,EUR,USD,1.17,ECB\n2026-10-04,,EUR,USD,1.18,ECB\n"

    with pytest.raises(RefusedFileError, match=r"fx\.csv:3: error.fx-conflict"):
        parse_fx(HEAD + lines, "fx.csv")


def test_two_pairs_may_share_a_day() -> None:
    lines = "2026-10-02,,EUR,USD,1.17,ECB\n2026-10-02,,EUR,GBP,0.87,ECB\n"

    assert len(parse_fx(HEAD + lines, "fx.csv")) == 2


def test_a_rate_in_force_is_never_changed() -> None:
    (other,) = parse_fx(HEAD + "2026-10-04,,EUR,USD,1.2,ECB\n", "fx.csv")
    (same,) = parse_fx(HEAD + "2026-10-02,2026-10-04,EUR,USD,1.1702,ECB\n", "fx.csv")

    assert [(one.line, one.code) for one in conflicts([RATE], [other, same])] == [
        (2, "fx-conflict")
    ]
