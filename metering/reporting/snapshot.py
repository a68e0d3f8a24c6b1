"""What a report is made from: one period of the book, frozen, with its provenance.

A report never asks the book again while it is being made, so its pages, files and terminal lines
cannot disagree with each other. Construction checks what must hold; what does not hold is our
defect, never the reader's, and raises `LedgerError`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from metering.core.closing.tieout import TieOut
from metering.core.periods import BillingPeriod
from metering.errors import LedgerError

_INT64_LIMIT: Final = 2**63


class ReportStatus(StrEnum):
    """Whether the figures may still change."""

    ESTIMATE = "estimate"
    FINAL = "final"


class Bearer(StrEnum):
    """Who bears a line: an owner, one of the two suspense accounts, or shared cost.

    The cost centre of a shared line is the name of its account, a pool or what a mark-up came to.
    """

    OWNER = "owner"
    SHARED = "shared"
    UNATTRIBUTED = "unattributed"
    UNPRICED = "unpriced"


def _column(name: str, kind: pa.DataType, *, optional: bool = False) -> "pa.Field[Any]":
    return pa.field(name, kind, nullable=optional)


LINE_SCHEMA: Final = pa.schema(
    [
        _column("charge_day", pa.date32()),
        _column("bearer", pa.string()),
        _column("cost_centre", pa.string(), optional=True),
        _column("team", pa.string(), optional=True),
        _column("project", pa.string(), optional=True),
        _column("provider", pa.string()),
        _column("billing_account", pa.string()),
        _column("platform", pa.string()),
        _column("product", pa.string(), optional=True),
        _column("model", pa.string(), optional=True),
        _column("meter", pa.string()),
        _column("status", pa.string()),
        _column("reason", pa.string(), optional=True),
        _column("rule", pa.string(), optional=True),
        _column("card", pa.string(), optional=True),
        _column("currency", pa.string()),
        _column("quantity", pa.int64()),
        _column("amount_nanos", pa.int64()),
        _column("list_nanos", pa.int64(), optional=True),
        _column("corrects", pa.string(), optional=True),
        _column("centre_owner", pa.string(), optional=True),
        _column("gl_account", pa.string(), optional=True),
        _column("capex_opex", pa.string(), optional=True),
        _column("cogs_or_rnd", pa.string(), optional=True),
        _column("booking_currency", pa.string(), optional=True),
        _column("fx_rate", pa.string(), optional=True),
        _column("fx_day", pa.string(), optional=True),
    ]
)
"""The columns of `ChargeLines`, in order; those that may be null may be left out.

`charge_day` is the day of the usage. `corrects` is the closed period that a line corrects.
`cost_centre`, `team` and `project` are null for suspense. `model` is the canonical name, or the raw
one where no alias is known. `amount_nanos` is what is billed; `list_nanos` is null where no list
price is known, which is not the same as zero. `rule` is the split that a share comes from.
`centre_owner`, `gl_account`, `capex_opex` and `cogs_or_rnd` are what finance says of the owner on
that day. `fx_rate` is what one unit of `currency` is worth in `booking_currency`, and `fx_day` the
day it was published for; null where nothing was converted.
"""

HISTORY_SCHEMA: Final = pa.schema(
    [
        _column("period", pa.string()),
        _column("charge_day", pa.date32()),
        _column("cost_centre", pa.string(), optional=True),
        _column("team", pa.string(), optional=True),
        _column("project", pa.string(), optional=True),
        _column("currency", pa.string()),
        _column("amount_nanos", pa.int64()),
    ]
)
"""The columns of `History`: billed nanos by posting period, charge day and owner.

Suspense has neither cost centre nor team nor project; the cost centre of shared cost that was not
given on is the name of its account, as in `Bearer`.
"""


@dataclass(frozen=True, slots=True)
class ChargeLines:
    """The net ledger lines of one period, as columns.

    Attributes:
        table: columns of `LINE_SCHEMA`; any order of rows.
    """

    table: pa.Table

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[Any]] | pa.Table) -> "ChargeLines":
        """Return lines from named columns; others than those of `LINE_SCHEMA` are left out.

        Raises:
            LedgerError: a column is missing or of another type, or the sums of this period do not
                fit 64 bits (9.2 billion currency units), so that a frame could wrap around.
        """
        table = _conformed(columns, LINE_SCHEMA)
        for name in ("quantity", "amount_nanos", "list_nanos"):
            _refuse_overflow(table, name)
        return cls(table)

    def control_totals(self) -> dict[str, int]:
        """Return the billed nanos per currency, exact: what every view must add up to."""
        return _totals(self.table)


@dataclass(frozen=True, slots=True)
class History:
    """Billed amounts of this and earlier periods, by day and owner: prior month, charts over time.

    Attributes:
        table: columns of `HISTORY_SCHEMA`; any order of rows.
    """

    table: pa.Table

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[Any]] | pa.Table) -> "History":
        """Return a history from named columns; raises `LedgerError` as `ChargeLines.of` does."""
        table = _conformed(columns, HISTORY_SCHEMA)
        _refuse_overflow(table, "amount_nanos")
        return cls(table)

    def totals_of(self, period: BillingPeriod) -> dict[str, int]:
        """Return the billed nanos per currency of one posting period."""
        return _totals(self.table.filter(pc.equal(self.table["period"], pa.scalar(str(period)))))


@dataclass(frozen=True, slots=True)
class CardUsed:
    """A rate card in force.

    Attributes:
        version: its version in the book.
        kind: contract, internal, overlay, list.
        source: who published the prices, and their version.
    """

    name: str
    version: int
    kind: str
    currency: str
    source: str


@dataclass(frozen=True, slots=True)
class SourceReceipt:
    """One source file and its receipt: `records_in` is the sum of the three counts after it.

    Attributes:
        name: the file's name, as the user had it; foreign text.
        ingestor: name and version of what read it.
        first_day, last_day: charge days covered; None for a file without records.
        content_sha256: hex digest of the content.
    """

    name: str
    ingestor: str
    role: str
    first_day: date | None
    last_day: date | None
    records_in: int
    recorded: int
    already_known: int
    rejected: int
    content_sha256: str

    def __post_init__(self) -> None:
        if self.records_in != self.recorded + self.already_known + self.rejected:
            raise LedgerError(f"the receipt of {self.name!r} does not add up")


@dataclass(frozen=True, slots=True)
class OwnerAmount:
    """What is planned or foreseen for an owner over the whole period.

    Attributes:
        team, project: empty where the amount is for all of the cost centre, or of the team.
        nanos: of `currency`.
    """

    cost_centre: str
    team: str
    project: str
    currency: str
    nanos: int


@dataclass(frozen=True, slots=True)
class BudgetStretch:
    """A budget of several months, as it stands at the end of one of them; amounts in nanos.

    Attributes:
        team, project: empty where it is for all of the cost centre, or of the team.
        months: which, as YYYY-MM..YYYY-MM.
        budget_nanos: for all of them.
        share_nanos: of this month, by its days.
        month_nanos: charged in this month.
        charged_nanos: from its first month to the end of this one.
    """

    cost_centre: str
    team: str
    project: str
    currency: str
    months: str
    budget_nanos: int
    share_nanos: int
    month_nanos: int
    charged_nanos: int

    @property
    def left_nanos(self) -> int:
        """What is left for the months that come; below 0 it is spent."""
        return self.budget_nanos - self.charged_nanos


@dataclass(frozen=True, slots=True)
class SharedPool:
    """One pool of shared cost, and the rule by which it was given on.

    Attributes:
        name: as in the product of its shares; foreign text.
        rule: how it is divided, in a sentence.
        version: of the rules, as "version 3"; empty where they have none.
    """

    name: str
    rule: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class OwnerAsked:
    """Somebody who was asked whose spend it is.

    Attributes:
        subject: the provider's name of the key, workspace or account; foreign text.
        asked: who was asked; foreign text, never a person's name.
        since: the day they were.
    """

    provider: str
    subject: str
    asked: str
    since: date


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One period of the book, frozen.

    Attributes:
        currency: the reporting currency; lines in another one are shown apart, never added.
        snapshot_id: prefix of the ledger hash; the same on every page and file.
        made_at: instant of the last run that changed the book (UTC), not of the rendering: the
            same ledger gives the same bytes.
        rules_version, directory_version: None where none has been imported.
        promoted: sentences that say which detail sources were charged in place of metered ones.
        unmetered: sentences that say which detail is of a provider that nothing meters.
        quarantined: records refused and not yet resolved; they are in no amount.
        budgets, forecasts: None where nobody planned or foresaw; columns are shown only then.
        stretches: the budgets of several months; their share of this one is in `budgets` too.
        pools: shared cost with its rules.
        asked: who was asked about spend without an owner.
    """

    period: BillingPeriod
    currency: str
    status: ReportStatus
    snapshot_id: str
    made_at: datetime
    lines: ChargeLines
    history: History
    tie_outs: tuple[TieOut, ...] = ()
    cards: tuple[CardUsed, ...] = ()
    rules_version: int | None = None
    directory_version: int | None = None
    sources: tuple[SourceReceipt, ...] = ()
    promoted: tuple[str, ...] = ()
    unmetered: tuple[str, ...] = ()
    quarantined: int = 0
    budgets: tuple[OwnerAmount, ...] | None = None
    forecasts: tuple[OwnerAmount, ...] | None = None
    stretches: tuple[BudgetStretch, ...] = ()
    pools: tuple[SharedPool, ...] = ()
    asked: tuple[OwnerAsked, ...] = ()

    def totals(self) -> dict[str, int]:
        """Return the control total of each currency, the reporting currency first; never empty.

        A currency in which there is an invoice and no charge has the total 0.
        """
        invoiced = dict.fromkeys((tie.currency for tie in self.tie_outs), 0)
        totals = invoiced | self.lines.control_totals() or {self.currency: 0}
        ordered = sorted(totals, key=lambda name: (name != self.currency, name))
        return {currency: totals[currency] for currency in ordered}

    def __post_init__(self) -> None:
        for tie in self.tie_outs:
            if sum(line.nanos for line in tie.lines) != tie.invoiced_nanos:
                raise LedgerError(
                    f"the tie-out of {tie.provider}/{tie.billing_account} does not add up to "
                    f"what was invoiced"
                )
        lines, history = self.lines.control_totals(), self.history.totals_of(self.period)
        if any(lines.get(name, 0) != history.get(name, 0) for name in lines.keys() | history):
            raise LedgerError(f"the history and the lines of {self.period} have different totals")


def _conformed(columns: Mapping[str, Sequence[Any]] | pa.Table, schema: pa.Schema) -> pa.Table:
    given = columns.column_names if isinstance(columns, pa.Table) else list(columns)
    missing = [field.name for field in schema if field.name not in given and not field.nullable]
    if missing:
        raise LedgerError(f"a report needs the column {missing[0]!r}")
    try:
        present = pa.schema([field for field in schema if field.name in given])
        if isinstance(columns, pa.Table):
            table = columns.select(present.names).cast(present)
        else:
            table = pa.table({name: columns[name] for name in present.names}, schema=present)
        for place, field in enumerate(schema):
            if field.name not in given:
                table = table.add_column(place, field, pa.nulls(len(table), field.type))
        table.validate(full=True)
    except (pa.ArrowException, OverflowError) as error:
        raise LedgerError(f"a column of the report is not what it says: {error}") from error
    required = [name for name in schema.names if not schema.field(name).nullable]
    holes = [name for name in required if table[name].null_count]
    if holes:
        raise LedgerError(f"the column {holes[0]!r} of a report has a null")
    return table


def _refuse_overflow(table: pa.Table, name: str) -> None:
    # pandas and Arrow wrap around silently. No sum of a part can exceed the sum of magnitudes, so
    # one exact check here covers every view made later.
    wide = pc.abs(table[name].cast(pa.decimal128(38, 0)))
    magnitude = pc.sum(wide).as_py() or 0
    if int(magnitude) >= _INT64_LIMIT:
        raise LedgerError(f"the sum of {name} exceeds 64 bits; a report cannot hold it exactly")


def _totals(table: pa.Table) -> dict[str, int]:
    # Currencies are few, and to group by them would load Arrow's engine for data sets.
    currencies = table["currency"]
    return {
        name: int(
            pc.sum(table["amount_nanos"].filter(pc.equal(currencies, pa.scalar(name)))).as_py()
        )
        for name in sorted(map(str, pc.unique(currencies).to_pylist()))
    }
