"""What ought to be in the book: live usage, rated and attributed, and flat money.

A pure function of the lake's live files, the rate cards, the rules, the directory and what was
agreed to pay besides. `post` appends what the book lacks of it, `verify --full` compares,
`--dry-run` shows; the three never disagree, since they all call `desired_charges`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from metering.core.closing.adjustments import Adjustment
from metering.core.flat.flat_money import FlatCharge
from metering.core.ledger import (
    UNATTRIBUTED,
    UNPRICED,
    Account,
    Basis,
    owner_account,
    provider_account,
)
from metering.core.pricing.decisions import Decision
from metering.core.sharing.allocation import share_basis
from metering.core.sharing.reigns import Reign
from metering.engine.charging import charge_totals, too_much
from metering.engine.charging import charges as engine
from metering.engine.charging import detail as detail_engine
from metering.engine.owners import NO_OWNER, OwnerAnswers
from metering.errors import BookError, shown
from metering.workflows.numbering import Numbered
from metering.workflows.posting.allocating import allocated, number_of
from metering.workflows.posting.dividing import divisions, mark
from metering.workflows.posting.flat_charges import FlatCharged, flat_charges
from metering.workflows.posting.owning import owner_answers
from metering.workflows.posting.policy import Policy
from metering.workflows.posting.rating_answers import (
    UsageKey,
    canonical_text,
    lasting_answers,
    straddling_answers,
)
from metering.workflows.posting.settling import adjustments

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Desired:
    """The charges that ought to be booked; their lines are the engine's table `charges`.

    Attributes:
        debits: debit number to account.
        bases: basis number to basis.
        credits: basis number to the account that is credited, where it is not the provider's.
        flat: what flat money comes to, as it was worked out.
    """

    debits: Mapping[int, Account]
    bases: Sequence[Basis]
    credits: Mapping[int, Account] = field(default_factory=dict)
    flat: FlatCharged = field(default_factory=FlatCharged)

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
    cells: tuple[date, date] | None,
    days: tuple[date, date] | None = None,
    *,
    kept: engine.Kept = engine.KEPT_NONE,
    detail: Sequence[Path] = (),
) -> Desired:
    """Return what ought to be charged, stage after stage.

    Args:
        connection: the engine, with the cells of the days in question opened.
        policy: what decides.
        cells: first and last charge day of the cells; None when there is no usage.
        days: first and last charge day of flat money and of adjustments; None leaves them out.
        kept: columns of the cells that the engine's tables `lines`, and `weighed` of what detail
            divides, keep beside the charges.
        detail: cells of finer usage, which `policy.dividers` lets divide what is metered.
    """
    debits, bases = Numbered[Account](), Numbered[Basis]()
    if cells is None:
        engine.no_charges(connection, kept)
    elif detail:
        mark(connection, policy, detail)
        marked = replace(kept, marks=(*kept.marks, detail_engine.DIVIDER))
        _price_usage(connection, policy, cells, debits, bases, marked)
        _divide(connection, policy, debits, bases, kept.columns)
    else:
        _price_usage(connection, policy, cells, debits, bases, kept)
    numbered = dict(enumerate(debits.items))
    numbered[NO_OWNER] = UNATTRIBUTED
    numbered[engine.NO_RATE] = UNPRICED
    _add_settled(connection, policy, numbered, bases)
    credited: dict[int, Account] = {}
    flat = FlatCharged()
    if days is not None:
        flat = flat_charges(connection, policy.flat, policy.reigns, days, numbered, bases.items)
        _add_flat(connection, flat.charges, numbered, bases, credited)
        _add_decided(connection, policy.adjustments, days, numbered, bases)
    _add_shares(connection, policy, numbered, bases, credited)
    return Desired(numbered, tuple(bases.items), credited, flat)


def _price_usage(
    connection: "duckdb.DuckDBPyConnection",
    policy: Policy,
    cells: tuple[date, date],
    debits: Numbered[Account],
    bases: Numbered[Basis],
    kept: engine.Kept,
) -> None:
    """Rate and attribute the open cells."""
    engine.own_cells(connection, _owner_answers(connection, policy.reigns, debits), kept)
    keys = {row[0]: UsageKey.of(row) for row in engine.rating_keys(connection)}
    decisions = Numbered[Decision]()
    answers = [
        *lasting_answers(keys, policy.rates, policy.flat, decisions, cells),
        *straddling_answers(
            keys, policy.rates, policy.flat, decisions, engine.straddling(connection)
        ),
    ]
    combinations = engine.rate_cells(connection, answers, kept)
    basis_of = [
        (row, bases.number(_basis(keys[row[0]], row, decisions.items[row[4]], policy)))
        for row in combinations
    ]
    try:
        with too_much.refused(connection):
            engine.price_lines(
                connection,
                basis_of,
                [_line_basis(no, basis) for no, basis in enumerate(bases.items)],
            )
    except too_much.TooMuchError as error:
        raise _too_much(error, bases.items[error.basis_no]) from error


def _too_much(error: too_much.TooMuchError, basis: Basis) -> BookError:
    model = f" of {shown(basis.model_raw)}" if basis.model_raw else ""
    return BookError(
        "amount-too-large",
        f"{error.quantity} {basis.meter}{model} on {error.day} come to more than the books hold",
        details=(
            f"account:  {basis.provider} {basis.billing_account}",
            "limit:    9,223,372,036 of a currency in one line",
        ),
        do="look for the wrong count in the day's files, correct it and ingest the file again",
    )


def _divide(
    connection: "duckdb.DuckDBPyConnection",
    policy: Policy,
    debits: Numbered[Account],
    bases: Numbered[Basis],
    keep: Sequence[str],
) -> None:
    """Give what is metered to the owners of the detail that divides it."""
    owners = _owner_answers(connection, policy.reigns, debits, detail_engine.DETAIL_CELLS)
    divided = divisions(connection, policy, owners, bases.items, keep)
    names = [rule.name for rule in policy.dividers.rules]
    detail_engine.divide(
        connection,
        [*((no, one.name) for no, one in enumerate(debits.items)), (NO_OWNER, UNATTRIBUTED.name)],
        [
            (no, by, bases.number(replace(bases.items[no], divided_by=names[by])))
            for no, by in divided
        ],
    )


def _owner_answers(
    connection: "duckdb.DuckDBPyConnection",
    reigns: Iterable[Reign],
    debits: Numbered[Account],
    cells: str = "cells",
) -> list[OwnerAnswers]:
    # Two people of one project share an account; numbering accounts instead of owners makes their
    # usage one line, summed before it is rounded.
    return owner_answers(
        reigns,
        lambda fields: engine.distinct_values(connection, fields, cells),
        lambda owner: debits.number(owner_account(owner)),
    )


def _basis(key: UsageKey, row: engine.LineKey, decision: Decision, policy: Policy) -> Basis:
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
        conditions=canonical_text(dict(rating.conditions)),
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


def _add_settled(
    connection: "duckdb.DuckDBPyConnection",
    policy: Policy,
    debits: Mapping[int, Account],
    bases: Numbered[Basis],
) -> None:
    """Add what allowances and contract terms change to the charges, and number its bases."""
    settled = adjustments(connection, policy.rates, debits, bases.items)
    if not settled:
        return
    numbers = {account.name: number for number, account in debits.items()}
    charge_totals.add_charges(
        connection,
        [
            (
                one.day,
                numbers[one.bearer],
                bases.number(one.basis),
                one.basis.currency,
                0,
                one.amount_nanos,
            )
            for one in settled
        ],
    )


def _add_flat(
    connection: "duckdb.DuckDBPyConnection",
    charges: Iterable[FlatCharge],
    debits: dict[int, Account],
    bases: Numbered[Basis],
    credited: dict[int, Account],
) -> None:
    """Add flat money to the charges, and number what is new."""
    number = number_of(debits)
    rows = []
    for one in charges:
        debit = number(one.debit)
        basis = bases.number(one.basis)
        credited[basis] = one.credit
        rows.append((one.day, debit, basis, one.basis.currency, one.quantity, one.amount_nanos))
    if rows:
        charge_totals.add_charges(connection, rows)


def _add_decided(
    connection: "duckdb.DuckDBPyConnection",
    adjustments: Iterable[Adjustment],
    days: tuple[date, date],
    debits: dict[int, Account],
    bases: Numbered[Basis],
) -> None:
    """Add what true-ups and disputes were decided to charge."""
    number = number_of(debits)
    rows = [
        (one.day, number(line.bearer), bases.number(one.basis(line)), one.currency, 0, nanos)
        for one in adjustments
        if days[0] <= one.day <= days[1]
        for line in one.lines
        if (nanos := line.amount_nanos)
    ]
    if rows:
        charge_totals.add_charges(connection, rows)


def _add_shares(
    connection: "duckdb.DuckDBPyConnection",
    policy: Policy,
    debits: dict[int, Account],
    bases: Numbered[Basis],
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
    charge_totals.add_charges(connection, rows)


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
