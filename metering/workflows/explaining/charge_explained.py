"""One charge explained: its arithmetic, its price, its owner, and the records behind it."""

import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from metering.books import lake as lake_book
from metering.books import ledger as ledger_book
from metering.books import period_content as content_book
from metering.books import sources as source_book
from metering.core.flat.flat_money import FLAT_PRODUCTS
from metering.core.flat.money_alone import UNCOUNTED
from metering.core.ledger import (
    DEFAULT_ACCOUNT,
    UNATTRIBUTED,
    UNPRICED,
    owner_account,
    pool_account,
)
from metering.core.meters import Meter
from metering.core.money import decimal_text
from metering.core.ownership.attribution import attribution_fields, owner_of
from metering.core.pricing.rates import Modifier, Rate
from metering.core.pricing.terms import Term
from metering.core.sharing.allocation import SPLIT_ID
from metering.core.sharing.splits import BASIS_FIELDS, SHARE_METERS, pool_of
from metering.engine import trace
from metering.engine.connection import open_duckdb
from metering.usage.columns import CONDITION_COLUMNS
from metering.usage.lake import Lake
from metering.workflows.explaining import flat_explained
from metering.workflows.explaining.adjustment_explained import decision_text
from metering.workflows.explaining.explain_shares import share_text, split_text
from metering.workflows.intake.whereabouts import Whereabouts
from metering.workflows.posting.dividing import is_same_model, measured_in
from metering.workflows.posting.policy import policy_in_force
from metering.workflows.posting.rating_answers import conditions_text
from metering.workflows.pricing.prices import row_text, subject_text

if TYPE_CHECKING:
    import duckdb
    from sqlalchemy import Connection

    from metering.settings import Settings
    from metering.workflows.posting.policy import Policy


@dataclass(frozen=True, slots=True)
class Price:
    """Where one rate or modifier of a charge comes from.

    Attributes:
        rate_id: what the posting pins.
        says: the price or factor, in words.
        card: name and version.
        source: page or file it was read from.
        read: day it was read, as the card says.
        since, until: instants it holds; "" is unbounded.
    """

    rate_id: str
    says: str
    card: str
    source: str
    read: str
    since: str
    until: str


@dataclass(frozen=True, slots=True)
class Found:
    """Usage records behind a charge, as where they stood in their source file.

    Attributes:
        path, line: where the source file stands now, and the physical line.
        record: which of the records on that line; None where it is the only one.
        quantity: of the charge's meter; None where it counts nothing, or is a bill's.
        amount_nanos: of a line of a bill; None for anything that counts.
    """

    path: str
    line: int
    quantity: int | None
    amount_nanos: int | None = None
    record: int | None = None

    @property
    def place(self) -> str:
        """The file and line, as editors read them, and the record."""
        record = "" if self.record is None else f" record {self.record}"
        return f"{self.path}:{self.line}{record}"


@dataclass(frozen=True, slots=True)
class Explained:
    """One charge of the amount in question: one account and basis over its days.

    Attributes:
        account: who bears it.
        model, meter, conditions, status, reason: what was used and how it was rated.
        currency, amount_nanos, list_nanos, quantity: net of all its postings; a charge of money
            alone, such as a bill states, has no quantity.
        first_day, last_day: ISO charge days.
        arithmetic: quantity times price, as a person would write it; for a share, its weight out of
            all and what was given on; empty without a rate.
        prices: the rate and its modifiers.
        owners: how the owner was found, one entry per rule or directory line.
        records: usage records behind it; their quantity is that of the charge.
        traced_quantity: what those records hold; None where the charge has no quantity.
        examples: the largest of them.
        divided: what the detail source says that divided what is metered; its records are those
            behind the charge. Empty where nothing was divided.
        corrections: what of it puts a closed period right, and why; a sentence each.
        decided: who decided a true-up or a dispute, when and why; empty for what nobody decided.
    """

    account: str
    model: str
    meter: str
    conditions: str
    status: str
    reason: str
    currency: str
    amount_nanos: int
    list_nanos: int
    quantity: int | None
    first_day: str
    last_day: str
    arithmetic: str
    prices: tuple[Price, ...]
    owners: tuple[str, ...]
    records: int
    traced_quantity: int | None
    examples: tuple[Found, ...]
    divided: str = ""
    corrections: tuple[str, ...] = ()
    decided: str = ""


class ChargeTracer:
    """Follows charges to their sources, reading what they share once."""

    def __init__(self, connection: "Connection", settings: "Settings", records: int) -> None:
        self._connection = connection
        self._settings = settings
        self._lake = Lake(settings.lake)
        self._policy = policy_in_force(connection, settings)
        self._prices = _prices(self._policy)
        self._records = records
        live = [file for file in lake_book.live_files(connection) if file.path is not None]
        self._files = [file for file in live if settings.is_metered(file.ingestor, file.role)]
        self._detail = [file for file in live if settings.divides(file.ingestor, file.role)]
        sources = source_book.list_sources(connection)
        self._whereabouts = Whereabouts(settings, connection)
        self._sources = {stored.id: stored for stored in sources}
        self._sources_of_content = {
            (stored.source.content_sha256, stored.source.ingestor): stored for stored in sources
        }

    def explained(self, lines: Sequence[ledger_book.NetLine]) -> Explained:
        """Return one charge, all of whose lines have the same account and basis."""
        line = lines[0]
        days = sorted({one.charge_day for one in lines})
        flat = line.product in FLAT_PRODUCTS
        counts = line.meter not in UNCOUNTED
        behind = (self._agreed if flat else self._behind)(line, days)
        return Explained(
            account=line.debit,
            model=line.model or "(the source names no model)",
            meter=line.meter,
            conditions=line.conditions,
            status=line.status,
            reason=line.reason,
            currency=line.currency,
            amount_nanos=sum(one.amount_nanos for one in lines),
            list_nanos=sum(one.list_nanos for one in lines),
            quantity=sum(one.quantity for one in lines) if counts else None,
            first_day=days[0],
            last_day=days[-1],
            arithmetic=self._arithmetic(lines),
            prices=tuple(
                self._prices.get(rate_id, Price(rate_id, "no longer in force", "", "", "", "", ""))
                for rate_id in json.loads(line.rate_ids)
            ),
            owners=behind.owners,
            records=behind.records,
            traced_quantity=behind.quantity if counts else None,
            examples=behind.examples,
            divided=_divided(line, behind),
            corrections=self._corrections(lines),
            decided=decision_text(self._connection, line),
        )

    def _corrections(self, lines: Sequence[ledger_book.NetLine]) -> tuple[str, ...]:
        line = lines[0]
        periods = sorted({one.period for one in lines if one.corrects_period})
        return tuple(
            f"{one.reason} of {one.corrects_period}, which was closed: {line.currency} "
            f"{decimal_text(one.amount_nanos)} in {one.postings:,} of the postings"
            for period in periods
            for one in content_book.corrections_in(self._connection, period, line.debit, line.basis)
        )

    def _arithmetic(self, lines: Sequence[ledger_book.NetLine]) -> str:
        line = lines[0]
        if line.meter in SHARE_METERS:
            siblings = ledger_book.lines_of_basis(self._connection, line.basis)
            periods = {(one.period, one.charge_day) for one in lines}
            return share_text(
                lines, [one for one in siblings if (one.period, one.charge_day) in periods]
            )
        return _arithmetic(line, sum(one.quantity for one in lines))

    def _agreed(self, line: ledger_book.NetLine, days: Sequence[str]) -> "_Behind":
        dates = [date.fromisoformat(day) for day in days]
        policy = self._policy
        found = flat_explained.behind(policy.flat, policy.reigns, line, dates, self._records)
        examples = tuple(Found(*example) for example in found.examples)
        return _Behind(found.seats, found.seat_days, examples, found.owners)

    def _behind(self, line: ledger_book.NetLine, days: Sequence[str]) -> "_Behind":
        wanted = set(days)
        listed = [
            file
            for file in (self._detail if line.divided_by else self._files)
            if file.day in wanted and line.divided_by in ("", file.ingestor)
        ]
        # A file that was rewritten since, as of an earlier run, may have been collected.
        files = {
            str(path): file
            for file in listed
            if (path := self._lake.path_of(file.path or "")).is_file()
        }
        if not files:
            return _Behind(0, 0, (), ())
        # Conditions come last: they tell apart charges of one model at several rates.
        rules = (reign.rules for reign in self._policy.reigns)
        read = frozenset[str]().union(*map(attribution_fields, rules))
        fields = (*sorted(read), *CONDITION_COLUMNS)
        with (
            self._lake.staging() as scratch,
            open_duckdb(
                scratch,
                memory_limit=self._settings.memory_limit,
                threads=self._settings.threads,
            ) as duck,
        ):
            paths = [Path(path) for path in files]
            kinds = self._finer(duck, line, paths) if line.divided_by else _kinds(line, days)
            trace.open_usage(duck, paths, kinds)
            meter = measured_in(line)
            whole = trace.quantity_of(duck, meter)
            keys, owners = self._identities_of(duck, line, days, fields)
            count, quantity, rows = trace.examples(duck, fields, keys, meter, self._records)
        is_billed = meter == Meter.BILLED_NANOS
        examples = tuple(
            Found(
                self._path_of(files[row.file], row.source),
                row.line,
                quantity=None if is_billed else row.quantity,
                amount_nanos=row.quantity if is_billed else None,
                record=row.record,
            )
            for row in rows
        )
        return _Behind(count, quantity, examples, owners, whole)

    def _path_of(self, file: lake_book.LakeFile, source: str | None) -> str:
        """Return where the file of a record stands."""
        if file.source_id is not None:
            return self._whereabouts.of(self._sources[file.source_id])
        return self._whereabouts.of(self._sources_of_content[source or "", file.ingestor])

    def _finer(
        self, duck: "duckdb.DuckDBPyConnection", line: ledger_book.NetLine, paths: Sequence[Path]
    ) -> list[trace.Kind]:
        """Return the kinds of detail usage that divide a line: of its account and model."""
        return [
            kind
            for kind in trace.kinds_in(duck, paths)
            if kind.provider == line.provider
            and kind.billing_account in (line.billing_account, DEFAULT_ACCOUNT)
            and is_same_model(self._policy.rates, line, kind)
        ]

    def _identities_of(
        self,
        duck: "duckdb.DuckDBPyConnection",
        line: ledger_book.NetLine,
        days: Sequence[str],
        fields: Sequence[str],
    ) -> tuple[list[tuple[str | None, ...]], tuple[str, ...]]:
        """Return the identities that the account bears, and how each was found to be its own."""
        keys, how = [], set()
        for values in trace.identities(duck, fields, measured_in(line)):
            conditions = conditions_text(values[-len(CONDITION_COLUMNS) :])
            if not line.divided_by and conditions != line.conditions:
                continue
            identity = dict(zip(fields, values, strict=True))
            for day in days:
                on = date.fromisoformat(day)
                reign = self._policy.reign_on(on)
                owned = owner_of(identity, on, reign.rules, reign.directory)
                account = owner_account(owned.owner) if owned else UNATTRIBUTED
                pool = pool_of(reign.sharing, account, _charge(line), on)
                bearer = pool_account(pool.name) if pool else account
                if line.debit in {bearer.name, UNPRICED.name}:
                    keys.append(values)
                    how.add(owned.how if owned else "no rule and no directory line names an owner")
                    break
        return keys, tuple(sorted(how))


@dataclass(frozen=True, slots=True)
class _Behind:
    """The records behind a charge.

    Attributes:
        records, quantity: how many, and of the charge's meter.
        examples: the largest.
        owners: how their owner was found.
        whole: quantity of all usage of the kind, whoever's it is.
    """

    records: int
    quantity: int
    examples: tuple[Found, ...]
    owners: tuple[str, ...]
    whole: int = 0


def _divided(line: ledger_book.NetLine, behind: _Behind) -> str:
    if not line.divided_by:
        return ""
    measure = measured_in(line)
    told = f"{behind.quantity:,} of the {behind.whole:,} {measure} that {line.divided_by} tells"
    return told if measure == line.meter else f"{told}, weighed at list prices"


def _charge(line: ledger_book.NetLine) -> dict[str, str]:
    return {name: str(getattr(line, name)) for name in BASIS_FIELDS}


def _kinds(line: ledger_book.NetLine, days: Sequence[str]) -> list[trace.Kind]:
    return [
        trace.Kind(
            day, line.provider, line.platform, line.billing_account, line.product, line.model_raw
        )
        for day in days
    ]


def _prices(policy: "Policy") -> dict[str, Price]:
    found = {}
    for card in policy.rates.cards:
        name = f"{card.name} v{card.version}"
        for rate in card.rates:
            says = f"{decimal_text(rate.price_nanos)} {card.currency} per {rate.per:,}"
            found[rate.rate_id] = _price(rate.rate_id, says, name, rate)
        for modifier in card.modifiers:
            says = f"times {modifier.factor_num}/{modifier.factor_den}"
            found[modifier.modifier_id] = _price(modifier.modifier_id, says, name, modifier)
        for term in card.terms:
            says = f"{subject_text(term)}: {row_text(term)}"
            found[term.term_id] = _price(term.term_id, says, name, term)
    for split in policy.sharing.splits:
        name = SPLIT_ID + split.name
        place = f"{policy.sharing.name}:{split.line}"
        since, until = (str(day) if day else "" for day in (split.valid_from, split.valid_to))
        found[name] = Price(name, split_text(split), place, "", "", since, until)
    for agreed in flat_explained.agreed_prices(policy.flat):
        found[agreed.entry_id] = Price(*astuple(agreed))
    return found


def _price(name: str, says: str, card: str, row: Rate | Modifier | Term) -> Price:
    return Price(
        rate_id=name,
        says=says,
        card=card,
        source=row.source_url,
        read=row.retrieved_at,
        since=row.effective_from.isoformat() if row.effective_from else "",
        until=row.effective_to.isoformat() if row.effective_to else "",
    )


def _arithmetic(line: ledger_book.NetLine, quantity: int) -> str:
    if line.unit_price_nanos is None or line.per is None:
        return ""
    if line.meter == Meter.BILLED_NANOS:
        return f"{decimal_text(quantity)} {line.currency}, as the bill states it"
    factor = "" if line.factor_num == line.factor_den else f" x {line.factor_num}/{line.factor_den}"
    price = decimal_text(line.unit_price_nanos)
    return f"{quantity:,} {line.meter} x {price} {line.currency} per {line.per:,}{factor}"
