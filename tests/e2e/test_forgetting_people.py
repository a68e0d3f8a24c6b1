"""People leave the lake after some days; what was charged, and to whom, stays to the nano."""

import gzip
import json
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import text

from metering.books.engine import begin_read, open_engine
from metering.core.ownership.attribution import Directory, Owner, RuleSet, owner_of
from metering.core.ownership.stand_ins import entry_of
from metering.core.sharing.reigns import Reign
from metering.engine.charging.charges import Kept
from metering.engine.work_counts import KEPT, usage_of_people
from metering.ingest.outcomes.registry import BUILT_IN as OUTCOME_FORMATS
from metering.ingest.registry import BUILT_IN
from metering.settings import FILE_NAME, Settings, load_settings
from metering.workflows.nightly.night import Formats, run_night
from metering.workflows.ownership.forgetting import NOT_POSTED, forget_people
from metering.workflows.ownership.owner_imports import import_file
from metering.workflows.ownership.seen_usage import seen_usage
from metering.workflows.posting.post import post
from metering.workflows.verify import verify
from tests.support.command_line import metering, told
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest, run

LOG = SAMPLE / "usage" / "litellm" / "spend-logs-2026-10.jsonl.gz"
PAGE = SAMPLE / "usage" / "anthropic" / "messages-2026-10.json"
MIDDLE = date(2026, 10, 15)


def _people(ledger: Settings) -> dict[str, int]:
    """Return the records by day whose principal or session tells of somebody."""
    found = (
        duckdb.connect()
        .execute(
            "SELECT CAST(day AS VARCHAR), count(*) FROM read_parquet("
            f"'{ledger.lake}/usage/*/*.parquet', hive_partitioning = true, union_by_name = true)"
            " WHERE session IS NOT NULL OR NOT starts_with(principal, 'stand-in:') GROUP BY ALL"
        )
        .fetchall()
    )
    return dict(found)


@pytest.fixture(scope="module")
def posted(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = fresh_ledger(tmp_path_factory.mktemp("posted") / "ledger")
    ingest(settings, LOG, PAGE)
    post(settings, run("post"))
    return settings


@pytest.fixture
def ledger(posted: Settings, tmp_path: Path) -> Settings:
    shutil.copytree(posted.home, tmp_path / "ledger")
    return load_settings(tmp_path / "ledger" / FILE_NAME)


def test_people_go_and_every_charge_stays(ledger: Settings) -> None:
    before = verify(ledger)
    with_people = _people(ledger)

    found = forget_people(ledger, run("owners forget"), MIDDLE)

    after = verify(ledger, full=True)
    assert (after.problems, after.ledger_hash) == ((), before.ledger_hash)
    assert (after.records, after.billed_nanos) == (before.records, before.billed_nanos)
    assert post(ledger, run("post")).postings == 0
    counted = sum(one.records + one.unowned for one in found)
    assert counted == sum(count for day, count in with_people.items() if day <= str(MIDDLE)) > 0
    left = _people(ledger)
    assert {day for day in left if day > str(MIDDLE)} == {
        day for day in with_people if day > str(MIDDLE)
    }
    assert sum(count for day, count in left.items() if day <= str(MIDDLE)) == sum(
        one.unowned for one in found
    )
    assert [one for one in forget_people(ledger, run(), MIDDLE) if one.files] == []


def test_nothing_in_the_lake_names_them_any_more(ledger: Settings) -> None:
    logins = {"u-ines", "u-tomas"}
    assert _files_with(ledger, logins)

    forget_people(ledger, run(), date(2026, 10, 31))

    assert _files_with(ledger, logins) == []
    assert post(ledger, run("post")).postings == 0
    assert _files_with(ledger, logins) == []


def test_an_export_that_comes_again_is_known_again(ledger: Settings, tmp_path: Path) -> None:
    forget_people(ledger, run(), MIDDLE)
    before = verify(ledger).ledger_hash
    again = tmp_path / "again.jsonl"
    again.write_bytes(gzip.decompress(LOG.read_bytes()) + b"\n")
    page = tmp_path / "page.json"
    page.write_bytes(PAGE.read_bytes() + b" ")

    receipts = ingest(ledger, again, page)

    assert [one.rejected for one in receipts] == [0, 0]
    assert [one.recorded for one in receipts] == [0, 0]
    assert post(ledger, run("post")).postings == 0
    assert verify(ledger, full=True).problems == ()
    assert verify(ledger).ledger_hash == before


def test_who_bore_it_bears_it_whatever_the_owners_file_says_later(
    ledger: Settings, tmp_path: Path
) -> None:
    before = _borne(ledger)
    forget_people(ledger, run(), date(2026, 10, 31))
    directory = (SAMPLE / "owners" / "owners.csv").read_text(encoding="utf-8")
    header, *lines = directory.splitlines()
    kept = [line for line in lines if not line.split(",")[1]]
    (tmp_path / "owners.csv").write_text("\n".join([header, *kept, ""]), encoding="utf-8")
    assert len(kept) < len(lines)

    import_file(ledger, run("owners import"), tmp_path / "owners.csv")
    post(ledger, run("post"))

    assert _borne(ledger) == before


def test_a_stand_in_that_the_books_did_not_make_names_nobody() -> None:
    ours = entry_of("stand-in:6f1d", Owner("CC-1", "pay", "refunds"), 7)
    reign = Reign(RuleSet(), Directory()).with_stand_ins([ours])

    found = owner_of({"principal": "stand-in:6f1d"}, MIDDLE, reign.rules, reign.directory)
    other = owner_of({"principal": "stand-in:0000"}, MIDDLE, reign.rules, reign.directory)

    assert found is not None
    assert found.owner == Owner("CC-1", "pay", "refunds")
    assert found.how == "whose use it was is no longer kept, metering audit 7, principal"
    assert other is None


def test_a_month_that_is_not_posted_is_left_and_told(tmp_path: Path) -> None:
    ledger = fresh_ledger(tmp_path / "ledger")
    ingest(ledger, LOG)

    done = metering(ledger, "owners", "forget", "--before", "2026-10-16", "--format", "json")

    assert done.exit_code == 1
    (found,) = json.loads(done.stdout)
    assert (found["files"], found["left"]) == (0, NOT_POSTED)
    assert _files_with(ledger, {"u-ines"})


def test_a_dry_run_counts_and_changes_nothing(ledger: Settings) -> None:
    before = sorted(ledger.lake.rglob("*.parquet"))

    (counted,) = told(ledger, "owners", "forget", "--before", "2026-10-16", "--dry-run")

    assert (counted["period"], counted["left"]) == ("2026-10", "")
    assert counted["records"] > 0
    assert sorted(ledger.lake.rglob("*.parquet")) == before
    assert told(ledger, "owners", "forget", "--before", "2026-10-16") == [counted]


def test_the_night_forgets_after_as_many_days_as_settings_say(ledger: Settings) -> None:
    path = ledger.home / FILE_NAME
    path.write_text(path.read_text(encoding="utf-8") + "\n[people]\nkeep_days = 36\n", "utf-8")
    settings = load_settings(path)

    night = run_night(settings, run("nightly"), Formats(BUILT_IN, OUTCOME_FORMATS))

    (step,) = (step for step in night.steps if step.name == "people")
    assert step.state == "done"
    assert step.summary.endswith("records no longer tell whose they were")
    # 36 whole days before 21 November are kept: the first of them is 16 October.
    days = {day for day, count in _people(settings).items() if count}
    assert "2026-10-16" in days
    assert not _files_with(settings, {"u-ines"}, until="2026-10-15")


def test_without_a_number_of_days_somebody_has_to_say_until_when(ledger: Settings) -> None:
    done = metering(ledger, "owners", "forget")

    assert done.exit_code == 2
    assert "say --before DAY, or [people] keep_days in metering.toml" in done.stderr


def test_there_is_no_day_before_the_first_of_all(ledger: Settings) -> None:
    done = metering(ledger, "owners", "forget", "--before", "0001-01-01")

    assert done.exit_code == 2
    assert "no day is before it" in done.stderr


def test_what_is_left_of_people_counts_nobody(ledger: Settings) -> None:
    forget_people(ledger, run(), date(2026, 10, 31))

    with seen_usage(ledger) as usage:
        usage.charged(Kept(KEPT))
        assert usage_of_people(usage.duck, "2026-10", "USD") == []


def _borne(ledger: Settings) -> dict[str, int]:
    with begin_read(open_engine(ledger.books_url)) as connection:
        rows = connection.execute(
            text(
                "SELECT a.name, sum(p.amount_nanos) FROM posting p"
                " JOIN account a ON a.id = p.debit_account_id GROUP BY a.name"
            )
        ).all()
    return {name: int(nanos) for name, nanos in rows if nanos}


def _files_with(ledger: Settings, logins: set[str], until: str = "9999-12-31") -> list[str]:
    """Return the files of the lake, cells among them, that name somebody."""
    return [
        str(path)
        for path in sorted(ledger.lake.rglob("day=*/*.parquet"))
        if path.parent.name.removeprefix("day=") <= until
        and duckdb.connect()
        .execute(
            f"SELECT count(*) FROM read_parquet('{path}') t"
            f" WHERE regexp_matches(CAST(t AS VARCHAR), '{'|'.join(sorted(logins))}')"
        )
        .fetchall()[0][0]
    ]


def test_who_pays_for_a_stand_in_is_shown(ledger: Settings) -> None:
    forget_people(ledger, run(), date(2026, 10, 31))
    with begin_read(open_engine(ledger.books_url)) as connection:
        known = connection.execute(text("SELECT key, cost_centre, team FROM stand_in")).all()
    key, cost_centre, team = known[0]

    rows = told(ledger, "owners", "show", key, "--on", "2026-10-15")

    assert {
        (row["is_seen"], row["owned"]["owner"]["cost_centre"], row["owned"]["owner"]["team"])
        for row in rows
    } == {(True, cost_centre, team)}
