"""What a Codex session used is what its sums have grown by, however they jump."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering.ingest.contract import Noise, UsageBatch
from metering.ingest.formats.codex_rollouts import CodexRollouts
from metering.ingest.readers import Reader

Counts = tuple[int, int]
responses = st.lists(
    st.tuples(st.integers(1, 10**6), st.integers(0, 10**6)), min_size=1, max_size=12
)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with Reader(tmp_path_factory.mktemp("scratch"), "256MB", 1) as opened:
        yield opened


def session(**payload: object) -> dict[str, object]:
    first = {"id": "thread-1", "cwd": "/srv/repos/ledger", "source": "cli", **payload}
    return {"timestamp": "2026-10-01T09:00:00Z", "type": "session_meta", "payload": first}


def usage(counts: Counts) -> dict[str, int]:
    spent, output = counts
    return {"input_tokens": spent, "output_tokens": output, "total_tokens": spent + output}


def counted(second: int, total: Counts, last: Counts) -> dict[str, object]:
    info = {"total_token_usage": usage(total), "last_token_usage": usage(last)}
    return {
        "timestamp": f"2026-10-01T10:{second // 60:02d}:{second % 60:02d}Z",
        "type": "event_msg",
        "payload": {"type": "token_count", "info": info},
    }


def turn(model: str) -> dict[str, object]:
    payload = {"model": model, "cwd": "/srv/repos/ledger"}
    return {"timestamp": "2026-10-01T09:00:01Z", "type": "turn_context", "payload": payload}


def read(
    reader: Reader, folder: Path, lines: Sequence[object]
) -> tuple[list[dict[str, object]], dict[str, int]]:
    """Return the records and the noise of a session."""
    path = folder / f"rollout-{len(list(folder.iterdir()))}.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    records: list[dict[str, object]] = []
    noise: dict[str, int] = {}
    for reading in CodexRollouts().read(path, reader):
        match reading:
            case UsageBatch(rows):
                records += rows.to_arrow_table().to_pylist()  # type: ignore[union-attr]
            case Noise(counts):
                noise.update(counts)
    return records, noise


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(found=responses, repeats=st.lists(st.booleans(), min_size=12, max_size=12))
def test_the_records_of_a_session_add_up_to_its_last_sum(
    found: list[Counts], repeats: list[bool], reader: Reader, tmp_path: Path
) -> None:
    lines: list[object] = [session()]
    total = (0, 0)
    for place, (last, repeated) in enumerate(zip(found, repeats, strict=False)):
        total = (total[0] + last[0], total[1] + last[1])
        lines += [counted(2 * place + again, total, last) for again in range(1 + repeated)]

    records, noise = read(reader, tmp_path, lines)

    assert sum(int(str(one["input_uncached"])) for one in records) == total[0]
    assert sum(int(str(one["output"])) for one in records) == total[1]
    assert len(records) == len(found)
    assert noise.get("repeated token counts", 0) == sum(repeats[: len(found)])


def test_a_sum_that_fell_counts_the_last_response_and_goes_on_from_there(
    reader: Reader, tmp_path: Path
) -> None:
    lines = [
        session(),
        counted(1, (1000, 100), (1000, 100)),
        counted(2, (300, 20), (300, 20)),
        counted(3, (350, 25), (50, 5)),
    ]

    records, _ = read(reader, tmp_path, lines)

    assert [(one["input_uncached"], one["output"]) for one in records] == [
        (1000, 100),
        (300, 20),
        (50, 5),
    ]


def test_growth_over_several_responses_does_not_say_how_long_a_prompt_was(
    reader: Reader, tmp_path: Path
) -> None:
    records, _ = read(reader, tmp_path, [session(), counted(1, (900, 9), (500, 5))])

    assert records[0]["input_uncached"] == 900
    assert records[0]["prompt_tokens"] is None


@pytest.mark.parametrize(
    "parent",
    [{"forked_from_id": "thread-0"}, {"source": {"subagent": {"thread_spawn": {}}}}],
    ids=["fork", "subagent"],
)
def test_a_session_with_a_parent_does_not_count_what_the_parent_used(
    parent: dict[str, object], reader: Reader, tmp_path: Path
) -> None:
    burst = [
        session(**parent),
        counted(1, (10, 1), (10, 1)),
        counted(1, (40, 4), (30, 3)),
        counted(9, (45, 5), (5, 1)),
    ]
    inherited = [session(**parent), counted(1, (40, 4), (30, 3)), counted(9, (45, 5), (5, 1))]
    own = [session(**parent), counted(1, (5, 1), (5, 1)), counted(9, (7, 2), (2, 1))]

    spent = [
        [one["input_uncached"] for one in read(reader, tmp_path, lines)[0]]
        for lines in (burst, inherited, own)
    ]

    assert spent == [[5], [5], [5, 2]]


def test_each_count_has_the_model_of_the_turn_before_it(reader: Reader, tmp_path: Path) -> None:
    lines = [
        session(),
        counted(1, (1, 1), (1, 1)),
        turn("gpt-5.6-sol"),
        counted(2, (2, 2), (1, 1)),
        turn("gpt-5.6-luna"),
        counted(3, (3, 3), (1, 1)),
    ]

    records, _ = read(reader, tmp_path, lines)

    assert [one["model_raw"] for one in records] == [None, "gpt-5.6-sol", "gpt-5.6-luna"]


def test_reading_a_longer_copy_of_a_session_gives_the_same_ids_again(
    reader: Reader, tmp_path: Path
) -> None:
    lines = [session(), counted(1, (1, 1), (1, 1)), counted(2, (5, 5), (4, 4))]

    early, _ = read(reader, tmp_path, lines)
    late, _ = read(reader, tmp_path, [*lines, counted(3, (6, 6), (1, 1))])

    assert [one["event_id"] for one in late][: len(early)] == [one["event_id"] for one in early]
    assert len(late) == len(early) + 1
