"""The ledger of the sample company equals what was worked out without `metering`.

`tests/sample_company` adds up exact fractions from a price table of its own while it writes the
exports. So a defect in a rate card, an ingestor, the roll-up, a rule or a split shows as money.
"""

import csv
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from metering.settings import FILE_NAME
from tests.support.command_line import done

EXPECTED = json.loads(
    (Path(__file__).parents[1] / "sample_company" / "expected.json").read_text(encoding="utf-8")
)
# The ledger rounds each posting to a nano; a month of one account has a few hundred.
_ROUNDING = Decimal("0.000001")


Line = dict[str, str]


@pytest.fixture(scope="module")
def charged(tmp_path_factory: pytest.TempPathFactory) -> list[Line]:
    """Return every line of the six chargeback files."""
    folder = tmp_path_factory.mktemp("second-opinion") / "demo"
    done("demo", "--out", folder)
    lines: list[Line] = []
    for period in sorted({row["period"] for row in EXPECTED["by_account"]}):
        report = ("report", "chargeback", period, "--format", "csv")
        done("--config", folder / FILE_NAME, *report, "--out", folder)
        text = (folder / f"chargeback-{period}.csv").read_text(encoding="utf-8-sig")
        lines += csv.DictReader(text.splitlines())
    return lines


def _sums(lines: list[Line], *columns: str) -> dict[tuple[str, ...], Decimal]:
    sums: defaultdict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for line in lines:
        if line["billed_cost"]:
            sums[tuple(line[column] for column in columns)] += Decimal(line["billed_cost"])
    return dict(sums)


def _expected(table: str, *columns: str) -> dict[tuple[str, ...], Decimal]:
    sums: defaultdict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in (*EXPECTED[table], *EXPECTED["flat"]):
        sums[tuple(row[column] for column in columns)] += Decimal(row["usd"])
    return dict(sums)


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("by_account", ("provider", "period")),
        ("by_owner", ("period", "cost_centre", "project")),
    ],
)
def test_every_amount_is_the_one_worked_out_apart(
    charged: list[Line], table: str, columns: tuple[str, ...]
) -> None:
    expected = _expected(table, *columns)

    booked = _sums(charged, *columns)

    assert booked.keys() == expected.keys()
    apart = {key: booked[key] - expected[key] for key in expected}
    assert {key: gap for key, gap in apart.items() if abs(gap) > _ROUNDING} == {}


def test_what_has_no_rate_has_no_amount(charged: list[Line]) -> None:
    expected = {(row["period"], row["provider"]): 0 for row in EXPECTED["unpriced"]}
    for row in EXPECTED["unpriced"]:
        expected[row["period"], row["provider"]] += row["quantity"]

    waiting: defaultdict[tuple[str, str], int] = defaultdict(int)
    for line in charged:
        if not line["billed_cost"]:
            waiting[line["period"], line["provider"]] += int(line["quantity"])

    assert dict(waiting) == expected
