"""However a pull was saved, its pages give the same records, slices and refusals."""

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard

from metering.errors import SourceError
from metering.ingest.contract import Ingestor, Noise, Rejections, Slice, UsageBatch
from metering.ingest.formats.anthropic_messages import AnthropicMessages
from metering.ingest.formats.openai_usage import OpenAiUsage
from metering.ingest.golden import render
from metering.ingest.readers import Reader
from metering.usage.columns import line_and_record

FIRST_OF_OCTOBER = 1_790_812_800
DAY = 86_400


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with Reader(tmp_path / "scratch", "256MB", 1) as opened:
        yield opened


def images(**values: object) -> dict[str, object]:
    return {
        "object": "organization.usage.images.result",
        "images": 1,
        "num_model_requests": 1,
        **values,
    }


def page(days: Mapping[int, list[dict[str, object]]]) -> dict[str, object]:
    """Return a page of OpenAI's usage API: day of October 2026 to its rows."""
    buckets = [
        {
            "object": "bucket",
            "start_time": FIRST_OF_OCTOBER + (day - 1) * DAY,
            "end_time": FIRST_OF_OCTOBER + day * DAY,
            "results": rows,
        }
        for day, rows in days.items()
    ]
    return {"object": "page", "data": buckets, "has_more": False, "next_page": None}


def messages(**values: object) -> dict[str, object]:
    return {
        "uncached_input_tokens": 1,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 1,
        "server_tool_use": {"web_search_requests": 0},
        **values,
    }


def report(rows: list[dict[str, object]]) -> dict[str, object]:
    """Return a page of Anthropic's Messages usage report for the first day of October 2026."""
    bounds = {"starting_at": "2026-10-01T00:00:00Z", "ending_at": "2026-10-02T00:00:00Z"}
    return {"data": [{**bounds, "results": rows}], "has_more": False, "next_page": None}


def slices(ingestor: Ingestor, path: Path, reader: Reader) -> list[Slice]:
    return [found for found in ingestor.read(path, reader) if isinstance(found, Slice)]


def records(ingestor: Ingestor, path: Path, reader: Reader) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for found in ingestor.read(path, reader):
        if isinstance(found, UsageBatch):
            assert isinstance(found.rows, pa.Table)
            rows += found.rows.to_pylist()
    return rows


def saved(folder: Path, *pages: object) -> Path:
    path = folder / "usage.jsonl"
    path.write_text("".join(f"{json.dumps(page)}\n" for page in pages), encoding="utf-8")
    return path


PAGES = [
    page({1: [images(model="dall-e-3"), images(model="dall-e-3")], 2: []}),
    page({3: [images(model="gpt-image-1"), images(images=-1)]}),
]
LAYOUTS: dict[str, Callable[[], bytes]] = {
    "lines": lambda: "\n".join(map(json.dumps, PAGES)).encode(),
    "list": lambda: json.dumps(PAGES).encode(),
    "indented": lambda: json.dumps(PAGES, indent=4).encode(),
    "one after the other": lambda: "".join(json.dumps(page, indent=1) for page in PAGES).encode(),
    "sorted keys": lambda: json.dumps(PAGES, sort_keys=True).encode(),
    "CRLF": lambda: json.dumps(PAGES, indent=4).replace("\n", "\r\n").encode(),
    "BOM": lambda: b"\xef\xbb\xbf" + json.dumps(PAGES).encode(),
    "gzip": lambda: gzip.compress(json.dumps(PAGES).encode()),
    "zstd": lambda: zstandard.compress(json.dumps(PAGES).encode()),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_a_pull_changes_nothing_but_lines(
    layout: str, tmp_path: Path, reader: Reader
) -> None:
    path = tmp_path / "usage"
    path.write_bytes(LAYOUTS[layout]())

    found = records(OpenAiUsage(), path, reader)

    assert [row["model_raw"] for row in found] == ["dall-e-3", "dall-e-3", "gpt-image-1"]
    others = [r for r in OpenAiUsage().read(path, reader) if not isinstance(r, UsageBatch)]
    assert others[0] == Slice("images", "width=day;dimensions=model", "2026-10-01", "2026-10-03")
    assert isinstance(others[1], Rejections)
    assert [(item.code, item.found) for item in others[1].items] == [("bad-quantity", "'-1'")]
    assert others[2] == Noise({"empty bucket": 1})


def test_a_line_is_where_the_object_of_the_row_starts(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "usage.json"
    path.write_text(json.dumps(PAGES, indent=2), encoding="utf-8")
    lines = path.read_text(encoding="utf-8").split("\n")

    numbers = [int(str(row["row_no"])) for row in records(OpenAiUsage(), path, reader)]

    assert len(set(numbers)) == 3
    assert {lines[number - 1].strip() for number in numbers} == {"{"}
    assert all("organization.usage.images" in lines[number] for number in numbers)


def test_a_quiet_day_has_the_signature_of_the_week(tmp_path: Path, reader: Reader) -> None:
    # Nobody used a key or drew in a known size on the second day; the pull groups by both.
    busy = page({1: [images(model="dall-e-3", api_key_id="key_9aQ", size="1024x1024")]})
    quiet = page({2: [images(model="dall-e-3", api_key_id=None, size=None)]})
    (tmp_path / "week").mkdir()

    week = slices(OpenAiUsage(), saved(tmp_path / "week", busy, quiet), reader)
    day = slices(OpenAiUsage(), saved(tmp_path, quiet), reader)

    assert week[0].signature == day[0].signature == "width=day;dimensions=model"


def test_a_pull_without_models_is_another_report(tmp_path: Path, reader: Reader) -> None:
    by_project = page({1: [images(project_id="proj_search", model=None)]})

    found = slices(OpenAiUsage(), saved(tmp_path, by_project), reader)

    assert found[0].signature == "width=day;dimensions=project_id"


def test_a_silent_page_among_several_kinds_covers_nothing(tmp_path: Path, reader: Reader) -> None:
    sessions = {"object": "organization.usage.code_interpreter_sessions.result", "num_sessions": 1}
    path = saved(tmp_path, page({1: [images()]}), page({1: [sessions]}), page({2: []}))

    found = slices(OpenAiUsage(), path, reader)

    assert [(piece.scope, piece.last_day) for piece in found] == [
        ("code_interpreter_sessions", "2026-10-01"),
        ("images", "2026-10-01"),
    ]


def test_a_silent_page_belongs_to_the_only_kind(tmp_path: Path, reader: Reader) -> None:
    path = saved(tmp_path, page({1: [images()]}), page({2: [], 3: []}))

    assert [piece.last_day for piece in slices(OpenAiUsage(), path, reader)] == ["2026-10-03"]


@pytest.mark.parametrize(
    ("workspaces", "expected"),
    [
        ([None, None], [None, None]),
        (["wrkspc_01", None], ["wrkspc_01", "default"]),
    ],
)
def test_no_workspace_is_the_default_one_where_the_pull_groups_by_it(
    workspaces: list[str | None], expected: list[str | None], tmp_path: Path, reader: Reader
) -> None:
    path = saved(tmp_path, report([messages(workspace_id=name) for name in workspaces]))

    found = records(AnthropicMessages(), path, reader)

    assert [row["workspace"] for row in found] == expected


@pytest.mark.parametrize("dimension", ["api_key_id", "account_id", "workspace_id"])
def test_a_sunday_without_people_has_the_signature_of_the_week(
    dimension: str, tmp_path: Path, reader: Reader
) -> None:
    week = saved(tmp_path, report([messages(model="claude-opus-5", **{dimension: "x"})]))
    found = slices(AnthropicMessages(), week, reader)
    sunday = saved(tmp_path, report([messages(model="claude-opus-5", **{dimension: None})]))

    assert slices(AnthropicMessages(), sunday, reader) == found


@pytest.mark.parametrize("tier", ["standard", "flex", "priority_on_demand"])
def test_a_tier_is_kept_as_it_is(tier: str, tmp_path: Path, reader: Reader) -> None:
    path = saved(tmp_path, report([messages(service_tier=tier)]))

    (found,) = records(AnthropicMessages(), path, reader)

    assert (found["service_tier"], found["processing"]) == (tier, None)


def test_batches_hold_at_most_65536_records(tmp_path: Path, reader: Reader) -> None:
    path = saved(tmp_path, page({1: [images()] * 70_000}))

    found = list(OpenAiUsage().read(path, reader))

    assert [r.count for r in found if isinstance(r, UsageBatch)] == [65_536, 4_464]


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        ("", "bad-page", 0),
        ("  \n", "bad-page", 0),
        ("[]", "bad-page", 0),
        ('{"object": "page"}', "bad-page", 1),
        ('{"data":\n{}}', "bad-page", 2),
        ('{"data": [\n{"start_time": 1}]}', "bad-page", 2),
        ('{"data": [\n{"results": [],\n"results": []}]}', "bad-page", 3),
        ('{"data": [], "has_more": false,\n"data": []}', "bad-page", 2),
        ('{"data": [{"results": [\n{"images": 1}', "bad-json", 2),
        ('{"data": [1]}', "bad-json", 1),
        ('{"data": []}\n{"data": [', "bad-json", 2),
        ('{"data": []}]', "bad-json", 1),
        ('{"data": [{"results":\n[' + '{"a":' * 100_000, "bad-json", 2),
    ],
)
def test_a_damaged_page_refuses_its_file(
    content: str, code: str, line: int, tmp_path: Path, reader: Reader
) -> None:
    path = tmp_path / "usage.json"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(SourceError) as caught:
        list(OpenAiUsage().read(path, reader))

    assert (caught.value.code, caught.value.where.line) == (code, line)


def test_every_cut_of_a_page_is_refused_without_a_traceback(tmp_path: Path, reader: Reader) -> None:
    content = (Path(__file__).parents[1] / "golden/anthropic_messages/good.json").read_text("utf-8")
    path = tmp_path / "usage.json"
    whole = len(content.rstrip())

    for cut in range(1, whole, 7):
        path.write_text(content[:cut], encoding="utf-8")

        assert "error[bad-json]" in render(AnthropicMessages(), path, reader)


def test_a_record_of_an_answer_on_one_line_says_which_it_is(tmp_path: Path, reader: Reader) -> None:
    path = tmp_path / "usage.json"
    path.write_text(f"{json.dumps(PAGES)}\n{json.dumps(page({9: [images()]}))}\n", encoding="utf-8")

    places = [
        line_and_record(int(str(row["row_no"]))) for row in records(OpenAiUsage(), path, reader)
    ]

    assert places == [(1, 1), (1, 2), (1, 3), (2, None)]
