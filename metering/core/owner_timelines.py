"""Who owns each of some identities, from when to when: for what is owned without usage.

Usage is decided day by day as it comes; a seat is owned on days on which nobody uses it. The
answers are those of `core.attribution.owner_of` on each day.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Final

from metering.core.field_sets import Answer, Attribution
from metering.core.ledger import UNATTRIBUTED, Account, owner_account

Timeline = tuple[tuple[date, date, Account], ...]
"""Stretches of days, half-open, in order and without gaps, and who bears a charge in each."""

BEGINNING: Final = date.min
END: Final = date.max


def owner_timelines(
    attribution: Attribution, identities: Sequence[Mapping[str, str | None]]
) -> tuple[Timeline, ...]:
    """Return who owns each identity over all time.

    Args:
        attribution: the rules and the directory.
        identities: field to value; a field left out is one that is not known.
    """
    answers: list[list[Answer]] = [[] for _ in identities]
    for field_set in attribution.field_sets:
        values = [tuple(said.get(name) for name in field_set.fields) for said in identities]
        distinct = list(dict.fromkeys(values))
        places = {value: at for at, value in enumerate(distinct)}
        found: list[list[Answer]] = [[] for _ in distinct]
        for answer in attribution.decide(field_set, distinct):
            found[answer[0]].append(answer)
        for at, value in enumerate(values):
            answers[at] += found[places[value]]
    return tuple(_timeline(attribution, found) for found in answers)


def account_on(timeline: Timeline, day: date) -> Account:
    """Return who bears a charge on a day."""
    return next(account for first, end, account in timeline if first <= day < end or end == END)


def _timeline(attribution: Attribution, answers: Sequence[Answer]) -> Timeline:
    bounds = {BEGINNING, END}
    for _, first, end, _, _ in answers:
        bounds |= {first or BEGINNING, end or END}
    stretches: list[tuple[date, date, Account]] = []
    for begins, ends in pairwise(sorted(bounds)):
        holding = [
            (rank, owner)
            for _, first, end, rank, owner in answers
            if (first or BEGINNING) <= begins and ends <= (end or END)
        ]
        account = UNATTRIBUTED
        if holding:
            account = owner_account(attribution.owned[min(holding)[1]].owner)
        joins = bool(stretches) and stretches[-1][2] == account
        since = stretches.pop()[0] if joins else begins
        stretches.append((since, ends, account))
    return tuple(stretches)
