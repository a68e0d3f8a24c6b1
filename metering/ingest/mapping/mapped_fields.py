"""What mapping files of every kind have in common: fields of a source, and instants of a form."""

from collections.abc import Iterable, Sequence
from typing import Final

from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import INSTANT
from metering.ingest.bulk.layout import Fields, instant, name

TIME_FORMS: Final = ("offset", "utc", "day", "seconds", "milliseconds", "nanoseconds")

_DAY: Final = r"20\d\d-\d\d-\d\d"
_SINCE_1970: Final = {
    "seconds": request_logs.EPOCH_SECONDS,
    "milliseconds": request_logs.EPOCH_MS,
    "nanoseconds": request_logs.EPOCH_NANOS,
}
EXPECTED_TIME: Final = {
    **_SINCE_1970,
    "day": "a day as YYYY-MM-DD, from 2000 to 2099",
    "utc": f"{INSTANT}, or without offset in UTC",
    "offset": INSTANT,
}


def said(field: str, *, is_table: bool) -> str:
    """Return the expression of a field; a dot leads into an object, but not in a table."""
    return name(field) if is_table else ".".join(map(name, field.split(".")))


def fields_of(fields: Sequence[str], *, is_table: bool) -> Fields:
    """Return the fields of a layout."""
    if is_table:
        return dict.fromkeys(fields, "VARCHAR")
    return _nested([field.split(".") for field in fields])


def instant_of(text: str, form: str) -> str:
    """Return the expression of an instant that is written in one of `TIME_FORMS`."""
    if form in _SINCE_1970:
        return request_logs.since_1970(text, _SINCE_1970[form])
    if form == "day":
        midnight = f"try_cast({text} || ' 00:00:00Z' AS TIMESTAMPTZ)"
        return f"CASE WHEN regexp_full_match({text}, '{_DAY}') THEN {midnight} END"
    return instant(text, zoneless_is_utc=form == "utc")


def _nested(paths: Iterable[Sequence[str]]) -> Fields:
    below: dict[str, list[Sequence[str]]] = {}
    for first, *rest in paths:
        below.setdefault(first, []).append(rest)
    return {field: _nested(rests) if any(rests) else "VARCHAR" for field, rests in below.items()}
