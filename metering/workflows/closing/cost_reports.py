"""Cost reports: what the providers say usage cost, beside what it was priced at."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.books import billed as billed_book
from metering.books import lake as lake_book
from metering.books import rate_cards as card_book
from metering.core.closing.adjustments import ADJUSTMENT_METERS
from metering.core.closing.cost_report import (
    CostComparison,
    CostReport,
    PricedDay,
    ReportedDay,
    compare_costs,
)
from metering.core.money import NANOS_PER_UNIT
from metering.core.periods import BillingPeriod
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.terms import TermKind
from metering.engine.connection import open_duckdb
from metering.engine.reported_costs import ReportedCost, reported_costs
from metering.ingest.contract import SourceRole
from metering.usage.lake import Lake

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings

Account = tuple[str, str, str]
"""Provider, billing account, currency."""

_CENT: Final = NANOS_PER_UNIT // 100
# Reports with more digits are sums of floating-point numbers: a millionth of a unit a row.
_FLOAT_STEP: Final = NANOS_PER_UNIT // 1_000_000
_SETTLING: Final = frozenset(TermKind)
_PRIORITY: Final = "priority"


def cost_comparisons(
    connection: "Connection", settings: "Settings", period: BillingPeriod
) -> dict[Account, CostComparison]:
    """Return what the cost reports of a period say against priced usage, by account.

    Accounts without a report are left out. Models are compared under the names that the rate
    cards in force give them at the start of the period.
    """
    first, last = str(period.first_day), str(period.end_day - timedelta(days=1))
    files = lake_book.live_files(connection, [SourceRole.COST.value], first, last)
    if not files:
        return {}
    names = _Names(RateBook(card_book.cards_in_force(connection)), period)
    reports = _reports(_reported(settings, files), files, names)
    priced: dict[Account, list[PricedDay]] = defaultdict(list)
    for line in billed_book.billed_days(connection, first, last):
        if line.meter in ADJUSTMENT_METERS:
            continue
        priced[line.provider, line.billing_account, line.currency].append(_priced(line, names))
    compared = {key: compare_costs(priced[key], found) for key, found in reports.items()}
    return {key: found for key, found in compared.items() if found is not None}


class _Names:
    """Families: canonical models, so that both sides call one thing the same."""

    def __init__(self, book: RateBook, period: BillingPeriod) -> None:
        first = period.first_day
        self._book = book
        self._at = datetime(first.year, first.month, first.day, tzinfo=UTC)

    def family(self, provider: str, platform: str, name: str) -> str:
        return self._book.resolution_at(provider, platform, name, self._at).model if name else ""


def _reported(settings: "Settings", files: Sequence[lake_book.LakeFile]) -> Iterable[ReportedCost]:
    lake = Lake(settings.lake)
    paths = [lake.path_of(file.path) for file in files if file.path is not None]
    with (
        tempfile.TemporaryDirectory() as scratch,
        open_duckdb(
            Path(scratch), memory_limit=settings.memory_limit, threads=settings.threads
        ) as duck,
    ):
        return reported_costs(duck, paths)


def _reports(
    costs: Iterable[ReportedCost], files: Sequence[lake_book.LakeFile], names: _Names
) -> dict[Account, list[CostReport]]:
    covered: dict[str, set[str]] = defaultdict(set)
    for file in files:
        covered[file.ingestor].add(file.day)
    days: dict[tuple[Account, str], list[ReportedDay]] = defaultdict(list)
    steps: dict[tuple[Account, str], int] = {}
    of_range: set[tuple[Account, str]] = set()
    for cost in costs:
        key = ((cost.provider, cost.billing_account, cost.currency), cost.ingestor)
        family = names.family(cost.provider, cost.platform, cost.item)
        days[key].append(ReportedDay(family, cost.day, cost.nanos, cost.rows))
        step = _CENT if cost.in_cents else _FLOAT_STEP
        steps[key] = min(step, steps.get(key, step))
        if cost.of_range:
            of_range.add(key)
    found: dict[Account, list[CostReport]] = defaultdict(list)
    for (account, ingestor), told in days.items():
        found[account].append(
            CostReport(
                ingestor,
                frozenset(covered[ingestor]),
                tuple(told),
                steps[account, ingestor],
                is_of_range=(account, ingestor) in of_range,
            )
        )
    return found


def _priced(line: billed_book.BilledDay, names: _Names) -> PricedDay:
    family = names.family(line.provider, line.platform, line.model or line.model_raw)
    conditions: Mapping[str, object] = json.loads(line.conditions)
    nanos = line.amount_nanos
    settled = line.meter in _SETTLING
    priority = conditions.get("service_tier") == _PRIORITY
    return PricedDay(
        family,
        line.charge_day,
        nanos,
        priority_nanos=nanos if priority and not settled else 0,
        settled_nanos=nanos if settled else 0,
    )
