"""A file written where it goes in one statement holds what reading it the usual way gives."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from metering.engine.trace import examples, kinds_in, open_usage
from metering.ingest.bulk import at_once
from metering.ingest.contract import Noise, Reading, Rejections, UsageBatch
from metering.ingest.formats.litellm_spend_logs import LiteLlmSpendLogs
from metering.ingest.readers import Reader
from metering.usage.duplicates import remove_duplicates
from metering.usage.rows import usage_rows
from metering.usage.staged import describe
from metering.usage.staging import Staging

_LINES = 400
_LATE = 301  # 0-based; between the blocks that are looked at


def _row(place: int, days: int = 1, **other: object) -> dict[str, object]:
    return {
        "request_id": f"call-{place}",
        "call_type": "acompletion",
        "startTime": f"2026-10-{1 + place % days:02d} 10:{place // 60 % 60:02d}:{place % 60:02d}",
        "model": ("gpt-5", "gpt-5-mini")[place % 2],
        "custom_llm_provider": "openai",
        "prompt_tokens": 100 + place,
        "completion_tokens": 10,
        "total_tokens": 110 + place,
        "metadata": json.dumps({"user_api_key_alias": f"key-{place % 3}"}),
        "request_tags": json.dumps(["project:P1"]),
        "user": f"u-{place % 7}",
        "spend": 0.25,
        **other,
    }


def _write(
    path: Path,
    late: str | Mapping[str, object] | None = None,
    lines: int = _LINES,
    days: int = 1,
) -> Path:
    texts = [json.dumps(_row(place, days)) for place in range(lines)]
    if late is not None:
        texts[_LATE] = late if isinstance(late, str) else json.dumps({**_row(_LATE), **late})
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


@contextmanager
def _read(path: Path, folder: Path, *, threads: int = 2) -> Iterator[tuple[Staging, list[Reading]]]:
    """Read a file into staging; yield that with what the reader had to say beside it."""
    with Reader(folder / "scratch", "500MB", threads) as reader:
        reader.start_fingerprint(path)
        staging = Staging(
            reader.connection, folder / "new", ingestor="litellm-spend-logs", account="default"
        )
        said = []
        with reader.writing_to(staging):
            for reading in LiteLlmSpendLogs().read(path, reader):
                said.append(reading)
                if isinstance(reading, UsageBatch):
                    staging.add(reading.rows)
        staging.finish()
        yield staging, said


class _Held:
    """What was read of a file: the records in staging, as texts with their lines, and the rest."""

    def __init__(self, path: Path, folder: Path, *, threads: int = 2) -> None:
        with _read(path, folder, threads=threads) as (staging, said):
            duck, files = staging.connection, staging.files()
            self.days = [(day.day, day.records) for day in describe(duck, files)]
            self.records = duck.execute(
                f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {usage_rows(files)} ORDER BY ALL"
            ).fetchall()
            held = duck.sql(f"FROM read_parquet({[str(file) for file in files]})")
            self.tells_lines = "row_no" in held.columns
            self.misplaced = duck.execute(
                f"SELECT count(*) FROM {usage_rows(files)} WHERE prompt_tokens <> 99 + row_no"
            ).fetchall()[0][0]
            self.left_behind = sorted(path.name for path in staging.folder.iterdir())
        self.batches = sum(isinstance(one, UsageBatch) for one in said)
        refused = [one for each in said if isinstance(each, Rejections) for one in each.items]
        self.refused = [one.message("log") for one in refused]
        self.noise = [one.counts for one in said if isinstance(one, Noise)]


@pytest.fixture
def looking_at_little(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Take the new way for small files, too, after a look at their beginning and middle."""

    def look() -> None:
        monkeypatch.setattr(at_once, "WORTH_A_SAMPLE", 0)
        monkeypatch.setattr(at_once, "BLOCKS", 2)
        monkeypatch.setattr(at_once, "BLOCK", 10_000)

    return look


def test_a_clean_file_of_one_day_is_written_at_once_and_holds_the_same(
    tmp_path: Path, looking_at_little: Callable[[], None]
) -> None:
    path = _write(tmp_path / "log.jsonl")
    usual = _Held(path, tmp_path / "usual")
    looking_at_little()

    held = _Held(path, tmp_path / "at-once")

    assert (usual.batches, usual.tells_lines) == (1, True)
    assert (held.batches, held.tells_lines) == (0, False)
    assert held.records == usual.records
    assert held.days == usual.days == [("2026-10-01", _LINES)]


@pytest.mark.parametrize(("days", "batches"), [(2, 0), (3, 1)])
def test_a_clean_file_of_a_night_across_midnight_is_written_at_once_and_holds_the_same(
    tmp_path: Path, looking_at_little: Callable[[], None], days: int, batches: int
) -> None:
    path = _write(tmp_path / "log.jsonl", days=days)
    usual = _Held(path, tmp_path / "usual")
    looking_at_little()

    held = _Held(path, tmp_path / "at-once")

    assert (usual.batches, held.batches) == (1, batches)
    assert held.records == usual.records
    assert held.days == usual.days
    assert sum(count for _, count in held.days) == _LINES


@pytest.mark.parametrize(
    ("late", "said"),
    [
        ({"prompt_tokens": 12.5}, "bad-quantity"),
        ({"prompt_tokens": True}, "bad-quantity"),
        ({"prompt_tokens": "12"}, "bad-quantity"),
        ({"startTime": "yesterday"}, "bad-instant"),
        ('{"request_id": "cut', "bad-json"),
        ("", ""),
        ({"startTime": "2026-10-02 00:00:00"}, ""),
        ({"startTime": "2026-09-30 23:59:59.999999"}, ""),
        ({"model": "a-model-that-is-new"}, ""),
        ({"request_tags": json.dumps(["project:new"])}, ""),
        ({"spend": None}, ""),
    ],
    ids=lambda given: str(given)[:30],
)
def test_what_no_look_at_the_file_has_shown_is_read_as_ever(
    tmp_path: Path,
    looking_at_little: Callable[[], None],
    late: str | Mapping[str, object],
    said: str,
) -> None:
    path = _write(tmp_path / "log.jsonl", late)
    usual = _Held(path, tmp_path / "usual")
    looking_at_little()

    held = _Held(path, tmp_path / "at-once")

    assert held.tells_lines
    assert held.records == usual.records
    assert (held.refused, held.noise) == (usual.refused, usual.noise)
    assert bool(said) == bool(held.refused)
    assert all(
        message.startswith(f"log:{_LATE + 1}:") and f"error[{said}]" in message
        for message in held.refused
    )
    assert "part-1" not in held.left_behind


def test_a_file_in_which_some_texts_are_seldom_the_same_is_not_tried(
    tmp_path: Path, looking_at_little: Callable[[], None]
) -> None:
    path = tmp_path / "log.jsonl"
    customers = (place if place % 4 == 0 else 0 for place in range(_LINES))
    rows = (_row(place, end_user=f"customer-{one}") for place, one in enumerate(customers))
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    looking_at_little()

    held = _Held(path, tmp_path / "at-once")

    assert (held.batches, held.tells_lines) == (1, True)


def _write_apart(path: Path, late: Mapping[str, object]) -> Path:
    """Write a file in which each request is for another customer, with tags of its own."""
    rows = [
        _row(
            place,
            end_user=f"customer-{place}" if place % 3 else None,
            request_tags=json.dumps([f"ticket:{place}", "end_user:me"] if place % 5 else []),
        )
        for place in range(_LINES)
    ]
    rows[_LATE] |= late
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def test_a_file_whose_texts_are_never_the_same_is_written_at_once_and_holds_the_same(
    tmp_path: Path, looking_at_little: Callable[[], None]
) -> None:
    path = _write_apart(tmp_path / "log.jsonl", {})
    usual = _Held(path, tmp_path / "usual")
    looking_at_little()

    held = _Held(path, tmp_path / "at-once")

    assert (held.batches, held.tells_lines) == (0, False)
    assert held.records == usual.records
    assert held.days == usual.days == [("2026-10-01", _LINES)]


@pytest.mark.parametrize(
    ("late", "said"),
    [
        ({"request_tags": "[1, 2"}, "bad-json"),
        ({"request_tags": '["\\u0000"]'}, "bad-json"),
        ({"end_user": "a\0b"}, "bad-text"),
        ({"end_user": "a\0b", "prompt_tokens": 12.5}, "bad-text"),
        ({"request_tags": {"name": "value"}, "prompt_tokens": "12"}, "bad-json"),
    ],
    ids=lambda given: str(given)[:30],
)
def test_a_text_that_no_other_record_has_is_checked(
    tmp_path: Path,
    looking_at_little: Callable[[], None],
    late: Mapping[str, object],
    said: str,
) -> None:
    path = _write_apart(tmp_path / "log.jsonl", late)
    usual = _Held(path, tmp_path / "usual")
    looking_at_little()

    held = _Held(path, tmp_path / "at-once")

    assert held.tells_lines
    assert (held.records, held.refused) == (usual.records, usual.refused)
    assert [f"error[{said}]" in message for message in held.refused] == [True]


@pytest.mark.parametrize("line", ["", '{"request_id": "cut'])
def test_a_line_that_the_sample_shows_to_be_none_is_found_all_the_same(
    tmp_path: Path, looking_at_little: Callable[[], None], line: str
) -> None:
    path = _write(tmp_path / "log.jsonl")
    path.write_text(f"{line}\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    looking_at_little()

    held = _Held(path, tmp_path / "at-once")

    assert held.tells_lines
    assert held.days == [("2026-10-01", _LINES)]
    assert len(held.refused) + len(held.noise) == 1


@pytest.mark.parametrize("days", [1, 2])
def test_a_record_tells_its_line_whoever_wrote_it(
    tmp_path: Path, looking_at_little: Callable[[], None], days: int
) -> None:
    lines = 260_000
    path = _write(tmp_path / "log.jsonl", lines=lines, days=days)
    looking_at_little()

    held = _Held(path, tmp_path / "at-once", threads=4)

    assert (held.batches, held.tells_lines, held.misplaced) == (0, days > 1, 0)
    assert [count for _, count in held.days] == [lines // days] * days


def test_what_stands_twice_is_told_by_its_line(
    tmp_path: Path, looking_at_little: Callable[[], None]
) -> None:
    path = _write(tmp_path / "log.jsonl", {"request_id": "call-300"})
    looking_at_little()

    with _read(path, tmp_path) as (staging, said):
        found = remove_duplicates(staging, {}, keep_largest=False)

        assert said == []
        assert [one.line for one in found.conflicts] == [_LATE + 1]
        assert staging.connection.execute(
            f"SELECT count(*) FROM {usage_rows(staging.files())} WHERE prompt_tokens = 99 + row_no"
        ).fetchall() == [(_LINES - 1,)]


def test_a_record_behind_an_amount_leads_to_its_line(
    tmp_path: Path, looking_at_little: Callable[[], None]
) -> None:
    path = _write(tmp_path / "log.jsonl")
    looking_at_little()

    with _read(path, tmp_path) as (staging, said):
        open_usage(
            staging.connection, staging.files(), kinds_in(staging.connection, staging.files())
        )
        count, _, found = examples(
            staging.connection, ("principal",), [("u-6",)], "input_uncached", 2
        )

    assert said == []
    assert (count, [one.line for one in found]) == (57, [399, 392])


def test_a_sample_is_of_whole_lines_from_all_over_the_file(
    tmp_path: Path, looking_at_little: Callable[[], None]
) -> None:
    path = _write(tmp_path / "log.jsonl")
    looking_at_little()

    at_once.write_sample(path, tmp_path / "sample")

    lines = (tmp_path / "sample").read_text(encoding="utf-8").splitlines()
    seen = [json.loads(line)["prompt_tokens"] - 100 for line in lines]
    assert seen[0] == 0
    assert seen == sorted(set(seen))
    assert {place // (_LINES // 2) for place in seen} == {0, 1}
    assert len(seen) < _LATE
    assert _LATE not in seen
