"""Whoever pays, the whole is the same: random rules, moves and splits lose and add no nano.

The prices are whole nanos a token, so that what usage costs is known without rounding.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.core.ledger import HOLDING_KINDS, UNATTRIBUTED, Account, AccountKind, owner_account
from metering.core.ownership.attribution import Directory, Match, RuleSet, owner_of
from metering.core.patterns import Pattern
from metering.core.pricing.rate_book import RateBook
from metering.core.sharing.splits import WHOLE, By, Pool, Sharing, Split, Target
from metering.engine.charging import at_stake
from metering.engine.charging import charges as engine
from metering.engine.charging.charges import Kept
from metering.engine.connection import open_duckdb
from metering.engine.rollup.cells import Cuts, build_cells
from metering.engine.rollup.on_duckdb import DuckDbRollUp
from metering.rate_cards.loading import bundled_cards
from metering.usage.staging import Staging
from metering.workflows.posting.desired import Desired, desired_charges
from metering.workflows.posting.policy import Policy
from tests.support.rule_strategies import DAYS, FIELDS, directories, rule_sets
from tests.support.usage_rows import staged_days, usage_rows

LAST_NOON = datetime.combine(DAYS[-1], time(12), UTC)
# USD 3 per million input tokens, 15 per million output.
NANOS = {"input_uncached": 3_000, "output": 15_000}
BARE = Policy(RateBook(bundled_cards()), RuleSet(), Directory(), "USD")
USED: list[dict[str, Any]] = [
    {
        "start": datetime.combine(day, at, UTC),
        "api_key": key,
        "workspace": workspace,
        "tags": [("project", tag)] if tag else None,
        "input_uncached": 7 * number + 1,
        "output": number * number % 11,
    }
    for number, (day, at, (key, workspace, tag)) in enumerate(
        product(
            DAYS,
            (time(0), time(23, 59, 59, 999_999)),
            (("a", "b", None), ("ab", None, "x-1"), ("abc", "ba", "a"), (None, "x\n1", "b")),
        )
    )
]

pools = st.lists(
    st.tuples(
        st.sampled_from(["one", "two"]),
        st.sampled_from(["cost_centre", "account", "meter"]),
        st.sampled_from(["C1", "re2:C[12]", "glob:D*", "suspense:unattributed", "output"]),
    ),
    max_size=2,
    unique_by=lambda drawn: drawn[0],
)
targets = st.lists(
    st.sampled_from([Target("C2"), Target("C3"), Target("D2", "t", "p"), Target("D3", "t")]),
    min_size=1,
    max_size=3,
    unique=True,
)
splits = st.tuples(
    st.sampled_from([By.EVEN, By.FIXED, By.SPEND, By.TOKENS]),
    targets,
    st.integers(-WHOLE, WHOLE),
)


@st.composite
def sharings(draw: st.DrawFn) -> Sharing:
    drawn = draw(pools)
    given_on = [
        Split(
            line,
            f"{name} on",
            name,
            by,
            tuple((target, WHOLE // 7 if by is By.FIXED else 1) for target in among),
            markup=markup,
        )
        for line, ((name, _, _), (by, among, markup)) in enumerate(
            zip(drawn, draw(st.lists(splits, min_size=2, max_size=2)), strict=False), start=1
        )
    ]
    return Sharing(
        "sharing.toml",
        tuple(
            Pool(line, name, ((Match(field, Pattern.parse(pattern)),),))
            for line, (name, field, pattern) in enumerate(drawn, start=1)
        ),
        tuple(given_on),
    )


@pytest.fixture(scope="module")
def duck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("cells")
    with open_duckdb(folder / "spill", memory_limit="500MB", threads=1) as connection:
        staging = Staging(connection, folder / "usage", ingestor="bill", account="default")
        rows = [{"event_id": str(number), **row} for number, row in enumerate(USED)]
        staging.add(usage_rows(*rows))
        staging.flush()
        plans = [(day, Cuts({}, {}, ("project",))) for day in staged_days(staging)]
        cells = build_cells(DuckDbRollUp(connection), plans, folder / "cells")
        engine.open_cells(connection, list(cells.values()))
        yield connection


def cost(row: dict[str, Any]) -> int:
    return sum(row[meter] * nanos for meter, nanos in NANOS.items())


TOTAL = sum(map(cost, USED))


def charged(duck: Any, policy: Policy, kept: Kept | None = None) -> Desired:
    return desired_charges(
        duck, policy, (DAYS[0], DAYS[-1]), (DAYS[0], DAYS[-1]), kept=kept or Kept()
    )


def balances(duck: Any, desired: Desired) -> Counter[Account]:
    found: Counter[Account] = Counter()
    for debit, basis, nanos in duck.execute(
        "SELECT debit_no, basis_no, CAST(sum(amount_nanos) AS BIGINT) FROM charges GROUP BY ALL"
    ).fetchall():
        found[desired.debits[debit]] += nanos
        found[desired.credit(basis)] -= nanos
    return Counter({account: nanos for account, nanos in found.items() if nanos})


@settings(max_examples=15)
@given(rules=rule_sets(), directory=directories())
def test_every_record_is_borne_by_whom_the_rules_name_on_its_day(
    rules: RuleSet, directory: Directory, duck: Any
) -> None:
    desired = charged(duck, replace(BARE, rules=rules, directory=directory))

    expected: Counter[Account] = Counter()
    for row in USED:
        identity = {name: row.get(name) for name in FIELDS}
        identity["tag:project"] = row["tags"][0][1] if row["tags"] else None
        owned = owner_of(identity, row["start"].date(), rules, directory)
        expected[owner_account(owned.owner) if owned else UNATTRIBUTED] += cost(row)
    held = balances(duck, desired)
    assert {one: nanos for one, nanos in held.items() if one.kind not in HOLDING_KINDS} == expected


@settings(max_examples=30)
@given(rules=rule_sets(), directory=directories(), sharing=sharings())
def test_shares_pools_and_mark_ups_add_up_to_what_was_used(
    rules: RuleSet, directory: Directory, sharing: Sharing, duck: Any
) -> None:
    policy = replace(BARE, rules=rules, directory=directory, sharing=sharing)

    held = balances(duck, charged(duck, policy))

    assert sum(held.values()) == 0
    owed = sum(nanos for one, nanos in held.items() if one.kind is AccountKind.PROVIDER)
    assert -owed == TOTAL


@settings(max_examples=20)
@given(rules=rule_sets(), directory=directories())
def test_money_without_owner_is_told_to_the_nano_in_every_column(
    rules: RuleSet, directory: Directory, duck: Any
) -> None:
    policy = replace(BARE, rules=rules, directory=directory)
    fields = ("api_key", "workspace", "tag:project")
    desired = charged(duck, policy, Kept(unowned=fields))

    at_stake.money_at_stake(duck, fields, (DAYS[0], DAYS[-1]))
    by_key = at_stake.without_owner(duck, fields)
    told = at_stake.doubts(duck, fields)

    lost = balances(duck, desired)[UNATTRIBUTED]
    assert sum(nanos for *_, nanos in by_key) == lost
    expected: defaultdict[tuple[str, str], int] = defaultdict(int)
    bearers: defaultdict[tuple[str, str], set[Account]] = defaultdict(set)
    for row in USED:
        said = {"api_key": row["api_key"], "workspace": row["workspace"]}
        said["tag:project"] = row["tags"][0][1] if row["tags"] else None
        owned = owner_of(said, row["start"].date(), rules, directory)
        for field, value in said.items():
            if value is not None and owned is None:
                expected[field, value] += cost(row)
            elif value is not None and owned is not None:
                bearers[field, value].add(owner_account(owned.owner))
    assert {(field, value): nanos for field, value, _, nanos, _ in told} == expected
    assert {
        (field, value): {desired.debits[number] for number in numbers}
        for field, value, _, _, numbers in told
    } == {said: bearers[said] for said in expected}
