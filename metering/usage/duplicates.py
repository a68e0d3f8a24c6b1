"""The same event twice: in one file, or in a file and the lake.

Detection is one distinct count and one semi-join on 16-byte keys. Only when it fires are records
compared: an identical repeat is already known; what a different one means is the format's rule.
An event that is told again aside, under an id of its own, gives way to every other telling of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from metering.core.ownership.stand_ins import PREFIX as STAND_IN
from metering.errors import Rejection
from metering.usage.columns import IDENTITY_COLUMNS, LINE_SQL
from metering.usage.rows import placed_rows, usage_rows
from metering.usage.staged import CONTENT_COLUMNS, TOKENS_SQL
from metering.usage.staging import EVENT_SQL, IS_ASIDE_SQL, Staging

CONFLICT: Final = "conflicting-repeat"


def _content(columns: Iterable[str]) -> str:
    return "md5(CAST(row({}) AS VARCHAR))".format(", ".join(f'"{name}"' for name in columns))


# A recorded event may no longer tell whose use it was; then its repeat is compared without that.
_OF_PEOPLE: Final = (*IDENTITY_COLUMNS, "session", "tags")
_COMPARED: Final = (
    'record_key, row_no, filename, file_row_number, "start" AS start,'
    f" ({TOKENS_SQL}) AS tokens, {_content(CONTENT_COLUMNS)} AS whole,"
    f" {_content(name for name in CONTENT_COLUMNS if name not in _OF_PEOPLE)} AS bare,"
    f" coalesce(starts_with(principal, '{STAND_IN}'), false) AS is_forgotten"
)


@dataclass(frozen=True, slots=True)
class Deduplicated:
    """What became of an import's events.

    Attributes:
        already_known: records dropped because the same fact is recorded, here or in the lake.
        conflicts: records refused because their id is recorded with other content, by line.
        superseded: for each lake file that lost records to larger ones, where its rewritten
            content is staged; None when nothing is left of it.
        superseded_records: how many the lake lost in all.
        untouched: every record was new, so that what is staged is what was staged.
    """

    already_known: int = 0
    conflicts: tuple[Rejection, ...] = ()
    superseded: Mapping[str, Path | None] = field(default_factory=dict)
    superseded_records: int = 0
    untouched: bool = False


def remove_duplicates(
    staging: Staging,
    live: Mapping[str, Path],
    *,
    keep_largest: bool,
    told_aside: bool = False,
) -> Deduplicated:
    """Leave in staging only events that are new, or larger than what the lake holds.

    Args:
        staging: an import of events, fully staged.
        live: lake files of the same ingestor, by the path the book knows them under.
        keep_largest: a different repeat is a larger snapshot of the same event and the largest
            wins, whatever came first; otherwise it is refused and the recorded one stays.
        told_aside: whether an event may be told again aside, in what is staged or in the lake.
    """
    files = staging.files()
    if not files:
        return Deduplicated(untouched=True)
    gives_way = told_aside and _gives_way(staging, files, live)
    if not gives_way and not _fires(staging, files, live):
        return Deduplicated(untouched=True)
    _compare(staging, files, live, keep_largest=keep_largest)
    connection = staging.connection
    if gives_way:
        connection.execute(
            "DELETE FROM fates WHERE EXISTS (FROM aside a WHERE a.filename = fates.filename"
            " AND a.file_row_number = fates.file_row_number)"
        )
        connection.execute("INSERT INTO fates BY NAME FROM aside")
    known, lost = connection.execute(
        "SELECT count(*) FILTER (WHERE fate = 'known'), count(*) FILTER (WHERE fate = 'superseded')"
        " FROM fates"
    ).fetchall()[0]
    conflicts = tuple(
        Rejection(
            line=line,
            code=CONFLICT,
            field="",
            found="an id that is recorded with other content",
            expected="the same content under the same id, or an id of its own",
            remedy="find out which is right; the record that came first stays",
        )
        for (line,) in connection.execute(
            f"SELECT {LINE_SQL} FROM fates WHERE fate = 'conflict' ORDER BY row_no"
        ).fetchall()
    )
    superseded = _rewrite_losers(staging, live)
    staging.rewrite(
        f"SELECT s.* EXCLUDE (filename, file_row_number) FROM {placed_rows(files)} s"
        " ANTI JOIN fates f"
        " ON s.filename = f.filename AND s.file_row_number = f.file_row_number"
        " AND f.fate IN ('known', 'conflict')"
    )
    return Deduplicated(int(known), conflicts, superseded, int(lost))


def _fires(staging: Staging, files: Sequence[Path], live: Mapping[str, Path]) -> bool:
    records, keys = staging.connection.execute(
        f"SELECT count(record_key), count(DISTINCT record_key) FROM {usage_rows(files)}"
    ).fetchall()[0]
    if records != keys:
        return True
    if not live:
        return False
    found = staging.connection.execute(
        f"SELECT count(*) FROM {usage_rows(live.values())} WHERE record_key IN"
        f" (SELECT record_key FROM {usage_rows(files)})"
    ).fetchall()[0][0]
    return bool(found)


def _gives_way(staging: Staging, files: Sequence[Path], live: Mapping[str, Path]) -> bool:
    """Find the records told aside, staged or live, of events that are also told otherwise.

    They stand in the table `aside`, as in `fates`. Where none is told aside, one look is all.

    Returns:
        Whether there are any.
    """
    every = f"SELECT *, 'known' AS fate FROM {placed_rows(files)}"
    if live:
        every += (
            f" UNION ALL BY NAME SELECT *, 'superseded' AS fate FROM {placed_rows(live.values())}"
        )
    connection = staging.connection
    (asides,) = connection.execute(
        f"CREATE OR REPLACE TEMP TABLE aside AS SELECT {EVENT_SQL} AS event,"
        f" row_no, filename, file_row_number, fate FROM ({every}) WHERE {IS_ASIDE_SQL}"
    ).fetchall()[0]
    if not asides:
        return False
    (count,) = connection.execute(
        "CREATE OR REPLACE TEMP TABLE aside AS SELECT * EXCLUDE (event) FROM aside"
        f" WHERE event IN (SELECT {EVENT_SQL} FROM ({every})"
        f" WHERE NOT {IS_ASIDE_SQL} AND {EVENT_SQL} IN (SELECT event FROM aside))"
    ).fetchall()[0]
    return bool(count)


def _compare(
    staging: Staging, files: Sequence[Path], live: Mapping[str, Path], *, keep_largest: bool
) -> None:
    repeated = f"SELECT record_key FROM {usage_rows(files)} GROUP BY record_key HAVING count(*) > 1"
    recorded = ""
    if live:
        repeated += f" UNION SELECT record_key FROM {usage_rows(live.values())}"
        recorded = (
            f"UNION ALL SELECT true, {_COMPARED} FROM {placed_rows(live.values())}"
            f" WHERE record_key IN (SELECT record_key FROM {usage_rows(files)})"
        )
    order = "tokens DESC, start, content, recorded DESC" if keep_largest else "recorded DESC"
    different = "'known'" if keep_largest else "'conflict'"
    staging.connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE fates AS
        WITH every AS (
            SELECT false AS recorded, {_COMPARED} FROM {placed_rows(files)}
            WHERE record_key IN ({repeated})
            {recorded}
        ), comparable AS (
            SELECT *, CASE WHEN bool_or(recorded AND is_forgotten) OVER (PARTITION BY record_key)
                THEN bare ELSE whole END AS content
            FROM every
        ), ranked AS (
            SELECT *,
                row_number() OVER w AS place,
                first_value(content) OVER w AS winner,
                first_value(recorded) OVER w AS winner_is_recorded
            FROM comparable WINDOW w AS (PARTITION BY record_key ORDER BY {order}, row_no)
        )
        SELECT row_no, filename, file_row_number, CASE
            WHEN recorded AND (place = 1 OR content = winner) THEN 'recorded'
            WHEN recorded THEN 'superseded'
            WHEN place = 1 THEN 'kept'
            WHEN content = winner THEN 'known'
            ELSE {different} END AS fate
        FROM ranked
        """
    )


def _rewrite_losers(staging: Staging, live: Mapping[str, Path]) -> dict[str, Path | None]:
    connection = staging.connection
    names = {str(path): known_as for known_as, path in live.items()}
    losers = connection.execute(
        "SELECT DISTINCT filename FROM fates WHERE fate = 'superseded' ORDER BY filename"
    ).fetchall()
    rewritten: dict[str, Path | None] = {}
    for number, (filename,) in enumerate(losers):
        day = Path(filename).parent.name
        target = staging.folder / f"superseded-{number}" / day / "data.parquet"
        target.parent.mkdir(parents=True)
        (left,) = connection.execute(
            "COPY (SELECT * EXCLUDE (day, filename, file_row_number)"
            f" FROM {placed_rows([filename])} ANTI JOIN (FROM fates WHERE fate = 'superseded')"
            " USING (filename, file_row_number))"
            f" TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)"
        ).fetchall()[0]
        rewritten[names[filename]] = target if left else None
    return rewritten
