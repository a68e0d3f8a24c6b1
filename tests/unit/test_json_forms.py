"""A log in JSON says the same in whatever form it was saved: lines, an array, or spread out."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metering.ingest.detection import identify
from metering.ingest.golden import render
from metering.ingest.readers import Reader
from metering.ingest.registry import BUILT_IN

GOLDEN = Path(__file__).parents[1] / "golden"
LOGS = (
    "bedrock_invocation_logs",
    "cloudflare_ai_gateway",
    "gemini_usage_logs",
    "google_cloud_billing",
    "kong_ai_logs",
    "openrouter_generations",
    "portkey_logs",
)
Form = Callable[[list[str]], str]


def _decoded(line: str) -> object:
    return json.loads(line)


FORMS: dict[str, Form] = {
    "an array on one line": lambda lines: f"[{','.join(lines)}]",
    "an array over many lines": lambda lines: json.dumps(list(map(_decoded, lines)), indent=2),
    "objects over many lines": lambda lines: "\n".join(
        json.dumps(_decoded(line), indent=4) for line in lines
    ),
    "objects of Windows over many lines": lambda lines: "\r\n".join(
        json.dumps(_decoded(line), indent=1).replace("\n", "\r\n") for line in lines
    ),
}


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with Reader(tmp_path / "scratch", "256MB", 1) as opened:
        yield opened


def _read(path: Path, reader: Reader) -> list[str]:
    """Return what is read of a file, in any order: rows are numbered otherwise in another form."""
    text = render(identify(path, BUILT_IN), path, reader)
    return sorted(re.sub(r'"row_no": \d+, ', "", text).splitlines())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("log", LOGS)
def test_a_log_is_read_in_whatever_form_it_was_saved(
    log: str, form: str, reader: Reader, tmp_path: Path
) -> None:
    source = GOLDEN / log / "good.jsonl"
    lines = [line for line in source.read_text(encoding="utf-8").splitlines() if line.strip()]
    copy = tmp_path / "saved.json"
    copy.write_bytes(FORMS[form](lines).encode())

    assert _read(copy, reader) == _read(source, reader)


@pytest.mark.parametrize("form", FORMS)
def test_one_that_is_cut_is_refused_whole(form: str, reader: Reader, tmp_path: Path) -> None:
    lines = (GOLDEN / "kong_ai_logs" / "good.jsonl").read_text(encoding="utf-8").splitlines()
    cut = tmp_path / "cut.json"
    cut.write_text(FORMS[form](lines)[:-20], encoding="utf-8")

    found = _read(cut, reader)

    assert not [line for line in found if line.startswith("{")]
    assert any("error[bad-json]" in line for line in found)
