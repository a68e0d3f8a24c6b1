"""Tags of bulk formats, as SQL: from the spellings of the clouds to one map of texts."""

from collections.abc import Mapping
from typing import Final

_PAIR: Final = "{'name': entry.key, 'value': entry.value}"


def json_tags(document: str) -> str:
    """Return an expression for the members of a JSON object, as a list of names and values.

    Null where the text is no JSON object or names a thing twice; see `is_broken`. Members that are
    null or the empty text are left out.
    """
    members = f"map_entries(try(json_transform({document}, '\"MAP(VARCHAR, VARCHAR)\"')))"
    return (
        f"list_transform(list_filter({members}, lambda entry: entry.value <> ''),"
        f" lambda entry: {_PAIR})"
    )


def is_broken(document: str, entries: str) -> str:
    """Return a condition: there is a text, and it did not give tags that can be stored."""
    return (
        f"{document} IS NOT NULL AND ({entries} IS NULL OR contains({document}, '\\u0000')"
        f" OR NOT starts_with(ltrim({document}), '{{'))"
    )


def given(named: Mapping[str, str]) -> str:
    """Return an expression for tags of our own: texts by name, those that are empty left out."""
    pairs = ", ".join(f"{{'name': '{name}', 'value': {text}}}" for name, text in named.items())
    return f"list_filter([{pairs}], lambda entry: entry.value <> '')"


def canonical(named: Mapping[str, str]) -> str:
    """Return an expression for conditions as canonical JSON; null if all of them are empty."""
    entries = given(dict(sorted(named.items())))
    return f"CASE WHEN len({entries}) > 0 THEN to_json(map_from_entries({entries}))::VARCHAR END"


def renamed(entries: str, name: str) -> str:
    """Return tags under other names; `name` is an expression over `entry.name`."""
    return f"list_transform({entries}, lambda entry: {{'name': {name}, 'value': entry.value}})"


def merged(entries: str) -> str:
    """Return an expression for tags as one map in order of their names; null if there are none.

    Two different values of one name are both kept, joined by a comma: a rule on either value alone
    then finds neither, in the open.
    """
    names = f"list_sort(list_distinct(list_transform({entries}, lambda entry: entry.name)))"
    values = (
        f"list_sort(list_distinct(list_transform(list_filter({entries},"
        " lambda entry: entry.name = one), lambda entry: entry.value)))"
    )
    return (
        f"CASE WHEN len({entries}) > 0 THEN map_from_entries(list_transform({names}, lambda one:"
        f" {{'name': one, 'value': array_to_string({values}, ',')}})) END"
    )
