"""The ledger keeps what it is told, adds it up exactly, and takes nothing in a closed period."""

from collections.abc import Sequence
from dataclasses import asdict, replace

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from metering.books.accounts import accounts_by_id, ensure_accounts, ensure_bases
from metering.books.billed import billed_lines
from metering.books.engine import begin_read, begin_write
from metering.books.ledger import (
    add_postings,
    booked,
    net_lines,
    posting_count,
    posting_line,
)
from metering.books.ledger_totals import (
    ControlTotal,
    PeriodTotal,
    control_totals,
    period_totals,
)
from metering.books.periods import PeriodState, add_period_event
from metering.core.ledger import UNATTRIBUTED, owner_account, prepaid_account, provider_account
from metering.core.ownership.attribution import Owner
from metering.errors import BookError
from tests.support.books_rows import a_run, basis, posting

_TEAM = owner_account(Owner("CC-1", "payments", "refunds"))
_OTHER_TEAM = owner_account(Owner("cc-2", "Ärger", "a/b"))
_PROVIDER = provider_account("openai", "default")


def _ids(connection: Connection) -> tuple[int, int, int]:
    """Return the ids of an owner's account, a provider's account and a basis."""
    accounts = ensure_accounts(connection, [_TEAM, _PROVIDER])
    (basis_id,) = ensure_bases(connection, [basis()]).values()
    return accounts[_TEAM.name], accounts[_PROVIDER.name], basis_id


def _rows(columns: dict[str, Sequence[object]]) -> list[tuple[object, ...]]:
    return list(zip(*columns.values(), strict=True))


def test_an_account_is_opened_once(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        first = ensure_accounts(connection, [_TEAM, _PROVIDER, _TEAM])
        second = ensure_accounts(connection, [_OTHER_TEAM, _TEAM])

        assert second[_TEAM.name] == first[_TEAM.name]
        assert {account.name: number for number, account in accounts_by_id(connection).items()} == (
            first | second
        )
        assert set(accounts_by_id(connection).values()) == {_TEAM, _OTHER_TEAM, _PROVIDER}
        assert ensure_accounts(connection, []) == {}


def test_a_basis_is_kept_once_by_its_content(any_books: Engine) -> None:
    unpriced = basis(status="unpriced", rate_ids=(), unit_price_nanos=None, per=None)
    many = [basis(model=f"m{number}") for number in range(1000)]
    with begin_write(any_books) as connection:
        first = ensure_bases(connection, [basis(), unpriced, basis()])
        second = ensure_bases(connection, [*many, unpriced])

        assert set(first) == {basis().digest, unpriced.digest}
        assert second[unpriced.digest] == first[unpriced.digest]
        assert len(set(second.values())) == 1001


def test_a_posting_comes_back_as_it_was(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        ids = _ids(connection)
        row = posting(*ids, amount_nanos=-(2**63), quantity=2**63 - 1, corrects_period="2026-09")
        count = add_postings(connection, a_run(connection), [row])

        (line,) = net_lines(connection)
        assert count == posting_count(connection) == 1
        assert (line.amount_nanos, line.quantity, line.corrects_period) == (
            -(2**63),
            2**63 - 1,
            "2026-09",
        )
        assert (line.debit, line.cost_centre, line.team, line.project, line.credit) == (
            _TEAM.name,
            "CC-1",
            "payments",
            "refunds",
            _PROVIDER.name,
        )
        said = asdict(basis()) | {"rate_ids": '["r1"]', "promoted": 0}
        assert {name: getattr(line, name) for name in said} == said
        assert line.basis == basis().digest
        assert posting_line(connection, 1) == line
        assert posting_line(connection, 2) is None


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, 200])
def test_every_posting_of_a_run_is_appended(any_books: Engine, count: int) -> None:
    with begin_write(any_books) as connection:
        ids = _ids(connection)
        rows = (posting(*ids, quantity=number + 1) for number in range(count))

        assert add_postings(connection, a_run(connection), rows) == count
        assert sum(line.quantity for line in net_lines(connection)) == count * (count + 1) // 2


def test_what_is_booked_is_added_up_by_line_and_without_what_cancelled_out(
    any_books: Engine,
) -> None:
    with begin_write(any_books) as connection:
        debit, credit, basis_id = ids = _ids(connection)
        gone = posting(*ids, charge_day="2026-10-06")
        rows = [
            posting(*ids),
            posting(*ids, quantity=-400_000, amount_nanos=-800_000_000, list_nanos=1),
            posting(*ids, period="2026-11", kind="correction", corrects_period="2026-10"),
            gone,
            gone._replace(quantity=-1_000_000, amount_nanos=-2 * 10**9, list_nanos=-2 * 10**9),
            posting(*ids, charge_day="2026-10-07", currency="EUR"),
            posting(*ids, charge_day="2026-10-08"),
        ]
        add_postings(connection, a_run(connection), rows)

        columns = booked(connection, "2026-10-05", "2026-10-07")

        assert list(columns) == [
            "charge_day",
            "debit_account_id",
            "credit_account_id",
            "basis_id",
            "currency",
            "quantity",
            "amount_nanos",
            "list_nanos",
        ]
        line = (debit, credit, basis_id)
        assert sorted(_rows(columns)) == [
            ("2026-10-05", *line, "USD", 1_600_000, 3_200_000_000, 4_000_000_001),
            ("2026-10-07", *line, "EUR", 1_000_000, 2_000_000_000, 2_000_000_000),
        ]


def test_nothing_booked_is_empty_columns(any_books: Engine) -> None:
    with begin_read(any_books) as connection:
        columns = booked(connection, "2026-10-01", "2026-10-31")

    assert list(columns.values()) == [()] * 8


def test_net_lines_are_those_of_a_period_in_an_order_of_their_content(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        accounts = ensure_accounts(connection, [_OTHER_TEAM, _TEAM, _PROVIDER])
        _, credit, basis_id = _ids(connection)
        rows = [
            posting(accounts[name], credit, basis_id, charge_day=day, period=day[:7])
            for day in ("2026-11-01", "2026-10-02", "2026-10-01")
            for name in (_OTHER_TEAM.name, _TEAM.name)
        ]
        add_postings(connection, a_run(connection), rows)

        lines = [(line.charge_day, line.debit) for line in net_lines(connection, "2026-10")]

        # Capitals before small letters, on a server that sorts by language too.
        assert lines == [
            ("2026-10-01", "owner:CC-1/payments/refunds"),
            ("2026-10-01", "owner:cc-2/%C3%84rger/a%2Fb"),
            ("2026-10-02", "owner:CC-1/payments/refunds"),
            ("2026-10-02", "owner:cc-2/%C3%84rger/a%2Fb"),
        ]
        assert len(list(net_lines(connection))) == 6


def test_totals_by_currency_and_by_period(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        debit, credit, basis_id = _ids(connection)
        suspense = ensure_accounts(connection, [UNATTRIBUTED])[UNATTRIBUTED.name]
        rows = [
            posting(debit, credit, basis_id),
            posting(suspense, credit, basis_id, amount_nanos=5),
            posting(debit, credit, basis_id, currency="EUR", period="2026-09", list_nanos=7),
        ]
        add_postings(connection, a_run(connection), rows)

        assert control_totals(connection) == (
            ControlTotal("EUR", 1, 2_000_000_000, 7, {}),
            ControlTotal("USD", 2, 2_000_000_005, 4_000_000_000, {"suspense:unattributed": 5}),
        )
        assert period_totals(connection) == (
            PeriodTotal("2026-09", "EUR", 1, 2_000_000_000),
            PeriodTotal("2026-10", "USD", 2, 2_000_000_005),
        )


def test_what_moves_between_holdings_is_in_no_total_and_lessens_what_is_owed(
    any_books: Engine,
) -> None:
    with begin_write(any_books) as connection:
        owner, provider, basis_id = _ids(connection)
        prepaid = ensure_accounts(connection, [prepaid_account("block")])["prepaid:block"]
        rows = [
            posting(owner, provider, basis_id, amount_nanos=30, list_nanos=0),
            posting(prepaid, provider, basis_id, amount_nanos=100, list_nanos=0),
            posting(provider, prepaid, basis_id, amount_nanos=20, list_nanos=0),
        ]
        add_postings(connection, a_run(connection), rows)

        (total,) = control_totals(connection)
        owed = billed_lines(connection, "2026-10-01", "2026-10-31")

        assert (total.postings, total.billed_nanos) == (3, 30)
        assert period_totals(connection) == (PeriodTotal("2026-10", "USD", 3, 30),)
        assert {line.debit: line.amount_nanos for line in owed} == {
            _TEAM.name: 30,
            "prepaid:block": 100,
            _PROVIDER.name: -20,
        }
        assert {(line.provider, line.billing_account) for line in owed} == {("openai", "default")}


def test_a_closed_period_takes_no_posting(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        ids = _ids(connection)
        add_period_event(connection, a_run(connection), "2026-09", PeriodState.CLOSED, "tied out")
        add_postings(connection, a_run(connection), [posting(*ids)])

    rows = [posting(*ids), posting(*ids, period="2026-09")]
    with pytest.raises(BookError) as refusal, begin_write(any_books) as connection:
        add_postings(connection, a_run(connection), rows)

    assert refusal.value.code == "period-closed"
    with begin_read(any_books) as connection:
        assert posting_count(connection) == 1


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"quantity": 0, "amount_nanos": 0, "list_nanos": 0}, "says_something"),
        ({"credit_account_id": 1}, "between_two_accounts"),
        ({"basis_id": 4711}, "(?i)foreign key"),
        ({"debit_account_id": 4711}, "(?i)foreign key"),
    ],
)
def test_a_posting_that_says_nothing_is_refused(
    any_books: Engine, changes: dict[str, object], constraint: str
) -> None:
    with begin_write(any_books) as connection:
        ids = _ids(connection)
        run_id = a_run(connection)
    row = posting(*ids)._replace(**{"debit_account_id": 1, **changes})  # type: ignore[arg-type]  # any field

    # The rows go past SQLAlchemy, so it is the driver that refuses them.
    with pytest.raises(Exception, match=constraint), begin_write(any_books) as connection:
        add_postings(connection, run_id, [row])

    with begin_read(any_books) as connection:
        assert posting_count(connection) == 0


def test_a_sum_beyond_64_bits_is_an_error_and_never_a_wrong_number(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        ids = _ids(connection)
        rows = [posting(*ids, amount_nanos=2**62)] * 2
        add_postings(connection, a_run(connection), rows)

    with (
        pytest.raises(Exception, match=r"overflow|out of range"),
        begin_read(any_books) as connection,
    ):
        booked(connection, "2026-10-01", "2026-10-31")


def test_a_price_without_its_unit_is_refused(any_books: Engine) -> None:
    with (
        pytest.raises(IntegrityError, match="price_has_units"),
        begin_write(any_books) as connection,
    ):
        ensure_bases(connection, [replace(basis(), per=None)])
