"""Small transcripts on which programs that count Claude Code's tokens disagree, counted by hand.

Each says what a transcript does that is easily counted wrong. `tests/test_transcript_cases.py`
holds ours against the tokens; `python -m tests.benchmarks.transcripts --cases --ccusage …` prints
what others make of the same files.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple


class Tokens(NamedTuple):
    """What was used, in tokens; input is that which was not cached."""

    input: int
    cache_read: int
    cache_write: int
    output: int


@dataclass(frozen=True, slots=True)
class Case:
    """Transcripts of a few lines.

    Attributes:
        what: they do.
        sessions: the lines of each file, by its name.
        tokens: that were used.
    """

    what: str
    sessions: Mapping[str, tuple[str, ...]]
    tokens: Tokens

    def write(self, folder: Path) -> list[Path]:
        """Write them as Claude Code does, in folders of projects; return the files."""
        written = []
        for session, lines in self.sessions.items():
            path = folder / "projects" / "-srv-repos-pay" / f"{session}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(lines), encoding="utf-8")
            written.append(path)
        return written


def _line(
    message: str,
    request: str | None,
    output: int,
    *,
    read: int = 1000,
    second: int = 0,
    side: bool = False,
    **other: Any,
) -> str:
    usage = {
        "input_tokens": 5,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": 200,
        "output_tokens": output,
    }
    fields = {
        "type": "assistant",
        "uuid": f"{message}-{output}",
        "sessionId": "one",
        "cwd": "/srv/repos/pay",
        "version": "2.1.240",
        "isSidechain": side,
        "timestamp": f"2026-10-01T10:00:{second:02d}.000Z",
        "message": {
            "id": message,
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-4-6",
            "usage": usage,
        },
        **other,
    }
    if request is not None:
        fields["requestId"] = request
    return f"{json.dumps(fields, separators=(',', ':'))}\n"


def _spaced(line: str) -> str:
    return f"{json.dumps(json.loads(line))}\n"


_ONE = Tokens(input=5, cache_read=1000, cache_write=200, output=300)

CASES = (
    Case(
        "an answer whose output grows from line to line",
        {"one": (_line("m1", "r1", 2), _line("m1", "r1", 2), _line("m1", "r1", 300))},
        _ONE,
    ),
    Case(
        "an answer told again with less, by a program that was started anew",
        {"one": (_line("m1", "r1", 300), _line("m1", "r1", 2, second=9))},
        _ONE,
    ),
    Case(
        "the lines of an answer without an id of its request, as gateways leave it out",
        {"one": (_line("m1", None, 2), _line("m1", None, 300))},
        _ONE,
    ),
    Case(
        "a session resumed in another file, which repeats its answers",
        {"one": (_line("m1", "r1", 300),), "two": (_line("m1", "r1", 300),)},
        _ONE,
    ),
    Case(
        "a side question, which replays an answer under another request, with more read",
        {"one": (_line("m1", "r1", 300), _line("m1", "r2", 300, read=90_000, side=True))},
        _ONE,
    ),
    Case(
        "the work of a subagent, which is used and paid like any other",
        {"one": (_line("m1", "r1", 300), _line("m2", "r2", 300, side=True))},
        Tokens(input=10, cache_read=2000, cache_write=400, output=600),
    ),
    Case(
        "lines written with a space behind each colon",
        {"one": (_spaced(_line("m1", "r1", 300)),)},
        _ONE,
    ),
    Case(
        "a last line that is cut, since the session is running",
        {"one": (_line("m1", "r1", 300), _line("m2", "r2", 40)[:-60])},
        _ONE,
    ),
)
