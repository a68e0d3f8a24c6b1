"""What becomes tokens and money of the numbers in a bill, and that no shortcut changes it."""

from collections.abc import Iterator
from fractions import Fraction
from random import Random
from typing import Final

import duckdb
import pyarrow as pa
import pytest

from metering.ingest.bulk.layout import nanos
from metering.ingest.bulk.numbers import (
    are_amounts,
    nanos_of_each,
    nanos_of_sum,
    quantity,
    signed_nanos,
    whole,
)

_NANO: Final = 10**9
_SUM: Final = nanos_of_sum("amount", "others", nanos_of_each("others"))
_ARE_AMOUNTS: Final = are_amounts("others", nanos_of_each("others"))


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def _amount(chance: Random) -> str:
    """Return an amount of up to nine and 18 digits, often half way between two nanos, or near."""
    before = str(chance.choice((0, chance.randrange(10), chance.randrange(_NANO), _NANO - 2)))
    digits = [chance.choice("04599") for _ in range(chance.choice((0, 1, 8, 9)))]
    if len(digits) == 9:
        digits += chance.choice(("", "5", "50", "49999", "500000001", "4", "6", "999999999"))
    return f"{before}.{''.join(digits)}" if digits else before


def test_an_amount_is_rounded_half_to_even_whichever_way_is_taken(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    chance = Random(1)  # noqa: S311 - the same numbers each time
    amounts = [_amount(chance) for _ in range(20_000)]
    engine.register("given", pa.table({"amount": amounts, "less": [f"-{one}" for one in amounts]}))

    rows = engine.execute(
        f"SELECT amount, {nanos('amount')}, {signed_nanos('less')} FROM given"
    ).fetchall()

    assert len(rows) == len(amounts)
    for text, made, negative in rows:
        expected = round(Fraction(text) * _NANO)
        assert (made, negative) == (expected, -expected), text


def test_a_sum_is_rounded_once_whichever_way_is_taken(engine: duckdb.DuckDBPyConnection) -> None:
    chance = Random(2)  # noqa: S311 - the same numbers each time
    others = [[f"-{_amount(chance)}" for _ in range(chance.choice((1, 2)))] for _ in range(20_000)]
    amounts = [f"{chance.choice(('', '-'))}{_amount(chance)}" for _ in others]
    engine.register("given", pa.table({"amount": amounts, "others": others}))

    rows = engine.execute(f"SELECT amount, others, {_SUM}, {_ARE_AMOUNTS} FROM given").fetchall()

    assert len(rows) == len(amounts)
    for text, added, made, all_amounts in rows:
        assert made == round(sum(map(Fraction, added), Fraction(text)) * _NANO), (text, added)
        assert all_amounts, added


@pytest.mark.parametrize("others", [["1", None], ["1", "1,5"], ["NaN"], ["1e400"], [""]])
def test_a_sum_with_what_is_no_amount_is_none(
    engine: duckdb.DuckDBPyConnection, others: list[str | None]
) -> None:
    query = f"SELECT {_SUM}, {_ARE_AMOUNTS} FROM (SELECT '1' AS amount, $1 AS others)"

    assert engine.execute(query, [others]).fetchall() == [(None, False)]


@pytest.mark.parametrize(
    ("text", "block", "expected"),
    [
        ("91022.0", 1, 91_022),
        ("-91022", 1, -91_022),
        ("0.0015", 1_000_000, 1_500),
        ("1.0010", 1, 1),
        ("1.0011", 1, None),
        ("0.5", 1, None),
        ("2.9989", 1, None),
        ("2.9990", 1, 3),
        ("123456789012.001", 1, 123_456_789_012),
        ("123456789012.002", 1, None),
        ("999999999999999", 1, 999_999_999_999_999),
        ("999999999999.999", 1_000, 999_999_999_999_999),
        ("999999999999999", 1_000_000, None),
        ("", 1, None),
    ],
)
def test_a_quantity_is_whole_to_a_thousandth_of_a_unit(
    engine: duckdb.DuckDBPyConnection, text: str, block: int, expected: int | None
) -> None:
    named = f"SELECT text, {quantity('text')} AS amount FROM (SELECT $1 AS text)"
    query = (
        f"SELECT {whole('text', str(block))}, {whole('text', str(block), 'amount')} FROM ({named})"
    )

    assert engine.execute(query, [text]).fetchall() == [(expected, expected)]
