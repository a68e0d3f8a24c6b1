"""The hash of the ledger: of each period's net lines, and of the versions in force.

A closed period cannot change, so its digest is the one that its close kept; the open ones, one or
two, are read. `metering verify` reads the closed ones as well and holds them against their close.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from metering.books import budgets as budget_book
from metering.books import directory as directory_book
from metering.books import flat_files as flat_book
from metering.books import outcomes as outcome_book
from metering.books import period_content as content_book
from metering.books import periods as period_book
from metering.books import rate_cards as card_book
from metering.books import rules as rule_book
from metering.books import sharing as sharing_book
from metering.core.digests import joined_digest
from metering.core.ledger import ledger_hash

if TYPE_CHECKING:
    from sqlalchemy import Connection


def book_hash(connection: "Connection") -> str:
    """Return the hash of the ledger and the versions in force; equal ledgers have equal hashes."""
    return ledger_hash(period_digests(connection), versions_in_force(connection))


def period_digests(connection: "Connection") -> dict[str, str]:
    """Return the digest of the net lines of each period with postings."""
    closes = period_book.closes_in_force(connection)
    return {
        period: closes[period].period_hash
        if period in closes
        else content_book.period_digest(connection, period)
        for period in content_book.booked_periods(connection)
    }


def versions_in_force(connection: "Connection") -> dict[str, str]:
    """Return the content digest of everything that decides besides usage, by name.

    Budgets decide no charge and are in it, since reports show them. What metering.toml says is not:
    what [roles], [detail] and [true_up] decide stands in the lines themselves, whose basis says
    that it was promoted, by which source it was divided, and what trued it up.
    """
    versions = {
        f"card {card.name}": card.source_sha256 for card in card_book.card_versions(connection)
    }
    for file in flat_book.flat_files_in_force(connection):
        versions[f"flat {file.name}"] = file.sha256
    versions["rules"] = rule_book.rule_set_version(connection).source_sha256
    versions["owners"] = directory_book.directory_version(connection).source_sha256
    versions["sharing"] = sharing_book.sharing_version(connection).source_sha256
    for name, version in sharing_book.driver_versions(connection).items():
        versions[f"driver {name}"] = version.source_sha256
    if (budgets := budget_book.budget_version(connection)).version:
        versions["budgets"] = budgets.source_sha256
    if outcomes := outcome_book.outcome_files(connection):
        versions["outcomes"] = joined_digest([file.digest for file in outcomes])
    return versions


def versions_told(connection: "Connection") -> dict[str, str]:
    """Return the same as a person knows it: the number of each version, and its content digest."""
    numbers = {f"card {card.name}": card.version for card in card_book.card_versions(connection)}
    numbers["rules"] = rule_book.rule_set_version(connection).version
    numbers["owners"] = directory_book.directory_version(connection).version
    numbers["sharing"] = sharing_book.sharing_version(connection).version
    numbers["budgets"] = budget_book.budget_version(connection).version
    for name, version in sharing_book.driver_versions(connection).items():
        numbers[f"driver {name}"] = version.version
    return {
        name: " ".join(filter(None, (f"v{numbers[name]}" if numbers.get(name) else "", digest)))
        for name, digest in versions_in_force(connection).items()
    }


def changed_closed_periods(connection: "Connection") -> Iterator[str]:
    """Yield which closed periods are not what they were when they were closed, a sentence each."""
    for period, close in period_book.closes_in_force(connection).items():
        if content_book.period_digest(connection, period) != close.period_hash:
            yield f"period {period} is closed, and its postings are not those it was closed with"
