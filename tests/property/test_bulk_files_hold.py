"""A bulk file is read to its last line, whatever it holds, and the same in each way of reading."""

import csv
import io
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.errors import SourceError
from metering.ingest.bulk.layout import instant, nanos, whole_number
from metering.ingest.contract import Ingestor, Noise, Reading, Rejections, UsageBatch
from metering.ingest.formats.claude_code_transcripts import ClaudeCodeTranscripts
from metering.ingest.formats.litellm_spend_logs import LiteLlmSpendLogs
from metering.ingest.readers import Reader

GOLDEN = Path(__file__).parents[1] / "golden"
LITELLM = LiteLlmSpendLogs()
CLAUDE = ClaudeCodeTranscripts()
SEEDS: dict[str, tuple[Ingestor, Path]] = {
    "litellm": (LITELLM, GOLDEN / "litellm_spend_logs" / "good.jsonl"),
    "litellm table": (LITELLM, GOLDEN / "litellm_spend_logs" / "table.csv"),
    "claude": (CLAUDE, GOLDEN / "claude_code_transcripts" / "session.jsonl"),
}
ROW = json.loads(SEEDS["litellm"][1].read_text(encoding="utf-8").splitlines()[0])
HOSTILE = (
    *(b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b"\\", b"\\ud800"),
    *(b"-", b"1e400", b"NaN", b"9" * 5000, b"1_000", b"[" * 2000, b'{"a":' * 2000, b"null"),
    *(b"\xd9\xa3", b",", b"}", b"]", b"\x1f", b"\x01", b'"prompt_tokens":1,', b"x" * 40_000),
)
# Each example reads a file or two.
few = settings(max_examples=20)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.sampled_from(["", "12", "null", "{}", "[]", '"{}"', '{"usage_object":{}}', "True", "a:b"]),
    st.sampled_from(["2026-09-21 10:00:00", "2026-09-21T10:00:00+02:00", "infinity", "epoch"]),
    st.sampled_from([{}, [], {"usage_object": {"cache_read_input_tokens": 5}}, ["a:1", "a:2"]]),
)
rows = st.lists(
    st.dictionaries(st.sampled_from(sorted(ROW)), values, max_size=3), min_size=1, max_size=6
)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with Reader(tmp_path_factory.mktemp("scratch"), "512MB", 1) as opened:
        yield opened


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("files")
    return (folder / f"file-{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@few
@given(changes=rows)
def test_the_fast_and_the_exact_way_agree(
    changes: Sequence[Mapping[str, object]], reader: Reader, names: Iterator[Path]
) -> None:
    lines = [json.dumps({**ROW, **change}, ensure_ascii=False) for change in changes]

    fast = read(LITELLM, "\n".join(lines).encode(), reader, names)
    exact = read(LITELLM, "\n".join([*lines, "", "{"]).encode(), reader, names)

    assert exact.records == fast.records
    assert exact.rejected[:-1] == fast.rejected
    assert exact.rejected[-1][:2] == (len(lines) + 2, "bad-json")
    assert len(fast.records) + len(fast.rejected) == len(lines)


@few
@given(changes=rows)
def test_a_table_and_json_lines_say_the_same(
    changes: Sequence[Mapping[str, object]], reader: Reader, names: Iterator[Path]
) -> None:
    # As text every value is the same in both; a number or a list of its own has no cell.
    spelt = [
        {
            field: value if isinstance(value, str) else json.dumps(value)
            for field, value in {**ROW, **change}.items()
            if value is not None and "\0" not in str(value)
        }
        for change in changes
    ]
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, sorted(ROW), lineterminator="\n")
    writer.writeheader()
    writer.writerows(spelt)
    whole = table.getvalue()

    fast = read(LITELLM, whole.encode(), reader, names)
    exact = read(LITELLM, (whole + "one cell\n").encode(), reader, names)

    assert exact.records == fast.records
    assert exact.rejected[:-1] == fast.rejected
    assert exact.rejected[-1][1] == "bad-row"
    assert len(fast.records) + len(fast.rejected) == len(spelt)


@pytest.mark.parametrize("seed", SEEDS)
@few
@given(data=st.data())
def test_every_line_of_a_mutated_file_is_accounted_for(
    seed: str, data: st.DataObject, reader: Reader, names: Iterator[Path]
) -> None:
    ingestor, path = SEEDS[seed]
    content = path.read_bytes()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        cut = data.draw(st.sampled_from([0, 0, 1, 2, 50, len(content)]))
        content = content[:at] + data.draw(st.sampled_from(HOSTILE)) + content[at + cut :]

    try:
        outcome = read(ingestor, content, reader, names)
    except SourceError:
        return

    text = content.removeprefix(b"\xef\xbb\xbf")
    lines = text.count(b"\n") + (not text.endswith(b"\n") and text != b"")
    accounted = len(outcome.records) + len(outcome.rejected) + sum(outcome.noise.values())
    if seed != "litellm table":
        assert accounted == lines
    assert accounted <= lines


@few
@given(seed=st.randoms(use_true_random=False))
def test_the_order_of_the_snapshots_of_an_answer_does_not_matter(
    seed: Random, reader: Reader, names: Iterator[Path]
) -> None:
    lines = SEEDS["claude"][1].read_bytes().splitlines()[:-1]
    shuffled = [*lines]
    seed.shuffle(shuffled)

    expected = read(CLAUDE, b"\n".join(lines), reader, names)
    actual = read(CLAUDE, b"\n".join(shuffled), reader, names)

    assert without_lines(actual.records) == without_lines(expected.records)


@given(st.decimals(0, 10**8, allow_nan=False, allow_infinity=False).map(float))
def test_an_amount_is_rounded_once_half_to_even(
    engine: duckdb.DuckDBPyConnection, amount: float
) -> None:
    text = json.dumps(amount)

    assert evaluated(engine, nanos("$1"), text) == round(Fraction(text) * 10**9)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("0.0000000005", 0),
        ("0.0000000015", 2),
        ("0.000000001", 1),
        ("0.999999999", 999_999_999),
        ("1.000000001", 1_000_000_001),
        ("2.5000000000001e-9", 3),
        ("123456789", 123456789 * 10**9),
        ("999999999.999999999", 10**18 - 1),
        ("1000000000", None),
        ("-1", None),
        ("NaN", None),
        ("1e400", None),
        ("1_0", None),
        ("٣", None),
        (" 1", None),
        ("", None),
    ],
)
def test_an_amount_is_a_decimal_number(
    engine: duckdb.DuckDBPyConnection, text: str, expected: int | None
) -> None:
    assert evaluated(engine, nanos("$1"), text) == expected


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "1e3", "1_0", " 1", "true", "٣", "1" * 19])
def test_a_count_is_digits_and_nothing_else(engine: duckdb.DuckDBPyConnection, text: str) -> None:
    assert evaluated(engine, whole_number("$1"), text) is None
    assert evaluated(engine, whole_number("$1"), "9" * 18) == 10**18 - 1


@pytest.mark.parametrize(
    ("text", "zoneless_is_utc", "expected"),
    [
        ("2026-09-21 14:13:20.123000", True, 1790000000123000),
        ("2026-09-21T14:13:20Z", True, 1790000000000000),
        ("2026-09-21T16:13:20+02:00", True, 1790000000000000),
        ("2026-09-21 16:13:20+02", False, 1790000000000000),
        ("2026-09-21 14:13:20", False, None),
        ("2026-09-21", True, None),
        ("2026-02-29 00:00:00", True, None),
        ("2026-13-01 00:00:00", True, None),
        ("1999-12-31 23:59:59", True, None),
        ("2026-09-21 14:13:20 Europe/Berlin", True, None),
        ("infinity", True, None),
        ("epoch", True, None),
        ("", True, None),
    ],
)
def test_an_instant_has_a_zone_or_a_rule_for_it(
    engine: duckdb.DuckDBPyConnection, text: str, zoneless_is_utc: bool, expected: int | None
) -> None:
    expression = f"epoch_us({instant('$1', zoneless_is_utc=zoneless_is_utc)})"

    assert evaluated(engine, expression, text) == expected


class Outcome:
    """What became of the lines of a file."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self.records: list[dict[str, object]] = []
        self.rejected: list[tuple[int, str, str, str]] = []
        self.noise: dict[str, int] = {}
        for reading in readings:
            if isinstance(reading, UsageBatch):
                assert not isinstance(reading.rows, pa.Table)
                self.records = reading.rows.to_arrow_table().to_pylist()
            if isinstance(reading, Rejections):
                self.rejected += [(i.line, i.code, i.field, i.found) for i in reading.items]
            if isinstance(reading, Noise):
                self.noise = dict(reading.counts)


def read(ingestor: Ingestor, content: bytes, reader: Reader, names: Iterator[Path]) -> Outcome:
    path = next(names)
    path.write_bytes(content)
    return Outcome(tuple(ingestor.read(path, reader)))


def without_lines(records: Sequence[Mapping[str, object]]) -> list[str]:
    return sorted(
        str({key: value for key, value in record.items() if key != "row_no"}) for record in records
    )


def evaluated(engine: duckdb.DuckDBPyConnection, expression: str, text: str) -> object:
    engine.execute(f"CREATE OR REPLACE MACRO expression(t) AS {expression.replace('$1', 't')}")
    ((value,),) = engine.execute("SELECT expression(?::VARCHAR)", [text]).fetchall()
    return value
