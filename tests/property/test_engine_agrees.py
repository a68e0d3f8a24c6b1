"""Cells, joins and 128-bit sums give to the nano what one record after another would give."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.core.ledger import UNATTRIBUTED, UNPRICED, owner_account
from metering.core.ownership.attribution import Directory, DirectoryEntry, RuleSet, owner_of
from metering.core.pricing.price_changes import boundaries, prompt_bounds
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rating import PromptRange, RatingKey, rate_for
from metering.engine.charging import charges as engine
from metering.engine.connection import open_duckdb
from metering.engine.rollup.cells import Cuts, DayUsage, build_cells
from metering.engine.rollup.on_duckdb import DuckDbRollUp
from metering.rate_cards.loading import bundled_cards
from metering.usage.staging import Staging
from metering.workflows.posting.desired import desired_charges
from metering.workflows.posting.policy import Policy
from tests.support.usage_rows import staged_days, usage_rows

if TYPE_CHECKING:
    import duckdb

BOOK = RateBook(bundled_cards())
METERS = ("input_uncached", "cache_read", "output")
# (provider, platform, model): a mid-day price change with windows, prompt tiers, none, unknown.
MODELS = (
    ("deepseek", "deepseek-api", "deepseek-v4-flash"),
    ("anthropic", "anthropic-api", "claude-sonnet-4-5"),
    ("openai", "openai-api", "gpt-5.4"),
    ("openai", "openai-api", "gpt-99"),
)
MOMENTS = tuple(
    datetime(2026, 8, day, hour, minute, second, tzinfo=UTC)
    for day in (15, 16, 17)
    for hour, minute, second in ((0, 0, 0), (3, 59, 59), (4, 0, 0), (15, 59, 59), (16, 0, 0))
)
DIRECTORY = Directory(
    "owners.csv",
    (
        DirectoryEntry(2, "key-1", "", "red", "one", "CC-1", None, date(2026, 8, 16)),
        DirectoryEntry(3, "key-1", "", "blue", "one", "CC-2", date(2026, 8, 16), None),
        DirectoryEntry(4, "key-2", "ana", "red", "one", "CC-1"),
    ),
)
POLICY = Policy(BOOK, RuleSet(), DIRECTORY, "USD")

requests = st.fixed_dictionaries(
    {
        "model": st.sampled_from(MODELS),
        "start": st.sampled_from(MOMENTS),
        "key": st.sampled_from(("key-1", "key-2", "key-3", None)),
        "input_uncached": st.sampled_from((0, 1, 150_000, 200_000, 272_001)),
        "cache_read": st.sampled_from((0, 1, 72_000, 122_001)),
        "output": st.integers(0, 5_000),
    }
)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder)


@settings(max_examples=25)
@given(drawn=st.lists(requests, min_size=1, max_size=30))
def test_the_engine_charges_what_the_rules_say_record_by_record(
    drawn: list[dict[str, Any]], scratch: Path
) -> None:
    with _charged(_rows(drawn), scratch) as found:
        assert found == _by_hand(drawn)


@settings(max_examples=10)
@given(drawn=st.lists(requests, min_size=2, max_size=20), seed=st.randoms(use_true_random=False))
def test_order_does_not_matter(drawn: list[dict[str, Any]], seed: Any, scratch: Path) -> None:
    shuffled = seed.sample(drawn, len(drawn))

    with _charged(_rows(drawn), scratch) as one, _charged(_rows(shuffled), scratch) as other:
        assert one == other


def test_a_day_bucket_across_a_price_change_is_the_average_by_time_and_provisional(
    scratch: Path,
) -> None:
    day = datetime(2026, 8, 16, tzinfo=UTC)
    bucket = {
        "grain": "day",
        "start": day,
        "end": day + timedelta(days=1),
        "provider": "deepseek",
        "platform": "deepseek-api",
        "model_raw": "deepseek-v4-flash",
        "output": 2_400_000,
    }

    with _engine(usage_rows(bucket), scratch) as (connection, desired):
        rows = connection.execute("SELECT basis_no, amount_nanos FROM charges").fetchall()

    # 0.28 USD per million until 16:00; off-peak 0.66 after it: 16/24 and 8/24 of the quantity.
    ((basis_no, amount),) = rows
    basis = desired.bases[basis_no]
    assert (basis.status, basis.reason) == ("provisional", "straddles_price_change")
    assert amount == round(2_400_000 * (Fraction(280, 1) * 16 + Fraction(660, 1) * 8) / 24)


def _rows(drawn: list[dict[str, Any]]) -> Any:
    return usage_rows(
        *(
            {
                "event_id": str(number),
                "provider": one["model"][0],
                "platform": one["model"][1],
                "model_raw": one["model"][2],
                "start": one["start"],
                "api_key": one["key"],
                "prompt_tokens": one["input_uncached"] + one["cache_read"],
                **{meter: one[meter] for meter in METERS},
            }
            for number, one in enumerate(drawn)
        )
    )


Line = tuple[str, str, str, str, str]


@contextmanager
def _charged(rows: Any, scratch: Path) -> Iterator[dict[Line, tuple[int, int]]]:
    with _engine(rows, scratch) as (connection, desired):
        found: dict[Line, tuple[int, int]] = {}
        for day, debit_no, basis_no, quantity, amount in connection.execute(
            "SELECT CAST(day AS VARCHAR), debit_no, basis_no, quantity, amount_nanos FROM charges"
        ).fetchall():
            basis = desired.bases[basis_no]
            line = (
                day,
                desired.debits[debit_no].name,
                basis.model_raw,
                basis.meter,
                f"{basis.unit_price_nanos}/{basis.status}{basis.reason}",
            )
            assert line not in found
            found[line] = (quantity, amount)
        yield found


@contextmanager
def _engine(rows: Any, scratch: Path) -> Iterator[tuple["duckdb.DuckDBPyConnection", Any]]:
    with (
        TemporaryDirectory(dir=scratch) as name,
        open_duckdb(Path(name) / "spill", memory_limit="500MB", threads=1) as connection,
    ):
        folder = Path(name)
        staging = Staging(connection, folder / "usage", ingestor="log", account="default")
        staging.add(rows)
        staging.flush()
        plans = [(day, _cuts(day)) for day in staged_days(staging)]
        cells = build_cells(DuckDbRollUp(connection), plans, folder / "cells")
        engine.open_cells(connection, list(cells.values()))
        yield connection, desired_charges(connection, POLICY, (min(cells), max(cells)))


def _cuts(usage: DayUsage) -> Cuts:
    begin = datetime.combine(usage.day, datetime.min.time(), tzinfo=UTC)
    platforms = {(provider, platform) for provider, platform, _ in usage.models}
    return Cuts(
        {key: boundaries(BOOK, *key, begin, begin + timedelta(days=1)) for key in platforms},
        {model: prompt_bounds(BOOK, *model) for model in usage.models},
        (),
    )


def _by_hand(drawn: list[dict[str, Any]]) -> dict[Line, tuple[int, int]]:
    """Return the charges by asking the rules about every record by itself."""
    quantities: dict[Line, int] = defaultdict(int)
    prices: dict[Line, Fraction] = {}
    for one in drawn:
        provider, platform, model = one["model"]
        prompt = one["input_uncached"] + one["cache_read"]
        key = RatingKey(provider, platform, model, prompt=PromptRange(prompt, prompt))
        owned = owner_of({"api_key": one["key"]}, one["start"].date(), RuleSet(), DIRECTORY)
        for meter in METERS:
            if not one[meter]:
                continue
            decision = rate_for(key, meter, BOOK, one["start"])
            account = owner_account(owned.owner) if owned else UNATTRIBUTED
            if decision.unit_price is None:
                account = UNPRICED
            line = (
                str(one["start"].date()),
                account.name,
                model,
                meter,
                f"{decision.price_nanos}/{decision.status}{decision.reason}",
            )
            quantities[line] += one[meter]
            prices[line] = decision.unit_price or Fraction(0)
    return {line: (held, round(held * prices[line])) for line, held in quantities.items()}
