"""Two sources of the same usage are never added up, and exports of it converge in any order."""

import csv
import itertools
from pathlib import Path

import pytest

from tests.support.command_line import done, metering, verified
from tests.support.ledgers import new_ledger

GOLDEN = Path(__file__).parents[1] / "golden"
COPILOT = (
    "date,product,sku,model,quantity,unit_type,applied_cost_per_quantity,gross_amount,"
    "discount_amount,net_amount,username,organization\n"
)
DEEPSEEK = "user_id,start_time_iso,end_time_iso,model,api_key_name,api_key,type,price,amount\n"

pytestmark = pytest.mark.usefixtures("ledger_here")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("cursor_usage_csv/v3.csv", "cursor_usage_events/good.json"),
        ("openrouter_activity_csv/good.csv", "openrouter_activity/good.json"),
    ],
)
def test_the_second_metered_view_is_refused_in_either_order(first: str, second: str) -> None:
    for order in itertools.permutations((first, second)):
        ledger = new_ledger(Path(order[0]).parent)

        done(ledger, "ingest", GOLDEN / order[0])
        refused = metering(ledger, "ingest", GOLDEN / order[1])

        assert refused.exit_code == 1
        assert "error[overlapping-metered]" in refused.stderr


def test_a_view_that_only_explains_stands_beside_the_metered_one() -> None:
    done("ingest", GOLDEN / "openrouter_activity_csv" / "good.csv")
    alone = verified()["billed_nanos"]

    done("ingest", GOLDEN / "openrouter_generations" / "good.jsonl")

    assert verified()["billed_nanos"] == alone


def test_exports_of_deepseek_made_in_two_zones_are_two_views() -> None:
    row = "u,2026-09-02T00:00:00{0},2026-09-03T00:00:00{0},m,ci,sk,output_tokens,0.000002,9\n"
    for name, offset in (("beijing", "+08:00"), ("moscow", "+03:00")):
        Path(f"{name}.csv").write_text(DEEPSEEK + row.format(offset), encoding="utf-8")

    done("ingest", "beijing.csv")
    refused = metering("ingest", "moscow.csv")

    assert "error[overlapping-metered]" in refused.stderr


def test_months_of_deepseek_in_another_zone_add_up() -> None:
    row = "u,{0}T23:00:00+08:00,{1}T00:00:00+08:00,m,ci,sk,output_tokens,0.000002,1000\n"
    later = "u,{0}T00:00:00+08:00,{0}T01:00:00+08:00,m,ci,sk,output_tokens,0.000002,1000\n"
    august, september = row.format("2026-08-31", "2026-09-01"), later.format("2026-09-01")
    Path("august.csv").write_text(DEEPSEEK + august, encoding="utf-8")
    Path("september.csv").write_text(DEEPSEEK + september, encoding="utf-8")

    done("ingest", "august.csv", "september.csv")

    assert verified()["billed_nanos"] == {"CNY": 4_000_000}


def test_exports_of_copilot_converge_in_any_order() -> None:
    row = "2026-09-{day},copilot,copilot_ai_credit,m,{n},ai-credits,1,{n},0,{n},ana,acme\n"
    files = {
        "early.csv": row.format(day="01", n=5) + row.format(day="02", n=1),
        "late.csv": "".join(
            row.format(day=f"0{n + 1}", n=used) for n, used in enumerate((5, 7, 2))
        ),
    }
    hashes = set()
    for number, order in enumerate(itertools.permutations(files)):
        ledger = new_ledger(Path(f"order-{number}"))
        for name in order:
            path = ledger.home / name
            path.write_text(COPILOT + files[name], encoding="utf-8")
            done(ledger, "ingest", path)
        found = verified(ledger)
        hashes.add(found["ledger_hash"])
        assert found["billed_nanos"] == {"USD": 14_000_000_000}

    assert len(hashes) == 1


def test_on_demand_use_of_cursor_without_money_is_unpriced_in_the_open() -> None:
    done("ingest", GOLDEN / "cursor_usage_csv" / "team_with_requests.csv")

    found = verified()

    assert found["unpriced_records"] == 2  # its input and its output


@pytest.mark.parametrize("order", [("focus.csv", "actual.csv"), ("actual.csv", "focus.csv")])
@pytest.mark.parametrize(
    ("path", "account"),
    [
        ("billingAccounts/8611537", "8611537"),
        ("billingAccounts/8611537/billingProfiles/ABCD-EFGH", "8611537/ABCD-EFGH"),
    ],
)
def test_an_azure_account_is_one_account_however_an_export_writes_it(
    path: str, account: str, order: tuple[str, str]
) -> None:
    focus = (GOLDEN / "focus" / "aws.csv").read_text(encoding="utf-8").splitlines()[:2]
    header = focus[0].split(",")
    row = dict(zip(header, next(csv.reader([focus[1]])), strict=True)) | {
        "BillingAccountId": f"/providers/Microsoft.Billing/{path}",
        "InvoiceIssuerName": "Microsoft",
        "ServiceName": "Azure AI Services",
    }
    row |= {name: "Microsoft" for name in ("ProviderName", "ServiceProviderName") if name in row}
    with Path("focus.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, row.values()])
    day = row["ChargePeriodStart"][:10]
    Path("actual.csv").write_text(
        "Date,MeterCategory,MeterName,UnitOfMeasure,Quantity,EffectivePrice,CostInBillingCurrency,"
        "BillingCurrencyCode,ChargeType,ConsumedService,SubscriptionId,ResourceId,PricingModel,"
        f"BillingAccountId\n{day},Foundry Models,gpt 4.1 Inp glbl Tokens,1K,1250.4,0.0019,2.37576,"
        "USD,Usage,Microsoft.CognitiveServices,1111,r,OnDemand,8611537\n",
        encoding="utf-8",
    )

    done("ingest", order[0])
    refused = metering("ingest", order[1])

    says = {"focus.csv": f"'{account}' is already metered by focus", "actual.csv": "'8611537'"}
    assert f"azure account {says[order[0]]}" in refused.stderr
