"""From the lines of a file to the file of the lake in one statement, where nothing is in the way.

As a rule checked rows wait in scratch space until it is known what they are: which are refused, of
which days they are, what they have in common. The export of a night holds nothing but records of
a day or two, and a sample of it shows the texts that they share, or that they share none. So the
statement is run on that guess, and its rows are what the lake keeps: of one day they are written
once and not read again, of two they wait to be divided. It stops at the first row that is
otherwise, and the file is read the usual way; so it is tried only where the sample speaks for it.

A record's line is then its place among the rows that are written, since every line gave one row.
"""
# ruff: noqa: S608 - names and texts go through `name` and `literal`; there is nothing to bind

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk.key_checks import may_fail, without_key_checks
from metering.ingest.bulk.layout import Layout, Shared, literal, name
from metering.ingest.bulk.sharing import LISTS, WorkedOut, known, looked_up, work_out
from metering.ingest.bulk.sources import json_source
from metering.ingest.bulk.statement import same_for_all, shared_statement, statement
from metering.ingest.contract import Destination
from metering.usage.schema import USAGE_SCHEMA

if TYPE_CHECKING:
    import duckdb

_SAMPLED: Final = "sampled"
TABLES: Final = (_SAMPLED, LISTS)
_LINES: Final = "newline_delimited"
# Below this a sample is as much as the file, and the statements over it cost more than they save.
WORTH_A_SAMPLE: Final = 64 << 20
# Taken from all over the file, since what it begins with is often of one hour and few people.
BLOCKS: Final = 16
BLOCK: Final = 1 << 20
# Days from the first to the last: of more, so many records wait that nothing is gained.
_MOST_BETWEEN: Final = 1
# Where every second record of a sample agrees with no other, those of the file hardly share.
_APART: Final = 2


@dataclass(frozen=True, slots=True)
class _Guess:
    """What a file seems to hold.

    Attributes:
        days: the first and the last ISO day of its records.
        shared: the columns that they share, for every key there seems to be.
        apart: by key, what hardly any two of them share: worked out for each.
    """

    days: tuple[str, str]
    shared: tuple[WorkedOut, ...]
    apart: Mapping[str, Shared]


@dataclass(frozen=True, slots=True)
class Writing:
    """Writes files to where their records go.

    Attributes:
        connection: the reader's.
        destination: takes the records.
        scratch: gives a new file of scratch space, for a purpose.
    """

    connection: "duckdb.DuckDBPyConnection"
    destination: Destination
    scratch: Callable[[str], Path]

    def is_done(self, plain: Path, layout: Layout, lines: Callable[[], int]) -> bool:
        """Write the records of a file of JSON Lines, or say that it is to be read the usual way.

        Args:
            plain: the file, unpacked.
            layout: of its format.
            lines: tells how many lines it has.

        Raises:
            duckdb.InvalidInputException: a line of the sample cannot be read; nothing is written.
        """
        if not _is_worth_it(plain, layout):
            return False
        sample = self.scratch("sample")
        write_sample(plain, sample)
        guess = self._guess(sample, layout)
        if guess is None:
            return False
        return self.destination.write_days(
            self._rows(layout, plain, guess), _filled(layout), guess.days, lines
        )

    def _guess(self, sample: Path, layout: Layout) -> _Guess | None:
        """Return what the lines of a sample show; None where one is not to be written as it is."""
        run = self.connection.execute
        listed = ", ".join(('"start"', *layout.shared_keys))
        # Whether there are rows to refuse is not asked: where there are many, one comes soon.
        every = statement(layout, json_source(sample, layout, _LINES))
        run(f"CREATE OR REPLACE TEMP TABLE {_SAMPLED} AS SELECT {listed} FROM ({every})")
        once = f"FROM {_SAMPLED} GROUP BY 1 HAVING count(*) = 1"
        alone = (f", (SELECT count(*) FROM (SELECT {key} {once}))" for key in layout.shared_keys)
        first, last, between, rows, *seldom = run(
            'SELECT min("start")::DATE AS first, max("start")::DATE AS last, last - first,'
            f" count(*){''.join(alone)} FROM {_SAMPLED}"
        ).fetchall()[0]
        # What stands in a sample once stands for others that do not stand in it at all.
        if first is None or any(0 < times * _APART <= rows for times in seldom):
            return None
        if between > _MOST_BETWEEN:
            return None
        if may_fail(self.connection, layout, _SAMPLED):
            return None
        shared, apart = [], {}
        for key, one, times in zip(layout.shared_keys, layout.shared, seldom, strict=True):
            if times:
                apart[key] = one
                continue
            keys = f"SELECT DISTINCT {key} FROM {_SAMPLED}"
            shared.append(work_out(self.connection, one, key, keys, self.scratch("shared")))
        return _Guess((str(first), str(last)), tuple(shared), apart)

    def _rows(self, layout: Layout, plain: Path, guess: _Guess) -> str:
        """Return the query for the records of a file; it stops where one is not as guessed."""
        first, last = map(literal, guess.days)
        as_guessed = " AND ".join(
            (
                "noise IS NULL AND refused_by IS NULL",
                f'"start" >= {first}::TIMESTAMPTZ',
                f'"start" < {last}::TIMESTAMPTZ + INTERVAL 1 DAY',
                *map(known, guess.shared),
            )
        )
        given = same_for_all(layout) | {
            "start": f'CASE WHEN {as_guessed} THEN "start"'
            " ELSE error('another row than the sample shows')::TIMESTAMPTZ END"
        }
        columns = ", ".join(
            f"{given[column]} AS {name(column)}" if column in given else name(column)
            for column in _filled(layout)
        )
        # What a check sees that looks at nothing but a key, it has seen in the sample, if all keys
        # stand in it.
        checked = layout if guess.apart else without_key_checks(layout)
        rows = statement(checked, json_source(plain, layout, _LINES))
        rows = looked_up(self.connection, rows, guess.shared)
        for key, shared in guess.apart.items():
            # Of what is refused anything may stand in the key.
            record = f"CASE WHEN refused_by IS NULL THEN {key} END AS {key}"
            rows = shared_statement(shared, key, f"SELECT * REPLACE ({record}) FROM ({rows})")
        return f"SELECT {columns} FROM ({rows})"


def write_sample(plain: Path, target: Path) -> None:
    """Write whole lines from all over a file."""
    apart = max(plain.stat().st_size // BLOCKS, BLOCK)
    with plain.open("rb") as stream, target.open("xb") as sample:
        for at in range(0, plain.stat().st_size, apart):
            stream.seek(at)
            block = stream.read(BLOCK)
            first = block.find(b"\n") + 1 if at else 0
            sample.write(block[first : block.rfind(b"\n") + 1])


def _is_worth_it(plain: Path, layout: Layout) -> bool:
    """Say whether a file is large, and each line of its format may be one record of usage."""
    return (
        plain.stat().st_size >= WORTH_A_SAMPLE
        and layout.schema is USAGE_SCHEMA
        and not (layout.unfold or layout.merge or layout.snapshot)
    )


def _filled(layout: Layout) -> tuple[str, ...]:
    """Return the columns in which a record of a format may have something, but for its line."""
    given = {column for column in layout.columns if layout.columns[column] != "NULL"}
    return tuple(
        column for column in layout.schema.names if column in given | {*layout.shared_columns}
    )
