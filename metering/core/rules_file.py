"""The rules file: ordered rules that name the owner of usage, as TOML.

One table per rule; the first that matches wins:

    [[rule]]
    name = "ci keys"
    match = { api_key = "glob:ci-*", "tag:project" = "PAY" }
    assign = { team = "Platform", project = "CI", cost_centre = "CC-100" }
    from = 2026-01-01
    to = 2027-01-01

A value is compared whole: exact, or as `glob:` or `re2:` says. `match = {}` takes all that is
left. `assign = { owner_of = "tag:key_alias" }` looks the tag's value up in the owners file. `from`
and `to` are half-open days and may be left out.

The file is taken whole or refused whole, with every mistake at once.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final

from metering.core.attribution import RULE_FIELDS, TAG_PREFIX, Assign, Match, Rule, RuleSet
from metering.core.patterns import Pattern, PatternError
from metering.core.validity import validity_of
from metering.errors import WHOLE_FILE_REMEDY, RefusedFileError, RejectedError, Rejection, shown

_RULE_KEYS: Final = ("name", "match", "assign", "from", "to")
_ASSIGN_KEYS: Final = ("cost_centre", "team", "project", "person", "owner_of")
_RULE_HEADER: Final = re.compile(r"^[ \t]*\[\[[ \t]*rule[ \t]*\]\]", re.MULTILINE)
_PLACE: Final = re.compile(r"\(at (?:line (\d+)|end of document)")
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
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is no TOMLDecodeError
        raise RefusedFileError(path, [_not_toml(error, text)]) from error
    rejections = list(_unknown(document, ("rule",), _Place(text, 1)))
    rules: list[Rule] = []
    for position, (place, table) in enumerate(_tables(document, text), start=1):
        try:
            rule = _rule(position, table, place)
            _refuse_second(rule, rules, place)
            rules.append(rule)
        except RejectedError as error:
            rejections.append(error.rejection)
    if rejections:
        raise RefusedFileError(path, rejections)
    return RuleSet(name, tuple(rules))


class _Place:
    """Where a rule stands; TOML readers give no lines, so its words are looked for in its text.

    Attributes:
        line: of the rule's header.
    """

    def __init__(self, block: str, line: int) -> None:
        self._lines = block.split("\n")
        self.line = line

    def line_of(self, word: str) -> int:
        """Return the line on which a key of the rule stands first, or that of its header."""
        key = re.compile(rf"(?<![\w:-])[\"']?{re.escape(word)}[\"']?\s*[=\]]")
        found = (at for at, line in enumerate(self._lines) if key.search(line))
        return self.line + next(found, 0)

    def refused(self, code: str, field: str, found: str, expected: str) -> RejectedError:
        """Return the refusal of one key of the rule."""
        return RejectedError(
            Rejection(self.line_of(field), code, field, found, expected, WHOLE_FILE_REMEDY)
        )


def _tables(
    document: Mapping[str, object], text: str
) -> Iterator[tuple[_Place, Mapping[str, object]]]:
    tables = document.get("rule", [])
    if not isinstance(tables, list):
        tables = [tables]
    starts = [match.start() for match in _RULE_HEADER.finditer(text)]
    ends = [*starts[1:], len(text)]
    if len(starts) != len(tables):
        # A header inside a text, or rules in one array: words are looked for in the whole file.
        starts, ends = [0] * len(tables), [len(text)] * len(tables)
    for table, start, end in zip(tables, starts, ends, strict=False):
        place = _Place(text[start:end], text.count("\n", 0, start) + 1)
        yield place, table if isinstance(table, Mapping) else {}


def _rule(position: int, table: Mapping[str, object], place: _Place) -> Rule:
    for rejection in _unknown(table, _RULE_KEYS, place):
        raise RejectedError(rejection)
    start, end = validity_of(
        place.line_of("from"),
        ("from", _day_text(table, "from", place)),
        ("to", _day_text(table, "to", place)),
    )
    return Rule(
        position=position,
        name=_text(table, "name", place),
        match=tuple(
            _condition(field, written, place)
            for field, written in _table(table, "match", place).items()
        ),
        assign=_assign(_table(table, "assign", place), place),
        valid_from=start,
        valid_to=end,
    )


def _condition(field: str, written: object, place: _Place) -> Match:
    _require_field(field, field, place)
    if not isinstance(written, str):
        raise place.refused("bad-value", field, shown(written), "a pattern in quotes")
    try:
        return Match(field, Pattern.parse(written))
    except PatternError as error:
        expected = f"exact text, glob:… or re2:…; {error}"
        raise place.refused("bad-pattern", field, shown(written), expected) from error


def _assign(table: Mapping[str, object], place: _Place) -> Assign:
    for rejection in _unknown(table, _ASSIGN_KEYS, place):
        raise RejectedError(rejection)
    assign = Assign(**{key: _text(table, key, place) for key in table})
    if assign.owner_of:
        _require_field(assign.owner_of, "owner_of", place)
    elif not assign.cost_centre:
        expected = "one that pays, or owner_of to look it up"
        raise place.refused("missing-cost-centre", "assign", "without a cost centre", expected)
    return assign


def _refuse_second(rule: Rule, earlier: Sequence[Rule], place: _Place) -> None:
    for other in earlier:
        if other.name == rule.name:
            expected = f"a name of its own; rule {other.position} has this one"
            raise place.refused("duplicate-rule", "name", shown(rule.name), expected)


def _require_field(field: str, key: str, place: _Place) -> None:
    tag = field.startswith(TAG_PREFIX) and len(field) > len(TAG_PREFIX)
    if field not in RULE_FIELDS and not tag:
        found = "no field of usage" if key == field else shown(field)
        raise place.refused("unknown-field", key, found, _FIELD_NAMES)


def _unknown(
    table: Mapping[str, object], known: Sequence[str], place: _Place
) -> Iterator[Rejection]:
    for key in table:
        if key not in known:
            expected = f"one of {', '.join(known)}"
            yield place.refused("unknown-field", key, "there", expected).rejection


def _table(table: Mapping[str, object], key: str, place: _Place) -> Mapping[str, object]:
    value = table.get(key)
    if value is None:
        raise place.refused("missing-field", key, "missing", f"{key} = {{ … }}")
    if not isinstance(value, Mapping):
        raise place.refused("bad-value", key, shown(value), f"{key} = {{ … }}")
    return value


def _text(table: Mapping[str, object], key: str, place: _Place) -> str:
    value = table.get(key)
    if value is None:
        raise place.refused("missing-field", key, "missing", f'{key} = "…"')
    if not isinstance(value, str) or not value.strip():
        raise place.refused("bad-value", key, shown(value), "text in quotes")
    return value.strip()


def _day_text(table: Mapping[str, object], key: str, place: _Place) -> str:
    value = table.get(key, "")
    # A date-time is a date too for Python; a rule changes with the day, so its hour would be lost.
    if type(value) is date:
        return value.isoformat()
    if not isinstance(value, str):
        raise place.refused("bad-date", key, shown(value), "a day as YYYY-MM-DD, or nothing")
    return value


def _not_toml(error: Exception, text: str) -> Rejection:
    place = _PLACE.search(str(error))
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    return Rejection(line, "bad-toml", "", str(error), "TOML 1.0", WHOLE_FILE_REMEDY)
