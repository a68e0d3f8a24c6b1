"""The log of a gateway divides the bill of the cloud behind it, which is charged as it stands.

The bill of week 41 says itself which project called, so it is its own oracle: attributed by the
log alone, each project has to bear what the bill says it used.
"""

import csv
import gzip
import io
import json
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest

from metering.books.engine import begin_read, open_engine
from metering.books.ledger import NetLine, net_lines
from metering.settings import FILE_NAME, Settings, load_settings
from tests.support.command_line import done, told

LOGS: Final = Path(__file__).parents[2] / "sample_logs"
WEEK: Final = LOGS / "week-41"
TUESDAY: Final = "2026-10-06"
# What a nano more or less on each line comes to.
NANOS: Final = 100
RULE: Final = """
[[rule]]
name = "{project}, as the log says"
match = {{ "tag:team" = "glob:*", "tag:project" = "{project}" }}
assign = {{ cost_centre = "CC-{place}", team = "teams", project = "{project}" }}
"""


def of(name: str) -> str:
    (found,) = (WEEK / name).iterdir()
    return str(found)


def billed_by_project() -> dict[str, int]:
    """Return what the bill itself says each project used on Tuesday, in nanos."""
    text = gzip.decompress(Path(of("aws-cur")).read_bytes()).decode()
    spent: Counter[str] = Counter()
    for row in csv.DictReader(io.StringIO(text)):
        if row["line_item_usage_start_date"].startswith(TUESDAY):
            project = json.loads(row["tags"])["iamPrincipal/project"]
            spent[project] += int(Fraction(row["line_item_unblended_cost"]) * 10**9)
    return dict(spent)


@pytest.fixture(autouse=True)
def _rules(ledger_here: Settings) -> None:
    rules = [
        RULE.format(project=project, place=4000 + place)
        for place, project in enumerate(sorted(billed_by_project()))
    ]
    (ledger_here.home / "rules.toml").write_text("".join(rules), encoding="utf-8")
    done("owners", "import", "rules.toml")


def lines() -> list[NetLine]:
    settings = load_settings(Path(FILE_NAME))
    with begin_read(open_engine(settings.books_url)) as connection:
        return list(net_lines(connection))


def borne_on_tuesday() -> tuple[dict[str, int], int]:
    """Return what each project bears of Tuesday, and what nobody does."""
    owned: Counter[str] = Counter()
    rest = 0
    for line in lines():
        if line.charge_day == TUESDAY:
            if line.debit.startswith("owner:"):
                owned[line.debit.rpartition("/")[2]] += line.amount_nanos
            else:
                rest += line.amount_nanos
    return dict(owned), rest


def set_detail(settings: str) -> None:
    with Path(FILE_NAME).open("a", encoding="utf-8") as stream:
        stream.write(settings)


@pytest.mark.parametrize("account", [(), ("--account", "111122223333")])
@pytest.mark.parametrize("bill_first", [True, False])
def test_each_project_bears_what_the_bill_says_it_used(
    account: tuple[str, ...], bill_first: bool
) -> None:
    set_detail('\n[detail]\nbedrock-invocation-logs = { provider = "aws" }\n')
    files = [("ingest", of("aws-cur")), ("ingest", *account, of("bedrock-invocation-logs"))]
    for arguments in files if bill_first else reversed(files):
        done(*arguments)

    done("post")
    owned, rest = borne_on_tuesday()
    expected = billed_by_project()

    assert owned.keys() == expected.keys()
    assert all(abs(owned[project] - expected[project]) <= NANOS for project in expected)
    assert 0 <= rest <= NANOS
    assert sum(owned.values()) + rest == sum(expected.values())
    assert "nothing to post" in done("post")
    assert told("verify")["sound"] is True


def test_a_gateway_that_was_set_to_detail_divides_the_bills_of_two_clouds() -> None:
    set_detail(
        '\n[roles]\nlitellm-spend-logs = "detail"\n'
        '\n[detail]\nlitellm-spend-logs = { provider = "re2:aws|google" }\n'
    )
    Path("rules.toml").write_text(
        RULE.format(project="lakehouse", place=1).replace('"tag:team" = "glob:*", ', ""),
        encoding="utf-8",
    )
    done("owners", "import", "rules.toml")
    log = str(LOGS / "usage" / "litellm" / "spend-logs-2026-10.jsonl.gz")
    done("ingest", log, of("aws-cur"), of("google-cloud-billing"))

    done("post")

    total = dict.fromkeys(("aws", "google"), 0)
    divided = dict(total)
    for line in lines():
        total[line.provider] += line.amount_nanos
        if line.divided_by == "litellm-spend-logs":
            divided[line.provider] += line.amount_nanos
    assert total["aws"] > 100 * 10**9
    assert total["google"] > 10**9
    assert divided["google"] > 0


def test_an_explanation_opens_to_the_log_that_divided() -> None:
    set_detail('\n[detail]\nbedrock-invocation-logs = { provider = "aws" }\n')
    done("ingest", of("aws-cur"), of("bedrock-invocation-logs"))
    done("post")

    shown = done("explain", "2026-10/CC-4000")

    assert "tokens that bedrock-invocation-logs tells, weighed at list prices" in shown
    assert ", as the log says'" in shown
    assert "bedrock-invocation-logs/" in shown
