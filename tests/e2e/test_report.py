"""`metering report chargeback` on a book: the files, the terminal, the refusals."""

import csv
import json
import os
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result

from metering.books.accounts import ensure_accounts, ensure_bases
from metering.books.engine import begin_read, begin_write, open_engine
from metering.books.ledger import (
    NewPosting,
    add_postings,
    net_lines,
)
from metering.books.migrations import upgrade
from metering.books.periods import PeriodState, add_period_event
from metering.books.runs import record_run
from metering.core.ledger import (
    UNATTRIBUTED,
    UNPRICED,
    Account,
    Basis,
    PostingKind,
    owner_account,
    provider_account,
)
from metering.core.money import nanos_from_decimal_text
from metering.core.ownership.attribution import Owner
from metering.workflows.reports.unchanged import KEPT_NAME
from tests.support.command_line import metering

_PROVIDER = provider_account("openai", "acme")
_PRICED = Basis(
    provider="openai",
    platform="openai-api",
    billing_account="acme",
    product="api",
    model_raw="gpt-5-2025-08-07",
    model="gpt-5",
    meter="output",
    conditions="{}",
    status="priced",
    reason="",
    currency="USD",
    card="openai-list v1",
    rate_ids=("r1",),
    unit_price_nanos=10_000_000_000,
    per=1_000_000,
    list_unit_price_nanos=10_000_000_000,
    list_per=1_000_000,
)
_UNKNOWN = Basis(
    provider="openai",
    platform="openai-api",
    billing_account="acme",
    product="api",
    model_raw="gpt-6-preview",
    model="gpt-6-preview",
    meter="output",
    conditions="{}",
    status="unpriced",
    reason="no_rate",
    currency="USD",
    card="",
    rate_ids=(),
)
_Line = tuple[str, Account, Basis, int, int]


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a book of two months, and work in it."""
    (tmp_path / "metering.toml").write_text('[books]\ncurrency = "USD"\n', encoding="utf-8")
    upgrade(open_engine(_url(tmp_path), must_exist=False))
    care = owner_account(Owner(cost_centre="CC-4210", team="Customer care", project="Tickets"))
    fraud = owner_account(Owner(cost_centre="CC-4100", team="Payments", project="Fraud"))
    _post(
        tmp_path,
        (
            ("2026-09-11", care, _PRICED, 100_000, 1_000_000_000),
            ("2026-10-02", care, _PRICED, 123_457, 1_234_570_000),
            ("2026-10-30", fraud, _PRICED, 300, 3_000_000),
            ("2026-10-30", UNATTRIBUTED, _PRICED, 2_000_000, 20_000_000_000),
            ("2026-10-31", UNPRICED, _UNKNOWN, 777, 0),
        ),
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'books.sqlite'}"


def _post(folder: Path, lines: Iterable[_Line]) -> None:
    rows = list(lines)
    with begin_write(open_engine(_url(folder))) as connection:
        run = record_run(connection, "post", {}, datetime(2026, 11, 3, 2, 14, tzinfo=UTC), "ci")
        accounts = ensure_accounts(connection, [_PROVIDER, *(line[1] for line in rows)])
        bases = ensure_bases(connection, [line[2] for line in rows])
        add_postings(
            connection,
            run,
            [
                NewPosting(
                    kind=PostingKind.CHARGE.value,
                    period=day[:7],
                    charge_day=day,
                    debit_account_id=accounts[debit.name],
                    credit_account_id=accounts[_PROVIDER.name],
                    basis_id=bases[basis.digest],
                    currency="USD",
                    quantity=quantity,
                    amount_nanos=nanos,
                    list_nanos=nanos,
                    corrects_period=None,
                )
                for day, debit, basis, quantity, nanos in rows
            ],
        )


def _run(*arguments: str) -> Result:
    return metering("report", "chargeback", *arguments)


def test_the_files_of_the_pack_are_written_and_their_paths_printed(ledger: Path) -> None:
    done = _run("2026-10", "--out", "pack")

    assert done.exit_code == 0, done.output
    names = [f"chargeback-2026-10.{name}" for name in ("html", "pdf", "xlsx", "csv")]
    assert done.stdout.splitlines()[-4:] == [
        os.path.join("pack", name)  # noqa: PTH118 - as it is printed
        for name in names
    ]
    assert sorted(path.name for path in (ledger / "pack").iterdir()) == sorted(names)


@pytest.mark.usefixtures("ledger")
def test_the_terminal_shows_each_cost_centre_and_the_total() -> None:
    done = _run("2026-10")

    cells = [line.split() for line in done.stdout.splitlines()]
    assert ["CC-4210", "1.00", "1.23", "5.8", "%"] in cells
    assert ["Total", "1.00", "21.24", "100.0", "%"] in cells
    assert ["rounding", "0.01"] in cells


@pytest.mark.usefixtures("ledger")
def test_what_is_open_is_told_apart_from_the_result() -> None:
    done = _run("2026-10")

    assert (
        "unpriced: 777 tokens of gpt-6-preview (Output), 2026-10-31: "
        "the model has no rate for this meter\n"
    ) in done.stderr
    assert "unattributed: USD 20.00, 94.2 % of the total" in done.stderr
    assert "unpriced" not in done.stdout


def test_the_file_the_page_and_the_book_have_one_total(ledger: Path) -> None:
    _run("2026-10", "--out", "pack")

    with begin_read(open_engine(_url(ledger))) as connection:
        booked = sum(line.amount_nanos for line in net_lines(connection, "2026-10"))
    with (ledger / "pack" / "chargeback-2026-10.csv").open(newline="", encoding="utf-8") as file:
        written = [row["billed_cost"] for row in csv.DictReader(file)]
    page = (ledger / "pack" / "chargeback-2026-10.html").read_text(encoding="utf-8")
    assert sum(nanos_from_decimal_text(cost or "0") for cost in written) == booked
    assert '<span class="code">21.23757</span> USD' in page


def test_the_snapshot_is_that_of_the_ledger(ledger: Path) -> None:
    told = metering("verify", "--format", "json")
    _run("2026-10", "--format", "csv", "--out", ".")

    with (ledger / "chargeback-2026-10.csv").open(newline="", encoding="utf-8") as file:
        [snapshot_id] = {row["snapshot_id"] for row in csv.DictReader(file)}
    assert json.loads(told.stdout)["ledger_hash"].startswith(snapshot_id)


def test_one_format_is_one_file_in_a_folder_named_for_the_period(ledger: Path) -> None:
    _run("2026-10", "--format", "csv")

    assert [path.name for path in (ledger / "metering-2026-10").iterdir()] == [
        "chargeback-2026-10.csv"
    ]


def test_the_same_book_gives_the_same_bytes(ledger: Path) -> None:
    for folder in ("one", "two"):
        _run("2026-10", "--out", folder, "--format", "html,pdf,xlsx,csv,json")

    one, two = (
        {path.name: path.read_bytes() for path in (ledger / folder).iterdir()}
        for folder in ("one", "two")
    )
    assert one == two
    assert {Path(name).suffix for name in one} == {".html", ".pdf", ".xlsx", ".csv", ".json"}
    assert {Path(name).suffix for name in one} >= {".html", ".pdf", ".xlsx", ".csv", ".json"}


def test_a_closed_period_is_final(ledger: Path) -> None:
    with begin_write(open_engine(_url(ledger))) as connection:
        run = record_run(connection, "period close", {}, datetime(2026, 11, 5, tzinfo=UTC), "ci")
        add_period_event(connection, run, "2026-10", PeriodState.CLOSED, "month end")

    _run("2026-10", "--out", "pack")

    with (ledger / "pack" / "chargeback-2026-10.csv").open(newline="", encoding="utf-8") as file:
        assert {row["status"] for row in csv.DictReader(file)} == {"final"}
    page = (ledger / "pack" / "chargeback-2026-10.html").read_text(encoding="utf-8")
    assert "2026-11-05 00:00 UTC" in page


def test_a_hostile_name_in_the_terminal_is_printable(ledger: Path) -> None:
    owner = Owner(cost_centre="CC\x1b[31m\u202e", team="t", project="p")
    _post(ledger, [("2026-10-03", owner_account(owner), _PRICED, 1, 10_000)])

    done = _run("2026-10")

    assert done.exit_code == 0
    assert "CC\ufffd[31m\ufffd" in done.stdout
    assert "\x1b" not in done.output
    assert "\u202e" not in done.output


@pytest.mark.parametrize("arguments", [("2026-13",), ("2026-10", "--format", "docx"), ()])
def test_a_wrong_command_line_is_a_usage_error(ledger: Path, arguments: tuple[str, ...]) -> None:
    done = _run(*arguments)

    assert done.exit_code == 2
    assert list(ledger.glob("metering-*")) == []


def _statement(*arguments: str) -> Result:
    return metering("report", "statement", *arguments)


def test_each_cost_centre_gets_a_statement_of_its_own(ledger: Path) -> None:
    done = _statement("2026-10", "--out", "pack")

    assert done.exit_code == 0, done.output
    assert done.stderr.splitlines() == ["CC-4100: USD 0.00", "CC-4210: USD 1.23"]
    assert sorted(path.name for path in (ledger / "pack").iterdir()) == [
        f"statement-2026-10-{owner}.{name}"
        for owner in ("cc-4100", "cc-4210")
        for name in ("html", "pdf")
    ]


def test_the_statement_of_a_team_is_asked_for_by_name(ledger: Path) -> None:
    done = _statement(
        "2026-10", "--owner", "CC-4210/Customer care", "--format", "html", "--out", "."
    )

    assert done.stderr == "CC-4210 / Customer care: USD 1.23\n"
    [path] = ledger.glob("statement-2026-10-cc-4210-customer-care-*.html")
    assert "CC-4100" not in path.read_text(encoding="utf-8")


def test_an_owner_who_is_a_path_stays_in_the_folder(ledger: Path) -> None:
    owner = Owner(cost_centre="../../CON", team="t", project="p")
    _post(ledger, [("2026-10-03", owner_account(owner), _PRICED, 1, 10_000)])
    before = {path.name for path in ledger.iterdir()}

    done = _statement("2026-10", "--owner", "../../CON", "--format", "html", "--out", "pack")

    assert done.exit_code == 0, done.output
    assert {path.name for path in ledger.iterdir()} - before == {"pack", KEPT_NAME}
    [path] = (ledger / "pack").iterdir()
    assert re.fullmatch(r"statement-2026-10-con-[0-9a-f]{8}\.html", path.name)


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ('locale = "xx-YY"', "no locale is called 'xx-YY'"),
        ('accent = "teal"', "'teal' is not a colour"),
        ('accent = "#ffee00"', "#ffee00 has a contrast of 1.2 on white paper; it needs 3 or more"),
        ('logo = "logo.gif"', "No such file or directory"),
        ('logo = "metering.toml"', "it is neither a PNG nor an SVG picture"),
        ('templates = "nowhere"', "is not a folder"),
        ("locale = 3", "[report] locale is '3'"),
    ],
)
def test_a_look_that_cannot_be_had_is_refused(ledger: Path, section: str, told: str) -> None:
    (ledger / "metering.toml").write_text(f"[report]\n{section}\n", encoding="utf-8")

    done = _run("2026-10")

    assert done.exit_code == 1
    assert told in done.stderr
    assert "bad-settings" in done.stderr
    assert list(ledger.glob("metering-*")) == []


def test_a_company_has_its_name_its_logo_its_colour_and_its_numbers(ledger: Path) -> None:
    (ledger / "logo.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', encoding="utf-8"
    )
    (ledger / "metering.toml").write_text(
        '[report]\norganisation = "Häuser & Söhne"\nlogo = "logo.svg"\naccent = "#aa2200"\n'
        'locale = "de-DE"\n',
        encoding="utf-8",
    )

    done = _run("2026-10", "--format", "html,pdf,xlsx,csv", "--out", ".")

    page = (ledger / "chargeback-2026-10.html").read_text(encoding="utf-8")
    assert 'alt="Häuser &amp; Söhne"' in page
    assert "--series: #aa2200" in page
    assert "img-src data:" in page
    assert "21,24" in page
    assert "21,24" in done.stdout
    with (ledger / "chargeback-2026-10.csv").open(newline="", encoding="utf-8") as file:
        assert "20" in {row["billed_cost"] for row in csv.DictReader(file)}


def test_a_template_of_the_company_takes_the_place_of_ours(ledger: Path) -> None:
    (ledger / "own").mkdir()
    own = '{% extends "page.html.j2" %}{% block main %}Own {{ report.owner }}{% endblock %}'
    (ledger / "own" / "statement.html.j2").write_text(own, encoding="utf-8")
    (ledger / "metering.toml").write_text('[report]\ntemplates = "own"\n', encoding="utf-8")

    _statement("2026-10", "--owner", "CC-4210", "--format", "html", "--out", ".")

    assert "Own CC-4210" in (ledger / "statement-2026-10-cc-4210.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("statement.html.j2", "a\n{{ report.nobody }}", "statement.html.j2:2: "),
        ("statement.html.j2", "{% if %}", "statement.html.j2:1: "),
        ("statement.html.j2", "{{ 1 // 0 }}", "statement.html.j2:1: "),
        ("statement.html.j2", '\n{% include "no.j2" %}', "statement.html.j2:2: "),
        ("page.html.j2", "{{ nobody }}", "page.html.j2:1: "),
        # What ours look for in it is not there.
        ("parts.html.j2", "nothing", "parts.html.j2: "),
        ("statement.html.j2", "caf\udce9", "statement.html.j2: "),
        ("statement.typ", "one\n\n#nobody", "statement.typ:3: "),
        ("statement.typ", "#box(", "statement.typ:1: "),
        ("house.typ", "nothing", "house.typ: "),
    ],
)
def test_what_is_wrong_in_a_template_of_the_company_is_told_with_its_place(
    ledger: Path, name: str, text: str, told: str
) -> None:
    (ledger / "own").mkdir()
    (ledger / "own" / name).write_text(text, encoding="utf-8", errors="surrogateescape")
    (ledger / "metering.toml").write_text('[report]\ntemplates = "own"\n', encoding="utf-8")

    done = _statement("2026-10", "--owner", "CC-4210", "--out", ".")

    assert done.exit_code == 1
    assert f"{Path('own') / told}error[bad-template]: " in done.stderr.replace(f"{ledger}/", "")
    assert list(ledger.glob("statement-*")) == []


@pytest.mark.parametrize(
    ("code", "command"),
    [
        ("no-charges", _run),
        ("unwritable-report", _run),
        ("unknown-owner", _statement),
    ],
)
def test_a_refusal_is_told_in_the_words_that_were_reviewed(
    ledger: Path, code: str, command: Callable[..., Result]
) -> None:
    folder = Path(__file__).parents[1] / "errors" / code
    (ledger / "taken").write_text("a file, not a folder", encoding="utf-8")

    done = command(*(folder / "arguments").read_text(encoding="utf-8").split())

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (folder / "arguments.expected").read_text(encoding="utf-8")
