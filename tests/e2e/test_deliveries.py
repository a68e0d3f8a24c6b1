"""An export in several files counts as the same export in one file, whole or not at all."""

import itertools
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import done, metering, told, verified
from tests.support.ledgers import new_ledger

WHOLE = Path(__file__).parents[1] / "golden" / "aws_cur" / "good.csv"
HEADER, *ROWS = WHOLE.read_text(encoding="utf-8").splitlines(True)


pytestmark = pytest.mark.usefixtures("ledger_here")


def written(folder: str, *parts: Sequence[str]) -> list[str]:
    """Write the parts of a delivery, each with the header, and return their paths."""
    Path(folder).mkdir(exist_ok=True)
    paths = [Path(folder, f"cur-{place:05d}.csv") for place in range(1, len(parts) + 1)]
    for path, rows in zip(paths, parts, strict=True):
        path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return list(map(str, paths))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `verify` says where all rows came in one file."""
    ledger = new_ledger(tmp_path_factory.mktemp("whole"))
    done(ledger, "ingest", WHOLE)
    return verified(ledger)


def test_parts_count_as_one_file_in_any_order(whole: dict[str, Any]) -> None:
    parts = written("delivery", ROWS[:3], ROWS[3:4], ROWS[4:])
    for number, order in enumerate(itertools.permutations(parts)):
        ledger = new_ledger(Path(f"order-{number}"))

        receipts = told(ledger, "ingest", *order)

        assert [one["path"] for one in receipts] == list(order)
        found = verified(ledger)
        for name in ("ledger_hash", "records", "recorded", "billed_nanos", "postings"):
            assert found[name] == whole[name], name


def test_the_same_delivery_again_is_known() -> None:
    parts = written("delivery", ROWS[:3], ROWS[3:])
    done("ingest", *parts)
    before = verified()

    again = told("ingest", *reversed(parts))

    assert all(one["known_before"] and not one["recorded"] for one in again)
    assert verified() == before


def test_a_later_delivery_replaces_an_earlier_one_however_its_rows_are_divided(
    whole: dict[str, Any],
) -> None:
    earlier = written("earlier", ROWS[:2], ROWS[2:-1])
    # Its second part holds the same bytes, and it has one part more.
    later = written("later", ROWS[:1], ROWS[2:-1], [*ROWS[1:2], ROWS[-1]])
    done("ingest", *earlier)
    verified()

    done("ingest", *later)

    found = verified()
    assert found["ledger_hash"] == whole["ledger_hash"]
    assert found["billed_nanos"] == whole["billed_nanos"]
    done("ingest", WHOLE)
    assert verified()["ledger_hash"] == whole["ledger_hash"]


def test_one_part_without_the_others_is_refused_and_nothing_is_recorded() -> None:
    first, second = written("delivery", ROWS[:3], ROWS[3:])

    for given in ([first], [second]):
        refused = metering("ingest", *given)
        assert refused.exit_code == 1
        assert "error[partial-export]" in refused.stderr
    assert verified()["records"] == 0


def test_a_part_that_cannot_be_read_keeps_out_the_others() -> None:
    first, second = written("delivery", ROWS[:3], ROWS[3:])
    Path(second).write_text(HEADER + ROWS[3] + '"unclosed', encoding="utf-8")

    refused = metering("ingest", first, second)

    assert refused.exit_code == 1
    assert "error[unclosed-quote]" in refused.stderr
    assert verified()["records"] == 0


def test_two_parts_of_the_same_bytes_are_refused() -> None:
    parts = written("delivery", ROWS[:3], ROWS[:3])

    refused = metering("ingest", *parts)

    assert refused.exit_code == 1
    assert "two of them are the same bytes" in refused.stderr
    assert verified()["records"] == 0


def test_explain_leads_to_the_part_that_holds_the_record() -> None:
    parts = written("delivery", ROWS[:3], ROWS[3:])
    done("ingest", *parts)
    verified()

    shown = done("explain", "2026-06", "--records", "100")

    assert all(f"{part}:" in shown for part in parts)


def test_a_refused_record_is_read_again_with_the_whole_delivery(
    whole: dict[str, Any],
) -> None:
    broken = ROWS[-1].replace("USD", "US DOLLARS")
    assert broken != ROWS[-1]
    parts = written("delivery", ROWS[:3], [*ROWS[3:-1], broken])
    receipts = json.loads(metering("ingest", "--format", "json", *parts).stdout)
    assert [one["rejected"] for one in receipts] == [0, 1]

    Path(parts[1]).write_text(HEADER + "".join(ROWS[3:]), encoding="utf-8")
    done("quarantine", "retry")

    found = verified()
    assert found["quarantined"] == 0
    assert found["ledger_hash"] == whole["ledger_hash"]


def test_a_night_waits_for_the_rest_of_a_delivery(whole: dict[str, Any]) -> None:
    inbox = Path("inbox", "azure")
    inbox.mkdir(parents=True)
    first, second = written("made", ROWS[:3], ROWS[3:])
    (inbox / "manifest.json").write_text(
        json.dumps({"blobs": [{"blobName": "x/part_0_0001.csv"}, {"blobName": "part_1_0001.csv"}]}),
        encoding="utf-8",
    )
    shutil.copyfile(first, inbox / "part_0_0001.csv")

    assert metering("nightly").exit_code == 1
    assert (inbox / "part_0_0001.csv").exists()

    shutil.copyfile(second, inbox / "part_1_0001.csv")
    metering("nightly")

    assert [path.name for path in inbox.iterdir()] == ["manifest.json"]
    assert verified()["ledger_hash"] == whole["ledger_hash"]


def test_a_file_of_several_accounts_is_a_snapshot_of_each() -> None:
    one, other = "111122223333", "999988887777"
    both = [*ROWS, *(row.replace(one, other, 1) for row in ROWS[:3])]
    Path("both.csv").write_text(HEADER + "".join(both), encoding="utf-8")

    (first,) = told("ingest", "both.csv")

    assert first["recorded"] == first["records_in"] > 0
    before = verified()
    # What one of them says again replaces only what was its own.
    Path("one.csv").write_text(HEADER + "".join(ROWS), encoding="utf-8")
    (again,) = told("ingest", "one.csv")
    assert (again["recorded"], again["already_known"]) == (0, again["records_in"])
    assert verified()["ledger_hash"] == before["ledger_hash"]
    fuller = [*both, ROWS[0].replace(one, other, 1).replace("1250.4", "2500.8", 1)]
    fuller[-1] = fuller[-1].replace("4.12632", "8.25264", 1)
    Path("fuller.csv").write_text(HEADER + "".join(fuller[len(ROWS) :]), encoding="utf-8")

    (more,) = told("ingest", "fuller.csv")

    assert more["recorded"] == more["records_in"]
    found = verified()
    assert found["billed_nanos"]["USD"] - before["billed_nanos"]["USD"] == 8_252_640_000
    parts = written("parts", both[:4], both[4:])
    done("ingest", *parts)
    assert verified()["ledger_hash"] == found["ledger_hash"]
