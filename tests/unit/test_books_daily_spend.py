"""Days are added up by the database, usage apart from what a contract charges by the month."""

from sqlalchemy import Engine

from metering.books.accounts import ensure_accounts, ensure_bases
from metering.books.daily_spend import DaySum, daily_spend, last_use_by_provider
from metering.books.engine import begin_read, begin_write
from metering.books.item_spend import ItemSpend, item_spend
from metering.books.ledger import add_postings
from metering.core.ledger import UNATTRIBUTED, owner_account, prepaid_account, provider_account
from metering.core.ownership.attribution import Owner
from tests.support.books_rows import a_run, basis, posting

_TEAM = owner_account(Owner("CC-1", "payments", "refunds"))
_OPENAI = provider_account("openai", "default")
_PAID = prepaid_account("block")
_NANOS = 2 * 10**9


def _booked(books: Engine) -> None:
    usage, term = basis(), basis(meter="volume_discount")
    other = basis(provider="anthropic")
    with begin_write(books) as connection:
        accounts = ensure_accounts(connection, [_TEAM, _OPENAI, _PAID, UNATTRIBUTED])
        bases = ensure_bases(connection, [usage, term, other])
        team, nobody = accounts[_TEAM.name], accounts[UNATTRIBUTED.name]
        openai, paid = accounts[_OPENAI.name], accounts[_PAID.name]
        add_postings(
            connection,
            a_run(connection),
            [
                posting(team, openai, bases[usage.digest]),
                posting(team, openai, bases[usage.digest]),
                posting(team, openai, bases[term.digest], amount_nanos=-5),
                posting(nobody, openai, bases[other.digest], charge_day="2026-10-09"),
                posting(team, openai, bases[usage.digest], period="2026-11", kind="correction"),
                posting(paid, openai, bases[usage.digest]),
            ],
        )


def test_days_are_added_up_by_cost_centre_without_what_accounts_hold(any_books: Engine) -> None:
    _booked(any_books)

    with begin_read(any_books) as connection:
        found = daily_spend(connection, "2026-10", "2026-11", "cost_centre")

    day = "2026-10-05"
    assert found == (
        DaySum("2026-10", day, "CC-1", "USD", 0, -5),
        DaySum("2026-10", day, "CC-1", "USD", 1, 2 * _NANOS),
        DaySum("2026-11", day, "CC-1", "USD", 1, _NANOS),
        DaySum("2026-10", "2026-10-09", "suspense:unattributed", "USD", 1, _NANOS),
    )


def test_days_are_told_apart_by_project_and_provider(any_books: Engine) -> None:
    _booked(any_books)

    with begin_read(any_books) as connection:
        projects = daily_spend(connection, "2026-10", "2026-10", "project")
        providers = daily_spend(connection, "2026-10", "2026-10", "provider")
        teams = daily_spend(connection, "2026-10", "2026-10", "team")
        uses = last_use_by_provider(connection, "2026-10-01", "2026-10-31")

    assert {row.subject for row in projects} == {"payments/refunds", "suspense:unattributed"}
    assert {row.subject for row in teams} == {"payments", "suspense:unattributed"}
    assert {row.subject for row in providers} == {"anthropic", "openai"}
    totals = [sum(row.nanos for row in rows) for rows in (projects, providers, teams)]
    assert totals == [3 * _NANOS - 5] * 3
    assert uses == {"anthropic": "2026-10-09", "openai": "2026-10-05"}


def test_items_are_added_up_by_the_month_of_their_charge_days(any_books: Engine) -> None:
    _booked(any_books)

    with begin_read(any_books) as connection:
        found = item_spend(connection, "2026-10-01", "2026-10-31")

    owner = ("2026-10", "CC-1", "payments", "refunds", "openai")
    nobody = ("2026-10", "", "", "", "anthropic")
    model = basis().model
    assert found == (
        ItemSpend(*nobody, model, "output", "USD", 1_000_000, _NANOS),
        ItemSpend(*owner, model, "output", "USD", 3_000_000, 3 * _NANOS),
        ItemSpend(*owner, model, "volume_discount", "USD", 1_000_000, -5),
    )
