"""Ask the rules and the directory whose something is: once per distinct value, for every day."""

from collections.abc import Callable, Iterable, Sequence

from metering.core.ownership.attribution import Owner
from metering.core.ownership.field_sets import Answer, Attribution
from metering.core.sharing.reigns import Reign, clipped
from metering.engine.owners import OwnerAnswers, Values


def owner_answers(
    reigns: Iterable[Reign],
    values_of: Callable[[tuple[str, ...]], Sequence[Values] | None],
    number_of: Callable[[Owner], int],
) -> list[OwnerAnswers]:
    """Return the answers that `engine.owners.owner_joins` joins.

    Args:
        reigns: who decides on which days.
        values_of: the distinct values in some fields; None where the asker has not all of them,
            so that no rule over them can match.
        number_of: numbers an owner.
    """
    values: dict[tuple[str, ...], Sequence[Values] | None] = {}
    answers: dict[tuple[str, ...], list[Answer]] = {}
    for reign in reigns:
        attribution = Attribution(reign.rules, reign.directory)
        numbers = [number_of(owned.owner) for owned in attribution.owned]
        for field_set in attribution.field_sets:
            fields = field_set.fields
            if fields not in values:
                values[fields] = values_of(fields)
            asked = values[fields]
            if asked is None:
                continue
            answers.setdefault(fields, []).extend(
                (at, first, last, rank, numbers[owner])
                for at, begin, end, rank, owner in attribution.decide(field_set, asked)
                for first, last in clipped(reign.stretches, begin, end)
            )
    return [OwnerAnswers(fields, values[fields] or (), found) for fields, found in answers.items()]
