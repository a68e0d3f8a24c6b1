"""Random months: the book is what an independent oracle says, and every earlier state comes back.

Of the reliability notes it holds M1 (what is charged is what was used, to the nano), M3 (computed
independently), M7 (as-of) and I7 (late data of a closed month).
"""

import sqlite3
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from metering.core.periods import BillingPeriod
from metering.errors import BookError
from metering.settings import Settings
from metering.workflows.closing.close import close_period
from metering.workflows.closing.periods import periods, show_period
from metering.workflows.closing.refusals import RefusalCode
from metering.workflows.closing.tie_out import tie_out_period
from metering.workflows.ownership.owner_imports import import_file
from metering.workflows.posting.post import post
from metering.workflows.pricing.card_imports import import_card
from metering.workflows.reports.report import ReportFormat, report_chargeback
from metering.workflows.runs import Run
from metering.workflows.verify import verify
from tests.support.closing_oracle import Oracle
from tests.support.ledgers import fresh_ledger, ingest
from tests.support.messages_pages import OPUS, messages_page

KEYS = ("key_a", "key_b")
MONTHS = ("2026-09", "2026-10")
ACCEPT_ALL = dict.fromkeys(RefusalCode, "a property test")
OWNERS = "key,person,team,project,cost_centre,valid_from,valid_to\n"
CARD = """
[card]
name = "contract-anthropic"
kind = "contract"
currency = "USD"

[[rates]]
provider = "anthropic"
platform = "anthropic-api"
models = ["claude-opus-5"]
from = 2026-01-01T00:00:00Z
prices = {{ output = "{price}" }}
source = "contract"
read = 2026-11-02
evidence = "contract"
"""

# Odd prices, so that amounts are rounded; whole nanos per million tokens.
_prices = st.integers(1, 10**11).map(lambda nanos: ("price", nanos))
_owners = st.sampled_from(["alpha", "beta"]).map(lambda team: ("own", team))
_reports = st.tuples(
    st.just("report"),
    st.sampled_from(["2026-09-29", "2026-09-30", "2026-10-01"]),
    st.fixed_dictionaries(dict.fromkeys(KEYS, st.integers(0, 10**7))),
)
_closes = st.sampled_from(MONTHS).map(lambda month: ("close", month))
_steps = st.lists(
    st.one_of(
        _reports, _reports, st.just(("post",)), st.just(("post",)), _prices, _owners, _closes
    ),
    min_size=4,
    max_size=10,
)


class Month:
    """A ledger and its oracle, to which the same things happen."""

    def __init__(self, home: Path) -> None:
        self.settings = fresh_ledger(home)
        self.oracle = Oracle(Fraction(25_000), "")
        self._steps = 0
        self._days: set[tuple[str, int]] = set()
        self.take("own", "alpha")

    def run(self, command: str) -> Run:
        self._steps += 1
        return Run(command, "tester", datetime(2026, 11, 22, self._steps, tzinfo=UTC))

    def take(self, step: str, *said: Any) -> None:
        getattr(self, step)(*said)

    def report(self, day: str, tokens: dict[str, int]) -> None:
        total = sum(tokens.values())
        if not total or (day, total) in self._days:
            return  # which of two equally full reports stands, their content decides
        self._days.add((day, total))
        path = self.settings.home / f"page-{len(self._days)}.json"
        ingest(
            self.settings,
            messages_page(path, {day: {(key, OPUS): n for key, n in tokens.items() if n}}),
        )
        self.oracle.report(day, tokens)

    def price(self, nanos: int) -> None:
        path = self.settings.home / "contract.toml"
        whole, rest = divmod(nanos, 10**9)
        path.write_text(CARD.format(price=f"{whole}.{rest:09d}"), encoding="utf-8")
        import_card(self.settings, self.run("prices import"), path, dry_run=False)
        self.oracle.price = Fraction(nanos, 10**6)

    def own(self, team: str) -> None:
        path = self.settings.home / "owners.csv"
        path.write_text(OWNERS + "".join(f"{key},,{team},{key},CC-1,,\n" for key in KEYS))
        import_file(self.settings, self.run("owners import"), path)
        self.oracle.owner = team

    def post(self) -> None:
        post(self.settings, self.run("post"))
        self.oracle.post()

    def close(self, month: str) -> None:
        try:
            close_period(
                self.settings,
                self.run("period close"),
                BillingPeriod.parse(month),
                accept=ACCEPT_ALL,
            )
        except BookError as error:
            assert error.code in {"no-charges", "period-closed"}  # noqa: PT017 - both may come
        else:
            self.oracle.close(month)

    def last_run(self) -> int:
        with sqlite3.connect(self.settings.home / "books.sqlite") as connection:
            return int(connection.execute("SELECT max(id) FROM run").fetchone()[0])


def _booked(settings: Settings) -> dict[tuple[str, tuple[str, str, str]], int]:
    with sqlite3.connect(settings.home / "books.sqlite") as connection:
        rows = connection.execute(
            "SELECT p.period, p.charge_day, d.project, d.team, sum(p.amount_nanos) FROM posting p"
            " JOIN account d ON d.id = p.debit_account_id GROUP BY 1, 2, 3, 4"
        ).fetchall()
    return {(period, (day, key, team)): nanos for period, day, key, team, nanos in rows if nanos}


def _reasons(settings: Settings) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for month in MONTHS:
        try:
            shown = show_period(settings, BillingPeriod.parse(month))
        except BookError:
            continue
        for one in shown.corrections:
            found[month, one.reason] = found.get((month, one.reason), 0) + one.amount_nanos
    return {key: nanos for key, nanos in found.items() if nanos}


def _said(settings: Settings, folder: Path, as_of: str | None = None) -> list[Any]:
    """Return everything that is said of both months, files as bytes."""
    said: list[Any] = [periods(settings, as_of=as_of)]
    for name in MONTHS:
        month = BillingPeriod.parse(name)
        said.append(tie_out_period(settings, month, as_of=as_of))
        try:
            written = report_chargeback(settings, month, folder, tuple(ReportFormat), as_of=as_of)
        except BookError as error:
            said.append(error.code)
        else:
            said += [path.read_bytes() for path in written.paths]
    return said


@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")
@settings(max_examples=6)
@example(
    steps=[
        ("report", "2026-09-29", {"key_a": 1_000, "key_b": 5}),
        ("post",),
        ("close", "2026-09"),
        ("own", "beta"),
        ("price", 12_345_678),
        ("report", "2026-09-30", {"key_a": 7, "key_b": 0}),
    ],
    looked={1, 3},
)
@given(steps=_steps, looked=st.sets(st.integers(0, 9), max_size=2))
def test_a_random_month_is_as_the_oracle_says_and_comes_back_as_it_was(
    steps: list[tuple[Any, ...]], looked: set[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("month")
    month = Month(folder / "ledger")
    seen: dict[int, list[Any]] = {}

    for number, step in enumerate(steps):
        month.take(*step)
        if number in looked:
            seen[month.last_run()] = _said(month.settings, folder / "then")
    month.take("post")

    assert _booked(month.settings) == {
        place: nanos for place, nanos in month.oracle.booked.items() if nanos
    }
    assert _reasons(month.settings) == {
        place: nanos for place, nanos in month.oracle.reasons.items() if nanos
    }
    for run_id, said in seen.items():
        assert _said(month.settings, folder / "again", as_of=str(run_id)) == said
    assert post(month.settings, month.run("post")).postings == 0
    assert verify(month.settings, full=True).problems == ()
