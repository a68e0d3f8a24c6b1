"""What ought to be in the book: live usage, rated and attributed.

A pure function of the lake's live files, the rate cards, the rules and the directory. `post`
appends what the book lacks of it, `verify --full` compares, `--dry-run` shows; the three never
disagree, since they all call `desired_charges`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from metering.core.allocation import Sharing, share_basis
from metering.core.attribution import Directory, RuleSet
from metering.core.driver_file import Driver
from metering.core.field_sets import Answer, Attribution
from metering.core.ledger import (
    UNATTRIBUTED,
    UNPRICED,
    Account,
    Basis,
    owner_account,
    provider_account,
)
from metering.core.rating import (
    Decision,
    PromptRange,
    RateSegment,
    RatingKey,
    Status,
    rate_for,
    timeline,
)
from metering.core.reigns import Reign, between, clipped
from metering.engine import charge_totals
from metering.engine import charges as engine
from metering.engine import sharing as sharing_engine
from metering.engine.cells import RATING_COLUMNS
from metering.engine.owners import NO_OWNER, OwnerAnswers, Values
from metering.usage.schema import CONDITION_COLUMNS
from metering.workflows.allocating import allocated, number_of
from metering.workflows.settling import adjustments

if TYPE_CHECKING:
    import duckdb

    from metering.core.rate_book import RateBook

T = TypeVar("T")

_AS_BILLED: Final = "as billed by the provider"
_CONDITIONS_FROM: Final = RATING_COLUMNS.index(CONDITION_COLUMNS[0])


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that decides, besides usage.

    Attributes:
        rates: the rate cards in force.
        rules, directory: who pays, on every day that no period closed before has taken.
        frozen: who pays on the days of closed periods, where others decided then.
        currency: of lines without a rate.
        promoted: ingestors whose detail stands in for metered usage.
        sharing, drivers: how shared cost is given on.
    """

    rates: "RateBook"
    rules: RuleSet
    directory: Directory
    currency: str
    promoted: frozenset[str] = frozenset()
    sharing: Sharing = field(default_factory=Sharing)
    drivers: tuple[Driver, ...] = ()
    frozen: tuple[Reign, ...] = ()

    @property
    def reigns(self) -> tuple[Reign, ...]:
        """Return who decides on which days: every day has one reign."""
        taken = [
            (first, end)
            for reign in self.frozen
            for first, end in reign.stretches
            if first is not None and end is not None
        ]
        now = Reign(self.rules, self.directory, between(taken), self.sharing, self.drivers)
        return (*self.frozen, now)

    @property
    def shares(self) -> bool:
        """Whether cost is shared on some day."""
        return any(reign.sharing.pools for reign in self.reigns)

    @property
    def tags(self) -> tuple[str, ...]:
        """Return the names of the tags the rules read, sorted: cells must keep them."""
        return tuple(sorted(frozenset[str]().union(*(reign.tags for reign in self.reigns))))

    def reign_on(self, day: date) -> Reign:
        """Return the rules, the owners file and the sharing file that decide on a day."""
        return next(reign for reign in self.reigns if reign.holds_on(day))


@dataclass(frozen=True, slots=True)
class Desired:
    """The charges that ought to be booked; their lines are the engine's table `charges`.

    Attributes:
        debits: debit number to account.
        bases: basis number to basis.
        credits: basis number to the account that is credited, where it is not the provider's.
    """

    debits: Mapping[int, Account]
    bases: Sequence[Basis]
    credits: Mapping[int, Account] = field(default_factory=dict)

    def credit(self, number: int) -> Account:
        """Return the account that charges of a basis are credited to."""
        basis = self.bases[number]
        provider = provider_account(basis.provider, basis.billing_account)
        return self.credits.get(number, provider)

    def accounts(self) -> tuple[Account, ...]:
        """Return every account the charges move between, sorted."""
        credited = map(self.credit, range(len(self.bases)))
        return tuple(sorted({*self.debits.values(), *credited}))


def desired_charges(
    connection: "duckdb.DuckDBPyConnection",
    policy: Policy,
    first: date,
    last: date,
    *,
    keep: Sequence[str] = (),
) -> Desired:
    """Rate and attribute the open cells.

    Args:
        connection: the engine, with the cells of the days in question opened.
        policy: what decides.
        first: first charge day of the cells.
        last: last charge day of the cells, inclusive.
        keep: columns of the cells that the engine's table `lines` keeps beside the charges.
    """
    debits = _Numbered[Account]()
    engine.own_cells(connection, _owner_answers(connection, policy.reigns, debits), keep)
    keys = {row[0]: _Key.of(row) for row in engine.rating_keys(connection)}
    decisions = _Numbered[Decision]()
    answers = [
        *_lasting_answers(keys, policy.rates, decisions, first, last),
        *_straddling_answers(keys, policy.rates, decisions, engine.straddling(connection)),
    ]
    combinations = engine.rate_cells(connection, answers, keep)
    bases = _Numbered[Basis]()
    basis_of = [
        (row, bases.number(_basis(keys[row[0]], row, decisions.items[row[4]], policy)))
        for row in combinations
    ]
    engine.price_lines(
        connection, basis_of, [_line_basis(no, basis) for no, basis in enumerate(bases.items)]
    )
    numbered = dict(enumerate(debits.items))
    numbered[NO_OWNER] = UNATTRIBUTED
    numbered[engine.NO_RATE] = UNPRICED
    _add_adjustments(connection, policy, numbered, bases)
    credited: dict[int, Account] = {}
    _add_shares(connection, policy, numbered, bases, credited)
    return Desired(numbered, tuple(bases.items), credited)


class _Numbered(Generic[T]):
    """Distinct things in the order they were first met; a thing's number is its place."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self._numbers: dict[T, int] = {}

    def number(self, thing: T) -> int:
        """Return the number of a thing, giving it the next one if it is new."""
        found = self._numbers.setdefault(thing, len(self.items))
        if found == len(self.items):
            self.items.append(thing)
        return found


@dataclass(frozen=True, slots=True)
class _Key:
    """A distinct rating key of the cells, and the meters that usage of it has."""

    account: str
    rating: RatingKey
    meters: tuple[str, ...]
    billed_currency: str | None

    @classmethod
    def of(cls, row: Sequence[Any]) -> "_Key":
        provider, platform, account, model_raw = row[1:5]
        *columns, prompt_lo, prompt_hi, billed_currency = row[1 + _CONDITIONS_FROM : -1]
        prompt = None if prompt_lo is None else PromptRange(prompt_lo, prompt_hi)
        return cls(
            account,
            RatingKey(
                provider=provider,
                platform=platform,
                model=model_raw or "",
                conditions=tuple(sorted(_conditions(columns).items())),
                prompt=prompt,
                per_request=False,  # a cell is a sum, even if of one request
            ),
            tuple(row[-1]),
            billed_currency,
        )


def conditions_text(columns: Sequence[str | None]) -> str:
    """Return the conditions of usage as a basis shows them.

    Args:
        columns: values of CONDITION_COLUMNS, in their order.
    """
    return _canonical(_conditions(columns))


def _conditions(columns: Sequence[str | None]) -> dict[str, str]:
    *named, extra = columns
    found = {
        name: value
        for name, value in zip(CONDITION_COLUMNS, named, strict=False)
        if value is not None
    }
    found.update(json.loads(extra) if extra else {})
    return found


def _canonical(conditions: Mapping[str, str]) -> str:
    return json.dumps(conditions, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _lasting_answers(
    keys: Mapping[int, _Key],
    rates: "RateBook",
    decisions: _Numbered[Decision],
    first: date,
    last: date,
) -> Iterator[engine.KeyAnswer]:
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    # Buckets may reach past their first day; prices are asked for as far as any of them can.
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    for number, key in keys.items():
        book = rates.for_account(key.account)
        for meter in key.meters:
            for segment in _segments(key, meter, book, begin, end):
                yield engine.KeyAnswer(
                    key_no=number,
                    meter=meter,
                    begin=segment.starts.replace(tzinfo=None),
                    end=segment.ends.replace(tzinfo=None),
                    exact=False,
                    decision_no=decisions.number(segment.decision),
                )


def _segments(
    key: _Key, meter: str, book: "RateBook", begin: datetime, end: datetime
) -> tuple[RateSegment, ...]:
    if key.billed_currency:
        return (RateSegment(begin, end, _as_billed(key)),)
    return timeline(key.rating, meter, book, begin, end)


def _as_billed(key: _Key) -> Decision:
    """Return the decision for usage whose source is the provider's own bill: its amount stands."""
    return Decision(
        status=Status.PRICED,
        reason="",
        model=key.rating.model,
        price_nanos=1,
        per=1,
        card=_AS_BILLED,
        currency=key.billed_currency or "",
    )


def _straddling_answers(
    keys: Mapping[int, _Key],
    rates: "RateBook",
    decisions: _Numbered[Decision],
    stretches: Iterable[tuple[int, datetime, datetime]],
) -> Iterator[engine.KeyAnswer]:
    for number, begin, end in stretches:
        key = keys[number]
        book = rates.for_account(key.account)
        for meter in key.meters:
            decision = (
                _as_billed(key)
                if key.billed_currency
                else rate_for(
                    key.rating, meter, book, begin.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
                )
            )
            yield engine.KeyAnswer(number, meter, begin, end, True, decisions.number(decision))


def _owner_answers(
    connection: "duckdb.DuckDBPyConnection", reigns: Iterable[Reign], debits: _Numbered[Account]
) -> list[OwnerAnswers]:
    # Two people of one project share an account; numbering accounts instead of owners makes their
    # usage one line, summed before it is rounded.
    values: dict[tuple[str, ...], list[Values]] = {}
    answers: dict[tuple[str, ...], list[Answer]] = {}
    for reign in reigns:
        attribution = Attribution(reign.rules, reign.directory)
        numbers = [debits.number(owner_account(owned.owner)) for owned in attribution.owned]
        for field_set in attribution.field_sets:
            fields = field_set.fields
            if fields not in values:
                values[fields] = engine.distinct_values(connection, fields)
            answers.setdefault(fields, []).extend(
                (at, first, last, rank, numbers[owner])
                for at, begin, end, rank, owner in attribution.decide(field_set, values[fields])
                for first, last in clipped(reign.stretches, begin, end)
            )
    return [OwnerAnswers(fields, values[fields], found) for fields, found in answers.items()]


def _basis(key: _Key, row: engine.LineKey, decision: Decision, policy: Policy) -> Basis:
    _, product, ingestor, meter, _ = row
    rating = key.rating
    return Basis(
        provider=rating.provider,
        platform=rating.platform,
        billing_account=key.account,
        product=product,
        model_raw=rating.model,
        model=decision.model or rating.model,
        meter=meter,
        conditions=_canonical(dict(rating.conditions)),
        status=decision.status.value,
        reason=decision.reason,
        currency=decision.currency or policy.currency,
        card=_card(decision),
        rate_ids=decision.rate_ids,
        unit_price_nanos=decision.price_nanos,
        per=decision.per,
        factor_num=decision.factor_num,
        factor_den=decision.factor_den,
        list_unit_price_nanos=decision.list_price_nanos,
        list_per=decision.list_per,
        list_factor_num=decision.list_factor_num,
        list_factor_den=decision.list_factor_den,
        promoted=ingestor in policy.promoted,
    )


def _card(decision: Decision) -> str:
    if not decision.card_version:
        return decision.card
    return f"{decision.card} v{decision.card_version}"


def _add_adjustments(
    connection: "duckdb.DuckDBPyConnection",
    policy: Policy,
    debits: Mapping[int, Account],
    bases: _Numbered[Basis],
) -> None:
    """Add what allowances and contract terms change to the charges, and number its bases."""
    settled = adjustments(connection, policy.rates, debits, bases.items)
    if not settled:
        return
    numbers = {account.name: number for number, account in debits.items()}
    charge_totals.add_adjustments(
        connection,
        [
            (
                one.day,
                numbers[one.bearer],
                bases.number(one.basis),
                one.basis.currency,
                one.amount_nanos,
            )
            for one in settled
        ],
    )


def _add_shares(
    connection: "duckdb.DuckDBPyConnection",
    policy: Policy,
    debits: dict[int, Account],
    bases: _Numbered[Basis],
    credited: dict[int, Account],
) -> None:
    """Debit shared cost to its pools, and add what is given on of it."""
    if not policy.shares:
        return
    charged = Desired(debits, tuple(bases.items), credited)
    number = number_of(debits)
    rows = []
    for day, share in allocated(connection, policy, debits, charged.bases, charged.credit):
        basis = bases.number(share_basis(share.split, share.holding))
        credited[basis] = share.holding.credit
        currency = share.holding.currency
        debit = number(share.bearer)
        rows.append((day, debit, basis, currency, share.weight, share.amount_nanos))
    sharing_engine.add_shares(connection, rows)


def _line_basis(number: int, basis: Basis) -> engine.LineBasis:
    return engine.LineBasis(
        basis_no=number,
        has_rate=basis.unit_price_nanos is not None,
        currency=basis.currency,
        price_nanos=(basis.unit_price_nanos or 0) * basis.factor_num,
        per=(basis.per or 1) * basis.factor_den,
        list_price_nanos=(basis.list_unit_price_nanos or 0) * basis.list_factor_num,
        list_per=(basis.list_per or 1) * basis.list_factor_den,
    )
