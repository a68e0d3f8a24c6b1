"""The rules file: ordered rules that name the owner of usage, as TOML.

One table per rule; the first that matches wins:

    [[rule]]
    name = "ci keys"
    match = { api_key = "glob:ci-*", "tag:project" = "PAY" }
    assign = { team = "Platform", project = "CI", cost_centre = "CC-100" }
    from = 2026-01-01
    to = 2027-01-01

A value is compared whole: exact, or as `glob:` or `re2:` says. `match = {}` takes all that is
left. `assign = { owner_of = "tag:key_alias" }` looks the tag's value up in the directory;
`ticket_in = "tag:branch"` looks for tickets in it and takes the project whose prefix PAY-142 has.
`from` and `to` are half-open days and may be left out.

The file is taken whole or refused whole, with every mistake at once.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from metering.core.ownership.attribution import (
    RULE_FIELDS,
    TAG_PREFIX,
    Assign,
    Match,
    Rule,
    RuleSet,
)
from metering.core.toml_tables import (
    Place,
    day_text_in,
    pattern_in,
    read_toml,
    table_in,
    tables,
    text_in,
    unknown_keys,
)
from metering.core.validity import validity_of
from metering.errors import RefusedFileError, RejectedError, shown

_RULE_KEYS: Final = ("name", "match", "assign", "from", "to")
_ASSIGN_KEYS: Final = ("cost_centre", "team", "project", "person", "owner_of", "ticket_in")
_FIELD_NAMES: Final = f"one of {', '.join(RULE_FIELDS)}, tag:NAME"


def parse_rules(text: str, path: str, *, name: str = "rules.toml") -> RuleSet:
    """Return the rules that a rules file holds, in order.

    Args:
        text: the whole file, decoded.
        path: the file as the user named it, for messages.
        name: what explanations call the file.

    Raises:
        RefusedFileError: it is not TOML, a rule looks at a field there is none of, a pattern or a
            day cannot be used, or a rule names no cost centre; every such place is told.
    """
    document, text = read_toml(text, path)
    rejections = list(unknown_keys(document, ("rule",), Place(text, 1)))
    rules: list[Rule] = []
    for position, (place, table) in enumerate(tables(document, text, "rule"), start=1):
        try:
            rule = _rule(position, table, place)
            _refuse_second(rule, rules, place)
            rules.append(rule)
        except RejectedError as error:
            rejections.append(error.rejection)
    if rejections:
        raise RefusedFileError(path, rejections)
    return RuleSet(name, tuple(rules))


def _rule(position: int, table: Mapping[str, object], place: Place) -> Rule:
    for rejection in unknown_keys(table, _RULE_KEYS, place):
        raise RejectedError(rejection)
    start, end = validity_of(
        place.line_of("from"),
        ("from", day_text_in(table, "from", place)),
        ("to", day_text_in(table, "to", place)),
    )
    conditions = table_in(table, "match", place)
    return Rule(
        position=position,
        name=text_in(table, "name", place),
        match=tuple(_condition(conditions, field, place) for field in conditions),
        assign=_assign(table_in(table, "assign", place), place),
        valid_from=start,
        valid_to=end,
    )


def _condition(table: Mapping[str, object], field: str, place: Place) -> Match:
    _require_field(field, field, place)
    return Match(field, pattern_in(table, field, place))


def _assign(table: Mapping[str, object], place: Place) -> Assign:
    for rejection in unknown_keys(table, _ASSIGN_KEYS, place):
        raise RejectedError(rejection)
    if table.get("cost_centre") == "":
        expected = "the one that pays; `owners suggest` leaves it to be filled in"
        raise place.refused("missing-cost-centre", "cost_centre", "empty", expected)
    assign = Assign(**{key: text_in(table, key, place) for key in table})
    if assign.owner_of and assign.ticket_in:
        raise place.refused("bad-value", "ticket_in", "there", "either owner_of or ticket_in")
    for lookup in ("owner_of", "ticket_in"):
        if lookup in table:
            _require_field(assign.asked, lookup, place)
    if not assign.asked and not assign.cost_centre:
        expected = "one that pays, or owner_of or ticket_in to look it up"
        raise place.refused("missing-cost-centre", "assign", "without a cost centre", expected)
    return assign


def _refuse_second(rule: Rule, earlier: Sequence[Rule], place: Place) -> None:
    for other in earlier:
        if other.name == rule.name:
            expected = f"a name of its own; rule {other.position} has this one"
            raise place.refused("duplicate-rule", "name", shown(rule.name), expected)


def _require_field(field: str, key: str, place: Place) -> None:
    tag = field.startswith(TAG_PREFIX) and len(field) > len(TAG_PREFIX)
    if field not in RULE_FIELDS and not tag:
        found = "no field of usage" if key == field else shown(field)
        raise place.refused("unknown-field", key, found, _FIELD_NAMES)
