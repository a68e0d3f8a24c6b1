"""Measure Claude Code transcripts, whole process, against `ccusage` on the same files.

    python -m tests.benchmarks.transcripts --megabytes 1000 --ccusage A/bin/ccusage B/bin/ccusage
    python -m tests.benchmarks.transcripts --cases --ccusage A/bin/ccusage B/bin/ccusage

`ccusage` is a program for Node; install the versions to compare with anywhere and name them here.
Each prints its report of all days, offline; ours ingests, posts and prints the chargeback, lists
the totals by month from the ledger, and is asked for the chargeback again, of which nothing has
changed since: what was kept of it is told, and its file held against that. The figures of one call
were taken in turn on one machine: seconds that passed, and of the processor, which say more where
others use it. `--cases` shows instead what each makes of small transcripts that are easily counted
wrong, `tests.support.transcript_cases`: the corpus that is timed has nothing in it that they
disagree on but answers whose output grows.

Beside them stands what bare DuckDB needs, in a process of its own, to parse the same files and take
the largest telling of each answer, with nothing checked, hashed or kept: what a ledger could reach.
"""

import argparse
import compileall
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

import metering
from tests.support.transcript_cases import CASES

_THIS = "tests.benchmarks.transcripts"
# The shape of real ones (performance study, section 7): a megabyte to a session, 2.9 kB to a line,
# three lines to an answer. Results of tools are most of it, and nobody's business.
_SESSION_BYTES = 1_000_000
_BLOCKS = 2
_ANSWER_BYTES = 8_700
_QUESTION = "lorem ipsum " * 500
_TEXT = "lorem ipsum " * 60
_MODELS = ("claude-opus-5", "claude-sonnet-5", "claude-haiku-4-5")


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.benchmarks.transcripts")
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--ccusage", type=Path, nargs="*", default=[])
    parser.add_argument("--folder", type=Path, help="keep the corpus here, and reuse it")
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--cases", action="store_true", help="what they count, not how fast")
    options = parser.parse_args()
    if options.bare:
        print(json.dumps(_bare(options.bare)))
        return
    if options.cases:
        _tell_cases(options.ccusage)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch) / "claude"
        if not folder.exists():
            write_transcripts(folder, options.megabytes)
        files = sorted((folder / "projects").rglob("*.jsonl"))
        size = sum(path.stat().st_size for path in files) / 1e6
        print(f"{len(files)} transcripts, {size:,.0f} MB, {os.cpu_count()} cores")
        _warm(files)
        taken, tokens = _ours(Path(scratch) / "ledger", files)
        for name, one in taken.items():
            print(f"  {name:28s} {one}")
        print(f"  tokens {tokens}")
        bare, answer = _timed(sys.executable, "-m", _THIS, "--bare", str(folder))
        print(f"  {'bare DuckDB':28s} {bare}")
        print(f"  tokens {json.loads(answer)}")
        for program in options.ccusage:
            theirs, told = _ccusage(program, folder)
            print(f"  {_version(program):28s} {theirs}")
            for name, ours in {
                "ingest, post and report": sum(list(taken.values())[:3], _Taken(0, 0)),
                "our totals by month": taken["period list"],
                "our repeated chargeback": taken["report again"],
            }.items():
                print(f"  {'':28s} {theirs.against(ours)} {name}")
            print(f"  tokens {told}")


def _tell_cases(programs: list[Path]) -> None:
    """Print the tokens of each case, and beside them those of each program that counts others."""
    for case in CASES:
        print(f"{case.what}\n  {'used':28s} {case.tokens._asdict()}")
        for program in programs:
            with tempfile.TemporaryDirectory() as folder:
                case.write(Path(folder))
                _, told = _ccusage(program, Path(folder))
            agrees = told == case.tokens._asdict()
            print(f"  {_version(program):28s} {'agrees' if agrees else told}")


@dataclass(frozen=True, slots=True)
class _Taken:
    """What a program took, in seconds: on the clock, and of all processors."""

    clock: float
    processor: float

    def __add__(self, other: "_Taken") -> "_Taken":
        return _Taken(self.clock + other.clock, self.processor + other.processor)

    def __str__(self) -> str:
        return f"{self.clock:8.2f} s {self.processor:8.2f} s of processor"

    def against(self, other: "_Taken") -> str:
        clock, processor = self.clock / other.clock, self.processor / other.processor
        return f"{clock:8.1f} x {processor:8.1f} x"


def write_transcripts(folder: Path, megabytes: int) -> None:
    """Write transcripts of about that size, a file to a session."""
    connection = duckdb.connect()
    answers = megabytes * 1_000_000 // _ANSWER_BYTES
    sessions = max(1, megabytes * 1_000_000 // _SESSION_BYTES)
    models = ", ".join(f"'{model}'" for model in _MODELS)
    connection.execute(f"""
        CREATE TABLE answers AS SELECT i, session,
            printf('msg_%016x', hash(i, 1)) AS message, printf('req_%016x', hash(i, 2)) AS request,
            ([{models}])[1 + CAST(hash(i, 3) % {len(_MODELS)} AS INT)] AS model,
            CAST(hash(i, 4) % 40 AS BIGINT) AS uncached, CAST(hash(i, 5) % 90000 AS BIGINT) AS read,
            CAST(hash(i, 6) % 6000 AS BIGINT) AS written, CAST(hash(i, 7) % 3000 AS BIGINT) AS told,
            TIMESTAMP '2026-09-01' + INTERVAL (CAST(hash(session, 8) % 30 AS BIGINT)) DAY
                + INTERVAL (28800 + i % 36000) SECOND AS begun
        FROM (SELECT i, i % {sessions} AS session FROM range({answers}) r(i))
    """)
    connection.execute(f"""
        CREATE TABLE lines AS
        SELECT session, i, block, CASE WHEN block = 0 THEN to_json({{
            'type': 'user', 'uuid': printf('%032x', hash(i, 9)), 'sessionId': session::VARCHAR,
            'cwd': '/srv/repos/' || (session % 20), 'version': '2.1.240',
            'timestamp': strftime(begun, '%Y-%m-%dT%H:%M:%S.000Z'),
            'message': {{'role': 'user', 'content': '{_QUESTION}'}}}})
        ELSE to_json({{
            'type': 'assistant', 'uuid': printf('%032x', hash(i, block)), 'isSidechain': false,
            'sessionId': session::VARCHAR, 'cwd': '/srv/repos/' || (session % 20),
            'gitBranch': 'PAY-' || (session % 300), 'version': '2.1.240', 'requestId': request,
            'timestamp': strftime(begun + INTERVAL (block) SECOND, '%Y-%m-%dT%H:%M:%S.000Z'),
            'message': {{'id': message, 'type': 'message', 'role': 'assistant', 'model': model,
                'content': [{{'type': 'text', 'text': '{_TEXT}'}}],
                'usage': {{'input_tokens': uncached, 'cache_read_input_tokens': read,
                    'cache_creation_input_tokens': written, 'cache_creation': {{
                        'ephemeral_5m_input_tokens': written, 'ephemeral_1h_input_tokens': 0}},
                    'output_tokens': CASE WHEN block = {_BLOCKS} THEN told ELSE told // 9 END,
                    'service_tier': 'standard'}}}}}})
        END AS line
        FROM answers, range({_BLOCKS + 1}) b(block)
    """)
    for session in range(sessions):
        path = folder / "projects" / f"-srv-repos-{session % 20}" / f"{session:08d}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = connection.execute(
            "SELECT line FROM lines WHERE session = ? ORDER BY i, block", [session]
        ).fetchall()
        path.write_text("".join(f"{line}\n" for (line,) in rows), encoding="utf-8")


def _warm(files: list[Path]) -> None:
    for path in files:
        path.read_bytes()
    # As pip does with what it installs.
    compileall.compile_dir(Path(metering.__file__).parent, quiet=1)


def _ours(home: Path, files: list[Path]) -> tuple[dict[str, _Taken], dict[str, int]]:
    program = str(Path(sys.executable).with_name("metering"))
    _run(program, "init", str(home))
    toml = home / "metering.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(f'{text}\n[roles]\nclaude-code-transcripts = "metered"\n', encoding="utf-8")
    named = [program, "--config", str(toml)]
    report = (*named, "report", "chargeback", "2026-09", "--format", "csv", "--out", str(home))
    taken = {
        "ingest": _run(*named, "ingest", *map(str, files)),
        "post": _run(*named, "post"),
        "report": _run(*report),
        "period list": _run(*named, "period", "list"),
        "report again": _run(*report),
    }
    rows = duckdb.execute(
        f"SELECT sum(input_uncached), sum(cache_read), sum(cache_write_5m), sum(output)"
        f" FROM read_parquet('{home}/lake/usage/**/*.parquet', union_by_name = true)"
    ).fetchall()
    names = ("input", "cache_read", "cache_write", "output")
    return taken, {name: int(value) for name, value in zip(names, rows[0], strict=True)}


def _bare(folder: Path) -> dict[str, int]:
    counts = {
        "input": "input_tokens",
        "cache_read": "cache_read_input_tokens",
        "cache_write": "cache_creation_input_tokens",
        "output": "output_tokens",
    }
    usage = ", ".join(f"{count} BIGINT" for count in counts.values())
    columns = {
        "requestId": "VARCHAR",
        "message": f"STRUCT(id VARCHAR, model VARCHAR, usage STRUCT({usage}))",
    }
    (row,) = duckdb.execute(
        f"SELECT {', '.join(f'sum(used.{count})' for count in counts.values())} FROM ("
        " SELECT max_by(message.usage, message.usage.output_tokens) AS used"
        f" FROM read_json('{folder}/projects/*/*.jsonl', format = 'newline_delimited',"
        f" columns = {columns}) WHERE message.usage IS NOT NULL GROUP BY message.id, requestId)"
    ).fetchall()
    return {name: int(value) for name, value in zip(counts, row, strict=True)}


def _ccusage(program: Path, folder: Path) -> tuple[_Taken, dict[str, int]]:
    report = (str(program), "daily", "--offline", "--json")
    taken, told = _timed(*report, env={**os.environ, "CLAUDE_CONFIG_DIR": str(folder)})
    totals: dict[str, Any] = json.loads(told)["totals"]
    names = {
        "input": "inputTokens",
        "cache_read": "cacheReadTokens",
        "cache_write": "cacheCreationTokens",
        "output": "outputTokens",
    }
    return taken, {name: int(totals[key]) for name, key in names.items()}


def _version(program: Path) -> str:
    done = subprocess.run([str(program), "--version"], check=True, capture_output=True, text=True)
    return f"ccusage {done.stdout.split()[-1]}"


def _run(*command: str) -> _Taken:
    taken, _ = _timed(*command)
    return taken


def _timed(*command: str, env: dict[str, str] | None = None) -> tuple[_Taken, str]:
    before, began = _processor(), time.perf_counter()
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    return _Taken(time.perf_counter() - began, _processor() - before), done.stdout


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
