"""What logs of one row per request have in common: times, counts, tags, and what they claim a cost.

A log of a gateway or a server is finer than a provider's bill and knows nothing of its discounts:
what it says a request cost is an estimate.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from metering.ingest.bulk import tags as bulk_tags
from metering.ingest.bulk.checks import INSTANT, TAGS, WHOLE, missing
from metering.ingest.bulk.layout import (
    Check,
    instant,
    is_digits,
    literal,
    names_one_twice,
    whole_number,
)

# 1 January 2000 to 2100, in seconds.
_EARLIEST: Final = 946_684_800
_LATEST: Final = 4_102_444_800
_MOST_DIGITS: Final = 19
_CALLERS: Final = "request."

EPOCH_MS: Final = "whole milliseconds since 1970, from 2000 to 2099"
EPOCH_NANOS: Final = "whole nanoseconds since 1970, from 2000 to 2099"
EPOCH_SECONDS: Final = "whole seconds since 1970, from 2000 to 2099"
COUNT: Final = "a whole number, 0 or more, of at most 18 digits"
CACHE_SPLIT_UNKNOWN: Final = "cache_split"

# A record without an id is known by its content: of two that agree in everything the second is
# number 2, so that both are kept, here and when the file comes again.
_WITHOUT_ID: Final = "no-id"
NUMBERED: Final = f"""
    SELECT * FROM records WHERE NOT starts_with(event_id, '{_WITHOUT_ID}/')
    UNION ALL BY NAME
    SELECT * REPLACE (event_id || '/' ||
      row_number() OVER (PARTITION BY event_id ORDER BY row_no) AS event_id)
    FROM records WHERE starts_with(event_id, '{_WITHOUT_ID}/')"""  # noqa: S608 - our own names

# How many of each make a second, and how to make microseconds of them.
_PER_SECOND: Final = {EPOCH_SECONDS: 1, EPOCH_MS: 10**3, EPOCH_NANOS: 10**9}
_MICROSECONDS: Final = {EPOCH_SECONDS: "* 1000000", EPOCH_MS: "* 1000", EPOCH_NANOS: "// 1000"}


def since_1970(text: str, unit: str) -> str:
    """Return an expression for an instant given as a count since 1970; null for anything else.

    Args:
        text: the field.
        unit: `EPOCH_SECONDS`, `EPOCH_MS` or `EPOCH_NANOS`.
    """
    count, per_second = f"try_cast({text} AS BIGINT)", _PER_SECOND[unit]
    instant = f"make_timestamptz({count} {_MICROSECONDS[unit]})"
    return (
        f"CASE WHEN {count} >= {_EARLIEST * per_second} AND {count} < {_LATEST * per_second}"
        f" AND {is_digits(text, count, _MOST_DIGITS)} THEN {instant} END"
    )


def when(field: str, text: str, read: str, *, expected: str = INSTANT) -> tuple[Check, ...]:
    """Return the checks of an instant that has to be there.

    Args:
        field: as the source spells it.
        text: what stands there.
        read: the instant it became; null if it is none.
        expected: in words; where it is `INSTANT`, a time without an offset is told apart.
    """
    naive = Check(
        fails=f"{read} IS NULL AND {instant(text, zoneless_is_utc=True)} IS NOT NULL",
        code="naive-timestamp",
        field=field,
        found=text,
        expected=f"{INSTANT}: the offset is missing",
    )
    bad = Check(
        fails=f"{read} IS NULL", code="bad-instant", field=field, found=text, expected=expected
    )
    return (missing(field, expected, text), *((naive,) if expected == INSTANT else ()), bad)


def not_before(field: str, text: str, read: str, start: str) -> Check:
    """Return the check of an end, which may be left out but not lie before the start."""
    return Check(
        fails=f"nullif({text}, '') IS NOT NULL AND ({read} IS NULL OR {read} < {start})",
        code="bad-instant",
        field=field,
        found=text,
        expected=f"{INSTANT}, not before the start",
    )


def content_id(*parts: str) -> str:
    """Return the id of a record that has none, for `NUMBERED` as merge; parts are texts or null."""
    texts = ", ".join(f"coalesce({part}, '')" for part in parts)
    return f"'{_WITHOUT_ID}/' || md5(concat_ws(chr(31), {texts}))"


def failed(status: str) -> str:
    """Return a condition: the HTTP status, where there is one, is not of a success."""
    return f"coalesce(try_cast({status} AS INTEGER) NOT BETWEEN 200 AND 399, false)"


def counted(counts: Mapping[str, tuple[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Return two steps: the text of each count, then the count, null where it is none.

    Args:
        counts: by name: the field as the source spells it, and the expression of it. The steps are
            called `<name>_text` and `<name>_count`.
    """
    texts = {f"{name}_text": f"({value})::VARCHAR" for name, (_, value) in counts.items()}
    return texts, {f"{name}_count": whole_number(f"{name}_text") for name in counts}


def count_checks(counts: Mapping[str, tuple[str, str]], expected: str = WHOLE) -> Iterator[Check]:
    """Yield the check of each of `counted`: what is there is a count."""
    for name, (field, _) in counts.items():
        yield Check(
            fails=f"{name}_text IS NOT NULL AND {name}_count IS NULL",
            code="bad-quantity",
            field=field,
            found=f"{name}_text",
            expected=expected,
        )


def total_check(field: str, total: str, sum_of: str, parts: str) -> Check:
    """Return the check that a total, where it is given, is the sum of its parts.

    Args:
        field: the total, as the source spells it.
        total: name of its count, as in `counted`.
        sum_of: the sum.
        parts: what is added up, in the words of the source.
    """
    return Check(
        fails=f"{total}_count > 0 AND {total}_count <> {sum_of}",
        code="tokens-do-not-add-up",
        field=field,
        found=f"{total}_text",
        expected=parts,
    )


def estimated(claimed: str) -> dict[str, str]:
    """Return the columns of a cost that somebody worked out; `claimed` in nanos of the dollar."""
    return {
        "reported_nanos": claimed,
        "reported_currency": f"CASE WHEN {claimed} IS NOT NULL THEN 'USD' END",
        "reported_kind": f"CASE WHEN {claimed} IS NOT NULL THEN 'estimate' END",
    }


def claim_check(field: str, text: str, claimed: str) -> Check:
    """Return the check that a cost is an amount."""
    return Check(
        fails=f"{text} IS NOT NULL AND {claimed} IS NULL",
        code="bad-amount",
        field=field,
        found=text,
        expected="US dollars as a decimal number, 0 or more",
    )


def tags(vouched: Mapping[str, str], said: str | None = None) -> str:
    """Return an expression for the tags of a request, null if there are none.

    Args:
        vouched: what the log says itself, by name.
        said: what the caller said, as `bulk_tags.json_tags` gives it. A tag of one of our names
            becomes "request.<name>", so that a caller cannot speak for the log.
    """
    ours = bulk_tags.given(dict(vouched))
    if said is None:
        return bulk_tags.merged(ours)
    names = ", ".join(map(literal, vouched))
    renamed = bulk_tags.renamed(
        f"coalesce({said}, [])",
        f"CASE WHEN entry.name IN ({names}) THEN '{_CALLERS}' ELSE '' END || entry.name",
    )
    return bulk_tags.merged(f"list_concat({ours}, {renamed})")


def object_check(field: str, text: str) -> Check:
    """Return the check that a text, where there is one, is a JSON object that can become tags."""
    names = f"try(json_keys({text}))"
    return Check(
        fails=(
            f"nullif({text}, '') IS NOT NULL AND ({names} IS NULL"
            f" OR NOT starts_with(ltrim({text}), '{{') OR contains({text}, '\\u0000')"
            f" OR {names_one_twice(names)})"
        ),
        code="bad-json",
        field=field,
        found="'text that is not a JSON object of tags'",
        expected=TAGS,
        quotes=False,
        empty_is_null=True,
    )


def unseen(condition: str) -> str:
    """Return other meters for requests that succeeded without tokens: one `request`, to be seen."""
    one = "map_from_entries([{'name': 'request', 'quantity': 1}])"
    return f"CASE WHEN {condition} THEN {one} END"
