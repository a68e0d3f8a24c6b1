"""Flat money goes from its files into the book, converges there, and ties to the invoices."""

import json
from datetime import date
from pathlib import Path

import pytest

from metering.books.engine import begin_read, open_engine
from metering.books.ledger import NetLine, net_lines
from metering.core.ledger import HOLDING_KINDS
from metering.core.periods import BillingPeriod
from metering.settings import Settings
from metering.workflows.closing.invoices import ingest_invoices
from metering.workflows.closing.tie_out import tie_out_period
from metering.workflows.explaining.explain import explain
from metering.workflows.flat.flat_files import import_flat
from metering.workflows.flat.flat_standing import flat_standing
from metering.workflows.posting.post import post
from metering.workflows.verify import verify
from tests.support.command_line import done, metering
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest, ledger_hash, run

OCTOBER = BillingPeriod(2026, 10)
UNUSED = 'unused = { cost_centre = "CC-9000", team = "it", project = "seats" }\n'
OWNER = 'owner = { cost_centre = "CC-9000", team = "it", project = "credit" }\n'
PAYEE = 'billing_account = "default"\ncurrency = "USD"\n'
GATEWAY = SAMPLE / "usage/litellm/spend-logs-2026-10.jsonl.gz"
SEPTEMBER = SAMPLE / "usage/litellm/spend-logs-2026-09.jsonl.gz"
DEEPSEEK = (
    f'[[prepaid]]\nname = "block"\nprovider = "deepseek"\n{PAYEE}credit = "30.00"\n'
    f'paid = "24.00"\nfee = "1.20"\nbought = 2026-09-01\nexpires = 2026-10-21\n{OWNER}'
)


@pytest.fixture
def ledger(tmp_path: Path) -> Settings:
    return fresh_ledger(tmp_path / "ledger")


def take(settings: Settings, folder: Path, **files: str) -> None:
    """Take files into force; a name's last underscore stands for the dot."""
    folder.mkdir(exist_ok=True)
    paths = [folder / ".".join(name.rsplit("_", 1)) for name in files]
    for path, text in zip(paths, files.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    import_flat(settings, run("flat import"), paths)


def lines(settings: Settings, product: str) -> list[NetLine]:
    with begin_read(open_engine(settings.books_url)) as connection:
        return [line for line in net_lines(connection) if line.product == product]


def balance(settings: Settings, account: str) -> int:
    with begin_read(open_engine(settings.books_url)) as connection:
        found = list(net_lines(connection))
    debits = sum(line.amount_nanos for line in found if line.debit == account)
    return debits - sum(line.amount_nanos for line in found if line.credit == account)


def test_seats_are_charged_for_a_month_that_an_invoice_has_come_for(ledger: Settings) -> None:
    import_flat(ledger, run("flat import"), sorted((SAMPLE / "flat").iterdir()))
    list(ingest_invoices(ledger, run(), [SAMPLE / "invoices/invoices-2026-10.csv"]))

    posted = post(ledger, run("post"))
    again = post(ledger, run("post"))

    assert posted.amounts == {("2026-10", "USD"): 456_000_000_000}
    assert again.postings == 0
    assert verify(ledger, full=True).problems == ()
    github = next(one for one in tie_out_period(ledger, OCTOBER) if one.provider == "github")
    assert github.ties
    assert [(line.reason, line.nanos) for line in github.lines] == [("seats", 456_000_000_000)]
    owners = {line.debit for line in lines(ledger, "seats")}
    # Ana's seat moves with her; what nobody has is borne by whom the file names.
    assert "owner:CC-9000/shared/seats" in owners
    ana = explain(ledger, "2026-10/CC-4200/platform/build-farm/copilot-business", records=9)
    assert ("seats.csv", 2, 16) in {(x.path, x.line, x.quantity) for x in ana.explained[0].examples}
    assert ana.explained[0].prices[0].source == "flat.toml:3"


def test_nothing_is_charged_before_the_books_know_of_a_day(ledger: Settings) -> None:
    import_flat(ledger, run("flat import"), sorted((SAMPLE / "flat").iterdir()))

    posted = post(ledger, run("post"))

    assert posted.postings == 0
    assert flat_standing(ledger, OCTOBER).first is None


def test_an_invoice_of_other_seats_is_unexplained_by_the_difference(
    ledger: Settings, tmp_path: Path
) -> None:
    text = (SAMPLE / "flat/flat.toml").read_text(encoding="utf-8").replace("paid = 24", "paid = 25")
    seats = (SAMPLE / "flat/seats.csv").read_text(encoding="utf-8")
    take(ledger, tmp_path / "files", flat_toml=text, seats_csv=seats)
    list(ingest_invoices(ledger, run(), [SAMPLE / "invoices/invoices-2026-10.csv"]))

    post(ledger, run("post"))

    github = next(one for one in tie_out_period(ledger, OCTOBER) if one.provider == "github")
    assert github.unexplained_nanos == -19_000_000_000
    assert sum(line.nanos for line in github.lines) == github.invoiced_nanos


def test_a_new_version_moves_the_difference_and_nothing_else(
    ledger: Settings, tmp_path: Path
) -> None:
    ingest(ledger, GATEWAY)
    import_flat(ledger, run("flat import"), sorted((SAMPLE / "flat").iterdir()))
    post(ledger, run("post"))
    before = ledger_hash(ledger)
    dearer = (SAMPLE / "flat/flat.toml").read_text(encoding="utf-8").replace("19.00", "21.00")

    take(ledger, tmp_path / "files", flat_toml=dearer)
    moved = post(ledger, run("post"))
    take(ledger, tmp_path / "back", flat_toml=(SAMPLE / "flat/flat.toml").read_text("utf-8"))
    post(ledger, run("post"))

    assert moved.amounts == {("2026-10", "USD"): 24 * 2_000_000_000}
    assert ledger_hash(ledger) == before


def test_usage_that_credit_pays_for_is_charged_once(ledger: Settings, tmp_path: Path) -> None:
    ingest(ledger, GATEWAY, SEPTEMBER)
    post(ledger, run("post"))
    charged = -balance(ledger, "provider:deepseek/default")

    take(ledger, tmp_path / "files", flat_toml=DEEPSEEK)
    posted = post(ledger, run("post"))

    # Charged beside usage: the fee, and what expired of what was paid.
    drawn = 30_000_000_000 - sum(
        line.amount_nanos
        for line in lines(ledger, "prepaid")
        if line.credit == "prepaid:block" and not line.debit.startswith("provider:")
    )
    lost = balance(ledger, "owner:CC-9000/it/credit")
    assert sum(posted.amounts.values()) == lost
    assert lost == 1_200_000_000 + (30_000_000_000 - drawn) * 24 // 30
    assert balance(ledger, "prepaid:block") == 0
    assert -balance(ledger, "prepaid:block/bonus") == drawn * 6 // 30
    # The provider is owed what its invoices ask for: the purchase, the fee, and usage not drawn.
    assert -balance(ledger, "provider:deepseek/default") == charged + 25_200_000_000 - drawn
    assert verify(ledger, full=True).problems == ()


def test_posting_a_part_looks_back_to_where_the_credit_was_bought(
    ledger: Settings, tmp_path: Path
) -> None:
    ingest(ledger, GATEWAY, SEPTEMBER)
    take(ledger, tmp_path / "files", flat_toml=DEEPSEEK)

    post(ledger, run("post"), first=date(2026, 10, 10), last=date(2026, 10, 12))
    for first in (1, 15):
        post(ledger, run("post"), first=date(2026, 10, first), last=date(2026, 10, 31))
    post(ledger, run("post"))
    in_parts = ledger_hash(ledger)

    at_once = fresh_ledger(tmp_path / "other")
    take(at_once, tmp_path / "files", flat_toml=DEEPSEEK)
    ingest(at_once, SEPTEMBER, GATEWAY)
    post(at_once, run("post"))
    assert ledger_hash(at_once) == in_parts


def test_own_capacity_is_borne_by_who_used_it_and_by_who_looks_after_it(
    ledger: Settings, tmp_path: Path
) -> None:
    answers = tmp_path / "answers.jsonl"
    answers.write_text(
        "".join(
            json.dumps(
                {
                    "id": f"cmpl-{day}-{user}",
                    "object": "chat.completion",
                    "created": 1_790_812_800 + day * 86_400,
                    "model": "llama-3.3-70b",
                    "user": user,
                    "usage": {
                        "prompt_tokens": prompt,
                        "completion_tokens": 1_000_000,
                        "total_tokens": prompt + 1_000_000,
                    },
                }
            )
            + "\n"
            for day in range(2)
            for user, prompt in (("u-bo", 2_000_000), ("u-ines", 5_000_000), ("u-nobody", 0))
        ),
        encoding="utf-8",
    )
    capacity = (
        '[[capacity]]\nname = "cluster"\ncurrency = "USD"\nfrom = 2026-10-01\n'
        'bought = "36500.00"\nlife_months = 12\nlease = "310.00"\npeople = "31.00"\n'
        'watts = 1000\npue = "1.25"\nkwh = "0.10"\ntokens_per_second = 1000\napi_price = "2.00"\n'
        'serves = { provider = "own", platform = "own-capacity", models = ["llama-3.3-70b"] }\n'
        'idle = { cost_centre = "CC-9000", team = "it", project = "idle" }\n'
    )
    ingest(ledger, answers)
    take(ledger, tmp_path / "files", flat_toml=capacity)

    post(ledger, run("post"))

    daily = 100_000_000_000 + 10_000_000_000 + 1_000_000_000 + 3_000_000_000
    charged = lines(ledger, "capacity")
    assert sum(line.amount_nanos for line in charged) == 2 * daily
    assert {line.credit for line in charged} == {"capacity:cluster"}
    by_owner = {
        line.debit: line.amount_nanos for line in charged if line.charge_day == "2026-10-01"
    }
    rated = 86_400_000
    assert by_owner["owner:CC-4100/payments/ledger-api"] * rated == pytest.approx(daily * 3_000_000)
    assert by_owner["suspense:unattributed"] * rated == pytest.approx(daily * 1_000_000)
    assert by_owner["owner:CC-9000/it/idle"] * rated == pytest.approx(daily * (rated - 10_000_000))
    tokens = lines(ledger, "own-capacity")
    assert {line.status for line in tokens} == {"zero_rated"}
    assert {line.amount_nanos for line in tokens} == {0}
    (use,) = flat_standing(ledger, OCTOBER).capacity
    assert (use.tokens, use.rated_tokens) == (20_000_000, 2 * rated)
    assert use.nanos_per_million == 2 * daily // 20
    assert use.tokens_per_watt_year == 20_000_000 * 8_760 // (1_000 * 48)
    assert verify(ledger, full=True).problems == ()
    assert [one.provider for one in tie_out_period(ledger, OCTOBER)] == ["own"]


def test_what_moves_between_holdings_is_in_no_view(ledger: Settings, tmp_path: Path) -> None:
    ingest(ledger, GATEWAY)
    text = (SAMPLE / "flat/flat.toml").read_text(encoding="utf-8").replace("2026-09", "2026-10")
    seats = (SAMPLE / "flat/seats.csv").read_text(encoding="utf-8")
    take(ledger, tmp_path / "files", flat_toml=text, seats_csv=seats)
    post(ledger, run("post"))

    report = ("report", "chargeback", "2026-10", "--format", "csv")
    done(ledger, *report, "--out", tmp_path / "out")

    with begin_read(open_engine(ledger.books_url)) as connection:
        found = list(net_lines(connection))
    held = {line.meter for line in found if line.debit_kind in HOLDING_KINDS}
    assert held == {"credit_purchase", "credit_bonus", "credit_drawdown"}
    text = (tmp_path / "out/chargeback-2026-10.csv").read_text(encoding="utf-8-sig")
    assert "seat_day" in text
    assert not any(meter in text for meter in held)
    billed = sum(verify(ledger).billed_nanos.values())
    assert billed == sum(x.amount_nanos for x in found if x.debit_kind not in HOLDING_KINDS)


def test_a_refused_file_changes_nothing(ledger: Settings, tmp_path: Path) -> None:
    import_flat(ledger, run("flat import"), sorted((SAMPLE / "flat").iterdir()))
    before = ledger_hash(ledger)
    bad = tmp_path / "flat.toml"
    bad.write_text(
        '[[seats]]\nname = "x"\nprovider = "p"\nbilling_account = "a"\ncurrency = "usd"\n'
        'fee = "-1.00"\nfrom = 2026-10-01\nunused = { team = "it" }\ncolour = 1\n'
        '[[seats]]\nname = "y"\nprovider = "p"\nbilling_account = "a"\ncurrency = "USD"\n'
        'fee = "-1.00"\nfrom = 2026-10-01\n' + UNUSED
    )

    refused = metering(ledger, "flat", "import", bad)

    assert refused.exit_code == 1
    assert f"{bad}:9: error[unknown-field]: colour" in refused.stderr
    assert f"{bad}:15: error[negative-price]: fee is '-1.00'" in refused.stderr
    assert ledger_hash(ledger) == before
