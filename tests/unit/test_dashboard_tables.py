"""A dashboard's table is read by the names of its columns, and each row keeps its line."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from metering.errors import SourceError
from metering.ingest.contract import Ingestor
from metering.ingest.formats.anthropic_console_usage_csv import AnthropicConsoleUsageCsv
from metering.ingest.formats.openai_activity_csv import OpenAiActivityCsv
from metering.ingest.formats.openai_cost_csv import OpenAiCostCsv
from metering.ingest.golden import render
from metering.ingest.readers import Reader
from metering.ingest.shapes.tables import count, flag, read_table

GOLDEN = Path(__file__).parents[1] / "golden"
FILES: list[tuple[Ingestor, Path]] = [
    (OpenAiActivityCsv(), GOLDEN / "openai_activity_csv" / "good.csv"),
    (OpenAiCostCsv(), GOLDEN / "openai_cost_csv" / "generation_2026_09.csv"),
    (AnthropicConsoleUsageCsv(), GOLDEN / "anthropic_console_usage_csv" / "good.csv"),
]


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with Reader(tmp_path / "scratch", "256MB", 1) as opened:
        yield opened


@pytest.mark.parametrize(
    ("ingestor", "source"), FILES, ids=lambda value: getattr(value, "name", "")
)
@pytest.mark.parametrize("form", ["crlf", "bom", "gzip", "no last line end"])
def test_a_table_reads_the_same_however_it_was_saved(
    ingestor: Ingestor, source: Path, form: str, tmp_path: Path, reader: Reader
) -> None:
    content = source.read_bytes()
    path = tmp_path / "export.csv"
    path.write_bytes(
        {
            "crlf": content.replace(b"\n", b"\r\n"),
            "bom": b"\xef\xbb\xbf" + content,
            "gzip": gzip.compress(content),
            "no last line end": content.rstrip(b"\n"),
        }[form]
    )

    assert render(ingestor, path, reader) == render(ingestor, source, reader)


def test_columns_are_found_by_name_and_not_by_place(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "export.csv"
    path.write_text("b,more,a\n2.0,x,1\n", encoding="utf-8")

    table = read_table(path, reader, ("a", "b"), {"a": count, "b": count})

    assert [(row.line, row.value) for row in table.rows] == [(2, {"b": 2, "more": "x", "a": 1})]


def test_a_row_after_one_of_several_lines_has_its_own_line(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "export.csv"
    path.write_text('a,b\n"two\nlines",1\n\n3,4\n5\n', encoding="utf-8")

    table = read_table(path, reader, ("a",), {})

    assert [row.line for row in table.rows] == [2, 5]
    assert [(refused.line, refused.code) for refused in table.refused] == [(6, "bad-row")]
    assert table.empty_lines == 1


def test_bytes_that_are_no_text_cost_their_row_alone(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(b"a,b\n1,\xff\n1,2\n")

    table = read_table(path, reader, ("a",), {})

    assert [(refused.line, refused.code) for refused in table.refused] == [(2, "bad-encoding")]
    assert [row.line for row in table.rows] == [3]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "missing-column"),
        ("b\n", "missing-column"),
        ("a,a\n", "doubled-column"),
        ('a,b\n"1,2\n', "unclosed-quote"),
        ('a,b\n"1"x,2\n', "unclosed-quote"),
    ],
)
def test_a_table_that_cannot_be_told_apart_is_refused_whole(
    content: str, code: str, tmp_path: Path, reader: Reader
) -> None:
    path = tmp_path / "export.csv"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(SourceError) as caught:
        read_table(path, reader, ("a",), {})

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("8", 8), ("8.0", 8), ("8.00", 8), ("8.5", "8.5"), ("8.", "8."), ("-8", "-8"), ("٨", "٨")],
)
def test_a_count_is_whole_or_stays_what_it_is(cell: str, expected: object) -> None:
    assert count(cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"), [("False", False), ("FALSE", False), ("true", True), ("no", "no")]
)
def test_a_truth_value_may_be_spelled_in_any_case(cell: str, expected: object) -> None:
    assert flag(cell) == expected
