"""Shared cost is collected and given on in the one ledger, and no total ever changes."""

import json
import shutil
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from metering.books.engine import begin_read, begin_write, open_engine
from metering.books.ledger import NetLine, net_lines
from metering.books.ledger_totals import control_totals, period_totals
from metering.books.periods import PeriodState, add_period_event
from metering.books.runs import record_run
from metering.core.periods import BillingPeriod
from metering.settings import Settings, load_settings
from metering.workflows.closing.tie_out import tie_out_period
from metering.workflows.posting.post import post
from metering.workflows.reports.period_snapshot import snapshot_of_period
from metering.workflows.sharing.pools import import_file, show
from metering.workflows.verify import verify
from tests.support.command_line import metering
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest, ledger_hash, run

OCTOBER: Final = BillingPeriod(2026, 10)
SHARING: Final = """\
[[pool]]
name = "search"
match = { team = "shared", project = "search-index" }

[[pool]]
name = "assistants"
match = [{ project = "claude-code" }, { account = "suspense:unattributed" }]

[[split]]
name = "search is a tool for three"
pool = "search"
by = "even"
among = ["CC-4100/payments", "CC-4300/data", "pool:assistants"]

[[split]]
name = "assistants by tokens"
pool = "assistants"
by = "tokens"
markup = 2.5
"""
LOGS: Final = (
    SAMPLE / "usage" / "openai" / "completions-2026-10.json",
    SAMPLE / "usage" / "openai" / "embeddings-2026-10.json",
    SAMPLE / "usage" / "anthropic" / "messages-2026-10.json",
)


@pytest.fixture(scope="module")
def posted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("posted") / "ledger"
    settings = fresh_ledger(home)
    (home / "sharing.toml").write_text(SHARING, encoding="utf-8")
    ingest(settings, *LOGS)
    post(settings, run("post"))
    return home


@pytest.fixture
def settings(posted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    home = tmp_path / "ledger"
    shutil.copytree(posted, home)
    monkeypatch.chdir(home)
    return load_settings(home / "metering.toml")


def share(settings: Settings, text: str = SHARING) -> None:
    (settings.home / "sharing.toml").write_text(text, encoding="utf-8")
    import_file(settings, run("sharing import"), settings.home / "sharing.toml")
    post(settings, run("post"))


def lines(settings: Settings) -> tuple[NetLine, ...]:
    with begin_read(open_engine(settings.books_url)) as connection:
        return tuple(net_lines(connection))


def totals(settings: Settings) -> dict[str, Any]:
    """Return the total of every view of the ledger."""
    with begin_read(open_engine(settings.books_url)) as connection:
        snapshot = snapshot_of_period(connection, settings, OCTOBER)
        return {
            "control": {one.currency: one.billed_nanos for one in control_totals(connection)},
            "periods": [(one.period, one.billed_nanos) for one in period_totals(connection)],
            "report": snapshot.lines.control_totals(),
            "invoiced": [tie.lines for tie in tie_out_period(settings, OCTOBER)],
        }


def balances(found: tuple[NetLine, ...]) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for line in found:
        sums[line.debit] += line.amount_nanos
    return dict(sums)


def test_sharing_moves_cost_and_changes_no_total(settings: Settings) -> None:
    before, borne = totals(settings), balances(lines(settings))

    share(settings)

    after = balances(lines(settings))
    assert totals(settings) == before
    assert (after["pool:search"], after["pool:assistants"]) == (0, 0)
    assert "owner:CC-9000/shared/claude-code" not in after
    assert after["markup:assistants"] < 0
    assert after["owner:CC-4100/payments/-"] == 3_333_333_334
    assert after["owner:CC-4300/data/-"] == 3_333_333_333
    assert sum(after.values()) == sum(borne.values())
    assert verify(settings, full=True).problems == ()


def test_sharing_and_posting_again_changes_nothing(settings: Settings) -> None:
    share(settings)

    again = import_file(settings, run("sharing import"), settings.home / "sharing.toml")

    assert (again.version, again.is_new) == (1, False)
    assert post(settings, run("post")).postings == 0
    assert post(settings, run("post"), dry_run=True).postings == 0
    part = post(settings, run("post"), first=date(2026, 10, 7), last=date(2026, 10, 8))
    assert part.postings == 0


def test_the_order_of_imports_and_posts_is_irrelevant(settings: Settings, tmp_path: Path) -> None:
    other = fresh_ledger(tmp_path / "other")
    (other.home / "sharing.toml").write_text(SHARING, encoding="utf-8")

    share(settings)
    import_file(other, run(), other.home / "sharing.toml")
    for path in reversed(LOGS):
        ingest(other, path)
        post(other, run("post"))

    assert ledger_hash(settings) == ledger_hash(other)


def test_what_is_shared_no_more_is_taken_back(settings: Settings) -> None:
    before = balances(lines(settings))
    share(settings)

    share(settings, "# nothing is shared\n")

    assert {name: nanos for name, nanos in balances(lines(settings)).items() if nanos} == before


def test_a_closed_period_keeps_how_it_was_shared_and_late_usage_corrects_it(
    settings: Settings,
) -> None:
    share(settings)
    closed = lines(settings)
    with begin_write(open_engine(settings.books_url)) as connection:
        close = record_run(connection, "period close", {}, run().started_at, "nina")
        add_period_event(connection, close, "2026-10", PeriodState.CLOSED, "the month is over")

    share(settings, SHARING.replace('"even"', '"tokens"').replace(', "pool:assistants"', ""))
    kept = lines(settings)
    ingest(settings, SAMPLE / "usage" / "litellm" / "spend-logs-2026-10.jsonl.gz")
    post(settings, run("post"))

    assert kept == closed
    found = lines(settings)
    assert [line for line in found if line.period == "2026-10"] == list(closed)
    corrections = [line for line in found if line.period == "2026-11"]
    assert {line.corrects_period for line in corrections} == {"2026-10"}
    shares = [line for line in corrections if line.meter == "shared_tokens"]
    assert shares
    assert sum(line.amount_nanos for line in shares) == 0
    assert balances(found)["pool:assistants"] == balances(found)["pool:search"] == 0
    assert {one.corrects for one in show(settings, BillingPeriod(2026, 11)).shares} == {"2026-10"}
    assert verify(settings, full=True).problems == ()


def test_shares_are_shown_line_by_line(settings: Settings) -> None:
    share(settings)

    shown = json.loads(metering("sharing", "show", "2026-10", "--format", "json").stdout)

    pools = {pool["pool"]: pool for pool in shown["pools"]}
    assert pools["search"]["given_nanos"] == pools["search"]["collected_nanos"] == 10**10
    assert pools["assistants"]["received_nanos"] == 3_333_333_333
    assert [pool["kept_nanos"] for pool in shown["pools"]] == [0, 0]
    for name, pool in pools.items():
        taken = [one for one in shown["shares"] if one["pool"] == name]
        assert sum(one["amount_nanos"] for one in taken) == pool["given_nanos"]
        for bill in {one["provider"] for one in taken}:
            same = [one for one in taken if one["provider"] == bill]
            assert sum(one["weight"] for one in same) == same[0]["total"]
    table = metering("sharing", "show", "2026-10").stdout
    assert "search is a tool for three" in table
    assert "33.33 %" in table


def test_a_share_and_a_pool_are_explained(settings: Settings) -> None:
    share(settings)

    taken = metering("explain", "2026-10/CC-4100/payments//").stdout
    pool = metering("explain", "2026-10/pool:search").stdout

    assert "1 of 3 parts x USD 10.00 given on by pool:search" in taken
    assert "sharing.toml:9 [split:search is a tool for three]" in taken
    assert "embeddings-2026-10.json:" in pool
    assert "rule 2 'search is shared by payments, data and support'" in pool


def test_a_report_shows_shared_cost_by_its_split(settings: Settings) -> None:
    share(settings)

    with begin_read(open_engine(settings.books_url)) as connection:
        rows = snapshot_of_period(connection, settings, OCTOBER).lines.table.to_pylist()

    taken = [row for row in rows if row["meter"] == "shared_even" and row["bearer"] == "owner"]
    assert {row["rule"] for row in taken} == {"search is a tool for three"}
    assert {row["product"] for row in taken} == {"shared: search"}
    pools = [row for row in rows if row["bearer"] == "shared"]
    assert {row["cost_centre"] for row in pools} == {
        "pool:search",
        "pool:assistants",
        "markup:assistants",
    }
    done = metering("report", "chargeback", "2026-10", "--out", "out")
    assert done.exit_code == 0, done.output
    text = (settings.home / "out" / "chargeback-2026-10.csv").read_text(encoding="utf-8")
    assert ",shared,search is a tool for three," in text


def test_what_stays_in_a_pool_is_told(settings: Settings) -> None:
    kept = '[[pool]]\nname = "idle"\nmatch = { model = "nothing" }\n[[pool]]\nname = "search"\n'
    share(settings, kept + 'match = { project = "search-index" }\n')

    told = metering("sharing", "check", "--strict")

    assert told.exit_code == 1
    assert "empty-pool" in told.stdout
    assert "USD 10.00 stays in it: no split is in force" in told.stdout


def test_a_file_that_is_refused_changes_nothing(settings: Settings) -> None:
    share(settings)
    before = ledger_hash(settings)
    wrong = SHARING.replace("CC-4300/data", "CC-4300/dada")
    (settings.home / "sharing.toml").write_text(wrong, encoding="utf-8")

    refused = metering("sharing", "import", "sharing.toml")

    assert refused.exit_code == 1
    assert "sharing.toml:13: error[unknown-target]: among is 'CC-4300/dada'" in refused.stderr
    assert ledger_hash(settings) == before


def test_a_driver_weighs_by_month(settings: Settings) -> None:
    driver = settings.home / "requests.csv"
    driver.write_text("period,target,weight\n2026-10,CC-4100,1\n2026-10,CC-4400/support,4\n")
    assert metering("sharing", "import", "requests.csv").exit_code == 0
    pool = SHARING.partition("[[split]]")[0]
    split = '[[split]]\nname = "by requests"\npool = "search"\nby = "driver"\ndriver = "requests"\n'

    share(settings, pool + split)

    found = balances(lines(settings))
    assert found["owner:CC-4100/-/-"] == 2 * 10**9
    assert found["owner:CC-4400/support/-"] == 8 * 10**9
    again = metering("sharing", "import", "requests.csv")
    assert "requests is in force already, as driver version 1" in again.stderr


_TARGETS = st.lists(
    st.sampled_from(["CC-4100", "CC-4200/platform", "CC-4300/data/lakehouse", "CC-4400/*"]),
    min_size=1,
    unique=True,
)


@hypothesis_settings(max_examples=4)
@given(
    by=st.sampled_from(["even", "spend", "tokens", "headcount"]),
    among=_TARGETS,
    markup=st.integers(-90, 90),
    pooled=st.sampled_from(
        ['{ provider = "openai" }', '{ meter = "output" }', '{ cost_centre = "glob:CC-4[23]*" }']
    ),
)
def test_every_view_keeps_its_total_under_any_split(
    by: str,
    among: list[str],
    markup: int,
    pooled: str,
    posted: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    home = tmp_path_factory.mktemp("any") / "ledger"
    shutil.copytree(posted, home)
    settings = load_settings(home / "metering.toml")
    before = totals(settings)

    share(
        settings,
        f'[[pool]]\nname = "p"\nmatch = {pooled}\n[[split]]\nname = "s"\npool = "p"\nby = "{by}"\n'
        f"among = {json.dumps(among)}\nmarkup = {markup}\n",
    )

    assert totals(settings) == before
    assert post(settings, run("post")).postings == 0
