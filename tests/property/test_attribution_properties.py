"""Deciding on sets of fields gives what asking rule after rule gives."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from metering.core.flat.owner_timelines import owner_timelines
from metering.core.ledger import UNATTRIBUTED, owner_account
from metering.core.ownership.attribution import Directory, Owned, RuleSet, owner_of
from metering.core.ownership.field_sets import Attribution
from metering.core.sharing.reigns import Reign
from tests.support.rule_strategies import DAYS, VALUES, directories, identities, rule_sets


def least_over_sets(
    attribution: Attribution, identity: Mapping[str, str | None], day: date
) -> Owned | None:
    """Join the sets' answers as the engine does."""
    found: list[tuple[int, int]] = []
    for field_set in attribution.field_sets:
        values = tuple(identity.get(name) for name in field_set.fields)
        for _, start, end, rank, owner in attribution.decide(field_set, [values]):
            if (start is None or start <= day) and (end is None or day < end):
                found.append((rank, owner))
    return attribution.owned[min(found)[1]] if found else None


@settings(max_examples=200, deadline=None)
@given(rule_sets(), directories(), st.lists(identities, min_size=1, max_size=4))
def test_sets_decide_as_rule_after_rule_does(
    rules: RuleSet, directory: Directory, several: Sequence[Mapping[str, str | None]]
) -> None:
    attribution = Attribution(rules, directory)

    for identity in several:
        for day in DAYS:
            expected = owner_of(identity, day, rules, directory)
            assert least_over_sets(attribution, identity, day) == expected


@settings(max_examples=100, deadline=None)
@given(rule_sets(), directories(), st.sets(st.tuples(*[st.none() | st.sampled_from(VALUES)] * 4)))
def test_stretches_of_one_value_never_overlap(
    rules: RuleSet, directory: Directory, rows: set[tuple[str | None, ...]]
) -> None:
    attribution = Attribution(rules, directory)

    for field_set in attribution.field_sets:
        values = sorted({row[: len(field_set.fields)] for row in rows}, key=str)
        covered: set[tuple[int, date]] = set()
        for position, start, end, _, _ in attribution.decide(field_set, values):
            for day in DAYS:
                if (start is None or start <= day) and (end is None or day < end):
                    assert (position, day) not in covered
                    covered.add((position, day))


@settings(max_examples=100, deadline=None)
@given(rule_sets(), directories(), identities)
def test_values_decided_together_are_decided_as_alone(
    rules: RuleSet, directory: Directory, identity: Mapping[str, str | None]
) -> None:
    attribution = Attribution(rules, directory)

    for field_set in attribution.field_sets:
        width = len(field_set.fields)
        alone = tuple(identity.get(name) for name in field_set.fields)
        others = sorted({(value,) * width for value in VALUES} - {alone})
        together = attribution.decide(field_set, [*others, alone])
        by_itself = attribution.decide(field_set, [alone])
        assert [row[1:] for row in together if row[0] == len(others)] == [
            row[1:] for row in by_itself
        ]


@settings(max_examples=100, deadline=None)
@given(
    rule_sets(),
    rule_sets(),
    directories(),
    st.lists(identities, max_size=4),
    st.sampled_from(DAYS),
    st.sampled_from(DAYS),
)
def test_an_owner_over_time_is_the_owner_of_each_day(
    rules: RuleSet,
    others: RuleSet,
    directory: Directory,
    several: Sequence[Mapping[str, str | None]],
    one: date,
    other: date,
) -> None:
    first, end = min(one, other), max(one, other) + timedelta(days=1)
    closed = Reign(others, Directory(), ((first, end),))
    reigns = [closed, Reign(rules, directory, ((None, first), (end, None)))]

    timelines = owner_timelines(reigns, several)

    for identity, timeline in zip(several, timelines, strict=True):
        assert [stretch[0] for stretch in timeline[1:]] == [stretch[1] for stretch in timeline[:-1]]
        for day in DAYS:
            decide = closed if first <= day < end else reigns[1]
            owned = owner_of(identity, day, decide.rules, decide.directory)
            expected = owner_account(owned.owner) if owned else UNATTRIBUTED
            assert [a for begins, ends, a in timeline if begins <= day < ends] == [expected]
