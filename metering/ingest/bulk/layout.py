"""How a bulk format is read relationally: gateway logs, transcripts, cloud billing files.

A format says which source fields it looks at, how the usage columns follow from them, and what
refuses a record (`Layout`). The reader turns that into one statement, so that a file of gigabytes
is parsed once and no record passes through a Python loop.

Every expression is DuckDB SQL over the source fields and the steps before it. It must not raise,
whatever a field holds: a number goes through `whole_number`, an instant through `instant`, JSON
through `json_fields`. A field stays text until it was checked, because DuckDB's own JSON reader
casts 12.5 to 12 and true to 1 without a word.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import pyarrow as pa

from metering.errors import Rejection, shown
from metering.ingest.bulk.unfolding import Level
from metering.usage.schema import USAGE_SCHEMA

# A field's name and its form: "VARCHAR" for text, "JSON" where 12 and "12" must be told apart, a
# mapping for the fields of an object, a tuple of one such form for a list. What is not named
# is never taken out of the file.
Form: TypeAlias = "str | Fields | tuple[Form]"
Fields: TypeAlias = "Mapping[str, Form]"

LONGEST_LINE: Final = 64 << 20
# What DuckDB is handed at once: it reserves a few times this for each thread.
LONGEST_HELD: Final = 16 << 20

_USUAL_REMEDY: Final = "correct the field and ingest the file again"
# 18 digits always fit in 64 bits, and so does the sum of the few that make a record.
_DIGITS: Final = 18
_LARGEST: Final = 10**_DIGITS - 1
# Without a pattern DuckDB takes "infinity", bare dates and names of zones for instants.
_WALL_CLOCK: Final = r"20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,9})?"
_USUAL: Final = "20__-__-__T__:__:__Z"
_OFFSET: Final = r"(Z|[+-]\d\d(:?\d\d)?)"
# As JSON writes a number; zeros in front and signs are refused with everything else.
_AMOUNT: Final = r"\d+(\.\d+)?([eE][+-]?\d{1,3})?"
# Less than a billion, without an exponent, and not half way between two nanos.
UNTIED: Final = r"\d{1,9}(\.(\d{1,9}|\d{9}([0-46-9]\d*|5\d*[1-9]\d*)))?"


@dataclass(frozen=True, slots=True)
class Check:
    """One reason to refuse a record.

    Attributes:
        fails: a condition; the record is refused where it holds, and passes where it is null.
        code: stable, kebab-case; has a directory under `tests/errors/`.
        field: the field a reader of the source would look for; empty for the whole record.
        found: an expression for the value that was found, as text.
        expected: what would have been accepted, in words.
        remedy: what the user does; empty for the usual advice.
        quotes: whether `found` is a value of the source; else it is said in our own words.
        empty_is_null: whether the empty text passes, or fails, where null does: then the check may
            be made of texts that many records have in common, see `key_checks`.
    """

    fails: str
    code: str
    field: str
    found: str
    expected: str
    remedy: str = ""
    quotes: bool = True
    empty_is_null: bool = False


@dataclass(frozen=True, slots=True)
class Shared:
    """Usage columns that follow from a few texts, which many records of a file have in common.

    A map of tags costs more to build than all the rest of a record, and a file of millions of
    records holds some hundreds of them: so these columns are worked out once for each distinct
    combination of their parts, as rates and owners are.

    Attributes:
        parts: named expressions of texts; null and the empty text are one. No accepted record has
            NUL in one of them: it parts them.
        steps: as in a layout, over the parts alone.
        columns: the usage columns, over the parts and steps.
    """

    parts: Mapping[str, str]
    steps: tuple[Mapping[str, str], ...]
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Keyed:
    """Steps that follow from a few fields, in whose values many rows of a file agree.

    In a file of columns, and in a table that puts rows aside, they are worked out once for each
    combination of values; elsewhere they are steps like any other, since finding the combinations
    would mean to parse the file twice.

    Attributes:
        fields: names of fields of the layout.
        steps: over these fields alone.
    """

    fields: tuple[str, ...]
    steps: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Aside:
    """What most rows of a bill are: of no interest, as a few of their fields show.

    Of such a row nothing else is looked at, in a table or a file of columns.

    Attributes:
        fields: names of fields of the layout, of which there are few different values.
        noise: an expression over them, as the layout's; null for a row that is looked at further.
    """

    fields: tuple[str, ...]
    noise: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What an import of a file replaces, as each row of it tells; expressions of texts.

    Rows without usage count too: they show which days the file answers for.

    Attributes:
        scope: the billing period of the row; null where it does not say.
        day: the ISO day it was used; null where it does not say.
        signature: the view of the usage it belongs to.
        as_of: the ISO instant up to which the row shows the data to be complete, or "".
    """

    scope: str
    day: str
    signature: str
    as_of: str = "''"


@dataclass(frozen=True, slots=True)
class Layout:
    """What a bulk format takes from its source, and what it makes of it.

    Attributes:
        fields: the source fields that are looked at.
        required: columns of a table without which it is of another format; none when the format
            is JSON Lines alone.
        unfold: lists to take apart where a line holds many records; then the format is JSON Lines
            alone, and steps see the elements by the names of their levels.
        steps: named intermediate expressions; a step sees the fields and the steps before it.
        columns: the columns of the schema the format fills; all others are null. `row_no` is given.
        schema: what the records are: `USAGE_SCHEMA` or `OUTCOME_SCHEMA`.
        shared: columns worked out once for all records that agree in what decides them; what is
            decided by other parts stands apart, so that there are few combinations of each.
        checks: in order; the first that fails names the rejection.
        flattened: names for what is nested in the fields, if anything is: then only these names
            are seen by all that follows, and a flat table of the same format has them as columns.
        keyed: steps that come before all others, over fields alone; their names are their own.
        aside: what is noise at first sight, before any step.
        noise: an expression for what a line without usage is, in words; null for a record.
        telling: text that every line of JSON with usage has in it, if there is one; whether a line
            without it names something twice is not asked.
        live: the source may still be growing: a last line without its line end that is no complete
            JSON is noise, to be read with the next import, and not a record that is broken.
        merge: a query from `records` that gives rows of the same columns, for a source that repeats
            itself; empty when each record is its own. It sees the accepted rows of one file or of
            several: their columns but for the shared ones and, unless it names them, those that
            are the same for all; the steps in `kept`; and `file_no`.
        kept: names of the steps that `merge` looks at.
        merged_noise: what the records that a merge took away are called in the receipt.
        snapshot: for a source without ids: what an import of it replaces.
        spelling: how the name of a table's column becomes that of a field.
        table: the layout of the same format as a flat table, where its JSON is nested.
    """

    fields: Fields
    required: tuple[str, ...]
    steps: tuple[Mapping[str, str], ...]
    columns: Mapping[str, str]
    checks: tuple[Check, ...]
    shared: tuple[Shared, ...] = ()
    unfold: tuple[Level, ...] = ()
    flattened: Mapping[str, str] = field(default_factory=dict)
    keyed: tuple[Keyed, ...] = ()
    aside: Aside | None = None
    noise: str = "NULL"
    telling: str = ""
    live: bool = False
    merge: str = ""
    kept: tuple[str, ...] = ()
    merged_noise: str = ""
    snapshot: Snapshot | None = None
    spelling: Callable[[str], str] = str
    table: "Layout | None" = None
    schema: pa.Schema = USAGE_SCHEMA

    @property
    def shared_keys(self) -> tuple[str, ...]:
        """Names of the columns that hold the parts of each of `shared`."""
        return tuple(f"shared_key_{at}" for at, _ in enumerate(self.shared, start=1))

    @property
    def shared_columns(self) -> dict[str, str]:
        """The columns of all of `shared`, and how each is made."""
        return {column: made for one in self.shared for column, made in one.columns.items()}


# What may be wrong with a line before any field of it can be looked at: the sources say it in
# `line_fault`, which is null throughout what DuckDB reads by itself without complaint.
LINE_CHECKS: Final = (
    Check(
        fails="line_fault = 'bad-encoding'",
        code="bad-encoding",
        field="",
        found="'bytes that are not UTF-8'",
        expected="UTF-8 text",
        remedy="export the file again as UTF-8 and ingest it",
        quotes=False,
    ),
    Check(
        fails="line_fault = 'line-too-long'",
        code="line-too-long",
        field="",
        found="'a line of more than 64 MiB'",
        expected="lines of at most 64 MiB",
        remedy="leave request and response bodies out of the export",
        quotes=False,
    ),
    Check(
        fails="line_fault = 'bad-json'",
        code="bad-json",
        field="",
        found="line_size || ' characters that are not one JSON object'",
        expected="one complete JSON object on each line, no name in it twice",
        remedy="the line may have been cut: export the file again and ingest it",
        quotes=False,
    ),
    Check(
        fails="line_fault = 'bad-row'",
        code="bad-row",
        field="",
        found="line_size || ' cells'",
        expected="as many cells as the header has",
        remedy="look for a stray separator or quote on the line, correct it and ingest the file",
        quotes=False,
    ),
)


def rejection(layout: "Layout", line: int, refused_by: int, found: str | None) -> Rejection:
    """Return a refused record as the user is told of it.

    Args:
        layout: of its format.
        line: of the file.
        refused_by: place among `LINE_CHECKS` and the layout's checks.
        found: what the check gives for it.
    """
    check = (*LINE_CHECKS, *layout.checks)[refused_by]
    return Rejection(
        line=line,
        code=check.code,
        field=check.field,
        found=shown(found) if check.quotes else found or "",
        expected=check.expected,
        remedy=check.remedy or _USUAL_REMEDY,
    )


def whole_number(text: str) -> str:
    """Return an expression for a count of 1 to 18 ASCII digits; null for anything else."""
    count = f"try_cast({text} AS BIGINT)"
    is_count = f"{count} BETWEEN 0 AND {_LARGEST} AND {is_digits(text, count, _DIGITS)}"
    return f"CASE WHEN {is_count} THEN {count} END"


def is_digits(text: str, cast: str, most: int) -> str:
    """Return a condition: a text that a cast took for a number, 0 or more, is of digits alone.

    A cast also takes signs, blanks, fractions and powers, none of which it gives back as they were;
    so the usual number is known by its way back, in two thirds of the time of a pattern.

    Args:
        text: the text.
        cast: the number.
        most: how many digits there may be.
    """
    return f"({cast}::VARCHAR = {text} OR regexp_full_match({text}, '[0-9]{{1,{most}}}'))"


def instant(text: str, *, zoneless_is_utc: bool) -> str:
    """Return an expression for an instant of the years 2000 to 2099; null for anything else.

    Args:
        text: the field.
        zoneless_is_utc: whether the format's documentation says that a time without an offset is
            UTC. Otherwise such a time is refused, never taken as local.
    """
    # A cast to TIMESTAMP would drop the offset in silence; a cast to TIMESTAMPTZ converts it.
    cast = f"try_cast({text} AS TIMESTAMPTZ)"
    zoned = f"WHEN regexp_full_match({text}, '{_WALL_CLOCK}{_OFFSET}') THEN {cast}"
    if not zoneless_is_utc:
        # A cast tells digits from other characters, in half the time of the pattern.
        return f"CASE WHEN {text} LIKE '{_USUAL}' THEN {cast} {zoned} END"
    in_utc = f"try_cast({text} || 'Z' AS TIMESTAMPTZ)"
    # Of these lengths an instant with an offset does not survive a second one, so that the cast
    # tells as much as the pattern, at half the cost.
    usual = f"starts_with({text}, '20') AND strlen({text}) IN (19, 23, 26)"
    return (
        f"coalesce(CASE WHEN {usual} THEN {in_utc} END,"
        f" CASE WHEN regexp_full_match({text}, '{_WALL_CLOCK}') THEN {in_utc} {zoned} END)"
    )


def nanos(text: str, sign: str = "") -> str:
    """Return an expression for an amount in nanos, exact, rounded once, half to even.

    Null for what is not a decimal number of less than a billion. The 28 decimals hold every digit
    of a double's shortest text that can decide the ninth, so that rounding does not happen twice.
    Arithmetic with 38 digits is slow. Where there is no tie to even, the cast of a text with an
    exponent rounds it to the same number in a quarter of the time.

    Args:
        text: the amount.
        sign: a pattern for what may stand in front of its digits.
    """
    exact = f"try_cast({text} AS DECIMAL(38, 28))"
    return (
        f"CASE WHEN regexp_full_match({text}, '{sign}{UNTIED}')"
        f" THEN try_cast({text} || 'e9' AS BIGINT)"
        f" WHEN regexp_full_match({text}, '{sign}{_AMOUNT}') AND abs({exact}) < 1000000000"
        f" THEN (round_even({exact}, 9) * 1000000000)::BIGINT END"
    )


def text(field: str) -> str:
    """Return an expression for a text field; the empty text says nothing and is null."""
    return f"nullif({field}, '')"


def names_one_twice(names: str) -> str:
    """Return a condition: a list of texts holds one of them twice; null where there is no list."""
    # The list is bound to a name, so that it is not made anew for each of its elements.
    twice = "list_filter(given, lambda one, nth: list_position(given, one) < nth)"
    return f"list_transform([{names}], lambda given: len({twice}) > 0)[1]"


def json_fields(document: str, fields: "Fields | tuple[Form]") -> str:
    """Return an expression for the given fields of a JSON text, as a struct; null when it is none.

    A one-element tuple stands for a list of that form.
    """
    shape = json.dumps(list(fields) if isinstance(fields, tuple) else fields)
    return f"try(json_transform({document}, {literal(shape)}))"


def literal(value: str) -> str:
    """Return `value` as an SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def name(identifier: str) -> str:
    """Return `identifier` as a quoted SQL name."""
    return '"' + identifier.replace('"', '""') + '"'


def one_file(path: Path) -> str:
    """Return the first arguments of DuckDB's readers, for this one file and what stands in it.

    Its path is no pattern, and folders that are named `NAME=VALUE` say nothing of its records.
    """
    return literal(re.sub(r"[\[*?]", r"[\g<0>]", str(path))) + ", hive_partitioning = false"


def json_types(fields: Fields) -> str:
    """Return the type of each field as `read_json` wants it: {"a": 'JSON', "b": 'STRUCT(…)'}."""
    pairs = (f"{name(key)}: {literal(sql_type(form))}" for key, form in fields.items())
    return "{" + ", ".join(pairs) + "}"


def sql_type(form: Form) -> str:
    """Return the type of a field of the given form."""
    if isinstance(form, str):
        return form
    if isinstance(form, tuple):
        return sql_type(form[0]) + "[]"
    return "STRUCT(" + ", ".join(f"{name(key)} {sql_type(of)}" for key, of in form.items()) + ")"
