"""Claude Code: transcripts of a few sessions, with every way in which they repeat themselves."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.sample_company.chance import between, digest
from tests.sample_company.tally import Tally
from tests.sample_company.writing import write_lines

_MODEL = "claude-opus-5"
Line = dict[str, object]


@dataclass(frozen=True, slots=True)
class _Session:
    """One working session.

    Attributes:
        folder: the working directory with everything but letters and digits replaced by "-".
        cwd: working directory.
        branch: Git branch; the ticket in it is what the work is for.
        turns: responses of the model.
        hour_cache: whether the prompt cache was asked to live for an hour.
    """

    start: datetime
    folder: str
    cwd: str
    branch: str
    turns: int
    hour_cache: bool

    @property
    def session_id(self) -> str:
        """The name of the file."""
        text = digest("session", self.start)
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"


_SESSIONS = (
    _Session(
        datetime(2026, 10, 6, 8, 12, 4, tzinfo=UTC),
        "-srv-repos-refunds-service",
        "/srv/repos/refunds-service",
        "PAY-318-partial-refunds",
        14,
        hour_cache=True,
    ),
    _Session(
        datetime(2026, 10, 7, 13, 40, 31, tzinfo=UTC),
        "-srv-repos-build-farm",
        "/srv/repos/build-farm",
        "PLT-77-cache-keys",
        11,
        hour_cache=False,
    ),
    _Session(
        # Runs over midnight: a message belongs to the day of its first line.
        datetime(2026, 10, 8, 23, 50, 35, tzinfo=UTC),
        "-srv-repos-forecasting",
        "/srv/repos/forecasting",
        "DAT-204-holidays",
        9,
        hour_cache=False,
    ),
)


def write_transcripts(folder: Path, tally: Tally) -> dict[tuple[date, str], dict[str, int]]:
    """Write the transcripts and return the tokens of each day and model, every message once."""
    totals: defaultdict[tuple[date, str], dict[str, int]] = defaultdict(dict)
    for session in _SESSIONS:
        lines: list[Line] = [_user_line(session)]
        side: list[Line] = []
        facts = 0
        for turn in range(session.turns):
            at = session.start + timedelta(seconds=140 * turn)
            meters = _meters(session, turn)
            key = (at.date(), _MODEL)
            for meter, quantity in meters.items():
                totals[key][meter] = totals[key].get(meter, 0) + quantity
            facts += 1
            lines.extend(_message(session, turn, at, meters))
            if turn == 2:
                # A side question replays the parent's message under another request.
                side.append(_replay(session, turn, at, meters))
        lines.append(_synthetic_line(session))
        name = f"usage/claude-code/{session.folder}/{session.session_id}"
        write_lines(folder / session.folder / f"{session.session_id}.jsonl", lines)
        tally.records[f"{name}.jsonl"] = facts
        if session is _SESSIONS[0]:
            nested = f"{session.session_id}/subagents/agent-a1.jsonl"
            write_lines(folder / session.folder / nested, side)
            tally.records[f"{name}/subagents/agent-a1.jsonl"] = len(side)
    return dict(totals)


def _meters(session: _Session, turn: int) -> dict[str, int]:
    write = between(900, 5200, "write", session.branch, turn)
    return {
        "input_uncached": between(3, 40, "input", session.branch, turn),
        "cache_read": 18_000 + 2_600 * turn + between(0, 900, "read", session.branch, turn),
        "cache_write_5m": 0 if session.hour_cache else write,
        "cache_write_1h": write if session.hour_cache else 0,
        "output": between(180, 2400, "output", session.branch, turn),
    }


def _message(session: _Session, turn: int, at: datetime, meters: dict[str, int]) -> list[Line]:
    """Return one line per content block: each repeats the usage, the output grows."""
    blocks = 2 + turn % 2
    lines = []
    for block in range(blocks):
        last = block == blocks - 1
        output = meters["output"] if last else min(meters["output"], 2 + 60 * block)
        # Ten seconds between blocks, so that the message at midnight lies on both days.
        line = _line(session, turn, at + timedelta(seconds=10 * block), meters | {"output": output})
        line["uuid"] = digest("line", session.branch, turn, block)[:32]
        message = line["message"]
        if isinstance(message, dict):
            message["stop_reason"] = "tool_use" if last else None
        lines.append(line)
    return lines


def _replay(session: _Session, turn: int, at: datetime, meters: dict[str, int]) -> Line:
    line = _line(session, turn, at + timedelta(seconds=50), meters | {"cache_read": 61_000})
    line |= {"isSidechain": True, "agentId": "a1", "requestId": f"req_{digest('side')[:20]}"}
    line["uuid"] = digest("side", session.branch, turn)[:32]
    return line


def _line(session: _Session, turn: int, at: datetime, meters: dict[str, int]) -> Line:
    five, hour = meters["cache_write_5m"], meters["cache_write_1h"]
    return {
        "type": "assistant",
        "uuid": "",
        "parentUuid": None,
        "isSidechain": False,
        "userType": "external",
        "sessionId": session.session_id,
        "cwd": session.cwd,
        "gitBranch": session.branch,
        "version": "2.1.240",
        "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.000Z",
        "requestId": f"req_{digest('request', session.branch, turn)[:20]}",
        "message": {
            "id": f"msg_{digest('message', session.branch, turn)[:20]}",
            "type": "message",
            "role": "assistant",
            "model": _MODEL,
            "stop_reason": "tool_use",
            "usage": {
                "input_tokens": meters["input_uncached"],
                "cache_read_input_tokens": meters["cache_read"],
                "cache_creation_input_tokens": five + hour,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": five,
                    "ephemeral_1h_input_tokens": hour,
                },
                "output_tokens": meters["output"],
                "service_tier": "standard",
                "speed": "standard",
            },
        },
    }


def _user_line(session: _Session) -> Line:
    return {
        "type": "user",
        "uuid": digest("user", session.branch)[:32],
        "parentUuid": None,
        "isSidechain": False,
        "sessionId": session.session_id,
        "cwd": session.cwd,
        "version": "2.1.240",
        "timestamp": f"{session.start - timedelta(seconds=9):%Y-%m-%dT%H:%M:%S}.000Z",
        "message": {"role": "user", "content": "(removed before the file was handed over)"},
    }


def _synthetic_line(session: _Session) -> Line:
    """Return the notice of a failed call: it looks like a message and is none."""
    at = session.start + timedelta(hours=1)
    return {
        "type": "assistant",
        "uuid": digest("synthetic", session.branch)[:32],
        "isSidechain": False,
        "sessionId": session.session_id,
        "cwd": session.cwd,
        "version": "2.1.240",
        "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.000Z",
        "isApiErrorMessage": True,
        "message": {
            "id": digest("synthetic id", session.branch)[:32],
            "role": "assistant",
            "model": "<synthetic>",
            "stop_reason": "stop_sequence",
            "usage": {"input_tokens": 0, "output_tokens": 0},
        },
    }
