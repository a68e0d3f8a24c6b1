"""Issues of Jira, as pages of its search API.

Asked for with `expand=changelog`, an issue tells when it was resolved and opened again, and each of
these is a state of its own; without, its resolution as it stands now is all that is known. Both
give the same outcomes in the end, whichever file comes first.

Neither summary, description, comment nor person is read.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.outcomes.stages import OutcomeKind, SystemWords
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_keys
from metering.ingest.outcomes import jira
from metering.ingest.outcomes.contract import outcomes_of
from metering.ingest.outcomes.tickets import TicketWords, state_of
from metering.ingest.shapes.pages import Row, RowPage, read_row_pages
from metering.ingest.values.fields import Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_LIST: Final = "issues"
_KEYS: Final = (_LIST, "fields", "resolutiondate", "updated")
_RESOLUTION: Final = "resolution"


class JiraIssues:
    """One row per state of an issue: as it stands, and as its history says it stood before.

    Args:
        words: what resolutions mean.
    """

    name = "jira-issues"
    version = 1
    role = SourceRole.OUTCOME
    identity = Identity.EVENT
    repeat = Repeat.LATEST
    system = jira.SYSTEM
    kinds: tuple[OutcomeKind, ...] = jira.KINDS
    describes = "Jira issues, resolved and opened again, as pages of the search API (JSON)"
    export = (
        "GET /rest/api/3/search/jql?fields=created,updated,resolution,resolutiondate,project"
        "&expand=changelog, every page"
    )
    cannot_tell = "what two sites call by one number; openings that the pages leave out"

    def __init__(self, words: TicketWords = jira.WORDS) -> None:
        self._words = words

    def saying(self, words: SystemWords) -> "JiraIssues":
        """Return one that knows what the house says of its Jira."""
        return JiraIssues(jira.WORDS.saying(words))

    def identify(self, sample: Sample) -> Verdict:
        """Match on the keys of the first issue."""
        return by_keys(sample, _KEYS, {}, "its pages list issues of Jira")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the states of every issue, in file order."""
        pages = read_row_pages(path, reader, _LIST, _more_follow)
        yield from outcomes_of((row for page in pages for row in page.rows), self._states)

    def _states(self, row: Row) -> Sequence[Mapping[str, object]]:
        issue = row.fields
        key = issue.text("key")
        fields = issue.part("fields")
        shared = {
            "outcome_id": issue.text("id"),
            "reference": key,
            "ticket": key,
            "queue": fields.part_if_any("project").text_if_any("key") or key.rpartition("-")[0],
        }
        return [{**shared, **state} for state in self._history(issue, fields)]

    def _history(self, issue: Fields, fields: Fields) -> Iterator[Mapping[str, object]]:
        updated = self._words.instant(fields, "updated")
        resolution = fields.part_if_any(_RESOLUTION).text_if_any("name")
        done_on = self._done_on(fields, resolution)
        changes = [
            (instant, is_done)
            for instant, is_done in sorted(self._changes(issue.part_if_any("changelog")))
            if instant < updated
        ]
        # The last change says when as the issue does, though its clock may be a little late.
        for (instant, is_done), is_last in _with_last(changes):
            at = done_on if is_last and is_done and done_on else instant
            yield state_of(instant, at, is_done=is_done)
        yield state_of(updated, done_on or updated, is_done=done_on is not None)

    def _done_on(self, fields: Fields, resolution: str | None) -> datetime | None:
        if resolution is None or not self._words.is_done(fields, _RESOLUTION, resolution):
            return None
        return self._words.instant(fields, "resolutiondate")

    def _changes(self, changelog: Fields) -> Iterator[tuple[datetime, bool]]:
        for change in changelog.parts("histories"):
            for item in change.parts("items"):
                if item.text_if_any("field") == _RESOLUTION:
                    word = item.text_if_any("toString")
                    is_done = word is not None and self._words.is_done(item, "toString", word)
                    yield self._words.instant(change, "created"), is_done


def _with_last(
    changes: Sequence[tuple[datetime, bool]],
) -> Iterator[tuple[tuple[datetime, bool], bool]]:
    yield from ((change, False) for change, _ in pairwise(changes))
    if changes:
        yield changes[-1], True


def _more_follow(page: RowPage) -> bool:
    # The newer API gives the next page a token, the older one counts.
    if page.members.get("isLast") is False or page.members.get("nextPageToken"):
        return True
    start, total = page.members.get("startAt"), page.members.get("total")
    if not isinstance(start, int) or not isinstance(total, int):
        return False
    return start + len(page.rows) < total
