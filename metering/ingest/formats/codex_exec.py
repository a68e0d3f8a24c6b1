"""What `codex exec --json` prints: JSON Lines without time or model, and why it is not recorded.

`usage` of a finished turn is the sum of its thread so far, over resumed runs too, and no line says
when it was or by which model. So neither the day nor the growth of a turn can be told from it,
and every turn is refused with the way to the file that has both. It is recognised, so that a user
learns that instead of "no ingestor recognises it".

Source: source formats note, section 4.2, read 2026-11-21.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk.layout import Check, Fields, Layout
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_FIELDS: Final[Fields] = {"type": "VARCHAR"}
_TURN: Final = "turn.completed"
_NAMED: Final = re.compile(r'"(?:turn|thread)\.')
_TELLING: Final = ("thread.started", "turn.started", _TURN, "turn.failed")

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=(),
    steps=(),
    columns={
        "start": "NULL",
        "grain": "'request'",
        "provider": "'openai'",
        "platform": "'openai-api'",
        "product": "'codex'",
    },
    checks=(
        Check(
            fails=f"type = '{_TURN}'",
            code="missing-field",
            field="timestamp",
            found="'nothing'",
            expected="the time and the model of a turn, which `codex exec --json` does not print",
            remedy="ingest the session's own file, ~/.codex/sessions/**/rollout-*.jsonl",
            quotes=False,
        ),
    ),
    noise=(
        "CASE WHEN type IS NULL THEN 'lines without a type'"
        f" WHEN type <> '{_TURN}' THEN 'lines of type ' || left(type, 40) END"
    ),
    live=True,
)


class CodexExec:
    """No record: every turn is refused, since its day and its growth cannot be told."""

    name = "codex-exec"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.REJECT
    describes = "codex exec --json: sums without time or model, which are refused (JSON Lines)"
    export = "not to be exported: ingest the rollout files of the same sessions"
    cannot_tell = "times and models: every turn is refused"

    def identify(self, sample: Sample) -> Verdict:
        """Match on a line that begins or ends a turn."""
        head = sample.head or ""
        if _NAMED.search(head) and any(_is_of_exec(line) for line in sample.lines or (head,)):
            return Verdict(matches=True, because="it has the lines of codex exec --json")
        return Verdict(matches=False, because="no line has a 'type' such as 'thread.started'")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Refuse every turn, and count all else."""
        yield from reader.bulk(path, _LAYOUT)


def _is_of_exec(line: str) -> bool:
    if not _NAMED.search(line):
        return False
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(fields, dict) and fields.get("type") in _TELLING
