"""JSON is walked with exact lines, and refused where it is not JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.errors import SourceError
from metering.ingest.values.strict_json import Cursor, Oddity, RepeatedKey

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def refused(text: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        Cursor(text, "input.json").value()
    return caught.value


@given(DOCUMENTS)
def test_what_the_standard_library_writes_is_read_back(document: object) -> None:
    assert Cursor(json.dumps(document), "input.json").value() == document


@given(st.lists(DOCUMENTS, max_size=5), st.sampled_from([None, 1]))
def test_walking_a_list_finds_the_line_of_each_element(
    documents: list[object], indent: int | None
) -> None:
    text = json.dumps(documents, indent=indent)
    cursor = Cursor(text, "input.json")
    lengths = [json.dumps(d, indent=indent).count("\n") + 1 for d in documents]

    found = [(line, cursor.value()) for line in cursor.elements()]

    lines = [2 + sum(lengths[:n]) if indent else 1 for n in range(len(documents))]
    assert found == list(zip(lines, documents, strict=True))
    assert cursor.ahead() == ""


def test_line_ends_of_windows_count_once() -> None:
    cursor = Cursor("[\r\n1,\r\n2\r\n]", "input.json")

    assert [(line, cursor.value()) for line in cursor.elements()] == [(2, 1), (3, 2)]


def test_numbers_that_are_not_whole_keep_their_spelling() -> None:
    text = "[1.10, 1E2, NaN, -Infinity, 123456789012345678901]"

    assert Cursor(text, "input.json").value() == [
        Oddity("1.10"),
        Oddity("1E2"),
        Oddity("NaN"),
        Oddity("-Infinity"),
        Oddity("123456789012345678901"),
    ]


def test_an_object_with_equal_keys_is_marked() -> None:
    assert Cursor('{"a": {"b": 1, "b": 1}}', "input.json").value() == {"a": RepeatedKey("b")}


@pytest.mark.parametrize("text", ['{"a": 1', '{"a": "b', "[1,\n2", "", "{", '{"a"', '{"a":'])
def test_a_text_that_stops_says_so_on_its_last_line(text: str) -> None:
    error = refused(text)

    assert error.code == "bad-json"
    assert error.where.line == text.count("\n") + 1
    assert "the file ends inside a value" in str(error)


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("[1\n2]", 2, "found '2'"),
        ('{"a":\n\0}', 2, "found '�'"),
        ("{a: 1}", 1, "found 'a'"),
        ('{"a": 1,}', 1, "found '}'"),
        ('["a\nb"]', 1, "found '�'"),
    ],
)
def test_a_text_that_is_not_json_says_where(text: str, line: int, found: str) -> None:
    error = refused(text)

    assert (error.code, error.where.line) == ("bad-json", line)
    assert found in str(error)


def test_a_value_nested_without_end_is_refused() -> None:
    error = refused("\n" + "[" * 100_000 + "]" * 100_000)

    assert (error.code, error.where.line) == ("bad-json", 2)
    assert "nested too deeply" in str(error)
