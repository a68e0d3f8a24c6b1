"""Records that tell whose use they were, and the same with a stand-in in the person's place.

Only what tells people apart is touched: the principal, the session, and whatever else the directory
knows as a person's. Quantities, instants, models and conditions stay, so that what is charged does.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.ownership.attribution import TAG_PREFIX
from metering.core.ownership.stand_ins import PREFIX
from metering.engine.given import give_table
from metering.engine.owners import NO_OWNER, OwnerAnswers, owner_joins
from metering.engine.rollup.cells import tag_column
from metering.usage.rows import usage_rows

if TYPE_CHECKING:
    import duckdb

RECORDS: Final = "records"
"""What `open_records` makes: the records of one file, with the columns that rules read."""

_PARQUET: Final = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
_TAGS_OF_NOBODY: Final = (
    "map_from_entries(list_filter(map_entries(tags),"
    " lambda entry: NOT list_contains(held, entry.value)))"
)
_KEYS: Final = ("api_key", "workspace", "workflow_key")


@dataclass(frozen=True, slots=True)
class Told:
    """What the records of a file tell of people.

    Attributes:
        people: records that name somebody, or a session, which is somebody's.
        unowned: of them, those that nobody owns: who it was may still have to be asked.
    """

    people: int
    unowned: int


def open_records(
    connection: "duckdb.DuckDBPyConnection",
    file: Path,
    fields: Sequence[str],
    people: Collection[str],
) -> None:
    """Open the records of a lake file, and mark which of them name somebody.

    Args:
        connection: the engine.
        file: below a folder of its day.
        fields: that rules read; tags as "tag:NAME".
        people: what the directory knows as a person's: logins and keys.
    """
    give_table(connection, "keys_of_people", {"key": "VARCHAR"}, [(key,) for key in people])
    source = usage_rows([file])
    # A tag rarely holds a person: only those that do are looked for in every record.
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE people_in_tags AS"
        f" SELECT coalesce(list(DISTINCT value ORDER BY value), []) AS held FROM"
        f" (SELECT DISTINCT unnest(map_values(tags)) AS value FROM {source})"
        " SEMI JOIN keys_of_people k ON value = k.key"
    )
    marks = ", ".join(f"coalesce({_is_a_person(name)}, false) AS {name}_names" for name in _KEYS)
    tags = "".join(
        f", tags[{_quoted(tag)}] AS {tag_column(tag)}"
        for field in fields
        if (tag := field.removeprefix(TAG_PREFIX)) != field
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP VIEW {RECORDS} AS
        SELECT *, {marks}, coalesce(list_has_any(map_values(tags), held), false) AS tags_name,
            principal IS NOT NULL AND NOT starts_with(principal, '{PREFIX}') AS principal_names
            {tags}
        FROM {source} CROSS JOIN people_in_tags
        """
    )


def owned_records(connection: "duckdb.DuckDBPyConnection", owners: Sequence[OwnerAnswers]) -> Told:
    """Join who bears each record, as `owned_records`, and return what they tell of people."""
    joins, owner = owner_joins(connection, owners, kind="record_owner")
    marks = ("principal_names", "tags_name", *(f"{name}_names" for name in _KEYS))
    names = f"session IS NOT NULL OR {' OR '.join(marks)}"
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW owned_records AS SELECT c.*, {names} AS names,"
        f" CAST({owner} AS BIGINT) AS owner_no FROM {RECORDS} c {joins}"
    )
    found = connection.execute(
        f"SELECT count(*) FILTER (names), count(*) FILTER (names AND owner_no = {NO_OWNER})"
        " FROM owned_records"
    ).fetchall()
    return Told(*found[0])


def bearers(connection: "duckdb.DuckDBPyConnection") -> list[int]:
    """Return the numbers of the owners of records that name somebody, sorted."""
    rows = connection.execute(
        f"SELECT DISTINCT owner_no FROM owned_records WHERE names AND owner_no <> {NO_OWNER}"
        " ORDER BY owner_no"
    ).fetchall()
    return [number for (number,) in rows]


def write_forgotten(
    connection: "duckdb.DuckDBPyConnection", stand_ins: Mapping[int, str], target: Path
) -> None:
    """Write the opened records without the people that owners stand for.

    Args:
        connection: with `owned_records`.
        stand_ins: owner number to what stands in; whose owner has none stays as it is.
        target: a Parquet file; its folder is made.
    """
    give_table(
        connection, "stand_ins", {"no": "BIGINT", "stand_in": "VARCHAR"}, list(stand_ins.items())
    )
    is_replaced = "names AND stand_in IS NOT NULL"
    replaced = (
        f"CASE WHEN {is_replaced} THEN stand_in ELSE principal END AS principal",
        f"CASE WHEN NOT ({is_replaced}) THEN session END AS session",
        *(
            f"CASE WHEN NOT ({is_replaced} AND {name}_names) THEN {name} END AS {name}"
            for name in _KEYS
        ),
        f"CASE WHEN {is_replaced} AND tags_name THEN {_TAGS_OF_NOBODY} ELSE tags END AS tags",
    )
    columns = connection.execute("SELECT column_name FROM (DESCRIBE owned_records)").fetchall()
    ours = {"day", "held", "names", "owner_no", "tags_name", "principal_names"}
    ours |= {f"{name}_names" for name in _KEYS}
    kept = ", ".join(
        f'"{name}"' for (name,) in columns if name not in ours and not name.startswith(TAG_PREFIX)
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(
        f"COPY (SELECT {kept} FROM (SELECT * REPLACE ({', '.join(replaced)}) FROM owned_records"
        f" LEFT JOIN stand_ins ON no = owner_no)) TO {_quoted(str(target))} ({_PARQUET})"
    )


def _is_a_person(column: str) -> str:
    return f"{column} IN (SELECT key FROM keys_of_people)"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
