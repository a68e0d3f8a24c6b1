"""Who owns each of some identities, from when to when: for what is owned without usage.

Usage is decided day by day as it comes; a seat is owned on days on which nobody uses it. The
answers are those of `core.ownership.attribution.owner_of` on each day.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Final

from metering.core.ledger import UNATTRIBUTED, Account, owner_account
from metering.core.ownership.field_sets import Attribution
from metering.core.sharing.reigns import Reign, clipped

Timeline = tuple[tuple[date, date, Account], ...]
"""Stretches of days, half-open, in order and without gaps, and who bears a charge in each."""

_Answer = tuple[date, date, int, Account]
"""First day, end day (exclusive), rank, who bears it."""

BEGINNING: Final = date.min
END: Final = date.max


def owner_timelines(
    reigns: Iterable[Reign], identities: Sequence[Mapping[str, str | None]]
) -> tuple[Timeline, ...]:
    """Return who owns each identity over all time.

    Args:
        reigns: the rules and the directory, and on which days they decide.
        identities: field to value; a field left out is one that is not known.
    """
    answers: list[list[_Answer]] = [[] for _ in identities]
    for reign in reigns:
        attribution = Attribution(reign.rules, reign.directory)
        accounts = [owner_account(owned.owner) for owned in attribution.owned]
        for field_set in attribution.field_sets:
            values = [tuple(said.get(name) for name in field_set.fields) for said in identities]
            distinct = list(dict.fromkeys(values))
            found: list[list[_Answer]] = [[] for _ in distinct]
            for at, begin, end, rank, owner in attribution.decide(field_set, distinct):
                found[at] += [
                    (first or BEGINNING, last or END, rank, accounts[owner])
                    for first, last in clipped(reign.stretches, begin, end)
                ]
            places = {value: at for at, value in enumerate(distinct)}
            for at, value in enumerate(values):
                answers[at] += found[places[value]]
    return tuple(_timeline(found) for found in answers)


def _timeline(answers: Sequence[_Answer]) -> Timeline:
    bounds = {BEGINNING, END, *(first for first, *_ in answers), *(end for _, end, *_ in answers)}
    stretches: list[tuple[date, date, Account]] = []
    for begins, ends in pairwise(sorted(bounds)):
        _, account = min(
            ((rank, who) for first, end, rank, who in answers if first <= begins and ends <= end),
            default=(0, UNATTRIBUTED),
        )
        joins = bool(stretches) and stretches[-1][2] == account
        since = stretches.pop()[0] if joins else begins
        stretches.append((since, ends, account))
    return tuple(stretches)
