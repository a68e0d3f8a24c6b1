"""What a connector is: the exports of one provider's API, and how to ask for them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metering.connectors.caller import Caller

_ONE_DAY = timedelta(days=1)

Parameter = str | int | tuple[str, ...]
"""What a query says of one name; several values repeat the name."""


@dataclass(frozen=True, slots=True, order=True)
class Days:
    """Whole days in UTC.

    Attributes:
        first: inclusive.
        last: inclusive.
    """

    first: date
    last: date

    @property
    def start(self) -> datetime:
        """The instant they begin."""
        return datetime.combine(self.first, time(), UTC)

    @property
    def end(self) -> datetime:
        """The instant after them."""
        return datetime.combine(self.last, time(), UTC) + _ONE_DAY

    def each(self) -> Iterator[date]:
        """Yield every day, the first one first."""
        for offset in range((self.last - self.first).days + 1):
            yield self.first + offset * _ONE_DAY

    def by_month(self) -> Iterator["Days"]:
        """Yield them cut at months: the pull of a past month is the same file every time."""
        first = self.first
        while first <= self.last:
            next_month = (first.replace(day=1) + timedelta(days=31)).replace(day=1)
            last = min(self.last, next_month - _ONE_DAY)
            yield Days(first, last)
            first = last + _ONE_DAY

    def by_day(self) -> Iterator["Days"]:
        """Yield them one by one."""
        for day in self.each():
            yield Days(day, day)

    def up_to(self, last: date) -> "Days | None":
        """Return those that are not after a day; None where none is left."""
        return Days(self.first, min(self.last, last)) if self.first <= last else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said.

    Attributes:
        body: as it came.
        rows: how many rows of an export it holds.
        members: the JSON object that it is; empty where it is none.
    """

    body: bytes
    rows: int
    members: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, body: bytes, said: object) -> "Answer":
        """Return the answer that holds some JSON.

        Its rows stand in its first list, or in the `results` of the buckets of that list.

        Args:
            body: as it came.
            said: what that says.
        """
        members = said if isinstance(said, Mapping) else {}
        lists = (value for value in (said, *members.values()) if isinstance(value, list))
        return cls(body, sum(map(_rows, next(lists, []))), members)


def _rows(item: object) -> int:
    results = item.get("results") if isinstance(item, Mapping) else None
    return len(results) if isinstance(results, list) else 1


Pages = Callable[["Caller", Days], Iterator[Answer]]


@dataclass(frozen=True, slots=True)
class Export:
    """One kind of file that a provider gives.

    Attributes:
        name: what the files are called, and what the user reads.
        pages: asks for some days, and yields the answers.
        ingestor: name of the format that reads the files.
        by_day: whether a file holds a day, and not the days of a month.
        delay: how many days the provider takes to say what a day was.
        needs: the option without which it cannot be asked for; "" for none.
    """

    name: str
    pages: Pages
    ingestor: str
    by_day: bool = False
    delay: int = 0
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Connector:
    """One provider's API.

    Attributes:
        name: what the user calls it.
        base_url: of the provider; a company may say another, see `options`.
        key_from: environment variable that holds the key.
        asks: what kind of key that is, and who makes it.
        headers: what a request carries to show the key.
        exports: in the order they are pulled.
        restated: days within which the provider may still change what it said.
        options: what [pull.NAME] may say besides "key_from", "base_url" and "days", with what each
            means.
        required: options of which one at least has to be said; none where it is empty.
    """

    name: str
    base_url: str
    key_from: str
    asks: str
    headers: Callable[[str], Mapping[str, str]]
    exports: tuple[Export, ...]
    restated: int
    options: Mapping[str, str]
    required: tuple[str, ...] = ()


def bearer(secret: str) -> Mapping[str, str]:
    """Return the header that most APIs want."""
    return {"Authorization": f"Bearer {secret}"}
