"""Answers of a GraphQL API: the nodes of one list, however deep it stands in them.

A file is one answer, a JSON list of answers, or answers one after the other, as `gh api graphql
--paginate` writes them.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.errors import SourceError, SourceRef
from metering.ingest.shapes.pages import Row, text_of
from metering.ingest.values.strict_json import Cursor

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_NODES: Final = "nodes"
_PAGE_INFO: Final = "pageInfo"


def read_nodes(path: Path, reader: "Reader", lists: Collection[str]) -> tuple[Row, ...]:
    """Return the nodes of the lists of some names, in file order.

    Args:
        path: the file; compressed or not.
        reader: gives its content, up to the size it allows for a file that is held whole.
        lists: names of the members that hold the nodes; one inside another is not looked at.

    Raises:
        SourceError: `bad-json` where the text is not JSON; `bad-page` where no answer has such a
            list, as when the API answered with errors alone; `incomplete-pull` where the last
            answer says that more follow, or does not say whether any do.
    """
    walk = _Walk(Cursor(text_of(path, reader), str(path)), lists)
    rows = tuple(walk.rows())
    if not walk.found:
        raise SourceError(
            SourceRef(str(path)),
            "bad-page",
            f"no answer has {' or '.join(map(repr, lists))} with its nodes",
            do="look at the errors in the answer, pull it again, and ingest it",
        )
    if walk.more_follow is not False:
        what = "says that more follow" if walk.more_follow else "does not say whether more follow"
        raise SourceError(
            SourceRef(str(path)),
            "incomplete-pull",
            f"the last page {what}",
            do="ask for pageInfo, pull every page into one file in order, and ingest it",
        )
    return rows


class _Walk:
    """Descends into answers by hand, so that each node keeps its line.

    Attributes:
        found: whether a list was found.
        more_follow: what the last list said; None if it said nothing.
    """

    def __init__(self, cursor: Cursor, lists: Collection[str]) -> None:
        self._cursor = cursor
        self._lists = lists
        self.found = False
        self.more_follow: bool | None = None

    def rows(self) -> Iterator[Row]:
        while self._cursor.ahead():
            yield from self._descended()

    def _descended(self) -> Iterator[Row]:
        ahead = self._cursor.ahead()
        if ahead == "[":
            for _ in self._cursor.elements():
                yield from self._descended()
        elif ahead == "{":
            for key in self._cursor.members():
                yield from self._listed() if key in self._lists else self._descended()
        else:
            self._cursor.value()

    def _listed(self) -> Iterator[Row]:
        if self._cursor.ahead() != "{":
            self._cursor.value()
            return
        self.more_follow = None
        for key in self._cursor.members():
            if key == _NODES and self._cursor.ahead() == "[":
                self.found = True
                yield from (Row(line, self._cursor.value()) for line in self._cursor.elements())
                continue
            value = self._cursor.value()
            if key == _PAGE_INFO and isinstance(value, Mapping):
                more = value.get("hasNextPage")
                self.more_follow = more if isinstance(more, bool) else None
