"""Issues of Jira, as its issue navigator exports them: every field, and some columns many times.

Each label, sprint and comment has a column, and all of them one name; what is read stands once. A
row that is wider than the header is refused: nobody can say which cell is too many. Days and
times are written as the site shows them, without a zone: [outcomes.systems.jira] says which it is.
Of an issue its state as it is now is known.

Neither summary, description, comment nor person is read.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.outcomes.stages import OutcomeKind, SystemWords
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_header
from metering.ingest.outcomes import jira
from metering.ingest.outcomes.contract import outcomes_of
from metering.ingest.outcomes.tickets import TicketWords, state_of
from metering.ingest.shapes.pages import Row
from metering.ingest.shapes.tables import read_table

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_COLUMNS: Final = ("Issue key", "Issue id", "Updated", "Resolution", "Resolved")
_READ: Final = frozenset((*_COLUMNS, "Project key"))
_UNRESOLVED: Final = "unresolved"


class JiraIssuesCsv:
    """One row per issue, as it stands.

    Args:
        words: what resolutions mean, and in which zone times are.
    """

    name = "jira-issues-csv"
    version = 1
    role = SourceRole.OUTCOME
    identity = Identity.EVENT
    repeat = Repeat.LATEST
    system = jira.SYSTEM
    kinds: tuple[OutcomeKind, ...] = jira.KINDS
    describes = "Jira issues, resolved or not, as the issue navigator exports them (CSV)"
    export = "Filters, Export, CSV (all fields); its zone under [outcomes.systems.jira]"
    cannot_tell = "when an issue was opened again, but for that it is; its zone"

    def __init__(self, words: TicketWords = jira.WORDS) -> None:
        self._words = words

    def saying(self, words: SystemWords) -> "JiraIssuesCsv":
        """Return one that knows what the house says of its Jira."""
        return JiraIssuesCsv(jira.WORDS.saying(words))

    def identify(self, sample: Sample) -> Verdict:
        """Match on the columns that are read."""
        return by_header(sample, _COLUMNS)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield every issue as it stands, in file order."""
        table = read_table(path, reader, _COLUMNS, {}, _numbered)
        noise = {"empty line": table.empty_lines}
        yield from outcomes_of(table.rows, self._state, refused=table.refused, noise=noise)

    def _state(self, row: Row) -> Sequence[Mapping[str, object]]:
        issue = row.fields
        key = issue.text("Issue key")
        updated = self._words.instant(issue, "Updated")
        word = issue.text_if_any("Resolution")
        is_open = word is None or word.lower() == _UNRESOLVED
        is_done = not is_open and self._words.is_done(issue, "Resolution", word or "")
        resolved = self._words.instant(issue, "Resolved") if is_done else updated
        state = state_of(updated, resolved, is_done=is_done)
        project = issue.text_if_any("Project key") or key.rpartition("-")[0]
        names = {"outcome_id": issue.text("Issue id"), "reference": key, "ticket": key}
        return [{**names, "queue": project, **state}]


def _numbered(header: Sequence[str]) -> Sequence[str]:
    # What is read has to stand once; of the others each is a column of its own.
    return [name if name in _READ else f"{name} {at}" for at, name in enumerate(header)]
