"""Terms of a contract come into force with an import, are settled by the month, and converge."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text

from metering.books.engine import begin_read, open_engine
from metering.books.rate_cards import cards_in_force
from metering.settings import Settings, load_settings
from metering.workflows.posting.post import post
from metering.workflows.pricing.card_imports import import_card
from tests.support.command_line import metering
from tests.support.contract_cards import VOLUME_AND_MINIMUM
from tests.support.ledgers import SAMPLE, fresh_ledger, ingest, ledger_hash, run

_LOGS: Final = SAMPLE / "usage" / "openai"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("fresh") / "ledger"
    fresh_ledger(home)
    (home / "contract.toml").write_text(VOLUME_AND_MINIMUM, encoding="utf-8")
    return home


@pytest.fixture
def settings(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    home = tmp_path / "ledger"
    shutil.copytree(fresh, home)
    monkeypatch.chdir(home)
    return load_settings(home / "metering.toml")


def booked(settings: Settings, month: str = "2026-10") -> dict[str, int]:
    """Return nanos by meter: those of terms, and all others as "usage"."""
    statement = text("""
        SELECT CASE WHEN b.product = 'contract' THEN b.meter ELSE 'usage' END, sum(amount_nanos)
        FROM posting p JOIN charge_basis b ON b.id = p.basis_id
        WHERE p.charge_day LIKE :month || '%' GROUP BY 1
    """)
    with begin_read(open_engine(settings.books_url)) as connection:
        found = connection.execute(statement, {"month": month})
        return {name: nanos for name, nanos in found if nanos}


def test_a_month_is_settled_to_the_minimum(settings: Settings) -> None:
    import_card(settings, run(), Path("contract.toml"), dry_run=False)
    ingest(settings, _LOGS / "completions-2026-10.json")

    post(settings, run("post"))

    found = booked(settings)
    discount = (found["usage"] - 100 * 10**9) // 10
    assert abs(found["volume_discount"] + discount) <= 1
    assert sum(found.values()) == 5_000 * 10**9
    assert post(settings, run("post")).postings == 0
    assert metering("verify", "--full").exit_code == 0


def test_the_order_of_imports_and_posts_is_irrelevant(settings: Settings, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(settings.home, other)
    later = load_settings(other / "metering.toml")
    logs = (_LOGS / "completions-2026-10.json", _LOGS / "completions-2026-09.json")

    import_card(settings, run(), Path("contract.toml"), dry_run=False)
    ingest(settings, *logs)
    post(settings, run("post"))
    for path in reversed(logs):
        ingest(later, path)
        post(later, run("post"))
    import_card(later, run(), Path("contract.toml"), dry_run=False)
    post(later, run("post"))

    assert ledger_hash(settings) == ledger_hash(later)


def test_a_part_of_a_month_is_settled_as_a_whole_month(settings: Settings) -> None:
    ingest(settings, _LOGS / "completions-2026-10.json")
    post(settings, run("post"))
    import_card(settings, run(), Path("contract.toml"), dry_run=False)

    post(settings, run("post"), first=date(2026, 10, 7), last=date(2026, 10, 8))

    assert sum(booked(settings).values()) == 5_000 * 10**9
    assert post(settings, run("post")).postings == 0


def test_what_terms_move_is_told_before_and_explained_after(settings: Settings) -> None:
    ingest(settings, _LOGS / "completions-2026-10.json")
    post(settings, run("post"))

    told = json.loads(
        metering(
            *("prices", "reprice", "--dry-run", "--card", "contract.toml", "--format", "json")
        ).stdout
    )
    metering("prices", "import", "contract.toml")
    posted = json.loads(metering("post", "--format", "json").stdout)

    assert {one["reason"] for one in told["moved"]} == {"terms_settled"}
    assert sum(one["moved_nanos"] for one in told["moved"]) == sum(
        one["amount_nanos"] for one in posted["amounts"]
    )
    explained = metering("explain", "2026-10", "--charges", "100")
    assert explained.exit_code == 0
    assert "contract-openai v1" in explained.stdout


def test_terms_are_kept_as_they_were_written(settings: Settings) -> None:
    first = import_card(settings, run(), Path("contract.toml"), dry_run=False)
    again = import_card(settings, run(), Path("contract.toml"), dry_run=False)

    with begin_read(open_engine(settings.books_url)) as connection:
        (card,) = (c for c in cards_in_force(connection) if c.name == "contract-openai")
    assert (len(first.changes), again.is_new) == (3, False)
    assert [(t.name, t.lo, t.hi, t.factor_num, t.factor_den) for t in card.terms] == [
        ("volume", 0, 100 * 10**9, 1, 1),
        ("volume", 100 * 10**9, None, 9, 10),
        ("least", 0, None, 1, 1),
    ]


def test_a_newer_contract_tells_which_term_changed(settings: Settings) -> None:
    import_card(settings, run(), Path("contract.toml"), dry_run=False)
    newer = VOLUME_AND_MINIMUM.replace('"5000"', '"6000"')
    (settings.home / "contract.toml").write_text(newer, encoding="utf-8")

    done = json.loads(metering("prices", "import", "contract.toml", "--format", "json").stdout)

    assert [(one["change"], one["before"], one["after"]) for one in done["changes"]] == [
        ("changed", "5000 a month", "6000 a month")
    ]


@pytest.mark.parametrize(
    ("was", "will_be", "code", "line"),
    [
        ('"100.."', '"99.."', "tier-overlap", 6),
        ('"100.."', '"101.."', "tier-gap", 6),
        ('"5000"', '"-5000"', "negative-price", 22),
        ('name = "least"', 'name = "least"\nmodels = []', "bad-rate", 22),
    ],
)
def test_terms_that_do_not_add_up_leave_the_books_alone(
    settings: Settings, was: str, will_be: str, code: str, line: int
) -> None:
    before = ledger_hash(settings)
    (settings.home / "contract.toml").write_text(
        VOLUME_AND_MINIMUM.replace(was, will_be), encoding="utf-8"
    )

    refused = metering("prices", "import", "contract.toml")

    assert refused.exit_code == 1
    assert f"contract.toml:{line}: error[{code}]" in refused.stderr
    assert ledger_hash(settings) == before
