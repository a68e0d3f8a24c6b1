"""Which of two exports that say otherwise is charged: by what they say, or by who knows better."""

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from metering.settings import FILE_NAME, Settings
from tests.support.command_line import done, metering, verified
from tests.support.ledgers import new_ledger

GOLDEN = Path(__file__).parents[1] / "golden"
CUR = (
    "bill_payer_account_id,bill_billing_entity,bill_billing_period_start_date,"
    "bill_billing_period_end_date,bill_invoice_id,line_item_usage_account_id,"
    "line_item_line_item_type,line_item_usage_start_date,line_item_usage_end_date,"
    "line_item_product_code,line_item_usage_type,line_item_usage_amount,line_item_unblended_rate,"
    "line_item_unblended_cost,line_item_currency_code,pricing_unit,resource_tags\n"
)
FOCUS_HEAD, FOCUS_ROW, *_ = (GOLDEN / "focus" / "aws.csv").read_text("utf-8").splitlines()


def last_of_june(cost: str, *, invoice: str = "", kind: str = "Usage", amount: str = "1000") -> str:
    return (
        f"1,AWS,2026-06-01T00:00:00Z,2026-07-01T00:00:00Z,{invoice},2,{kind},2026-06-30T00:00:00Z,"
        f"2026-07-01T00:00:00Z,AmazonBedrock,USW2-Claude4.6Sonnet-input-tokens,{amount},,{cost},USD,"
        "1K tokens,\n"
    )


def of_june(cost: str, *, invoice: str = "") -> str:
    rate = f"{float(cost) / 1000:.6f}"
    return last_of_june(cost, invoice=invoice).replace(",1000,,", f",1000,{rate},")


def billed(*ledger: Settings) -> int:
    """Post what is ingested and return what is billed, in cents."""
    found: dict[str, int] = verified(*ledger)["billed_nanos"]
    return found.get("USD", 0) // 10_000_000


@pytest.fixture
def write(ledger_here: Settings) -> Callable[[str, str], str]:
    def written(name: str, text: str) -> str:
        (ledger_here.home / name).write_text(text, encoding="utf-8")
        return name

    return written


@pytest.mark.parametrize("first", ["estimate", "invoiced"])
@pytest.mark.parametrize("cents", range(290, 310, 5))
def test_what_is_invoiced_is_later_than_any_estimate_of_the_same_usage(
    first: str, cents: int, tmp_path: Path
) -> None:
    ledger = new_ledger(tmp_path / "ledger")
    files = {
        "estimate": CUR + of_june("3.00"),
        "invoiced": CUR + of_june(f"{cents / 100:.2f}", invoice="INV-1"),
    }
    for name in (first, *(files.keys() - {first})):
        (ledger.home / name).write_text(files[name], encoding="utf-8")
        done(ledger, "ingest", ledger.home / name)

    assert billed(ledger) == cents


@pytest.mark.parametrize("order", list(itertools.permutations(("monday", "tuesday"))))
def test_what_nothing_decides_between_two_exports_is_told_and_the_same_in_any_order(
    order: tuple[str, str], write: Callable[[str, str], str]
) -> None:
    files = {
        "monday": write("monday.csv", CUR + of_june("3.00")),
        "tuesday": write("tuesday.csv", CUR + of_june("2.00")),
    }
    done("ingest", files[order[0]])

    told = done("ingest", files[order[1]])

    assert "2026-06-30: another export that reaches as far and holds as much" in told
    assert billed() == _by_content(files)


def _by_content(files: Mapping[str, str]) -> int:
    other = new_ledger(Path("other"))
    done(other, "ingest", *files.values())
    return billed(other)


@pytest.mark.parametrize("cents", [100, 200, 400, 500])
def test_an_export_that_is_said_to_be_the_latest_is(
    cents: int, write: Callable[[str, str], str]
) -> None:
    done("ingest", write("monday.csv", CUR + of_june("3.00")))
    tuesday = write("tuesday.csv", CUR + of_june(f"{cents / 100:.2f}"))

    told = done("ingest", "--latest", tuesday)

    assert "nothing tells" not in told
    assert billed() == cents
    done("ingest", tuesday)
    done("ingest", "monday.csv")
    assert billed() == cents


def test_an_export_is_later_where_the_settings_say_that_they_come_in_order(
    ledger_here: Settings, write: Callable[[str, str], str]
) -> None:
    with (ledger_here.home / FILE_NAME).open("a", encoding="utf-8") as settings:
        settings.write('\n[exports]\nin_order = ["aws-cur"]\n')
    for day, cost in enumerate(("3.00", "2.00", "4.00")):
        done("ingest", write(f"{day}.csv", CUR + of_june(cost)))
        assert billed() == int(float(cost) * 100)

    lower = CUR + of_june("1.00").replace(",1000,0.001", ",500,0.002")
    done("ingest", write("lower.csv", lower))

    assert billed() == 100


def test_an_export_with_one_row_more_is_the_fuller_one(write: Callable[[str, str], str]) -> None:
    credit = last_of_june("-1.00", kind="Credit", amount="0")
    done("ingest", write("early.csv", CUR + of_june("3.00")))

    done("ingest", write("late.csv", CUR + of_june("3.00") + credit))

    assert billed() == 200


def test_less_of_the_same_days_is_kept_as_history(
    write: Callable[[str, str], str],
) -> None:
    done("ingest", write("more.csv", CUR + of_june("3.00")))
    less = write("less.csv", CUR + of_june("1.00").replace(",1000,0.001", ",500,0.002"))

    told = done("ingest", less)

    assert "this one is kept as history, unless --latest says" in told
    assert billed() == 300


def test_what_is_kept_as_history_is_in_force_once_it_is_said_to_be_the_latest(
    write: Callable[[str, str], str],
) -> None:
    more = write("more.csv", CUR + of_june("3.00"))
    less = write("less.csv", CUR + of_june("1.00").replace(",1000,0.001", ",500,0.002"))
    done("ingest", more, less)
    for latest, cents in ((less, 100), (less, 100), (more, 300), (less, 100)):
        done("ingest", "--latest", latest)

        assert billed() == cents
        done("ingest", more, less)
        assert billed() == cents


def test_less_of_the_same_days_is_charged_where_it_is_the_latest(
    write: Callable[[str, str], str],
) -> None:
    done("ingest", write("more.csv", CUR + of_june("3.00")))
    less = write("less.csv", CUR + of_june("1.00").replace(",1000,0.001", ",500,0.002"))

    done("ingest", "--latest", less)

    assert billed() == 100


def test_a_corrected_file_is_later_than_the_one_it_corrects(
    ledger_here: Settings, write: Callable[[str, str], str]
) -> None:
    # The second row is refused, and the first one charged.
    wrong = of_june("3.00") + of_june("2.00").replace(",USD,", ",dollars,")
    assert metering("ingest", write("june.csv", CUR + wrong)).exit_code == 1
    assert billed() == 300
    write("june.csv", CUR + of_june("4.00"))

    done("quarantine", "retry")

    assert billed() == 400
    assert ledger_here.home.is_dir()


def test_a_corrected_file_is_not_later_than_an_export_that_came_after_the_one_it_corrects(
    write: Callable[[str, str], str],
) -> None:
    wrong = of_june("3.00") + of_june("2.00").replace(",USD,", ",dollars,")
    assert metering("ingest", write("june.csv", CUR + wrong)).exit_code == 1
    done("ingest", write("later.csv", CUR + of_june("5.00") + of_june("1.00")))
    write("june.csv", CUR + of_june("4.00"))

    done("quarantine", "retry")

    assert billed() == 600
