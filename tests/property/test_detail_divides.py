"""Detail divides what is metered as exact fractions say, and never adds to it.

The oracle walks records one by one and divides in fractions; it shares no code with the engine.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from fractions import Fraction
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.core.ledger import UNATTRIBUTED, owner_account
from metering.core.ownership.attribution import (
    Assign,
    Directory,
    DirectoryEntry,
    Match,
    Owner,
    Rule,
    RuleSet,
)
from metering.core.patterns import Pattern
from metering.core.pricing.rate_book import RateBook
from metering.engine.charging import charges as engine
from metering.engine.connection import open_duckdb
from metering.engine.rollup.cells import Cuts, build_cells
from metering.engine.rollup.on_duckdb import DuckDbRollUp
from metering.rate_cards.loading import bundled_cards
from metering.usage.staging import Staging
from metering.workflows.posting.desired import desired_charges
from metering.workflows.posting.policy import Policy
from tests.support.usage_rows import staged_days, usage_rows

BOOK = RateBook(bundled_cards())
DAYS = (date(2026, 10, 1), date(2026, 10, 2))
# USD per million tokens. The dated name is the same model, as a detail source may spell it.
PRICES = {"input_uncached": 3, "output": 15}
SPELLINGS = ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929")
OWNED = {"k1": Owner("CC-1", "red"), "k2": Owner("CC-2", "blue"), "ana": Owner("CC-3", "ana")}
DIRECTORY = Directory(
    "owners.csv",
    tuple(
        DirectoryEntry(line, key, "", owner.team, "", owner.cost_centre)
        for line, (key, owner) in enumerate(OWNED.items(), start=2)
    ),
)
NOON = time(12)
DIVIDED_KEYS = ("k1", "lost")


def _divider(position: int, ingestor: str, pattern: str) -> Rule:
    match = (Match("api_key", Pattern.parse(pattern)),)
    return Rule(position, ingestor, match, Assign(cost_centre=ingestor))


POLICY = Policy(
    BOOK,
    RuleSet(),
    DIRECTORY,
    "USD",
    dividers=RuleSet("f", (_divider(1, "detail", "re2:k1|lost"), _divider(2, "never", "glob:*"))),
)

quantities = st.sampled_from((0, 1, 2, 7, 333, 1_000_003))
metered = st.fixed_dictionaries(
    {
        "day": st.sampled_from(DAYS),
        "api_key": st.sampled_from(("k1", "k2", "lost")),
        "service_tier": st.sampled_from((None, "standard")),
        "input_uncached": quantities,
        "output": quantities,
    }
)
finer = st.fixed_dictionaries(
    {
        "day": st.sampled_from(DAYS),
        "model_raw": st.sampled_from((*SPELLINGS, "claude-opus-4-5")),
        "principal": st.sampled_from(("ana", "k2", "k1", "stranger")),
        "input_uncached": quantities,
        "output": quantities,
    }
)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder)


@settings(max_examples=12)
@given(
    bills=st.lists(metered, min_size=1, max_size=8),
    detail=st.lists(finer, min_size=1, max_size=8),
    seed=st.randoms(use_true_random=False),
)
def test_the_engine_divides_as_fractions_do(
    bills: list[dict[str, Any]], detail: list[dict[str, Any]], seed: Any, scratch: Path
) -> None:
    with _charged(bills, detail, scratch) as found:
        assert found == _by_hand(bills, detail)
        total = sum(amount for _, amount in found.values())
    with _charged(seed.sample(bills, len(bills)), seed.sample(detail, len(detail)), scratch) as one:
        assert one == found
    with _charged(bills, [], scratch) as undivided:
        assert sum(amount for _, amount in undivided.values()) == total


def test_detail_of_more_than_is_metered_adds_nothing(scratch: Path) -> None:
    bill = {"day": DAYS[0], "api_key": "k1", "output": 10}
    detail = [
        {"day": DAYS[0], "model_raw": SPELLINGS[1], "principal": "ana", "output": 200},
        {"day": DAYS[0], "model_raw": SPELLINGS[0], "principal": "k2", "output": 100},
        {"day": DAYS[1], "model_raw": SPELLINGS[0], "principal": "k2", "output": 100},
    ]

    with _charged([bill], detail, scratch) as found:
        assert {line[1]: held for line, held in found.items()} == {
            "owner:CC-3/ana/-": (7, 100_000),
            "owner:CC-2/blue/-": (3, 50_000),
        }


Line = tuple[str, str, str, str, str]


@contextmanager
def _charged(
    bills: list[dict[str, Any]], detail: list[dict[str, Any]], scratch: Path
) -> Iterator[dict[Line, tuple[int, int]]]:
    """Yield (day, account, meter, tier, divided by) to (quantity, nanos), without empty lines."""
    with (
        TemporaryDirectory(dir=scratch) as name,
        open_duckdb(Path(name) / "spill", memory_limit="500MB", threads=1) as connection,
    ):
        cells = _cells(connection, Path(name) / "bills", "bill", bills)
        fine = _cells(connection, Path(name) / "detail", "detail", detail) if detail else {}
        engine.open_cells(connection, list(cells.values()))
        desired = desired_charges(
            connection, POLICY, (min(cells), max(cells)), detail=list(fine.values())
        )
        rows = connection.execute(
            "SELECT CAST(day AS VARCHAR), debit_no, basis_no, quantity, amount_nanos FROM charges"
        ).fetchall()
        found: dict[Line, tuple[int, int]] = {}
        for day, debit, basis_no, quantity, amount in rows:
            basis = desired.bases[basis_no]
            said = (basis.meter, basis.conditions, basis.divided_by)
            line = (day, desired.debits[debit].name, *said)
            assert line not in found
            found[line] = (quantity, amount)
        yield found


def _cells(connection: Any, folder: Path, ingestor: str, drawn: list[dict[str, Any]]) -> Any:
    staging = Staging(connection, folder / "usage", ingestor=ingestor, account="default")
    staging.add(
        usage_rows(
            *(
                {
                    "event_id": str(number),
                    "start": datetime.combine(one["day"], NOON, UTC),
                    **{name: value for name, value in one.items() if name != "day"},
                }
                for number, one in enumerate(drawn)
            )
        )
    )
    staging.flush()
    plans = [(day, Cuts({}, {}, ())) for day in staged_days(staging)]
    return build_cells(DuckDbRollUp(connection), plans, folder / "cells")


def _by_hand(
    bills: list[dict[str, Any]], detail: list[dict[str, Any]]
) -> dict[Line, tuple[int, int]]:
    lines: dict[tuple[str, str, str, str], dict[bool, int]] = defaultdict(lambda: defaultdict(int))
    whole: dict[tuple[str, str], int] = defaultdict(int)
    for one, meter in product(bills, PRICES):
        is_divided = one["api_key"] in DIVIDED_KEYS
        tier = '{"service_tier":"standard"}' if one.get("service_tier") else "{}"
        if one[meter]:
            key = (str(one["day"]), _account(one["api_key"]), meter, tier)
            lines[key][is_divided] += one[meter]
            whole[str(one["day"]), meter] += one[meter] if is_divided else 0
    weights: dict[tuple[str, str], dict[tuple[str, bool], int]]
    weights = defaultdict(lambda: defaultdict(int))
    for one, meter in product(detail, PRICES):
        if one["model_raw"] in SPELLINGS and one["principal"] in OWNED and one[meter]:
            weights[str(one["day"]), meter][_account(one["principal"]), False] += one[meter]
    found: dict[Line, list[int]] = defaultdict(lambda: [0, 0])
    for (day, account, meter, tier), portions in lines.items():
        taken = _line(portions, PRICES[meter], account, weights[day, meter], whole[day, meter])
        for (taker, is_rest), (count, nanos) in taken.items():
            line = found[day, taker, meter, tier, "" if is_rest else "detail"]
            line[0] += count
            line[1] += nanos
    return {line: (held[0], held[1]) for line, held in found.items() if any(held)}


def _line(
    portions: dict[bool, int],
    price: int,
    account: str,
    takers: dict[tuple[str, bool], int],
    whole: int,
) -> dict[tuple[str, bool], list[int]]:
    """Divide one priced line: first into its portions, then what is divided among its takers."""
    nanos = round(Fraction(sum(portions.values()) * price * 10**9, 10**6))
    amounts = _remainder(nanos, {("", is_divided): held for is_divided, held in portions.items()})
    found: dict[tuple[str, bool], list[int]] = defaultdict(lambda: [0, 0])
    for is_divided, held in portions.items():
        entries = dict(takers) if is_divided else {}
        rest = max(whole - sum(entries.values()), 0) if entries else 1
        if rest:
            entries[account, True] = rest
        counts = _remainder(held, entries)
        for taker, amount in _remainder(amounts["", is_divided], entries).items():
            found[taker][0] += counts[taker]
            found[taker][1] += amount
    return found


def _account(key: str) -> str:
    return owner_account(OWNED[key]).name if key in OWNED else UNATTRIBUTED.name


def _remainder(whole: int, weights: dict[tuple[str, bool], int]) -> dict[tuple[str, bool], int]:
    exact = {name: Fraction(whole * one, sum(weights.values())) for name, one in weights.items()}
    parts = {name: share.__floor__() for name, share in exact.items()}
    order = sorted(exact, key=lambda name: (parts[name] - exact[name], name))
    for name in order[: whole - sum(parts.values())]:
        parts[name] += 1
    return parts
