"""Outcomes enter the lake once, whatever the order and division of the files that carry them."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from metering.books import outcomes as outcome_book
from metering.books import sources as source_book
from metering.books.engine import begin_read, open_engine
from metering.cli.main import main
from metering.core.digests import joined_digest
from metering.ingest.outcomes.registry import BUILT_IN
from metering.settings import Settings
from metering.usage.lake import Lake
from metering.workflows.gc import collect_garbage
from metering.workflows.intake.quarantine import retry
from metering.workflows.intake.receipts import Receipt
from metering.workflows.outcomes.outcome_imports import ingest_outcomes
from metering.workflows.verify import verify
from tests.support.ledgers import fresh_ledger, ledger_hash, run

HEADER = "outcome_id,timestamp,kind,weight,as_of"
ROWS = tuple(
    f"o{at},2026-10-{at:02}T10:00:00Z,ticket,{at},2026-10-{at:02}T11:00:00Z" for at in range(1, 21)
)
STATE = "o1,2026-10-01T10:00:00Z,ticket"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return fresh_ledger(tmp_path / "ledger")


def table(folder: Path, rows: Sequence[str], name: str = "outcomes.csv") -> Path:
    path = folder / name
    path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    return path


def taken(settings: Settings, *paths: Path, dry_run: bool = False) -> list[Receipt]:
    receipts = ingest_outcomes(settings, run("outcomes ingest"), paths, BUILT_IN, dry_run=dry_run)
    return list(receipts)


def counts(receipt: Receipt) -> tuple[int, int, int, int]:
    return receipt.records_in, receipt.recorded, receipt.already_known, receipt.rejected


def test_a_file_is_recorded_once(settings: Settings, tmp_path: Path) -> None:
    path = table(tmp_path, ROWS)
    again = table(tmp_path, (*ROWS, ""), "renamed.csv")

    first, same, other = taken(settings, path, path, again)

    assert counts(first) == (20, 20, 0, 0)
    assert (first.first_day, first.last_day) == ("2026-10-01", "2026-10-20")
    assert (counts(same), same.known_before) == ((20, 0, 20, 0), True)
    assert (counts(other), other.known_before) == ((20, 0, 20, 0), False)
    assert verify(settings).problems == ()
    assert verify(settings).outcomes == 20


def test_pages_and_tables_are_taken_in_one_after_the_other(
    settings: Settings, tmp_path: Path
) -> None:
    pulls = Path(__file__).parents[1] / "golden" / "github_pull_requests" / "good.json"
    deploys = Path(__file__).parents[1] / "golden" / "github_deployments" / "good.json"
    whole = fresh_ledger(tmp_path / "whole")
    files = (pulls, table(tmp_path, ROWS), deploys, table(tmp_path, ROWS[:3], "again.csv"))
    for path in files:
        taken(whole, path)

    receipts = taken(settings, *files)

    assert all(receipt.records_in for receipt in receipts)
    assert ledger_hash(settings) == ledger_hash(whole)


@pytest.mark.parametrize("seed", range(4))
def test_any_order_and_division_gives_the_same_ledger(
    settings: Settings, tmp_path: Path, seed: int
) -> None:
    whole = fresh_ledger(tmp_path / "whole")
    taken(whole, table(tmp_path, ROWS))
    chance = random.Random(seed)  # noqa: S311 - a division, and no secret
    rows = chance.sample(ROWS, len(ROWS))
    cuts = sorted(chance.sample(range(1, len(rows)), 3))
    parts = [rows[a:b] for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True)]

    taken(settings, *(table(tmp_path, part, f"{at}.csv") for at, part in enumerate(parts)))

    assert ledger_hash(settings) == ledger_hash(whole)
    assert ledger_hash(settings) != ledger_hash(fresh_ledger(tmp_path / "empty"))


def test_what_is_said_otherwise_without_a_date_is_a_conflict(
    settings: Settings, tmp_path: Path
) -> None:
    told = table(tmp_path, [f"{STATE},1,", f"{STATE},1,"])
    otherwise = table(
        tmp_path,
        ["o2,2026-10-01T10:00:00Z,ticket,1,", "o1,2026-10-01T10:00:00Z,ticket,2,"],
        "otherwise.csv",
    )

    first, second = taken(settings, told, otherwise)

    assert counts(first) == (2, 1, 1, 0)
    assert counts(second) == (2, 1, 0, 1)
    assert [(one.line, one.code) for one in second.rejections] == [(3, "conflicting-repeat")]
    assert verify(settings).quarantined == 1


def test_a_later_state_is_recorded_beside_the_earlier_one(
    settings: Settings, tmp_path: Path
) -> None:
    told = table(tmp_path, ["o1,2026-10-01T10:00:00Z,ticket,1,2026-10-01T10:00:00Z"])
    later = table(tmp_path, ["o1,2026-10-01T10:00:00Z,ticket,0,2026-10-05T10:00:00Z"], "later.csv")

    receipts = taken(settings, told, later)

    assert [counts(receipt) for receipt in receipts] == [(1, 1, 0, 0), (1, 1, 0, 0)]
    assert verify(settings).outcomes == 2


def test_a_dry_run_records_nothing(settings: Settings, tmp_path: Path) -> None:
    before = ledger_hash(settings)

    (receipt,) = taken(settings, table(tmp_path, ROWS), dry_run=True)

    assert counts(receipt) == (20, 20, 0, 0)
    assert ledger_hash(settings) == before
    assert not list((settings.lake / "outcomes").glob("*"))


def test_a_corrected_file_is_read_again(settings: Settings, tmp_path: Path) -> None:
    path = table(tmp_path, [ROWS[0], "o99,2026-10-01T10:00:00,ticket,1,"])
    taken(settings, path)
    table(tmp_path, [ROWS[0], "o99,2026-10-01T10:00:00Z,ticket,1,"])

    retried = retry(settings, run("quarantine retry"), (), BUILT_IN)

    assert (retried.resolved, retried.still_open) == (1, 0)
    assert verify(settings).outcomes == 2


def test_garbage_collection_keeps_what_the_book_names(settings: Settings, tmp_path: Path) -> None:
    taken(settings, table(tmp_path, ROWS))
    stray = settings.lake / "outcomes" / "stray.parquet"
    stray.write_bytes(b"")
    later = type(run())("gc", "tester", run().started_at.replace(year=2030))

    assert collect_garbage(settings, later) == ("outcomes/stray.parquet",)
    assert verify(settings, full=True).problems == ()


def test_verify_tells_of_a_file_that_is_gone_or_changed(settings: Settings, tmp_path: Path) -> None:
    taken(settings, table(tmp_path, ROWS))
    with begin_read(open_engine(settings.books_url)) as connection:
        (file,) = outcome_book.outcome_files(connection)
    path = Lake(settings.lake).path_of(file.path)
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    changed = verify(settings, full=True).problems
    path.unlink()

    assert changed == (f"{file.path}: its bytes are not those that were recorded",)
    assert verify(settings).problems == (
        f"{file.path}: the book names this lake file, and it is not there",
    )


def test_a_million_rows_would_be_one_file_and_one_row_of_the_manifest(
    settings: Settings, tmp_path: Path
) -> None:
    taken(settings, table(tmp_path, ROWS))

    with begin_read(open_engine(settings.books_url)) as connection:
        (file,) = outcome_book.outcome_files(connection)
        (source,) = source_book.list_sources(connection)

    assert (file.outcomes, file.first_day, file.last_day) == (20, "2026-10-01", "2026-10-20")
    assert (source.source.role, source.source.identity) == ("outcome", "event")
    assert joined_digest([file.digest]) == file.digest


def test_the_command_reads_a_mapping(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(settings.home)
    (tmp_path / "cases.csv").write_text("case,done\nC-1,2026-10-01\nC-2,2026-10-32\n", "utf-8")
    (tmp_path / "cases.toml").write_text(
        'name = "cases"\ndescribes = "cases"\nexport = "cases"\nform = "table"\nrole = "outcome"\n'
        '[recognise]\nfields = ["case", "done"]\n[time]\nform = "day"\n'
        '[constants]\nkind = "ticket"\n[outcome]\noutcome_id = "case"\ninstant = "done"\n',
        "utf-8",
    )

    files = (str(tmp_path / "cases.csv"), "--mapping", str(tmp_path / "cases.toml"))
    done = CliRunner().invoke(main, ["outcomes", "ingest", *files])

    assert done.exit_code == 1
    assert "mapped-cases" in done.stdout
    assert "cases.csv:3: error[bad-instant]: done is '2026-10-32'" in done.stderr


def test_two_formats_of_one_system_tell_one_outcome(settings: Settings) -> None:
    golden = Path(__file__).parents[1] / "golden"
    told = golden / "github_pull_requests" / "good.json"
    again = golden / "github_rest_pull_requests" / "good.json"

    first, second = taken(settings, told, again)

    # The first pull request of both; the others share an id and were changed at other times.
    assert (second.already_known, second.rejected) == (2, 0)
    assert verify(settings).outcomes == first.recorded + second.recorded
