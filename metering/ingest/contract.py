"""What an ingestor is, and what it hands over.

An ingestor recognises one source format from a bounded sample and reads a file of it, in file
order, into usage batches and rejections. It knows no database and decides no price and no owner.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from metering.errors import Rejection

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from metering.ingest.readers import Reader


class SourceRole(StrEnum):
    """What a source is good for; decides whether its numbers may become charges."""

    METERED = "metered"  # what the provider bills by
    DETAIL = "detail"  # finer; only divides metered money among owners
    COST = "cost"  # the provider's own cost report
    INVOICE = "invoice"
    SEATS = "seats"  # flat fees
    CAPACITY = "capacity"  # own or leased compute, provisioned throughput
    OUTCOME = "outcome"  # what the spend bought; never money


class Identity(StrEnum):
    """How a fact of this source is known again when it comes a second time."""

    EVENT = "event"  # by the provider's id
    SNAPSHOT = "snapshot"  # none: an import replaces the slice it covers


class Repeat(StrEnum):
    """What a second event with the same id and other content means."""

    REJECT = "reject"  # two truths: the first stays, the second goes to quarantine
    LARGEST = "largest"  # a running count: the record with the most tokens is the final one
    # As LARGEST; and an event told again aside, whose id `EVENT/` ends where the id of another
    # telling goes on (`EVENT/REQUEST`), gives way to every other telling of the same event.
    LARGEST_MAIN = "largest-main"
    LATEST = "latest"  # a state: the one the source changed last stands; undated ones are rejected

    @property
    def keeps_largest(self) -> bool:
        """Whether the larger of two records with one id stands."""
        return self in {Repeat.LARGEST, Repeat.LARGEST_MAIN}

    @property
    def told_aside(self) -> bool:
        """Whether an event may be told again aside, under an id of its own."""
        return self is Repeat.LARGEST_MAIN


@dataclass(frozen=True, slots=True)
class Sample:
    """All that identification may look at.

    Attributes:
        name: the file's name, without its folder; not to be matched on, people rename files.
        head: the first 64 KiB after decompression as UTF-8 without BOM; None if it does not decode.
        lines: the complete lines of `head`.
        columns: names of the columns of a Parquet file; none for any other.
    """

    name: str
    head: str | None
    lines: tuple[str, ...]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sample is of a format, and why, in words for the error message.

    Attributes:
        matches: whether it is.
        because: the reason, for the user who reads it where no format matches.
        found: how many of the names that the format is known by are there: the more, the nearer.
    """

    matches: bool
    because: str
    found: int = 0


@dataclass(frozen=True, slots=True)
class Slice:
    """What a snapshot covers and an import of it replaces, day by day.

    Attributes:
        scope: the part of the account's usage it reports on, e.g. "completions"; "*" for all.
        signature: how it is grouped (bucket width, dimensions, filters), canonical text; two
            signatures over the same days are two views of the same usage and are never summed.
        first_day, last_day: ISO dates, inclusive, empty buckets included: a day inside the range
            without records was reported as without usage.
        as_of: ISO instant to which the data is complete, where the source says it; else "".
    """

    scope: str
    signature: str
    first_day: str
    last_day: str
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class UsageBatch:
    """Some usage records in file order.

    Attributes:
        rows: an Arrow table in `usage.schema.USAGE_SCHEMA`, or, for bulk formats, a relation on the
            reader's connection with the same columns in the same order, which has not run yet and
            whose rows may come in any order; there a text may be of an enumeration. Of a snapshot
            of several scopes, the relation has one column more: `scope`, the one a row is of.
        count: records in `rows`, or None where only running the relation tells.
    """

    rows: "pa.Table | duckdb.DuckDBPyRelation"
    count: int | None = None


@dataclass(frozen=True, slots=True)
class OutcomeBatch:
    """Some outcomes in file order; what `outcomes.contract.OutcomeIngestor` yields.

    Attributes:
        rows: as those of a `UsageBatch`, in `usage.schema.OUTCOME_SCHEMA`.
        count: outcomes in `rows`, or None where only running the relation tells.
    """

    rows: "pa.Table | duckdb.DuckDBPyRelation"
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Rejections:
    """Records that were refused, in file order."""

    items: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True)
class Noise:
    """Lines that are known to carry no usage, counted so that every line is accounted for.

    Attributes:
        counts: what they were, in words, and how many.
    """

    counts: Mapping[str, int] = field(default_factory=dict)


Reading = UsageBatch | OutcomeBatch | Rejections | Noise | Slice


class Destination(Protocol):
    """Where the records of a file go, for a reader that writes them there itself."""

    def write_days(
        self,
        rows: str,
        columns: Collection[str],
        days: tuple[str, str],
        expected: Callable[[], int],
    ) -> bool:
        """Write the records of a query, of each day in its order, or nothing of them.

        Args:
            rows: a query on the reader's connection.
            columns: what it gives, of `usage.schema.USAGE_SCHEMA`; all others are null but for
                `row_no`: that is the place of the row, from 1 on.
            days: ISO charge days, between which all rows are: the first and the last.
            expected: how many rows there must be; asked after they are written.

        Returns:
            Whether they are written. They are not where the query stops with an error, or gives
            another number of rows.
        """
        ...


@dataclass(frozen=True, slots=True)
class PackedFile:
    """What one file of a pack holds.

    Attributes:
        records: rows of the pack that are of it.
        noise: as in `Noise`.
        rejections: as in `Rejections`.
    """

    records: int
    noise: Mapping[str, int]
    rejections: tuple[Rejection, ...]


@dataclass(frozen=True, slots=True)
class Pack:
    """What several files of one format hold, read together.

    Attributes:
        rows: a relation as that of a `UsageBatch`, with one more column: `source`, the SHA-256 of
            the file a row is of. It may run until the reader reads something else.
        files: in the order given; None for one that has to be read alone.
    """

    rows: "duckdb.DuckDBPyRelation"
    files: tuple[PackedFile | None, ...]


@runtime_checkable
class Ingestor(Protocol):
    """Reads one source format.

    Attributes:
        name: kebab-case, stored with every record: never renamed, never reused.
        version: raised when the same bytes would give other records.
        role: what its numbers may become.
        identity: how its facts are known again.
        repeat: what an event with a known id and other content means.
        describes: one line for `metering ingestors`: what the format is.
        export: the menu path or API call that produces it.
        cannot_tell: what a reader may look for in it and not find, in a few words; "" if unknown.
    """

    name: str
    version: int
    role: SourceRole
    identity: Identity
    repeat: Repeat
    describes: str
    export: str
    cannot_tell: str

    def identify(self, sample: Sample) -> Verdict:
        """Say whether `sample` is of this format, and why; pure, cheap, on structure alone."""
        ...

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield every record as part of a batch, a rejection or noise; snapshots also their slices.

        Lazy, in file order, total: what is in the file and not usage is counted as `Noise`.
        """
        ...


@runtime_checkable
class PackIngestor(Ingestor, Protocol):
    """An ingestor of a format that comes in many small files, and can read them together."""

    def read_pack(self, paths: Sequence[Path], reader: "Reader") -> Pack | None:
        """Read files together; None where one of them spoils it for all.

        For each file that is not left to be read alone, the pack holds what `read` would yield.
        """
        ...
