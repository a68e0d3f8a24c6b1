"""A table in a pipe looks as rich prints it, however many rows it has."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from metering.cli.frame import emit_table
from metering.cli.plain_table import plain_table

WIDE_ONE = (range(0x21, 0x7F), range(0xA0, 0xAD), range(0xAE, 0x250), range(0x2010, 0x2028))
LETTERS = [chr(point) for points in WIDE_ONE for point in points] + ["\u202f"]
CELLS = st.text(st.sampled_from(LETTERS), max_size=12).map(str.strip)
WORDS = st.lists(CELLS, max_size=3).map(lambda words: " ".join(words).strip())


def by_rich(columns: list[str], rows: list[list[str]], right: list[str]) -> str:
    table = Table(
        box=SIMPLE_HEAD,
        pad_edge=False,
        show_header=any(columns),
    )
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    printed = io.StringIO()
    Console(file=printed, width=1000, no_color=True, highlight=False, markup=False).print(table)
    return printed.getvalue()


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_it_is_what_rich_prints(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 4))
    columns = [f"Column {number}" for number in range(count)]
    rows = data.draw(st.lists(st.lists(WORDS, min_size=count, max_size=count), max_size=5))
    right = data.draw(st.lists(st.sampled_from(columns), unique=True))

    text = plain_table(columns, rows, right, 1000)

    assert f"{text}\n" == by_rich(columns, rows, right)


def test_a_table_without_headings_has_no_head() -> None:
    rows = [["amount", "USD 1.00"], ["", "posted"]]

    text = plain_table(["", ""], rows, [], 1000)

    assert f"{text}\n" == by_rich(["", ""], rows, [])
    assert "─" not in (text or "")


def test_what_needs_more_care_is_left_to_rich() -> None:
    assert plain_table(["Name"], [["名前"]], [], 1000) is None
    assert plain_table(["Name"], [["soft\u00adhyphen"]], [], 1000) is None
    assert plain_table(["Name"], [["two\nlines"]], [], 1000) is None
    assert plain_table(["Name"], [["x" * 999]], [], 1000) is None


def test_a_title_is_one_line_however_narrow_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    emit_table("a title that is wider than what it stands above", ("Name",), [("one",)])

    assert capsys.readouterr().out.splitlines()[0] == (
        "a title that is wider than what it stands above"
    )
