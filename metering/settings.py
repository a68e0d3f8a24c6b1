"""metering.toml: where things are; environment variables over it, flags over both."""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from metering.errors import BookError, shown

FILE_NAME: Final = "metering.toml"
DEFAULT_PEOPLE_KEY: Final = Path("~/.config/metering/people.key")
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
_MEMORY: Final = re.compile(r"(?i)[0-9]{1,9}(\.[0-9]{1,3})?\s*([KMGT]i?)?B")
_THREADS: Final = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """How a company wants its reports to look; None leaves it to the house.

    Attributes:
        organisation: its name.
        logo: a PNG or SVG file.
        accent, accent_dark: colours of bars and links on white and on dark paper, "#rrggbb".
        locale: how numbers are written, a BCP 47 tag.
        templates: a folder whose files take the place of ours with the same name.
    """

    organisation: str | None = None
    logo: Path | None = None
    accent: str | None = None
    accent_dark: str | None = None
    locale: str | None = None
    templates: Path | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a command needs to know about where it works.

    Attributes:
        home: the folder that holds metering.toml; relative paths start here.
        books_url: SQLAlchemy URL of the books.
        currency: reporting currency, ISO 4217.
        lake: folder of the usage lake.
        memory_limit: what the engine may take, e.g. "1GB".
        threads: engine threads; 0 means one per core.
        spark: address of the Spark that rolls usage up; None for the embedded engine.
        rules_file: the attribution rules.
        promoted: ingestor names whose `detail` may be charged, said so on the report.
        demoted: ingestor names whose `metered` numbers only divide.
        accounts: ingestor name to the billing account of files that do not name one.
        together: ingestor names whose files of a night count together, as exports of parts.
        in_order: ingestor names whose exports are taken in in the order they were made in.
        dividers: name of a detail ingestor to the metered usage it divides: patterns by field.
        outcomes: what [outcomes] says, see `core.outcomes.outcome_rules`.
        economics: what [economics] says, see `core.findings.economics_rules`.
        findings: what [findings] says, see `core.findings.finding_rules`.
        inbox: folder of what the next night takes in.
        pull: what [pull] says, connector to its options.
        true_up: what [true_up] says, reason to bearer, see `core.closing.adjustments`.
        journal: what [journal] says, see `workflows.closing.journal`.
        arrival: what [arrival] says, source to rhythm, see `workflows.intake.arrival`.
        tolerance: what may be unexplained of an invoice, see `workflows.closing.refusals`.
        report: the look of the reports.
        people_columns: our columns of a people file to those of an HR export.
        people_key_file: the key of the pseudonyms of people; outside of `home`.
        reveal_by: the accounts that may ask whom a pseudonym stands for.
        keep_days: after how many days usage no longer tells whose use it was; None for never.
        fewest_people: of fewer nothing is shown, see `workflows.ownership.people`.
    """

    home: Path
    books_url: str
    currency: str = "USD"
    lake: Path = Path("lake")
    memory_limit: str = "1GB"
    threads: int = 0
    spark: str | None = None
    rules_file: Path = Path("rules.toml")
    promoted: frozenset[str] = frozenset()
    demoted: frozenset[str] = frozenset()
    accounts: Mapping[str, str] = field(default_factory=dict)
    together: frozenset[str] = frozenset()
    in_order: frozenset[str] = frozenset()
    dividers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    outcomes: Mapping[str, Any] = field(default_factory=dict)
    economics: Mapping[str, Any] = field(default_factory=dict)
    findings: Mapping[str, Any] = field(default_factory=dict)
    inbox: Path = Path("inbox")
    pull: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    true_up: Mapping[str, str] = field(default_factory=dict)
    journal: Mapping[str, Any] = field(default_factory=dict)
    arrival: Mapping[str, str] = field(default_factory=dict)
    tolerance: str = "0"
    report: ReportSettings = field(default_factory=ReportSettings)
    people_columns: Mapping[str, str] = field(default_factory=dict)
    people_key_file: Path = DEFAULT_PEOPLE_KEY
    reveal_by: frozenset[str] = frozenset()
    keep_days: int | None = None
    fewest_people: int | None = None

    @property
    def mappings(self) -> Path:
        """The folder of mapping files, beside metering.toml; there may be none."""
        return self.home / "mappings"

    def is_metered(self, ingestor: str, declared_role: str) -> bool:
        """Return whether an ingestor's usage may be charged, after what [roles] says."""
        if ingestor in self.demoted:
            return False
        return declared_role == "metered" or (
            declared_role == "detail" and ingestor in self.promoted
        )

    def divides(self, ingestor: str, declared_role: str) -> bool:
        """Return whether an ingestor's usage divides what is metered, after [detail]."""
        return ingestor in self.dividers and not self.is_metered(ingestor, declared_role)


def find_settings(start: Path, *, explicit: Path | None = None) -> Settings | None:
    """Return the settings of the nearest metering.toml at or above `start`, or None.

    Args:
        start: usually the working directory.
        explicit: a file given with --config; it is read and nothing else is looked for.

    Raises:
        BookError: the file is not TOML, or has a section or key we do not know.
    """
    if explicit is not None:
        return load_settings(explicit)
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return load_settings(folder / FILE_NAME)
    return None


def load_settings(path: Path) -> Settings:
    """Return the settings of one file, with METERING_… environment variables over it.

    Raises:
        BookError: code `bad-settings`; the message names the file and the key.
    """
    document = _document(path)
    _refuse_unknown(path, document)
    _refuse_other_shapes(path, document)
    home = path.resolve().parent
    books = document.get("books", {})
    roles = document.get("roles", {})
    engine = document.get("engine", {})
    people = document.get("people", {})
    url = os.environ.get("METERING_BOOKS_URL") or books.get("url") or "sqlite:///books.sqlite"
    location = os.environ.get("METERING_USAGE_LOCATION") or document.get("usage", {}).get(
        "location", "lake"
    )
    return Settings(
        home=home,
        books_url=_anchored(url, home),
        currency=books.get("currency", "USD"),
        lake=_lake(home / location),
        memory_limit=_memory_limit(path, engine),
        threads=_threads(path, engine),
        spark=_spark(path, engine),
        rules_file=home / document.get("rules", {}).get("file", "rules.toml"),
        promoted=frozenset(name for name, role in roles.items() if role == "metered"),
        demoted=frozenset(name for name, role in roles.items() if role == "detail"),
        accounts=dict(document.get("accounts", {})),
        together=frozenset(document.get("exports", {}).get("together", ())),
        in_order=frozenset(document.get("exports", {}).get("in_order", ())),
        dividers=_dividers(path, document.get("detail", {})),
        outcomes=dict(document.get("outcomes", {})),
        economics=dict(document.get("economics", {})),
        findings=dict(document.get("findings", {})),
        inbox=home / document.get("nightly", {}).get("inbox", "inbox"),
        pull=_tables(path, "pull", document.get("pull", {})),
        true_up=dict(document.get("true_up", {})),
        journal=dict(document.get("journal", {})),
        arrival=dict(document.get("arrival", {})),
        tolerance=document.get("close", {}).get("tolerance", "0"),
        report=_report(document.get("report", {}), home),
        people_columns=dict(people.get("columns", {})),
        people_key_file=_people_key(people.get("key_file"), home),
        reveal_by=frozenset(people.get("reveal_by", ())),
        keep_days=people.get("keep_days"),
        fewest_people=people.get("fewest"),
    )


def _document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} is not UTF-8"
    except OSError as error:
        reason = error.strerror or str(error)
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
    raise BookError(
        "bad-settings",
        f"{path} is not readable TOML: {reason}",
        do="correct it; `metering init DIR` writes one to compare it with",
    )


def _lake(folder: Path) -> Path:
    # The days of the lake are told by its folders, `day=2026-10-01`: so would be anything else.
    told = [name for name in folder.parts if "=" in name]
    if told:
        raise BookError(
            "bad-settings",
            f"the lake cannot be in {folder}: {told[0]!r} would be taken for a column of its files",
            do="choose a folder below none that has = in its name, for the ledger or as location"
            " under [usage]",
        )
    return folder


def _memory_limit(path: Path, engine: Mapping[str, Any]) -> str:
    said: str = os.environ.get("METERING_ENGINE_MEMORY_LIMIT") or engine.get("memory_limit", "1GB")
    if not _MEMORY.fullmatch(said):
        raise _not_as_expected(path, "engine", "memory_limit", said, 'a size, like "4GB"')
    return said


def _threads(path: Path, engine: Mapping[str, Any]) -> int:
    said = str(os.environ.get("METERING_ENGINE_THREADS") or engine.get("threads", 0))
    if not _THREADS.fullmatch(said):
        raise _not_as_expected(path, "engine", "threads", said, "a whole number up to 9999")
    return int(said)


def _people_key(said: str | None, home: Path) -> Path:
    path = os.environ.get("METERING_PEOPLE_KEY_FILE") or said or str(DEFAULT_PEOPLE_KEY)
    return home / Path(path).expanduser()


def _report(given: Mapping[str, str], home: Path) -> ReportSettings:
    words = dict(given)
    files = {key: home / words.pop(key) for key in ("logo", "templates") if key in words}
    return ReportSettings(
        **words,
        logo=files.get("logo"),
        templates=files.get("templates"),
    )


def _anchored(url: str, home: Path) -> str:
    # A relative SQLite path means relative to metering.toml, not to wherever the shell stands.
    prefix = "sqlite:///"
    if url.startswith(prefix) and not url.startswith(prefix + "/") and len(url) > len(prefix):
        return prefix + str(home / url.removeprefix(prefix))
    return url


def _spark(path: Path, engine: Mapping[str, Any]) -> str | None:
    kind, address = engine.get("kind", "duckdb"), engine.get("spark")
    if kind == "duckdb":
        return None
    if kind == "spark" and isinstance(address, str) and address:
        return address
    raise BookError(
        "bad-settings",
        f"{path}: [engine] kind is {kind!r}" + (" and spark is not said" * (kind == "spark")),
        details=('expected: "duckdb", or "spark" with spark = "spark://HOST:PORT"',),
    )


def _tables(path: Path, section: str, said: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    for name, table in said.items():
        if not isinstance(table, Mapping):
            raise BookError("bad-settings", f"{path}: [{section}] {name} is not a table")
    return {name: dict(table) for name, table in said.items()}


def _dividers(path: Path, said: Mapping[str, object]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for ingestor, patterns in said.items():
        if not isinstance(patterns, Mapping) or not all(
            isinstance(pattern, str) for pattern in patterns.values()
        ):
            raise BookError(
                "bad-settings",
                f"{path}: [detail] {ingestor} does not say which metered usage it divides",
                details=('expected: { FIELD = "PATTERN", … }, or {} for all of its accounts',),
            )
        found[ingestor] = dict(patterns)
    return found


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


def _refuse_other_shapes(path: Path, document: Mapping[str, Mapping[str, object]]) -> None:
    for section, keys in _TEXTS.items():
        values = document.get(section, {})
        for key in keys or values:
            if not isinstance(values.get(key, ""), str):
                raise _not_as_expected(path, section, key, values[key], "text, in quotes")
    for name, role in document.get("roles", {}).items():
        if role not in _ROLES:
            raise _not_as_expected(path, "roles", name, role, " or ".join(map(repr, _ROLES)))
    for section, key, listed in _LISTS:
        texts = document.get(section, {}).get(key, [])
        if not (isinstance(texts, list) and _are_texts(texts)):
            raise _not_as_expected(path, section, key, texts, f'["{listed}", …]')
    _refuse_other_people(path, document)


def _refuse_other_people(path: Path, document: Mapping[str, Mapping[str, Any]]) -> None:
    people = document.get("people", {})
    for key in ("keep_days", "fewest"):
        number = people.get(key, 1)
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise _not_as_expected(path, "people", key, number, "a whole number, 1 or more")
    columns = people.get("columns", {})
    if not (isinstance(columns, Mapping) and _are_texts(columns.values())):
        raise _not_as_expected(path, "people", "columns", columns, '{ person = "Employee ID", … }')


def _are_texts(values: Iterable[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _not_as_expected(path: Path, section: str, key: str, found: object, expected: str) -> BookError:
    return BookError(
        "bad-settings",
        f"{path}: [{section}] {key} is {shown(found)}",
        details=(f"expected: {expected}",),
    )
