"""What metering.toml settles: environment variables over it, flags over both."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from metering.errors import BookError
from metering.settings_file import not_as_expected, read_settings_file

FILE_NAME: Final = "metering.toml"
DEFAULT_PEOPLE_KEY: Final = Path("~/.config/metering/people.key")
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
    document = read_settings_file(path)
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
        dividers=_tables(document.get("detail", {})),
        outcomes=dict(document.get("outcomes", {})),
        economics=dict(document.get("economics", {})),
        findings=dict(document.get("findings", {})),
        inbox=home / document.get("nightly", {}).get("inbox", "inbox"),
        pull=_tables(document.get("pull", {})),
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
        raise not_as_expected(path, "engine", "memory_limit", said, 'a size, like "4GB"')
    return said


def _threads(path: Path, engine: Mapping[str, Any]) -> int:
    said = str(os.environ.get("METERING_ENGINE_THREADS") or engine.get("threads", 0))
    if not _THREADS.fullmatch(said):
        raise not_as_expected(path, "engine", "threads", said, "a whole number up to 9999")
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


def _tables(said: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: dict(table) for name, table in said.items()}


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
