"""An export in several files counts as the same export in one file, whole or not at all."""

import itertools
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from metering.cli.main import main

GOLDEN = Path(__file__).parents[1] / "golden"
HEADER, *ROWS = (GOLDEN / "aws_cur" / "good.csv").read_text(encoding="utf-8").splitlines(True)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def verified() -> dict[str, Any]:
    """Post what is ingested and return what `verify` says of it."""
    assert run("post").exit_code == 0
    found: dict[str, Any] = json.loads(run("verify", "--format", "json").stdout)
    assert found["problems"] == []
    return found


def written(folder: str, *parts: Sequence[str]) -> list[str]:
    """Write the parts of a delivery, each with the header, and return their paths."""
    Path(folder).mkdir(exist_ok=True)
    paths = [Path(folder, f"cur-{place:05d}.csv") for place in range(1, len(parts) + 1)]
    for path, rows in zip(paths, parts, strict=True):
        path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return list(map(str, paths))


def receipts(done: Result) -> list[dict[str, Any]]:
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ledger")
    assert run("init", str(folder)).exit_code == 0
    return folder


@pytest.fixture
def ledger(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(fresh, tmp_path / "ledger")
    monkeypatch.chdir(tmp_path / "ledger")
    return tmp_path / "ledger"


@pytest.fixture
def whole(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What `verify` says where all rows came in one file."""
    shutil.copytree(fresh, tmp_path / "whole")
    with monkeypatch.context() as there:
        there.chdir(tmp_path / "whole")
        assert run("ingest", str(GOLDEN / "aws_cur" / "good.csv")).exit_code == 0
        return verified()


@pytest.mark.usefixtures("ledger")
def test_parts_count_as_one_file_in_any_order(whole: dict[str, Any]) -> None:
    parts = written("delivery", ROWS[:3], ROWS[3:4], ROWS[4:])
    for order in itertools.permutations(parts):
        shutil.rmtree("again", ignore_errors=True)
        assert run("init", "again").exit_code == 0
        config = ("--config", "again/metering.toml")

        told = receipts(run(*config, "ingest", "--format", "json", *order))

        assert [one["path"] for one in told] == list(order)
        assert run(*config, "post").exit_code == 0
        found = json.loads(run(*config, "verify", "--format", "json").stdout)
        assert found["problems"] == []
        for name in ("ledger_hash", "records", "recorded", "billed_nanos", "postings"):
            assert found[name] == whole[name], name


@pytest.mark.usefixtures("ledger")
def test_the_same_delivery_again_is_known() -> None:
    parts = written("delivery", ROWS[:3], ROWS[3:])
    receipts(run("ingest", "--format", "json", *parts))
    before = verified()

    again = receipts(run("ingest", "--format", "json", *reversed(parts)))

    assert all(one["known_before"] and not one["recorded"] for one in again)
    assert verified() == before


@pytest.mark.usefixtures("ledger")
def test_a_later_delivery_replaces_an_earlier_one_however_its_rows_are_divided(
    whole: dict[str, Any],
) -> None:
    earlier = written("earlier", ROWS[:2], ROWS[2:-1])
    # Its second part holds the same bytes, and it has one part more.
    later = written("later", ROWS[:1], ROWS[2:-1], [*ROWS[1:2], ROWS[-1]])
    receipts(run("ingest", "--format", "json", *earlier))
    verified()

    receipts(run("ingest", "--format", "json", *later))

    found = verified()
    assert found["ledger_hash"] == whole["ledger_hash"]
    assert found["billed_nanos"] == whole["billed_nanos"]
    receipts(run("ingest", "--format", "json", str(GOLDEN / "aws_cur" / "good.csv")))
    assert verified()["ledger_hash"] == whole["ledger_hash"]


@pytest.mark.usefixtures("ledger")
def test_one_part_without_the_others_is_refused_and_nothing_is_recorded() -> None:
    first, second = written("delivery", ROWS[:3], ROWS[3:])

    for given in ([first], [second]):
        refused = run("ingest", *given)
        assert refused.exit_code == 1
        assert "error[partial-export]" in refused.stderr
    assert verified()["records"] == 0


@pytest.mark.usefixtures("ledger")
def test_a_part_that_cannot_be_read_keeps_out_the_others() -> None:
    first, second = written("delivery", ROWS[:3], ROWS[3:])
    Path(second).write_text(HEADER + ROWS[3] + '"unclosed', encoding="utf-8")

    refused = run("ingest", first, second)

    assert refused.exit_code == 1
    assert "error[unclosed-quote]" in refused.stderr
    assert verified()["records"] == 0


@pytest.mark.usefixtures("ledger")
def test_two_parts_of_the_same_bytes_are_refused() -> None:
    parts = written("delivery", ROWS[:3], ROWS[:3])

    refused = run("ingest", *parts)

    assert refused.exit_code == 1
    assert "two of them are the same bytes" in refused.stderr
    assert verified()["records"] == 0


@pytest.mark.usefixtures("ledger")
def test_explain_leads_to_the_part_that_holds_the_record() -> None:
    parts = written("delivery", ROWS[:3], ROWS[3:])
    receipts(run("ingest", "--format", "json", *parts))
    verified()

    told = run("explain", "2026-06", "--records", "100")

    assert told.exit_code == 0, told.output
    assert all(f"{part}:" in told.stdout for part in parts)


@pytest.mark.usefixtures("ledger")
def test_a_refused_record_is_read_again_with_the_whole_delivery(
    whole: dict[str, Any],
) -> None:
    broken = ROWS[-1].replace("USD", "US DOLLARS")
    assert broken != ROWS[-1]
    parts = written("delivery", ROWS[:3], [*ROWS[3:-1], broken])
    done = run("ingest", "--format", "json", *parts)
    assert [one["rejected"] for one in json.loads(done.stdout)] == [0, 1]

    Path(parts[1]).write_text(HEADER + "".join(ROWS[3:]), encoding="utf-8")
    retried = run("quarantine", "retry")

    assert retried.exit_code == 0, retried.output
    found = verified()
    assert found["quarantined"] == 0
    assert found["ledger_hash"] == whole["ledger_hash"]


def test_a_night_waits_for_the_rest_of_a_delivery(ledger: Path, whole: dict[str, Any]) -> None:
    inbox = ledger / "inbox" / "azure"
    inbox.mkdir(parents=True)
    first, second = written(str(ledger / "made"), ROWS[:3], ROWS[3:])
    (inbox / "manifest.json").write_text(
        json.dumps({"blobs": [{"blobName": "x/part_0_0001.csv"}, {"blobName": "part_1_0001.csv"}]}),
        encoding="utf-8",
    )
    shutil.copyfile(first, inbox / "part_0_0001.csv")

    assert run("nightly").exit_code == 1
    assert (inbox / "part_0_0001.csv").exists()

    shutil.copyfile(second, inbox / "part_1_0001.csv")
    run("nightly")

    assert [path.name for path in inbox.iterdir()] == ["manifest.json"]
    assert verified()["ledger_hash"] == whole["ledger_hash"]


def test_a_file_of_several_accounts_is_a_snapshot_of_each(ledger: Path) -> None:
    one, other = "111122223333", "999988887777"
    both = [*ROWS, *(row.replace(one, other, 1) for row in ROWS[:3])]
    Path("both.csv").write_text(HEADER + "".join(both), encoding="utf-8")

    (first,) = receipts(run("ingest", "--format", "json", "both.csv"))

    assert first["recorded"] == first["records_in"] > 0
    before = verified()
    # What one of them says again replaces only what was its own.
    Path("one.csv").write_text(HEADER + "".join(ROWS), encoding="utf-8")
    (again,) = receipts(run("ingest", "--format", "json", "one.csv"))
    assert (again["recorded"], again["already_known"]) == (0, again["records_in"])
    assert verified()["ledger_hash"] == before["ledger_hash"]
    fuller = [*both, ROWS[0].replace(one, other, 1).replace("1250.4", "2500.8", 1)]
    fuller[-1] = fuller[-1].replace("4.12632", "8.25264", 1)
    Path("fuller.csv").write_text(HEADER + "".join(fuller[len(ROWS) :]), encoding="utf-8")

    (more,) = receipts(run("ingest", "--format", "json", "fuller.csv"))

    assert more["recorded"] == more["records_in"]
    found = verified()
    assert found["billed_nanos"]["USD"] - before["billed_nanos"]["USD"] == 8_252_640_000
    parts = written(str(ledger / "parts"), both[:4], both[4:])
    receipts(run("ingest", "--format", "json", *parts))
    assert verified()["ledger_hash"] == found["ledger_hash"]
