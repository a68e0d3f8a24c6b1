"""`metering nightly`: what waits is taken in once, what is refused stays, and one night runs."""

import gzip
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from filelock import FileLock

from metering.books.engine import begin_read, open_engine
from metering.books.runs import list_runs
from metering.ingest.formats.litellm_spend_logs import LiteLlmSpendLogs
from metering.ingest.readers import Reader
from metering.settings import FILE_NAME, Settings, load_settings
from metering.workflows.intake import ingest, one_by_one
from metering.workflows.intake.quarantine import quarantined
from metering.workflows.nightly import taking_in
from metering.workflows.outcomes import outcome_imports
from metering.workflows.runs import Run
from tests.support.command_line import done, metering
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest_and_post, ledger_hash
from tests.support.provider_server import Asked, Reply, serving
from tests.support.transcript_lines import answer


@pytest.fixture
def ledger(tmp_path: Path) -> Settings:
    return fresh_ledger(tmp_path / "ledger")


@pytest.fixture(autouse=True)
def _days_after_october(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each command run a minute after the one before: what has come of October is all of it."""
    _clock(monkeypatch, datetime(2026, 11, 2, 3, 10, tzinfo=UTC))


def _clock(monkeypatch: pytest.MonkeyPatch, start: datetime) -> None:
    minutes = count()

    def now(command: str, **arguments: object) -> Run:
        return Run(command, "nina", start + timedelta(minutes=next(minutes)), arguments)

    monkeypatch.setattr(Run, "now", now)


def _night(ledger: Settings) -> Result:
    return metering(ledger, "nightly", "--format", "json")


def _steps(done: Result) -> dict[str, dict[str, Any]]:
    night = json.loads(done.stdout)
    assert json.loads(Path(night["receipt"]).read_text(encoding="utf-8"))["steps"]
    return {step["step"]: step for step in night["steps"]}


def _waits(ledger: Settings, source: str, at: str) -> Path:
    target = ledger.home / "inbox" / at
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SAMPLE / source, target)
    return target


def test_a_night_takes_in_what_waits_and_the_next_has_nothing_to_do(ledger: Settings) -> None:
    usage = _waits(ledger, "usage/openai/completions-2026-10.json", "openai/october.json")
    _waits(ledger, "outcomes/pull-requests-helpdesk-bot.json", "outcomes/merged.json")
    _waits(ledger, "invoices/invoices-2026-10.csv", "invoices/october.csv")
    writing = _waits(ledger, "usage/openai/embeddings-2026-10.json", "openai/next.json.part")

    first = _night(ledger)

    steps = _steps(first)
    assert steps["usage"]["summary"] == "1 of 1 files taken in"
    assert steps["outcomes"]["summary"] == "1 of 1 files taken in"
    assert steps["invoices"]["summary"] == "1 of 1 files taken in"
    assert "2026-10 USD" in steps["post"]["summary"]
    assert steps["verify"]["state"] == "done"
    # The other providers' usage is missing, so that their invoices do not tie.
    assert steps["tie-out"]["state"] == "attention"
    assert first.exit_code == 1
    assert not usage.exists()
    assert len(list((ledger.home / "inbox" / "taken").rglob("october.json"))) == 1
    assert writing.exists()

    steps = _steps(_night(ledger))
    assert {steps[name]["summary"] for name in ("usage", "outcomes", "invoices")} == {
        "nothing waits"
    }
    assert steps["post"]["summary"] == "0 postings"


def test_a_clean_night_is_exit_code_0(ledger: Settings) -> None:
    _waits(ledger, "usage/openai/completions-2026-10.json", "october.json")
    night = _night(ledger)
    assert night.exit_code == 0, night.output
    assert json.loads(night.stdout)["clean"] is True


def test_a_night_pulls_first_and_pulling_again_changes_nothing(
    ledger: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = json.loads((SAMPLE / "usage/openai/completions-2026-10.json").read_bytes())

    def answer(asked: Asked) -> Reply:
        if asked.path == "/organization/costs":
            return Reply.of({"error": {"message": "this key may not read costs"}}, 403)
        start, end = (int(asked.query[name][0]) for name in ("start_time", "end_time"))
        buckets = [one for one in page["data"] if start <= one["start_time"] < end]
        found = buckets if asked.path.endswith("/completions") else []
        return Reply.of({"object": "page", "data": found, "has_more": False, "next_page": None})

    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin-1")
    with serving(answer) as provider:
        _said(ledger, f'[pull.openai]\nbase_url = "{provider.url}"\ndays = 400\n')
        first = _night(ledger)
        second = _night(ledger)

    steps = _steps(first)
    assert steps["pull"]["summary"] == "1 files"
    assert "not-allowed" in steps["pull"]["told"][0]
    assert steps["usage"]["summary"] == "1 of 1 files taken in"
    assert "2026-10 USD" in steps["post"]["summary"]
    assert _steps(second)["post"]["summary"] == "0 postings"
    assert (first.exit_code, second.exit_code) == (1, 1), "the costs could not be had"


def _said(ledger: Settings, text: str) -> None:
    with (ledger.home / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write(f"\n{text}")


def test_what_is_refused_stays_and_the_rest_is_taken_in(ledger: Settings) -> None:
    _waits(ledger, "usage/openai/completions-2026-10.json", "a/october.json")
    unknown = ledger.home / "inbox" / "notes.txt"
    unknown.write_text("nothing we know\n", encoding="utf-8")

    night = _night(ledger)

    steps = _steps(night)
    assert night.exit_code == 1
    assert steps["usage"]["summary"] == "1 of 2 files taken in"
    assert "notes.txt" in steps["usage"]["told"][0]
    assert unknown.exists()
    assert "notes.txt" in night.stderr


def test_one_night_at_a_time(ledger: Settings) -> None:
    with FileLock(ledger.home / ".nightly.lock"):
        night = _night(ledger)
    assert night.exit_code == 1
    assert "error[nightly-running]" in night.stderr
    assert _night(ledger).exit_code == 0


def test_a_folder_that_the_night_cannot_write_to_is_told(ledger: Settings) -> None:
    # As on a read-only disk, or in a folder of another account, which root may write to.
    (ledger.home / ".nightly.lock").mkdir()

    night = _night(ledger)

    assert night.exit_code == 1
    assert "error[storage-failed]: the lock of the night cannot be written" in night.stderr
    assert str(ledger.home / ".nightly.lock") in night.stderr


def test_what_cannot_be_looked_into_is_told_and_keeps_nothing_else_back(ledger: Settings) -> None:
    _waits(ledger, "usage/openai/completions-2026-10.json", "october.json")
    loop = ledger.home / "inbox" / "loop.json"
    loop.symlink_to(loop)
    outcomes = ledger.home / "inbox" / "outcomes"
    outcomes.write_text("where a folder should be", encoding="utf-8")

    night = _night(ledger)

    steps = _steps(night)
    assert night.exit_code == 1
    assert steps["usage"]["summary"] == "1 of 1 files taken in"
    (told,) = steps["usage"]["told"]
    assert told.startswith(f"{loop}: it cannot be looked into: Too many levels of symbolic links\n")
    assert steps["outcomes"]["summary"] == "nothing waits"
    assert steps["outcomes"]["told"][0].startswith(f"{outcomes}: it cannot be looked into: Not a")


def test_a_night_whose_receipt_cannot_be_written_is_told_all_the_same(ledger: Settings) -> None:
    _waits(ledger, "usage/openai/completions-2026-10.json", "october.json")
    (ledger.home / "receipts").write_text("where a folder should be", encoding="utf-8")

    night = _night(ledger)

    *steps, receipt = json.loads(night.stdout)["steps"]
    assert night.exit_code == 1
    assert steps[0]["summary"] == "1 of 1 files taken in"
    assert steps[-1]["state"] == "done"
    assert (receipt["step"], receipt["state"]) == ("receipt", "failed")
    assert "the receipt cannot be written: File exists" in receipt["told"][0]


# Where a session is the only meter there is, what it counts is charged.
_METERED = '[roles]\nclaude-code-transcripts = "metered"\n'


def _sessions(ledger: Settings, *contents: str) -> list[Path]:
    """Put sessions into the inbox: what many people's machines hand in, night by night."""
    folder = ledger.home / "inbox" / "sessions"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{place:04}.jsonl" for place in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_text(f"{content}\n", encoding="utf-8")
    return paths


def _nightly_runs(ledger: Settings) -> int:
    with begin_read(open_engine(ledger.books_url)) as connection:
        return sum(one.command == "nightly" for one in list_runs(connection))


def test_many_small_files_are_taken_in_together_and_are_what_an_ingest_of_them_is(
    ledger: Settings, tmp_path: Path
) -> None:
    said = [answer(number, number, 20 + number, day=1 + number % 3) for number in range(40)]
    sessions = _sessions(ledger, *said)
    apart = fresh_ledger(tmp_path / "apart")
    for one in (ledger, apart):
        _said(one, _METERED)
    ingest_and_post(load_settings(apart.home / FILE_NAME), sessions)

    steps = _steps(_night(ledger))

    assert steps["usage"]["summary"] == "40 of 40 files taken in"
    assert not any(path.exists() for path in sessions)
    assert _nightly_runs(ledger) == 2, "one transaction records the usage, and one posts it"
    assert ledger_hash(ledger) == ledger_hash(apart)


def test_what_is_wrong_with_one_of_many_files_is_that_files_matter_alone(
    ledger: Settings,
) -> None:
    negative = answer(3, 3, 20).replace('"input_tokens":5', '"input_tokens":-5')
    sessions = _sessions(
        ledger,
        answer(1, 1, 20),
        answer(2, 2, 20)[:90],  # cut: no record, and no line of JSON
        answer(2, 2, 20),
        f"{answer(4, 4, 20)}\n{negative}",
        "written below",
        answer(1, 1, 20),  # the bytes of the first
        "nothing we know",
        answer(5, 5, 20),
    )
    cut = gzip.compress(f"{answer(6, 6, 20)}\n".encode() * 4000)[:-40]
    sessions[4].write_bytes(cut)

    first = _night(ledger)

    steps = _steps(first)
    assert first.exit_code == 1
    assert steps["usage"]["summary"] == "5 of 8 files taken in"
    stayed = [path.name for path in sessions if path.exists()]
    assert stayed == ["0001.jsonl", "0004.jsonl", "0006.jsonl"]
    told = "\n".join(steps["usage"]["told"])
    assert [name in told for name in ("0003.jsonl:2", *stayed)] == [True] * 4
    refused = [one.rejection for one in quarantined(ledger, open_only=True)]
    assert [(one.line, one.code) for one in refused] == [(2, "bad-quantity")]


@pytest.mark.parametrize("at", ["october.json", "outcomes/merged.json"])
def test_a_file_that_goes_away_while_it_is_read_is_told_and_keeps_nothing_else_back(
    at: str, ledger: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _waits(ledger, "usage/openai/embeddings-2026-10.json", "a-embeddings.json")
    _waits(ledger, "outcomes/support-cases.csv", "outcomes/cases.csv")
    is_usage = "/" not in at
    source = "usage/openai/completions-2026-10.json"
    gone = _waits(ledger, source if is_usage else "outcomes/pull-requests-helpdesk-bot.json", at)

    def and_then_it_is_gone(path: Path, *arguments: Any) -> object:
        found = one_by_one.recognised(path, *arguments)
        if path == gone:
            path.unlink()
        return found

    for module in (ingest, outcome_imports):
        monkeypatch.setattr(module, "recognised", and_then_it_is_gone)
    steps = _steps(_night(ledger))

    name, other = ("usage", "outcomes") if is_usage else ("outcomes", "usage")
    assert steps[name]["summary"] == "1 of 2 files taken in"
    assert steps[other]["summary"] == "1 of 1 files taken in"
    (told,) = steps[name]["told"]
    assert told.startswith(f"{gone}: error[unreadable-file]: the file cannot be read")
    assert "do:       check the path and the permissions" in told
    assert steps["verify"]["state"] == "done"


def test_one_of_many_small_files_that_goes_away_keeps_nothing_else_back(
    ledger: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = _sessions(ledger, *(answer(number, number, 20) for number in range(9)))

    def and_then_it_is_gone(path: Path, *arguments: Any) -> object:
        found = one_by_one.recognised(path, *arguments)
        if path == sessions[4]:
            path.unlink()
        return found

    monkeypatch.setattr(ingest, "recognised", and_then_it_is_gone)
    steps = _steps(_night(ledger))

    assert steps["usage"]["summary"] == "8 of 9 files taken in"
    assert len(steps["usage"]["told"]) == 1
    assert f"{sessions[4]}: error[unreadable-file]" in steps["usage"]["told"][0]


def test_a_file_that_is_still_being_written_waits_for_the_next_night(
    ledger: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = gzip.decompress((SAMPLE / "usage/litellm/spend-logs-2026-10.jsonl.gz").read_bytes())
    lines = log.splitlines(keepends=True)[:200]
    whole = tmp_path / "whole.jsonl"
    whole.write_bytes(b"".join(lines))
    apart = fresh_ledger(tmp_path / "apart")
    ingest_and_post(apart, [whole])
    growing = ledger.home / "inbox" / "log.jsonl"
    growing.parent.mkdir()
    growing.write_bytes(b"".join(lines[:100]))
    read = LiteLlmSpendLogs.read

    def while_the_rest_comes(self: LiteLlmSpendLogs, path: Path, reader: Reader) -> Any:
        yield from read(self, path, reader)
        growing.write_bytes(whole.read_bytes())

    with monkeypatch.context() as patch:
        patch.setattr(LiteLlmSpendLogs, "read", while_the_rest_comes)
        first = _steps(_night(ledger))["usage"]
    stayed = growing.exists()
    _night(ledger)

    assert first["summary"] == "0 of 1 files taken in"
    assert first["told"][0].startswith(
        f"{growing}: error[unreadable-file]: somebody wrote to it while it was read"
    )
    assert stayed
    assert not growing.exists()
    assert ledger_hash(ledger) == ledger_hash(apart)


def test_what_takes_the_place_of_a_file_once_it_was_read_waits_for_the_next_night(
    ledger: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    waited = _waits(ledger, "usage/openai/completions-2026-10.json", "usage.json")
    later = SAMPLE / "usage/openai/embeddings-2026-10.json"
    apart = fresh_ledger(tmp_path / "apart")
    ingest_and_post(apart, [waited, later])

    def and_then_the_next_comes(*arguments: Any) -> Iterator[object]:
        for taken in ingest.ingest_each(*arguments):
            shutil.copyfile(later, waited)
            yield taken

    with monkeypatch.context() as patch:
        patch.setattr(taking_in, "ingest_each", and_then_the_next_comes)
        first = _steps(_night(ledger))["usage"]
    _night(ledger)

    assert first["summary"] == "1 of 1 files taken in"
    assert first["told"][0].startswith(
        f"{waited}: it was taken in, and somebody has written to it since"
    )
    assert not waited.exists()
    assert ledger_hash(ledger) == ledger_hash(apart)


def test_what_was_refused_of_a_taken_file_is_retried_where_the_night_moved_it(
    ledger: Settings,
) -> None:
    wrong = answer(2, 2, 20).replace('"input_tokens":5', '"input_tokens":-5')
    (waited,) = _sessions(ledger, f"{answer(1, 1, 20)}\n{wrong}")
    (told,) = _steps(_night(ledger))["usage"]["told"]
    (refused,) = quarantined(ledger, open_only=True)
    taken = Path(refused.path)

    assert told.startswith(f"{taken}:2: error[bad-quantity]")
    assert taken.is_file()
    assert taken.is_relative_to(ledger.home / "inbox" / "taken")
    assert f"{taken}:2: error[bad-quantity]" in done(ledger, "quarantine", "show", "1")

    taken.write_text(f"{answer(1, 1, 20)}\n{answer(2, 2, 20)}\n", encoding="utf-8")
    retried = done(ledger, "quarantine", "retry")

    assert "1 record dealt with, 0 still refused" in retried
    assert not waited.exists()


def test_an_amount_is_explained_by_the_place_to_which_the_night_moved_its_file(
    ledger: Settings,
) -> None:
    waited = _waits(ledger, "usage/openai/completions-2026-10.json", "openai/october.json")
    _night(ledger)

    explained = json.loads(done(ledger, "explain", "2026-10", "--format", "json"))

    examples = [one for charge in explained["explained"] for one in charge["examples"]]
    assert not waited.exists()
    assert {Path(one["path"]).name for one in examples} == {"october.json"}
    assert all(Path(one["path"]).is_file() for one in examples)


def test_a_file_that_was_ingested_by_hand_is_found_where_a_later_night_moved_it(
    ledger: Settings,
) -> None:
    waited = _waits(ledger, "usage/openai/completions-2026-10.json", "openai/october.json")
    done(ledger, "ingest", waited)
    _night(ledger)
    (day,) = (ledger.home / "inbox" / "taken").iterdir()
    day.rename(day.with_name("9998-12-31"))  # as if the night had been another day's

    explained = json.loads(done(ledger, "explain", "2026-10", "--format", "json"))

    paths = {one["path"] for charge in explained["explained"] for one in charge["examples"]}
    assert paths == {str(day.with_name("9998-12-31") / "openai" / "october.json")}


def test_usage_without_a_rate_is_told_every_night_until_a_card_prices_it(ledger: Settings) -> None:
    page = (SAMPLE / "usage/openai/completions-2026-10.json").read_text(encoding="utf-8")
    unknown = ledger.home / "inbox" / "october.json"
    unknown.parent.mkdir(exist_ok=True)
    unknown.write_text(page.replace("gpt-5.6-luna", "gpt-9-nobody-knows"), encoding="utf-8")

    for night in (_night(ledger), _night(ledger)):
        step = _steps(night)["post"]
        assert night.exit_code == 1
        assert step["state"] == "attention"
        (told,) = step["told"]
        assert told.startswith(
            "2026-10: usage of gpt-9-nobody-knows (openai) has no rate and no amount: "
            "no rate card knows the model\n"
        )
        assert "input_uncached" in told
        assert "metering prices import" in told


def test_a_source_that_left_days_out_is_told_the_next_night(ledger: Settings) -> None:
    page = json.loads((SAMPLE / "usage/openai/completions-2026-10.json").read_bytes())
    day = 24 * 60 * 60
    page["data"] = [one for one in page["data"] if (one["start_time"] // day) % 30 not in (5, 6)]
    gappy = ledger.home / "inbox" / "october.json"
    gappy.parent.mkdir(exist_ok=True)
    gappy.write_text(json.dumps(page), encoding="utf-8")

    night = _night(ledger)

    step = _steps(night)["arrival"]
    assert night.exit_code == 1
    assert step["state"] == "attention"
    (told,) = step["told"]
    assert told.startswith("openai-usage of openai/default: nothing has come of 2026-10-")
    assert "[arrival]" in told

    _waits(ledger, "usage/openai/completions-2026-10.json", "whole.json")
    assert _steps(_night(ledger))["arrival"]["state"] == "done"


def test_a_log_of_a_provider_whose_bill_never_came_is_told_until_the_settings_say_what_it_is(
    ledger: Settings,
) -> None:
    _waits(
        ledger,
        "week-41/bedrock-invocation-logs/20261006T000000000Z_41a1b2c3.json.gz",
        "bedrock.json.gz",
    )

    night = _night(ledger)

    step = _steps(night)["arrival"]
    assert night.exit_code == 1
    assert step["summary"] == "sources with days missing: 0, without a bill: 1"
    (told,) = step["told"]
    assert told.startswith("bedrock-invocation-logs tells of usage of aws from 2026-10-")
    assert "nothing meters aws: nothing is charged for it" in told
    assert told in metering(ledger, "post").stderr

    _said(ledger, '[roles]\nbedrock-invocation-logs = "detail"\n')
    assert _night(ledger).exit_code == 0


def test_what_nothing_meters_is_an_open_point_of_its_month(ledger: Settings) -> None:
    log = "week-41/bedrock-invocation-logs/20261006T000000000Z_41a1b2c3.json.gz"
    ingest_and_post(
        ledger, [SAMPLE / log, *(SAMPLE / "usage" / "openai").glob("completions-2026-*.json")]
    )
    sentence = "bedrock-invocation-logs tells of usage of aws, which nothing meters"

    for period, unmetered in (("2026-09", []), ("2026-10", [sentence])):
        told = metering(
            ledger, "report", "chargeback", period, "--out", ledger.home, "--format", "html,json"
        )
        page = (ledger.home / f"chargeback-{period}.html").read_text("utf-8")
        said = json.loads((ledger.home / f"chargeback-{period}.json").read_text("utf-8"))

        assert said["made_from"]["unmetered"] == unmetered
        assert (f"{sentence}: nothing is charged for it\n" in told.stderr) is bool(unmetered)
        assert (f"{sentence}</bdi>: <strong>nothing is charged" in page) is bool(unmetered)


def test_a_source_that_stopped_for_good_is_told_in_the_months_after(
    ledger: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _waits(ledger, "usage/openai/completions-2026-10.json", "october.json")
    assert _night(ledger).exit_code == 0

    _clock(monkeypatch, datetime(2026, 11, 9, 3, 10, tzinfo=UTC))
    night = _night(ledger)

    (told,) = _steps(night)["arrival"]["told"]
    assert night.exit_code == 1
    assert told.startswith(
        "openai-usage of openai/default: nothing has come of 2026-11-01 to 2026-11-07\n"
    )


def test_a_second_file_of_a_name_on_one_day_does_not_replace_the_first(ledger: Settings) -> None:
    for source in ("completions", "embeddings"):
        _waits(ledger, f"usage/openai/{source}-2026-10.json", "october.json")
        _night(ledger)

    kept = sorted((ledger.home / "inbox" / "taken").rglob("october.json"))

    assert len({path.read_bytes() for path in kept}) == 2


def test_exports_that_are_refused_keep_no_other_outcome_or_invoice_back(ledger: Settings) -> None:
    for folder, source in (
        ("outcomes", "outcomes/support-cases.csv"),
        ("invoices", "invoices/invoices-2026-10.csv"),
    ):
        for place in (1, 3):
            _waits(ledger, source, f"{folder}/{place}{Path(source).suffix}")
        (ledger.home / "inbox" / folder / "2.csv").write_text("a,b\n1,2\n", encoding="utf-8")

    steps = _steps(_night(ledger))

    assert steps["outcomes"]["summary"] == "2 of 3 files taken in"
    assert steps["invoices"]["summary"] == "2 of 3 files taken in"
    assert len(steps["outcomes"]["told"]) == len(steps["invoices"]["told"]) == 1
