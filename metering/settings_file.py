"""metering.toml as it is written: its sections, their keys, and what each of them may hold."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from metering.errors import BookError, shown

# Section to its keys; none means that the names are the company's, or are checked elsewhere.
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "books": frozenset({"url", "currency"}),
    "usage": frozenset({"location"}),
    "engine": frozenset({"kind", "memory_limit", "threads", "spark"}),
    "rules": frozenset({"file"}),
    "report": frozenset({"organisation", "logo", "accent", "accent_dark", "locale", "templates"}),
    "roles": frozenset(),  # ingestor name -> role, any key
    "accounts": frozenset(),  # ingestor name -> billing account, any key
    "exports": frozenset({"together", "in_order"}),
    "detail": frozenset(),  # ingestor name -> which metered usage it divides, any key
    "outcomes": frozenset(),  # see core.outcomes.outcome_rules, which checks it
    "economics": frozenset(),  # see core.findings.economics_rules, which checks it
    "findings": frozenset(),  # see core.findings.finding_rules, which checks it
    "nightly": frozenset({"inbox"}),
    "pull": frozenset(),  # name of a connector -> table, see `workflows.intake.pull.connector`
    "true_up": frozenset(),  # reason of a tie-out -> who bears it, see core.closing.adjustments
    "journal": frozenset(
        {
            "template",
            "entity",
            "expense_account",
            "expense_accounts",
            "suspense_account",
            "clearing_account",
            "clearing_accounts",
            "prepaid_account",
            "capacity_account",
            "shared_account",
            "decimal",
        }
    ),
    "arrival": frozenset(),  # ingestor name -> on which days it comes, any key
    "close": frozenset({"tolerance"}),
    "people": frozenset({"columns", "fewest", "keep_days", "key_file", "reveal_by"}),
}
# Section to its keys that hold text; none means all of them do.
_TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "books": ("url", "currency"),
    "usage": ("location",),
    "engine": ("kind", "memory_limit", "spark"),
    "rules": ("file",),
    "report": (),
    "accounts": (),
    "nightly": ("inbox",),
    "close": ("tolerance",),
    "people": ("key_file",),
}
# Section and key of a list of texts, and what one of them is.
_LISTS: Final = (
    ("people", "reveal_by", "ACCOUNT"),
    ("exports", "together", "FORMAT"),
    ("exports", "in_order", "FORMAT"),
)
_ROLES: Final = ("metered", "detail")
# A hundred years of days; calendars end where more of them would lead to.
_LARGEST: Final = 36_500


def read_settings_file(path: Path) -> dict[str, Any]:
    """Return the sections of a metering.toml: each key known, each value of the kind it holds.

    What a value means (a folder, a size, an amount) is for those to check who use it.

    Raises:
        BookError: code `bad-settings`; it is not TOML, or has a section, key or value that we do
            not know.
    """
    document = _document(path)
    _refuse_unknown(path, document)
    _refuse_other_texts(path, document)
    _refuse_other_lists(path, document)
    _refuse_other_tables(path, document)
    _refuse_other_people(path, document)
    return document


def not_as_expected(path: Path, section: str, key: str, found: object, expected: str) -> BookError:
    """Return the error of a value that is not what its key ought to hold."""
    return BookError(
        "bad-settings",
        f"{path}: [{section}] {key} is {shown(found)}",
        details=(f"expected: {expected}",),
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8"
    except OSError as error:
        reason = error.strerror or str(error)
    except (ValueError, RecursionError) as error:  # also a number of 5,000 digits
        reason = str(error)
    raise BookError(
        "bad-settings",
        f"{path} is not readable TOML: {reason}",
        do="correct it; `metering init DIR` writes one to compare it with",
    )


def _refuse_unknown(path: Path, document: Mapping[str, object]) -> None:
    for section, values in document.items():
        if section not in _KNOWN:
            raise BookError(
                "bad-settings",
                f"{path}: there is no section [{section}]",
                details=(f"known:    {', '.join(sorted(_KNOWN))}",),
            )
        if not isinstance(values, Mapping):
            raise BookError("bad-settings", f"{path}: [{section}] is not a table")
        keys = _KNOWN[section]
        for key in values:
            if keys and key not in keys:
                raise BookError(
                    "bad-settings",
                    f"{path}: [{section}] has no key {key!r}",
                    details=(f"known:    {', '.join(sorted(keys))}",),
                )


def _refuse_other_texts(path: Path, document: Mapping[str, Mapping[str, object]]) -> None:
    for section, keys in _TEXTS.items():
        values = document.get(section, {})
        for key in keys or values:
            if not isinstance(values.get(key, ""), str):
                raise not_as_expected(path, section, key, values[key], "text, in quotes")
    for name, role in document.get("roles", {}).items():
        if role not in _ROLES:
            raise not_as_expected(path, "roles", name, role, " or ".join(map(repr, _ROLES)))


def _refuse_other_lists(path: Path, document: Mapping[str, Mapping[str, object]]) -> None:
    for section, key, listed in _LISTS:
        texts = document.get(section, {}).get(key, [])
        if not (isinstance(texts, list) and _are_texts(texts)):
            raise not_as_expected(path, section, key, texts, f'["{listed}", …]')


def _refuse_other_tables(path: Path, document: Mapping[str, Mapping[str, object]]) -> None:
    for name, options in document.get("pull", {}).items():
        if not isinstance(options, Mapping):
            raise BookError("bad-settings", f"{path}: [pull] {name} is not a table")
    for ingestor, patterns in document.get("detail", {}).items():
        if not (isinstance(patterns, Mapping) and _are_texts(patterns.values())):
            raise BookError(
                "bad-settings",
                f"{path}: [detail] {ingestor} does not say which metered usage it divides",
                details=('expected: { FIELD = "PATTERN", … }, or {} for all of its accounts',),
            )


def _refuse_other_people(path: Path, document: Mapping[str, Mapping[str, Any]]) -> None:
    people = document.get("people", {})
    for key in ("keep_days", "fewest"):
        number = people.get(key, 1)
        if not isinstance(number, int) or isinstance(number, bool) or not 0 < number <= _LARGEST:
            expected = f"a whole number, 1 or more, up to {_LARGEST}"
            raise not_as_expected(path, "people", key, number, expected)
    columns = people.get("columns", {})
    if not (isinstance(columns, Mapping) and _are_texts(columns.values())):
        raise not_as_expected(path, "people", "columns", columns, '{ person = "Employee ID", … }')


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)
