"""An export of a part is never taken for one of everything, and several of them count together."""

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from metering.cli.main import main

AZURE = (
    "SubscriptionId,Date,MeterCategory,MeterName,UnitOfMeasure,Quantity,EffectivePrice,"
    "CostInBillingCurrency,BillingCurrencyCode,ChargeType,PricingModel,ConsumedService,ResourceId,"
    "BillingAccountId\n"
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def billed() -> dict[str, int]:
    """Post what is ingested and return what is billed, in nanos, by currency."""
    assert run("post").exit_code == 0
    found: dict[str, int] = json.loads(run("verify", "--format", "json").stdout)["billed_nanos"]
    return found


def of_subscription(name: str, day: int, dollars: int) -> str:
    return (
        f"{name},06/{day}/2026,Foundry Models,gpt 4.1 Inp glbl Tokens,1M,{dollars},1,{dollars},USD,"
        f"Usage,OnDemand,Microsoft.CognitiveServices,/subscriptions/{name}/r,8611537\n"
    )


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
def write(ledger: Path) -> Callable[[str, str], str]:
    def written(name: str, text: str) -> str:
        (ledger / name).write_text(text, encoding="utf-8")
        return name

    return written


def test_the_pull_of_another_project_does_not_take_the_place_of_the_first(
    write: Callable[[str, str], str],
) -> None:
    assert run("ingest", write("a.json", page(of_project("a", 1_000_000)))).exit_code == 0
    before = billed()

    refused = run("ingest", write("b.json", page(of_project("b", 2_000_000))))

    assert refused.exit_code == 1
    assert "b.json: error[partial-export]: it has nothing of workspaces" in refused.stderr
    assert "missing:  'a' on 2026-10-01" in refused.stderr
    assert billed() == before


def test_a_pull_of_all_projects_takes_the_place_of_one(write: Callable[[str, str], str]) -> None:
    one = page(of_project("a", 1_000_000))
    every = page(of_project("a", 1_000_000), of_project("b", 1_000_000))
    assert run("ingest", write("a.json", one), write("all.json", every)).exit_code == 0
    assert billed() == {"USD": 8_000_000_000}

    again = run("ingest", write("later.json", every + "\n"))

    assert again.exit_code == 0
    assert billed() == {"USD": 8_000_000_000}


def test_an_older_export_with_more_in_it_than_the_one_that_stands_is_refused(
    write: Callable[[str, str], str],
) -> None:
    later = AZURE + of_subscription("a", 16, 3) + of_subscription("a", 17, 3)
    assert run("ingest", write("later.csv", later)).exit_code == 0

    refused = run("ingest", write("b.csv", AZURE + of_subscription("b", 16, 5)))

    assert "it has workspaces of which the later export that stands has nothing" in refused.stderr
    assert "missing:  'b' on 2026-06-16" in refused.stderr
    assert billed() == {"USD": 6_000_000_000}


def test_a_workspace_under_a_new_name_is_no_other_one(write: Callable[[str, str], str]) -> None:
    assert run("ingest", write("a.csv", AZURE + of_subscription("old", 16, 3))).exit_code == 0

    renamed = AZURE + of_subscription("new", 16, 3) + of_subscription("new", 17, 3)

    assert run("ingest", write("b.csv", renamed)).exit_code == 0
    assert billed() == {"USD": 6_000_000_000}


def test_whoever_knows_that_nothing_is_left_of_a_part_says_so(
    write: Callable[[str, str], str],
) -> None:
    both = AZURE + of_subscription("a", 16, 3) + of_subscription("b", 16, 5)
    assert run("ingest", write("both.csv", both)).exit_code == 0
    one = write("one.csv", AZURE + of_subscription("a", 16, 3) + of_subscription("a", 17, 1))
    assert run("ingest", one).exit_code == 1

    assert run("ingest", "--whole", one).exit_code == 0

    assert billed() == {"USD": 4_000_000_000}


def test_exports_of_each_part_count_together_in_any_order(ledger: Path) -> None:
    parts = {
        name: AZURE + of_subscription(name, 16, dollars) for name, dollars in (("a", 3), ("b", 5))
    }
    for place, order in enumerate(itertools.permutations(parts)):
        folder = ledger / str(place)
        assert run("init", str(folder)).exit_code == 0
        for name, text in parts.items():
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
        files = [str(folder / f"{name}.csv") for name in order]
        config = ("--config", str(folder / "metering.toml"))

        assert run(*config, "ingest", "--together", *files).exit_code == 0

        assert run(*config, "post").exit_code == 0
        found = json.loads(run(*config, "verify", "--format", "json").stdout)
        assert found["billed_nanos"] == {"USD": 8_000_000_000}
        later = folder / "later.csv"
        later.write_text(parts["a"] + of_subscription("a", 17, 1), encoding="utf-8")
        assert "error[partial-export]" in run(*config, "ingest", str(later)).stderr
        assert (
            run(*config, "ingest", "--together", files[order.index("b")], str(later)).exit_code == 0
        )


def test_two_exports_of_one_part_do_not_count_together(write: Callable[[str, str], str]) -> None:
    early = write("early.csv", AZURE + of_subscription("a", 16, 3))
    later = write("later.csv", AZURE + of_subscription("a", 16, 4))

    refused = run("ingest", "--together", early, later)

    assert "two of the exports that count together tell of the same usage" in refused.stderr
    assert "twice:    'a' on 2026-06-16" in refused.stderr
    assert billed() == {}


def test_a_night_counts_the_exports_of_parts_together_where_the_settings_say_so(
    ledger: Path, write: Callable[[str, str], str]
) -> None:
    with (ledger / "metering.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[exports]\ntogether = ["azure-cost-details"]\n')
    (ledger / "inbox").mkdir(exist_ok=True)
    for name, dollars in (("a", 3), ("b", 5)):
        write(f"inbox/{name}.csv", AZURE + of_subscription(name, 16, dollars))

    run("nightly")

    assert billed() == {"USD": 8_000_000_000}
