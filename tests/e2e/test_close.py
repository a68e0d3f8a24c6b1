"""From open to closed: what refuses, what is kept, and where later differences go."""

import gzip
import re
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError

from metering.books.engine import begin_read, begin_write, open_engine
from metering.books.period_content import booked_periods
from metering.books.periods import closes_in_force
from metering.books.seals import chain_head
from metering.core.ledger import CorrectionReason
from metering.core.periods import BillingPeriod
from metering.errors import BookError
from metering.settings import Settings
from metering.workflows.closing.close import close_period, reopen_period
from metering.workflows.closing.estimates import estimate_period
from metering.workflows.closing.periods import periods, show_period
from metering.workflows.closing.refusals import RefusalCode
from metering.workflows.explaining.explain import explain
from metering.workflows.intake.quarantine import assign
from metering.workflows.ownership.owner_imports import import_file
from metering.workflows.posting.post import post
from metering.workflows.pricing.card_imports import import_card
from metering.workflows.reports.report import ReportFormat, report_chargeback
from metering.workflows.runs import Run
from metering.workflows.verify import verify
from tests.support.command_line import done, metering, told
from tests.support.ledgers import SAMPLE, copied, fresh_ledger, ingest
from tests.support.messages_pages import OPUS, OUTPUT_NANOS, messages_page

SEPTEMBER, OCTOBER = BillingPeriod(2026, 9), BillingPeriod(2026, 10)
KEY = ("apikey_test", OPUS)
# 20 USD per million instead of 25.
_CONTRACT = """
[card]
name = "contract-anthropic"
kind = "contract"
currency = "USD"

[[rates]]
provider = "anthropic"
platform = "anthropic-api"
models = ["claude-opus-5"]
from = 2026-01-01T00:00:00Z
prices = { output = "20.00" }
source = "contract"
read = 2026-11-02
evidence = "contract"
"""
OWNERS = "key,person,team,project,cost_centre,valid_from,valid_to\napikey_test,,{team},p,CC-1,,\n"


def at(hour: int, command: str = "test") -> Run:
    return Run(command, "nina", datetime(2026, 11, 22, hour, tzinfo=UTC), {"hour": hour})


@pytest.fixture(scope="module")
def posted(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return a ledger with usage of one key in September and October, posted."""
    settings = fresh_ledger(tmp_path_factory.mktemp("posted") / "ledger")
    own(settings, "alpha")
    use(settings, {"2026-09-30": 1_000, "2026-10-01": 2_000})
    post(settings, at(1, "post"))
    return settings


@pytest.fixture
def ledger(posted: Settings, tmp_path: Path) -> Settings:
    return copied(posted.home, tmp_path / "ledger")


def own(settings: Settings, team: str) -> None:
    path = settings.home / "owners.csv"
    path.write_text(OWNERS.format(team=team), encoding="utf-8")
    import_file(settings, at(0, "owners import"), path)


def use(settings: Settings, days: dict[str, int], model: str = OPUS) -> None:
    path = settings.home / f"usage-{len(list(settings.home.glob('usage-*')))}.json"
    ingest(
        settings, messages_page(path, {day: {("apikey_test", model): n} for day, n in days.items()})
    )


def corrections(settings: Settings) -> list[tuple[str, str, int]]:
    return [
        (one.period, one.reason, one.amount_nanos)
        for one in show_period(settings, SEPTEMBER).corrections
    ]


def total(settings: Settings, period: BillingPeriod) -> int:
    return sum(one.billed_nanos for one in periods(settings) if one.period == str(period))


def test_a_close_keeps_what_the_period_held(ledger: Settings) -> None:
    before = verify(ledger)

    closed = close_period(ledger, at(2, "period close"), SEPTEMBER, reason="month end")

    assert closed.close.totals == {"USD": 1_000 * OUTPUT_NANOS}
    assert closed.close.ledger_hash == before.ledger_hash == verify(ledger).ledger_hash
    assert closed.close.chain == before.chain != verify(ledger).chain
    assert {"rules", "owners"} < closed.close.versions.keys()
    shown = show_period(ledger, SEPTEMBER)
    assert shown.close == closed.close
    assert [(one.state, one.reason, one.by) for one in shown.events] == [
        ("closed", "month end", "nina")
    ]
    with pytest.raises(BookError, match="period-closed"):
        close_period(ledger, at(3), SEPTEMBER)


def test_a_close_says_what_it_leaves_without_an_owner_and_without_an_invoice(
    ledger: Settings,
) -> None:
    path = ledger.home / "owners.csv"
    path.write_text(OWNERS.splitlines()[0] + "\n", encoding="utf-8")
    import_file(ledger, at(2, "owners import"), path)
    post(ledger, at(2, "post"))

    closed = metering(ledger, "period", "close", str(SEPTEMBER))

    assert closed.exit_code == 0, closed.output
    assert "closed without an owner: USD 0.02" in closed.stderr
    assert "no invoice has come yet of anthropic/default" in closed.stderr
    assert f"metering invoices true-up {SEPTEMBER}" in closed.stderr


def test_usage_of_a_month_that_has_not_begun_is_told(ledger: Settings) -> None:
    use(ledger, {"2026-10-02": 1_000, "2099-01-05": 1_000})

    posted = metering(ledger, "post")

    assert posted.exit_code == 0, posted.output
    assert "2099-01" in posted.stdout
    assert posted.stderr.count("has not begun yet") == 1
    assert "2099-01 has not begun yet" in posted.stderr


def test_every_refusal_is_told_at_once_and_accepted_one_by_one(ledger: Settings) -> None:
    use(ledger, {"2026-09-29": 5}, "claude-unheard-of")
    ingest(ledger, messages_page(ledger.home / "bad.json", {"2026-09-28": {KEY: -4}}), account="b")
    expecting = replace(ledger, arrival={"litellm-spend-logs": "monthly"})

    with pytest.raises(BookError) as refused:
        close_period(expecting, at(2), SEPTEMBER)

    shown = str(refused.value)
    assert "not-posted: postings the book lacks" in shown
    assert "missing-days: days of sources that have not come: 1" in shown
    assert "quarantine: refused records" in shown
    assert "unsound" not in shown
    post(ledger, at(2, "post"))
    assign(ledger, at(2, "quarantine assign"), [1], "Data platform")
    with pytest.raises(BookError) as refused:
        close_period(
            expecting, at(3), SEPTEMBER, accept={RefusalCode.MISSING_DAYS: "it was never on"}
        )
    assert "unpriced: meters of usage without a rate: 1" in str(refused.value)
    assert "missing-days" not in str(refused.value).partition("unpriced")[2].partition("do:")[0]
    assert "quarantine" not in str(refused.value)

    closed = close_period(
        expecting,
        at(4),
        SEPTEMBER,
        accept={
            RefusalCode.MISSING_DAYS: "it was never on",
            RefusalCode.UNPRICED: "a trial",
            RefusalCode.UNSOUND: "just in case",
        },
    )

    assert [(one.refusal, one.reason) for one in closed.accepted] == [
        ("unpriced", "a trial"),
        ("missing-days", "it was never on"),
    ]
    assert closed.needless == ("unsound",)
    assert show_period(expecting, SEPTEMBER).accepted == closed.accepted


def test_a_difference_of_a_closed_period_is_a_correction_that_says_why(ledger: Settings) -> None:
    close_period(ledger, at(2), SEPTEMBER)
    held = total(ledger, SEPTEMBER)

    use(ledger, {"2026-09-28": 100, "2026-09-30": 1_500, "2026-10-01": 2_000})
    posted = post(ledger, at(3, "post"))

    assert (posted.postings, posted.corrections) == (2, 2)
    assert corrections(ledger) == [
        ("2026-10", CorrectionReason.LATE_USAGE, 100 * OUTPUT_NANOS),
        ("2026-10", CorrectionReason.RESTATED_USAGE, 500 * OUTPUT_NANOS),
    ]
    assert total(ledger, SEPTEMBER) == held
    shown = [what for one in explain(ledger, "2026-10").explained for what in one.corrections]
    assert shown == [
        "late-usage of 2026-09, which was closed: USD 0.0025 in 1 of the postings",
        "restated-usage of 2026-09, which was closed: USD 0.0125 in 1 of the postings",
    ]
    assert post(ledger, at(4, "post")).postings == 0
    assert verify(ledger, full=True).problems == ()


def test_a_corrected_price_is_a_correction_borne_by_the_owner_at_the_close(
    ledger: Settings,
) -> None:
    close_period(ledger, at(2), SEPTEMBER)
    own(ledger, "beta")
    import_card(ledger, at(3, "prices import"), _contract(ledger), dry_run=False)

    post(ledger, at(4, "post"))

    (correction,) = corrections(ledger)
    assert correction == ("2026-10", CorrectionReason.CORRECTED_PRICE, -1_000 * OUTPUT_NANOS // 5)
    assert _teams(ledger) == {
        ("2026-09", "2026-09-30", "alpha"): 1_000 * OUTPUT_NANOS,
        ("2026-10", "2026-09-30", "alpha"): -1_000 * OUTPUT_NANOS // 5,
        ("2026-10", "2026-10-01", "beta"): 2_000 * OUTPUT_NANOS * 4 // 5,
    }


def test_owners_of_a_closed_period_stay_until_somebody_asks(ledger: Settings) -> None:
    close_period(ledger, at(2), SEPTEMBER)
    own(ledger, "beta")
    post(ledger, at(3, "post"))
    assert corrections(ledger) == []

    shown = post(ledger, at(4, "post"), dry_run=True, restate_owners=[SEPTEMBER])
    assert (shown.corrections, corrections(ledger)) == (2, [])
    post(ledger, at(4, "post"), restate_owners=[SEPTEMBER])

    assert corrections(ledger) == [("2026-10", CorrectionReason.OWNER_CHANGE, 0)]
    assert _teams(ledger) == {
        ("2026-09", "2026-09-30", "alpha"): 1_000 * OUTPUT_NANOS,
        ("2026-10", "2026-09-30", "alpha"): -1_000 * OUTPUT_NANOS,
        ("2026-10", "2026-09-30", "beta"): 1_000 * OUTPUT_NANOS,
        ("2026-10", "2026-10-01", "beta"): 2_000 * OUTPUT_NANOS,
    }
    assert post(ledger, at(5, "post")).postings == 0
    own(ledger, "gamma")
    assert post(ledger, at(6, "post")).corrections == 0
    assert verify(ledger, full=True).problems == ()
    with pytest.raises(BookError, match="period-not-closed"):
        post(ledger, at(7, "post"), restate_owners=[OCTOBER])


def test_corrections_go_to_the_first_open_period_after(ledger: Settings) -> None:
    close_period(ledger, at(2), SEPTEMBER)
    close_period(ledger, at(3), OCTOBER)

    use(ledger, {"2026-09-30": 1_000, "2026-10-01": 2_500})
    post(ledger, at(4, "post"))

    assert total(ledger, OCTOBER) == 2_000 * OUTPUT_NANOS
    assert total(ledger, BillingPeriod(2026, 11)) == 500 * OUTPUT_NANOS


def test_a_reopened_period_takes_the_difference_itself_and_leaves_its_trace(
    ledger: Settings,
) -> None:
    close_period(ledger, at(2), SEPTEMBER, reason="month end")
    reopen_period(ledger, at(3, "period reopen"), SEPTEMBER, reason="the audit asked for it")
    use(ledger, {"2026-09-30": 1_500, "2026-10-01": 2_000})

    posted = post(ledger, at(4, "post"))

    assert posted.corrections == 0
    assert total(ledger, SEPTEMBER) == 1_500 * OUTPUT_NANOS
    shown = show_period(ledger, SEPTEMBER)
    assert shown.close is None
    assert [(one.state, one.reason) for one in shown.events] == [
        ("closed", "month end"),
        ("reopened", "the audit asked for it"),
    ]
    again = close_period(ledger, at(5), SEPTEMBER)
    assert again.close.totals == {"USD": 1_500 * OUTPUT_NANOS}


def test_an_estimate_is_frozen_and_held_against_the_actual(tmp_path: Path) -> None:
    ledger = fresh_ledger(tmp_path / "ledger")
    own(ledger, "alpha")
    days = {f"2026-10-{day:02d}": 100 for day in range(1, 29)}
    use(ledger, days)
    post(ledger, at(1, "post"))

    (account,) = estimate_period(ledger, at(2, "period estimate"), OCTOBER)

    assert (account.booked_nanos, account.booked_days) == (2_800 * OUTPUT_NANOS, 28)
    assert (account.accrued_nanos, account.missing_days) == (300 * OUTPUT_NANOS, 3)
    use(ledger, days | {f"2026-10-{day}": 120 for day in (29, 30, 31)})
    post(ledger, at(3, "post"))
    (listed,) = periods(ledger)
    assert (listed.state, listed.estimate_nanos, listed.variance_nanos) == (
        "estimated",
        3_100 * OUTPUT_NANOS,
        60 * OUTPUT_NANOS,
    )
    close_period(ledger, at(4), OCTOBER)
    with pytest.raises(BookError, match="period-closed"):
        estimate_period(ledger, at(5), OCTOBER)
    assert [one.state for one in show_period(ledger, OCTOBER).events] == ["estimated", "closed"]


def test_a_report_is_rebuilt_as_it_was(ledger: Settings, tmp_path: Path) -> None:
    then = _report(ledger, tmp_path / "then")
    with begin_read(open_engine(ledger.books_url)) as connection:
        chain = chain_head(connection)
    run_id = _last_run(ledger)
    close_period(ledger, at(2), SEPTEMBER)
    own(ledger, "beta")
    use(ledger, {"2026-09-30": 1_500, "2026-10-01": 7_000})
    post(ledger, at(3, "post"))

    assert _report(ledger, tmp_path / "now") != then
    assert _report(ledger, tmp_path / "as-of", as_of=str(run_id)) == then
    assert _report(ledger, tmp_path / "moment", as_of="2026-11-22T01:30:00Z") == then
    assert {one.state for one in periods(ledger, as_of=str(run_id))} == {"open"}
    with begin_read(open_engine(ledger.books_url), as_of=run_id) as connection:
        assert chain_head(connection) == chain
        assert closes_in_force(connection) == {}


@pytest.mark.parametrize(
    "said", ["0", "9999", "yesterday", "2026-13-01", "9999-12-31T23:00:00-02:00"]
)
def test_a_moment_that_is_none_is_refused(ledger: Settings, said: str) -> None:
    with pytest.raises(BookError, match="bad-as-of"):
        periods(ledger, as_of=said)


def test_a_closed_period_that_was_edited_by_hand_is_named(ledger: Settings) -> None:
    close_period(ledger, at(2), SEPTEMBER)
    connection = sqlite3.connect(ledger.home / "books.sqlite")
    triggers = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    ).fetchall()
    statements = connection.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'trigger'"
    ).fetchall()
    for (name,) in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("UPDATE posting SET amount_nanos = 1 WHERE period = '2026-09'")
    for (statement,) in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()

    problems = verify(ledger).problems

    assert any(one.startswith("posting: the rows of run ") for one in problems)
    assert "period 2026-09 is closed, and its postings are not those it was closed with" in problems
    with pytest.raises(BookError, match="unsound: what is wrong with the books: 2"):
        close_period(ledger, at(3), OCTOBER)


def test_nothing_can_be_posted_in_a_closed_period_by_sql(ledger: Settings) -> None:
    close_period(ledger, at(2), SEPTEMBER)
    copy = (
        "INSERT INTO posting (run_id, kind, period, charge_day, debit_account_id,"
        " credit_account_id, basis_id, currency, quantity, amount_nanos, list_nanos, reason)"
        " SELECT run_id, kind, '2026-09', charge_day, debit_account_id, credit_account_id,"
        " basis_id, currency, quantity, amount_nanos, list_nanos, reason FROM posting"
    )

    with (
        pytest.raises(DatabaseError, match="its period is closed"),
        begin_write(open_engine(ledger.books_url)) as connection,
    ):
        connection.exec_driver_sql(copy)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"arrival": {"anthropic-messages": "often"}}, "anthropic-messages is 'often'"),
        ({"tolerance": "-1"}, "tolerance is '-1'"),
        ({"tolerance": 0.05}, "tolerance is '0.05'"),
        ({"tolerance": "a lot"}, "tolerance is 'a lot'"),
    ],
)
def test_settings_that_say_nothing_we_know_are_refused(
    ledger: Settings, said: dict[str, object], told: str
) -> None:
    with pytest.raises(BookError, match=told):
        close_period(replace(ledger, **said), at(2), SEPTEMBER)  # type: ignore[arg-type] # as TOML says


def test_a_period_without_charges_cannot_be_closed(ledger: Settings) -> None:
    with pytest.raises(BookError, match="no-charges"):
        close_period(ledger, at(2), BillingPeriod(2026, 1))
    with begin_read(open_engine(ledger.books_url)) as connection:
        assert booked_periods(connection) == ("2026-09", "2026-10")


def test_scripts_read_what_the_commands_did(
    ledger: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ledger.home)

    estimated = told("period", "estimate", "2026-09")
    closed = told("period", "close", "2026-09", "--reason", "month end")
    shown = told("period", "show", "2026-09")
    (change,) = told("audit", "--since", "2000-01-01")[-1:]

    assert estimated[0]["estimate_nanos"] == 1_000 * OUTPUT_NANOS
    assert closed["close"]["totals"] == {"USD": 1_000 * OUTPUT_NANOS}
    assert [one["state"] for one in shown["events"]] == ["estimated", "closed"]
    assert shown["close"] == closed["close"]
    assert shown["estimates"][0]["variance_nanos"] == 0
    assert (change["run_id"], change["command"]) == (closed["run_id"], "period close")
    assert change["arguments"] == {"period": "2026-09", "reason": "month end"}
    assert change["rows"] == {"period_close": 1, "period_event": 1, "run": 1}
    assert change["seal"] == told("verify")["chain"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", change["at"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", shown["events"][0]["since"])
    assert told("audit", "--since", "2999-01-01") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("close", "2026-09", "--accept", "unpriced"),
        ("close", "2026-09", "--accept", "unpriced= "),
        ("close", "2026-09", "--accept", "weather=bad"),
        ("close", "September"),
        ("reopen", "2026-09"),
        ("reopen", "2026-09", "--reason", " "),
    ],
)
def test_a_wrong_command_line_changes_nothing(
    ledger: Settings, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(ledger.home)
    before = _last_run(ledger)

    assert metering("period", *arguments).exit_code == 2
    assert _last_run(ledger) == before


def _contract(settings: Settings) -> Path:
    path = settings.home / "contract.toml"
    path.write_text(_CONTRACT, encoding="utf-8")
    return path


def _teams(settings: Settings) -> dict[tuple[str, str, str], int]:
    rows = sqlite3.connect(settings.home / "books.sqlite").execute(
        "SELECT p.period, p.charge_day, a.team, sum(p.amount_nanos) FROM posting p"
        " JOIN account a ON a.id = p.debit_account_id GROUP BY 1, 2, 3"
    )
    return {(period, day, team): nanos for period, day, team, nanos in rows if nanos}


def _report(settings: Settings, folder: Path, as_of: str | None = None) -> list[bytes]:
    written = report_chargeback(settings, OCTOBER, folder, tuple(ReportFormat), as_of=as_of)
    return [path.read_bytes() for path in written.paths]


def _last_run(settings: Settings) -> int:
    (number,) = sqlite3.connect(settings.home / "books.sqlite").execute("SELECT max(id) FROM run")
    return int(number[0])


def test_a_month_that_nothing_is_known_of_has_no_estimate(ledger: Settings) -> None:
    refused = metering(ledger, "period", "estimate", "2024-01")

    assert refused.exit_code == 1
    assert "error[no-charges]" in refused.stderr
    assert [one["period"] for one in told(ledger, "period", "list")] == ["2026-09", "2026-10"]
    assert metering(ledger, "period", "show", "2024-01").exit_code == 1


def test_an_invoice_that_has_not_come_has_no_amount(ledger: Settings) -> None:
    (waiting,) = told(ledger, "tie-out", str(SEPTEMBER))
    screen = done(ledger, "tie-out", str(SEPTEMBER))

    assert (waiting["invoice_ids"], waiting["invoiced_nanos"]) == ([], None)
    assert re.search(r"No invoice yet  anthropic/default  2026-09 +USD +waits", screen)
    assert "not invoiced yet" not in screen


def test_a_month_without_anything_does_not_pass_for_one_that_ties(ledger: Settings) -> None:
    assert metering(ledger, "tie-out", "2024-01").exit_code == 0
    assert metering(ledger, "tie-out", "2024-01", "--strict").exit_code == 1


def test_more_records_of_a_log_are_late_and_not_restated(tmp_path: Path) -> None:
    settings = fresh_ledger(tmp_path / "ledger")
    log = gzip.decompress((SAMPLE / "usage/litellm/spend-logs-2026-09.jsonl.gz").read_bytes())
    first = [line for line in log.decode().splitlines() if '"startTime":"2026-09-1' in line][:3]
    _log(settings, "first.jsonl", first)
    metering(settings, "period", "close", SEPTEMBER, "--accept", "missing-days=a test")

    _log(settings, "more.jsonl", [line.replace("chatcmpl-", "chatcmpl-more-") for line in first])

    assert {reason for _, reason, _ in corrections(settings)} == {"late-usage"}
    assert sum(nanos for _, _, nanos in corrections(settings)) > 0


def _log(settings: Settings, name: str, lines: list[str]) -> None:
    path = settings.home / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    ingest(settings, path)
    post(settings, at(4, "post"))
