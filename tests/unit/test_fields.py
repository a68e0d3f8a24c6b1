"""A typed accessor returns what it was asked for, or refuses with the field and what was found."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.errors import Rejection
from metering.ingest.values.fields import FieldRefused, Fields
from metering.ingest.values.strict_json import Cursor


def fields(text: str) -> Fields:
    return Fields.of(Cursor(text, "input.json").value())


def refusal(text: str, accessor: str, name: str = "n") -> tuple[str, str, str]:
    with pytest.raises(FieldRefused) as caught:
        getattr(fields(text), accessor)(name)
    return caught.value.code, caught.value.field, caught.value.found


@given(st.integers(0, 2**63 - 1))
def test_every_count_of_63_bits_is_read_exactly(count: int) -> None:
    assert fields(f'{{"n": {count}}}').whole_number("n") == count


@pytest.mark.parametrize(
    ("spelled", "found"),
    [
        ('"1204"', "'1204'"),
        ('"1,204"', "'1,204'"),
        ('"٣٤"', "'٣٤'"),
        ("12.5", "'12.5'"),
        ("12.0", "'12.0'"),
        ("1e3", "'1e3'"),
        ("true", "true"),
        ("false", "false"),
        ("null", "null"),
        ("-1", "'-1'"),
        ("NaN", "'NaN'"),
        ("-Infinity", "'-Infinity'"),
        ("1e400", "'1e400'"),
        ("9223372036854775808", "'9223372036854775808'"),
        ("9" * 5000, "'" + "9" * 39 + "…'"),
        ("[1]", "a list"),
        ('{"prompt": "secret"}', "an object"),
        ('{"a": 1, "a": 1}', "an object"),
    ],
)
def test_what_is_no_whole_number_is_refused_as_it_is_spelled(spelled: str, found: str) -> None:
    assert refusal(f'{{"n": {spelled}}}', "whole_number") == ("bad-quantity", "n", found)


def test_a_count_that_is_left_out_is_not_zero() -> None:
    assert refusal("{}", "whole_number") == ("missing-field", "n", "left out")


def test_an_optional_count_tells_nothing_from_zero() -> None:
    row = fields('{"none": null, "zero": 0}')

    assert row.whole_number_if_any("none") is None
    assert row.whole_number_if_any("absent") is None
    assert row.whole_number_if_any("zero") == 0


def test_an_optional_count_is_still_a_whole_number() -> None:
    assert refusal('{"n": false}', "whole_number_if_any") == ("bad-quantity", "n", "false")


@pytest.mark.parametrize("spelled", ['"a\\u0000b"', '"\\ud83d"', "7", "true", "[]"])
def test_text_that_cannot_be_stored_is_refused(spelled: str) -> None:
    assert refusal(f'{{"n": {spelled}}}', "text_if_any")[0] == "bad-text"


def test_text_that_says_nothing_is_none() -> None:
    row = fields('{"empty": "", "none": null, "blank": " "}')

    assert [row.text_if_any(name) for name in ("empty", "none", "absent")] == [None] * 3
    assert row.text_if_any("blank") == " "


def test_text_has_a_longest_length() -> None:
    assert fields(f'{{"n": "{"é" * 1000}"}}').text_if_any("n") == "é" * 1000
    assert refusal(f'{{"n": "{"é" * 1001}"}}', "text_if_any")[0] == "bad-text"


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert fields('{"n": "\\ud83d\\ude00"}').text_if_any("n") == "😀"


def test_a_flag_is_true_false_or_nothing() -> None:
    row = fields('{"yes": true, "no": false, "none": null}')

    assert [row.flag_if_any(name) for name in ("yes", "no", "none", "absent")] == [
        True,
        False,
        None,
        None,
    ]
    assert refusal('{"n": 1}', "flag_if_any") == ("bad-flag", "n", "'1'")


@pytest.mark.parametrize(
    ("spelled", "instant"),
    [
        ("2026-10-01T00:00:00Z", datetime(2026, 10, 1, tzinfo=UTC)),
        ("2026-10-01t00:00:00z", datetime(2026, 10, 1, tzinfo=UTC)),
        ("2026-10-01 02:00:00.250+02:00", datetime(2026, 10, 1, 0, 0, 0, 250_000, UTC)),
        ("2026-10-01T00:00:00.123456789Z", datetime(2026, 10, 1, 0, 0, 0, 123_456, UTC)),
        ("2024-02-29T23:59:59-11:00", datetime(2024, 3, 1, 10, 59, 59, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_in_utc(spelled: str, instant: datetime) -> None:
    assert fields(f'{{"n": "{spelled}"}}').instant("n") == instant


@pytest.mark.parametrize(
    "spelled",
    [
        "2026-10-01",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-10-01T24:00:01Z",
        "2026-10-01T00:00:00+99:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "٢٠٢٦-10-01T00:00:00Z",
        " 2026-10-01T00:00:00Z",
        "infinity",
    ],
)
def test_what_is_no_instant_is_refused(spelled: str) -> None:
    assert refusal(f'{{"n": "{spelled}"}}', "instant")[0] == "bad-instant"


def test_an_instant_without_a_zone_is_not_taken_for_utc() -> None:
    expected = ("naive-timestamp", "n", "'2026-10-01T00:00:00'")

    assert refusal('{"n": "2026-10-01T00:00:00"}', "instant") == expected


def test_unix_seconds_are_read_in_utc() -> None:
    assert fields('{"n": 1790812800}').unix_instant("n") == datetime(2026, 10, 1, tzinfo=UTC)


@pytest.mark.parametrize("spelled", ["1790812800000", "1790812800.5", '"1790812800"', "-1", "true"])
def test_what_is_not_unix_seconds_is_refused(spelled: str) -> None:
    assert refusal(f'{{"n": {spelled}}}', "unix_instant")[0] == "bad-instant"


def test_a_nested_field_is_named_with_its_path() -> None:
    row = fields('{"cache_creation": {"ephemeral_1h_input_tokens": "4"}}')

    with pytest.raises(FieldRefused) as caught:
        row.part("cache_creation").whole_number("ephemeral_1h_input_tokens")

    assert caught.value.at(7) == Rejection(
        7,
        "bad-quantity",
        "cache_creation.ephemeral_1h_input_tokens",
        "'4'",
        "a whole number, 0 or more, without quotes or decimals",
    )


def test_a_key_that_stands_twice_refuses_its_object() -> None:
    with pytest.raises(FieldRefused) as caught:
        fields('{"n": 1, "m": 2, "n": 1}')

    assert (caught.value.code, caught.value.field) == ("duplicate-key", "n")
