"""An export of a part is never taken for one of everything, and several of them count together."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from metering.settings import FILE_NAME, Settings
from tests.support.command_line import done, metering, verified
from tests.support.ledgers import new_ledger

AZURE = (
    "SubscriptionId,Date,MeterCategory,MeterName,UnitOfMeasure,Quantity,EffectivePrice,"
    "CostInBillingCurrency,BillingCurrencyCode,ChargeType,PricingModel,ConsumedService,ResourceId,"
    "BillingAccountId\n"
)


CURSOR = (
    "Date,User,Kind,Model,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,"
    "Total Tokens,Cost\n"
)


def billed(*ledger: Settings) -> dict[str, int]:
    """Post what is ingested and return what is billed, in nanos, by currency."""
    found: dict[str, int] = verified(*ledger)["billed_nanos"]
    return found


def of_subscription(name: str, day: int, dollars: int) -> str:
    return (
        f"{name},06/{day}/2026,Foundry Models,gpt 4.1 Inp glbl Tokens,1M,{dollars},1,{dollars},USD,"
        f"Usage,OnDemand,Microsoft.CognitiveServices,/subscriptions/{name}/r,8611537\n"
    )


def of_person(name: str, day: int) -> str:
    return f"2026-09-{day}T10:00:00.000Z,{name},On-Demand,m,0,10,0,1,11,0.50\n"


def of_project(name: str, tokens: int) -> dict[str, object]:
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": tokens,
        "output_tokens": 0,
        "num_model_requests": 1,
        "model": "gpt-5.6-sol",
        "project_id": name,
        "service_tier": "default",
        "batch": False,
    }


def page(*results: dict[str, object]) -> str:
    bucket = {
        "object": "bucket",
        "start_time": 1790812800,
        "end_time": 1790899200,
        "results": results,
    }
    return json.dumps({"object": "page", "data": [bucket], "has_more": False, "next_page": None})


@pytest.fixture
def write(ledger_here: Settings) -> Callable[[str, str], str]:
    def written(name: str, text: str) -> str:
        (ledger_here.home / name).write_text(text, encoding="utf-8")
        return name

    return written


def test_the_pull_of_another_project_says_what_it_takes_the_place_of(
    write: Callable[[str, str], str],
) -> None:
    done("ingest", write("a.json", page(of_project("a", 1_000_000))))

    told = done("ingest", write("b.json", page(of_project("b", 2_000_000))))

    assert "usage that it has nothing of: 'a' on 2026-10-01; if that is an export of a part" in told
    assert billed() == {"USD": 8_000_000_000}


def test_a_pull_of_all_projects_takes_the_place_of_one(write: Callable[[str, str], str]) -> None:
    one = page(of_project("a", 1_000_000))
    every = page(of_project("a", 1_000_000), of_project("b", 1_000_000))
    done("ingest", write("a.json", one), write("all.json", every))
    assert billed() == {"USD": 8_000_000_000}

    again = metering("ingest", write("later.json", every + "\n"))

    assert again.exit_code == 0
    assert billed() == {"USD": 8_000_000_000}


def test_an_older_export_says_what_the_later_one_that_stands_has_nothing_of(
    write: Callable[[str, str], str],
) -> None:
    later = AZURE + of_subscription("a", 16, 3) + of_subscription("a", 17, 3)
    done("ingest", write("later.csv", later))

    told = done("ingest", write("b.csv", AZURE + of_subscription("b", 16, 5)))

    assert "the later export in force has nothing of 'b' on 2026-06-16; if that is" in told
    assert billed() == {"USD": 6_000_000_000}


def test_which_of_two_exports_stands_does_not_depend_on_their_order(
    write: Callable[[str, str], str],
) -> None:
    both = AZURE + of_subscription("a", 16, 3) + of_subscription("b", 16, 5)
    files = [
        write("both.csv", both),
        write("one.csv", AZURE + of_subscription("a", 16, 3) + of_subscription("a", 17, 1)),
    ]
    found = []
    for order in (files, files[::-1]):
        other = new_ledger(Path(f"of-{order[0]}"))
        for name in order:
            done(other, "ingest", name)
        found.append(billed(other))

    assert found == [{"USD": 4_000_000_000}] * 2


def test_the_usage_of_one_person_says_of_how_many_it_takes_the_place(
    write: Callable[[str, str], str],
) -> None:
    done("ingest", write("all.csv", CURSOR + of_person("ana", 21) + of_person("bo", 21)))

    told = done("ingest", write("ana.csv", CURSOR + of_person("ana", 21) * 3))

    assert "nothing of: one of the people, from 2026-09-21 on; if that is" in told


def test_a_workspace_under_a_new_name_is_no_other_one(write: Callable[[str, str], str]) -> None:
    done("ingest", write("a.csv", AZURE + of_subscription("old", 16, 3)))

    renamed = AZURE + of_subscription("new", 16, 3) + of_subscription("new", 17, 3)

    assert "nothing of" not in done("ingest", write("b.csv", renamed))
    assert billed() == {"USD": 6_000_000_000}


@pytest.mark.parametrize("order", list(itertools.permutations("ab")))
def test_exports_of_each_part_count_together_in_any_order(
    order: tuple[str, str], write: Callable[[str, str], str]
) -> None:
    parts = {"a": of_subscription("a", 16, 3), "b": of_subscription("b", 16, 5)}
    files = {name: write(f"{name}.csv", AZURE + rows) for name, rows in parts.items()}

    done("ingest", "--together", *(files[name] for name in order))

    assert billed() == {"USD": 8_000_000_000}
    later = write("later.csv", AZURE + parts["a"] + of_subscription("a", 17, 1))
    done("ingest", "--together", files["b"], later)
    assert billed() == {"USD": 9_000_000_000}


def test_two_exports_of_one_part_do_not_count_together(write: Callable[[str, str], str]) -> None:
    early = write("early.csv", AZURE + of_subscription("a", 16, 3))
    later = write("later.csv", AZURE + of_subscription("a", 16, 4))

    refused = metering("ingest", "--together", early, later)

    assert "two of the exports that count together tell of the same usage" in refused.stderr
    assert "twice:    'a' on 2026-06-16" in refused.stderr
    assert billed() == {}


def test_a_night_counts_the_exports_of_parts_together_where_the_settings_say_so(
    ledger_here: Settings, write: Callable[[str, str], str]
) -> None:
    with (ledger_here.home / FILE_NAME).open("a", encoding="utf-8") as settings:
        settings.write('\n[exports]\ntogether = ["azure-cost-details"]\n')
    ledger_here.inbox.mkdir(exist_ok=True)
    for name, dollars in (("a", 3), ("b", 5)):
        write(f"inbox/{name}.csv", AZURE + of_subscription(name, 16, dollars))

    metering("nightly")

    assert billed() == {"USD": 8_000_000_000}
