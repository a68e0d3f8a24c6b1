"""Nothing is created and nothing is lost when shared cost is given on, whatever the splits.

An oracle of its own divides in exact fractions and rounds by the definition of the largest
remainder; it shares no code with `core.sharing.allocation`.
"""

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from metering.core.ledger import AccountKind, owner_account, pool_account, provider_account
from metering.core.ownership.attribution import Owner
from metering.core.periods import BillingPeriod
from metering.core.sharing.allocation import Facts, Holding, Use, allocate, share_basis
from metering.core.sharing.splits import WHOLE, By, Pool, Sharing, Split, Target

PERIOD = BillingPeriod(2026, 10)
OWNERS = tuple(Owner(f"CC-{at % 2}", f"team {at}", "p") for at in range(5))
POOLS = ("a", "b", "c")

holdings = st.sampled_from(
    [
        Holding(provider, "default", currency, provider_account(provider, "default"))
        for provider in ("openai", "anthropic")
        for currency in ("EUR", "USD")
    ]
)
pooled = st.dictionaries(
    st.tuples(st.sampled_from(POOLS), holdings), st.integers(-(10**12), 10**15), min_size=1
)
uses = st.lists(
    st.builds(
        Use,
        st.sampled_from([owner_account(owner) for owner in OWNERS]),
        st.sampled_from(("EUR", "USD")),
        st.integers(-(10**9), 10**15),
        st.integers(0, 10**12),
    ),
    max_size=8,
    unique_by=lambda use: (use.owner, use.currency),
)


@st.composite
def sharings(draw: st.DrawFn) -> Sharing:
    """Draw splits of some pools, each giving only to pools whose splits come later."""
    splits = []
    for at, pool in enumerate(POOLS):
        if not draw(st.booleans()):
            continue
        by = draw(st.sampled_from(tuple(By)))
        owners = [Target(one.cost_centre, one.team) for one in OWNERS]
        below = [Target(pool=name) for name in POOLS[at + 1 :]]
        if by in (By.EVEN, By.FIXED):
            named = draw(st.lists(st.sampled_from(owners + below), min_size=1, unique=True))
        else:
            named = draw(st.sampled_from([owners[:3], owners[2:], [Target(is_each=True)]]))
        part = WHOLE // len(named) - draw(st.integers(0, 1_000))
        splits.append(
            Split(
                line=at,
                name=f"split {pool}",
                pool=pool,
                by=by,
                targets=tuple((target, part if by is By.FIXED else 1) for target in named),
                driver="requests" if by is By.DRIVER else "",
                markup=draw(st.sampled_from((0, 0, 25_000, -200_000))),
            )
        )
    return Sharing("sharing.toml", tuple(Pool(0, name, ()) for name in POOLS), tuple(splits))


def _facts(used: list[Use]) -> Facts:
    weights = {Target(one.cost_centre, one.team): 3 * at for at, one in enumerate(OWNERS)}
    return Facts(PERIOD, "USD", used, (), {"requests": weights})


@given(sharings(), pooled, uses)
def test_every_split_sums_to_zero_in_amount_and_weight(
    sharing: Sharing, held: Mapping[tuple[str, Holding], int], used: list[Use]
) -> None:
    sums: dict[tuple[str, Holding], list[int]] = defaultdict(lambda: [0, 0])

    for share in allocate(sharing, _facts(used), held):
        found = sums[share.split.name, share.holding]
        found[0] += share.amount_nanos
        found[1] += share.weight

    assert all(found == [0, 0] for found in sums.values())


@given(sharings(), pooled, uses)
def test_what_pools_held_is_borne_kept_or_marked_up(
    sharing: Sharing, held: Mapping[tuple[str, Holding], int], used: list[Use]
) -> None:
    left: dict[Any, int] = defaultdict(int)
    for (pool, holding), nanos in held.items():
        left[pool_account(pool), holding.currency] += nanos
    for share in allocate(sharing, _facts(used), held):
        left[share.bearer, share.holding.currency] += share.amount_nanos

    for currency in ("EUR", "USD"):
        total = sum(nanos for (_, unit), nanos in left.items() if unit == currency)
        assert total == sum(
            nanos for (_, holding), nanos in held.items() if holding.currency == currency
        )
    for share in allocate(sharing, _facts(used), held):
        # A pool that is given on keeps nothing, but for what fixed shares leave.
        if share.bearer.kind is AccountKind.POOL and share.weight < 0:
            kept = left[share.bearer, share.holding.currency]
            assert share.split.by is By.FIXED or not kept


@given(sharings(), pooled, uses, st.randoms(use_true_random=False))
def test_order_does_not_matter(
    sharing: Sharing, held: Mapping[tuple[str, Holding], int], used: list[Use], seed: Any
) -> None:
    shuffled = dict(seed.sample(sorted(held.items()), len(held)))
    uses_shuffled = seed.sample(used, len(used))

    assert set(allocate(sharing, _facts(used), held)) == set(
        allocate(sharing, _facts(uses_shuffled), shuffled)
    )


@given(pooled, uses, st.integers(-900_000, 900_000))
def test_one_split_by_spend_is_what_exact_fractions_say(
    held: Mapping[tuple[str, Holding], int], used: list[Use], markup: int
) -> None:
    split = Split(1, "s", "a", By.SPEND, ((Target(is_each=True), 1),), markup=markup)
    sharing = Sharing("f", (Pool(1, "a", ()),), (split,))

    shares = allocate(sharing, _facts(used), held)

    for (pool, holding), nanos in held.items():
        found = {
            share.bearer.name: share.amount_nanos
            for share in shares
            if share.holding == holding and share.bearer.kind is AccountKind.OWNER
        }
        weights = _spend(used, holding.currency) or _spend(used, "USD")
        wanted = {} if pool != "a" or not nanos else _largest_remainder(nanos, weights, markup)
        if pool == "a":
            assert found == wanted


def _spend(used: list[Use], currency: str) -> dict[str, int]:
    return {
        use.owner.name: use.amount_nanos
        for use in used
        if use.currency == currency and use.amount_nanos > 0
    }


def _largest_remainder(nanos: int, weights: dict[str, int], markup: int) -> dict[str, int]:
    if not weights:
        return {}
    charged = round(Fraction(nanos) * (WHOLE + markup) / WHOLE)  # Fraction rounds half to even
    exact = {name: Fraction(charged * one, sum(weights.values())) for name, one in weights.items()}
    floors = {name: share.__floor__() for name, share in exact.items()}
    for name in sorted(exact, key=lambda name: (floors[name] - exact[name], name))[
        : charged - sum(floors.values())
    ]:
        floors[name] += 1
    return floors


@given(sharings(), pooled, uses)
def test_shares_of_one_split_and_holding_have_one_basis(
    sharing: Sharing, held: Mapping[tuple[str, Holding], int], used: list[Use]
) -> None:
    bases = {
        (share.split.name, share.holding): share_basis(share.split, share.holding).digest
        for share in allocate(sharing, _facts(used), held)
    }

    assert len(set(bases.values())) == len(bases)
