"""What finance books charges by, day by day: accounts and classes of owners, exchange rates.

A closed period keeps the directory it was closed with. What [journal] of metering.toml says stands
in where the directory gives no account; it is read as it is today.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from metering.books import directory as directory_book
from metering.books import fx as fx_book
from metering.books import periods as period_book
from metering.books import rules as rule_book
from metering.books.engine import begin_read, open_engine
from metering.core.closing.fx import FxRate, fx_for
from metering.core.ownership.directory import CostObject, CostObjects, cost_objects
from metering.core.ownership.directory_files import DirectoryFile
from metering.core.periods import BillingPeriod

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings


@dataclass(frozen=True, slots=True)
class Accounting:
    """What finance books the charges of a period by.

    Attributes:
        files: of the directory that decides in the period.
        rules_version, directory_version: that decide in it; 0 for none.
        rates: into the reporting currency, by currency and day.
        expense_of: account of a cost centre, where the directory gives none.
        expense: account of all others; empty for none.
    """

    files: Sequence[DirectoryFile] = ()
    rules_version: int = 0
    directory_version: int = 0
    rates: Mapping[tuple[str, date], FxRate] = field(default_factory=dict)
    expense_of: Mapping[str, str] = field(default_factory=dict)
    expense: str = ""
    _by_day: dict[date, CostObjects] = field(default_factory=dict)

    def of(self, cost_centre: str, project: str, day: date) -> CostObject:
        """Return what holds for an owner's charge of a day."""
        known = self._by_day.get(day)
        if known is None:
            known = self._by_day[day] = cost_objects(self.files, day)
        found = known.of(cost_centre, project)
        account = found.gl_account or self.expense_of.get(cost_centre, self.expense)
        return replace(found, gl_account=account)


def accounting_of(
    connection: "Connection", settings: "Settings", period: BillingPeriod
) -> Accounting:
    """Return what finance books the charges of a period by.

    Args:
        connection: of a read transaction; what it sees is what counts.
        settings: the reporting currency, and [journal].
        period: closed, it keeps the files that decided when it was closed.
    """
    said = settings.journal
    accounts = said.get("expense_accounts", {})
    found = Accounting(
        rates=fx_for(
            rate for rate in fx_book.fx_rates(connection) if rate.quote == settings.currency
        ),
        expense_of={str(name): str(one) for name, one in accounts.items()}
        if isinstance(accounts, Mapping)
        else {},
        expense=str(said.get("expense_account", "")),
    )
    closed_by = period_book.owners_of_closed(connection).get(str(period))
    if closed_by is None:
        return _deciding(connection, found)
    with begin_read(open_engine(settings.books_url), as_of=closed_by) as then:
        return _deciding(then, found)


def _deciding(connection: "Connection", found: Accounting) -> Accounting:
    return replace(
        found,
        files=directory_book.files_in_force(connection),
        rules_version=rule_book.rule_set_version(connection).version,
        directory_version=directory_book.directory_version(connection).version,
    )
