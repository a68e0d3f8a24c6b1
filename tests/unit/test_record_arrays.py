"""Arrays of records are those that Arrow itself would make, and make no use of pandas."""

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.core.pricing.rates import CardKind
from metering.ingest.shapes.arrays import array_of
from metering.usage.schema import INSTANT, METERS, OUTCOME_SCHEMA, TAGS, USAGE_SCHEMA

NUMBERS = st.integers(-(2**63), 2**63 - 1)
TEXTS = st.text(max_size=5)
INSTANTS = st.datetimes(timezones=st.just(UTC))
COLUMNS: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.int64(): NUMBERS,
    pa.string(): TEXTS,
    INSTANT: INSTANTS,
    TAGS: st.dictionaries(TEXTS, TEXTS | st.none(), max_size=3),
    METERS: st.dictionaries(TEXTS, NUMBERS, max_size=3),
}


@given(st.data())
def test_it_is_the_array_that_arrow_makes(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(list(COLUMNS)))
    values = data.draw(st.lists(COLUMNS[kind] | st.none(), max_size=20))

    made = array_of(values, kind)

    made.validate(full=True)
    assert made.type == kind
    assert made.equals(pa.array(values, kind))


def test_every_column_of_a_record_can_be_made() -> None:
    for field in (*USAGE_SCHEMA, *OUTCOME_SCHEMA):
        assert field.type in COLUMNS, field.name


def test_a_word_of_a_closed_set_is_a_text() -> None:
    assert array_of([CardKind.LIST, None], pa.string()).to_pylist() == ["list", None]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, pa.int64()),
        (12.5, pa.int64()),
        ("12", pa.int64()),
        (2**63, pa.int64()),
        (12, pa.string()),
        (12, INSTANT),
        (datetime(2026, 10, 1), INSTANT),  # noqa: DTZ001 - that it has no zone is the point
        ({"a": 1.5}, METERS),
        ({"a": 1}, TAGS),
    ],
    ids=str,
)
def test_a_value_of_another_kind_is_refused(value: object, kind: pa.DataType) -> None:
    with pytest.raises((TypeError, AttributeError, OverflowError)):
        array_of([None, value], kind)


def test_pandas_is_not_asked() -> None:
    program = (
        "import sys\n"
        "from metering.ingest.shapes.records import RecordColumns\n"
        "columns = RecordColumns()\n"
        "columns.add({'row_no': 1, 'provider': 'openai', 'tags': {'team': 'a'}})\n"
        "print(columns.batch().rows.num_rows, 'pandas' in sys.modules)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "1 False\n"
