"""Disputes: open one on a cell of a report, decide it; what comes of it corrects, never edits."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from metering.books import adjustments as adjustment_book
from metering.books import disputes as dispute_book
from metering.books import ledger as ledger_book
from metering.books.disputes import Dispute, DisputeState, NewDispute
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.core.closing.adjustments import (
    DISPUTE_METER,
    Adjustment,
    AdjustmentKind,
    moved,
    owner_parts,
)
from metering.core.ledger import UNATTRIBUTED, Account, AccountKind, owner_account
from metering.core.money import decimal_text, nanos_from_decimal_text
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod
from metering.errors import BookError
from metering.workflows.explaining.references import lines_of
from metering.workflows.reading import reading
from metering.workflows.runs import Run
from metering.workflows.transactions import transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings

_Place = tuple[str, str, str, Account]
"""Provider, billing account, currency and bearer."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What somebody disputes.

    Attributes:
        reference: a cell of a report, as `metering explain` takes it.
        reason: why.
        owner: who is asked to decide.
        deadline: the day by which; None for none.
        amount: decimal text of how much of it; None for all.
    """

    reference: str
    reason: str
    owner: str
    deadline: date | None = None
    amount: str | None = None


def list_disputes(settings: "Settings") -> tuple[Dispute, ...]:
    """Return every dispute with its state, oldest first."""
    with reading(settings) as connection:
        return dispute_book.disputes(connection)


def open_dispute(settings: "Settings", run: Run, opening: Opening) -> Dispute:
    """Open a dispute and return it.

    Raises:
        BookError: `unknown-reference`: nothing answers to it; `not-disputable`: it is of several
            currencies or months, or the amount is not part of it.
    """
    books = open_books(settings.books_url)
    with transaction(books, dry_run=False) as connection:
        lines = lines_of(connection, opening.reference)
        currency, whole = _whole(opening.reference, lines)
        said = NewDispute(
            reference=opening.reference,
            period=lines[0].period,
            currency=currency,
            amount_nanos=_part(opening, whole),
            reason=opening.reason,
            owner=opening.owner,
            deadline=str(opening.deadline) if opening.deadline else "",
        )
        run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
        number = dispute_book.add_dispute(connection, run_id, said)
        return _known(connection, number)


def settle_dispute(
    settings: "Settings",
    run: Run,
    number: int,
    state: DisputeState,
    *,
    note: str,
    target: str | None = None,
) -> Dispute:
    """Accept, reject or withdraw a dispute.

    What is accepted moves to another bearer with the next `post`; in a closed month as a correction
    in the open one.

    Args:
        settings: where the books are.
        run: who decides, when.
        number: of the dispute.
        state: what is decided.
        note: why.
        target: who bears the amount when it is accepted: "cost centre/team/project", or None for
            nobody yet.

    Raises:
        BookError: `unknown-dispute`; `dispute-settled`: it was decided before; `not-disputable`:
            the target is no owner.
    """
    books = open_books(settings.books_url)
    with transaction(books, dry_run=False) as connection:
        dispute = _known(connection, number)
        if dispute.state is not DisputeState.OPEN:
            raise BookError(
                "dispute-settled",
                f"dispute {number} was {dispute.state.value}: {dispute.note}",
                do="open another dispute; what was decided stays",
            )
        run_id = record_run(connection, run.command, run.arguments, run.started_at, run.user)
        dispute_book.add_dispute_event(connection, run_id, number, state, note)
        if state is DisputeState.ACCEPTED:
            for adjustment in _moved(connection, dispute, _bearer(target)):
                adjustment_book.add_adjustment(connection, run_id, adjustment, note)
        return _known(connection, number)


def _moved(connection: "Connection", dispute: Dispute, target: Account) -> tuple[Adjustment, ...]:
    """Return what moves a dispute's amount to another bearer.

    Raises:
        BookError: `not-disputable`: less of it is left with who is charged it, since another
            dispute moved it, posted or not, or since usage, prices or owners have changed.
    """
    said = dispute.said
    # Who is given back more than charged bears nothing of it.
    charged = {
        place: nanos
        for place, nanos in _charged(lines_of(connection, said.reference)).items()
        if nanos * said.amount_nanos > 0
    }
    found: tuple[Adjustment, ...] = ()
    if charged:
        found = moved(
            charged,
            said.amount_nanos,
            target,
            key=f"dispute-{dispute.id}",
            period=BillingPeriod.parse(said.period),
            references=(f"dispute {dispute.id}",),
        )
    left = _left(connection, said)
    taken = {
        (one.provider, one.billing_account, one.currency, line.bearer): -line.amount_nanos
        for one in found
        for line in one.lines
        if line.bearer != target
    }
    if not charged or any(
        abs(nanos) > abs(left[place]) or nanos * left[place] < 0 for place, nanos in taken.items()
    ):
        raise BookError(
            "not-disputable",
            f"{decimal_text(said.amount_nanos)} is no longer charged to {said.reference}",
            do="withdraw the dispute, or open one on what is left: see `metering explain`",
        )
    return found


def _left(connection: "Connection", said: NewDispute) -> Counter[_Place]:
    """Return what disputes have left of each bearer's charges of a month, posted or not.

    Charges alone, or for a credit credits alone: one does not make the other smaller.
    """
    left = Counter(
        _charged(
            line
            for line in ledger_book.net_lines(connection, said.period)
            if line.amount_nanos * said.amount_nanos > 0
            and (line.meter != DISPUTE_METER or line.corrects_period)
        )
    )
    for one in adjustment_book.adjustments_in_force(connection):
        if one.kind is AdjustmentKind.DISPUTE and str(one.period) == said.period:
            for line in one.lines:
                left[one.provider, one.billing_account, one.currency, line.bearer] += (
                    line.amount_nanos
                )
    return left


def _known(connection: "Connection", number: int) -> Dispute:
    for dispute in dispute_book.disputes(connection):
        if dispute.id == number:
            return dispute
    raise BookError(
        "unknown-dispute",
        f"there is no dispute {number}",
        do="see `metering dispute list`",
    )


def _whole(reference: str, lines: list[ledger_book.NetLine]) -> tuple[str, int]:
    kinds = {(line.period, line.currency) for line in lines}
    if len(kinds) > 1:
        raise BookError(
            "not-disputable",
            f"{reference} is of several months or currencies",
            do="dispute each of them by itself",
        )
    return lines[0].currency, sum(line.amount_nanos for line in lines)


def _part(opening: Opening, whole: int) -> int:
    try:
        nanos = whole if opening.amount is None else nanos_from_decimal_text(opening.amount)
    except ValueError as error:
        raise BookError("not-disputable", str(error), do="write it like 12.34") from error
    if not 0 < abs(nanos) <= abs(whole) or (nanos < 0) != (whole < 0):
        raise BookError(
            "not-disputable",
            f"{decimal_text(nanos)} is no part of the {decimal_text(whole)} of {opening.reference}",
            do="name an amount up to the whole, or leave --amount out",
        )
    return nanos


def _charged(lines: Iterable[ledger_book.NetLine]) -> dict[_Place, int]:
    sums: Counter[_Place] = Counter()
    for line in lines:
        bearer = Account(
            line.debit,
            AccountKind(line.debit_kind),
            cost_centre=line.cost_centre,
            team=line.team,
            project=line.project,
        )
        sums[line.provider, line.billing_account, line.currency, bearer] += line.amount_nanos
    return {place: nanos for place, nanos in sums.items() if nanos}


def _bearer(target: str | None) -> Account:
    if target is None:
        return UNATTRIBUTED
    try:
        cost_centre, team, project = owner_parts(target)
    except ValueError as error:
        raise BookError(
            "not-disputable",
            str(error),
            do="name who bears it like CC-4100/payments/refunds, or leave --to out",
        ) from error
    return owner_account(Owner(team=team, project=project, cost_centre=cost_centre))
