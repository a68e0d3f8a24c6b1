"""OTLP as a collector's file exporter writes it: JSON Lines, one object of one signal on each line.

The rules, from the source formats note (sections 4.7 and 4.8, read 2026-11-21):

* Names are in lower camel case, ids in hexadecimal; whole numbers of 64 bits are text or numbers.
* An attribute's value is one of several kinds; it is taken as text, whichever kind it has.
* Of two attributes of one name the first counts.
* What may hold a prompt is never taken: of a record's own attributes only those that are named.
"""

from collections.abc import Iterable
from typing import Final

from metering.ingest import providers
from metering.ingest.bulk.layout import Fields, Form, literal
from metering.ingest.contract import Sample, Verdict

VALUE: Final[Fields] = {
    "stringValue": "VARCHAR",
    "intValue": "VARCHAR",
    "doubleValue": "VARCHAR",
    "boolValue": "VARCHAR",
}
ATTRIBUTES: Final[tuple[Form]] = ({"key": "VARCHAR", "value": VALUE},)

_TEXT: Final = (
    "coalesce(one.value.stringValue, one.value.intValue, one.value.doubleValue,"
    " one.value.boolValue)"
)

# What parts the labels cannot stand in one of them.
_LABEL: Final = f"translate({_TEXT}, chr(30) || chr(31), '')"

# Who runs where and in which version: true of every record, and of no use to any rule.
_TECHNICAL: Final = (
    *("telemetry.", "process.", "host.", "os.", "k8s.", "container.", "cloud.", "faas."),
    *("service.instance.", "service.version", "webengine."),
)

# How providers are spelled: the older name of the attribute still occurs.
PROVIDER: Final = ("gen_ai.provider.name", "gen_ai.system")
MODEL: Final = ("gen_ai.response.model", "gen_ai.request.model")


def keys(attributes: str) -> str:
    """Return an expression for the names of attributes."""
    return f"list_transform({attributes}, lambda one: one.key)"


def values(attributes: str) -> str:
    """Return an expression for their values as text, in the same order."""
    return f"list_transform({attributes}, lambda one: {_TEXT})"


def attribute(of: str, *names: str) -> str:
    """Return an expression for the first of some attributes that is there; null if none is.

    Args:
        of: the names stand in `<of>_keys`, and the values in `<of>_values`.
        names: the same attribute as successive versions spell it.
    """
    found = (f"{of}_values[list_position({of}_keys, {literal(name)})]" for name in names)
    return f"coalesce({', '.join(found)}, NULL)"


def whole(text: str) -> str:
    """Return an expression for a count without the decimals that a double puts behind it."""
    return rf"regexp_replace({text}, '\.0+$', '')"


def labels(attributes: str, *, but: Iterable[str] = ()) -> str:
    """Return attributes as one text that `entries` takes apart; technical ones are left out.

    Args:
        attributes: the list; none of them holds what people or models wrote.
        but: names, or with a dot at the end beginnings of names, that are left out as well.
    """
    dropped = " AND ".join(f"NOT starts_with(one.key, {literal(start)})" for start in _TECHNICAL)
    named = " AND ".join(
        f"NOT starts_with(one.key, {literal(name)})"
        if name.endswith(".")
        else f"one.key <> {literal(name)}"
        for name in but
    )
    kept = f"list_filter({attributes}, lambda one: {' AND '.join(filter(None, (dropped, named)))})"
    return (
        f"array_to_string(list_sort(list_transform({kept},"
        f" lambda one: one.key || chr(30) || {_LABEL})), chr(31))"
    )


def named_labels(of: str, names: Iterable[str]) -> str:
    """Return the named attributes as one text that `entries` takes apart."""
    texts = ", ".join(
        f"{literal(name)} || chr(30) || translate({attribute(of, name)}, chr(30) || chr(31), '')"
        for name in names
    )
    return f"array_to_string([{texts}], chr(31))"


def entries(labelled: str) -> str:
    """Return the tags in a text that `labels` made, as a list of names and values."""
    pair = "{'name': split_part(label, chr(30), 1), 'value': split_part(label, chr(30), 2)}"
    split = f"string_split(nullif({labelled}, ''), chr(31))"
    tags = f"list_transform(coalesce({split}, []), lambda label: {pair})"
    return f"list_filter({tags}, lambda entry: entry.value <> '')"


def provider_columns(spelling: str) -> dict[str, str]:
    """Return the columns of provider and platform for a spelling as `providers.spelling` gives."""
    return {"provider": providers.provider(spelling), "platform": providers.platform(spelling)}


def by_signal(sample: Sample, signal: str, telling: Iterable[str]) -> Verdict:
    """Judge a file by the signal it holds, and by names that only usage of models has.

    Args:
        sample: the head of the file.
        signal: the one key of each line, e.g. "resourceSpans".
        telling: one of these stands somewhere in the head.
    """
    head = (sample.head or "").lstrip()
    if not head.startswith("{"):
        return Verdict(matches=False, because="it does not begin with a JSON object")
    if not head.removeprefix("{").lstrip().startswith(f'"{signal}"'):
        return Verdict(matches=False, because=f"its first line is not of {signal!r}")
    if not any(name in head for name in telling):
        return Verdict(False, f"none of its first {signal!r} is of a model's usage", 1)
    return Verdict(matches=True, because=f"it has {signal!r} with a model's usage")
