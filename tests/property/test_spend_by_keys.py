"""A booked charge is divided among the keys of its usage, and its parts add up to it."""

from collections import Counter
from datetime import date
from pathlib import Path

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.core.money import apportion
from metering.core.ownership.tickets import ticket_in
from metering.engine.given import give_table
from metering.engine.outcomes.spend import (
    SPEND_TYPES,
    branches_without_ticket,
    follow_sessions,
    give_booked,
    give_tickets,
    spend_by_keys,
)

DAY = date(2026, 10, 1)
_LINES = {
    "day": "DATE",
    "key_no": "BIGINT",
    "product": "VARCHAR",
    "ingestor": "VARCHAR",
    "meter": "VARCHAR",
    "decision_no": "BIGINT",
    "owner_no": "BIGINT",
    "workflow_key": "VARCHAR",
    "quantity": "HUGEINT",
}
_BASIS_OF = {
    **{name: kind for name, kind in _LINES.items() if name not in ("day", "owner_no")},
    "basis_no": "BIGINT",
}
del _BASIS_OF["workflow_key"], _BASIS_OF["quantity"]


def divided(amounts: list[int], quantities: dict[str | None, int]) -> Counter[str | None]:
    """Return what each key bears of two charges: of usage, and of the same bearer without any."""
    with duckdb.connect() as connection:
        one = ("api", "logs", "output", 0)
        give_table(
            connection,
            "lines",
            _LINES,
            [(DAY, 0, *one, 0, key, quantity) for key, quantity in quantities.items()],
        )
        give_table(connection, "basis_of", _BASIS_OF, [(0, *one, 0)])
        give_table(connection, "bases", {"basis_no": "BIGINT", "has_rate": "BOOLEAN"}, [(0, True)])
        whole = sum(quantities.values())
        booked = [
            (DAY, "a", "p", "USD", "owner:a/p", basis, "api", quantity, amount)
            for basis, quantity, amount in zip(("usage", "seat"), (whole, 0), amounts, strict=True)
        ]
        columns = dict(zip(SPEND_TYPES, map(list, zip(*booked, strict=True)), strict=True))
        give_booked(connection, columns)
        spend_by_keys(
            connection, [(0, "owner:a/p")], [(0, "usage")], {"workflow_key": "workflow_key"}
        )
        sums: Counter[str | None] = Counter()
        for key, nanos in connection.execute(
            "SELECT workflow_key, amount_nanos FROM spend"
        ).fetchall():
            sums[key] += nanos
        return sums


keys = st.sampled_from((None, "k1", "k2", "k3", "k4"))
amounts = st.integers(-(10**17), 10**17)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(keys, st.integers(1, 10**15), min_size=1), amounts, amounts)
def test_the_parts_are_those_of_the_largest_remainder(
    quantities: dict[str | None, int], usage: int, seat: int
) -> None:
    # Names in the order in which ties are decided: no key first.
    named = {"" if key is None else key: quantity for key, quantity in quantities.items()}
    if usage == sum(named.values()):
        parts = dict(named)
    else:
        sign = -1 if usage < 0 else 1
        parts = {key: sign * part for key, part in apportion(abs(usage), named).items()}

    found = divided([usage, seat], quantities)

    expected = Counter({key or None: part for key, part in parts.items()})
    expected[None] += seat
    assert {key: nanos for key, nanos in found.items() if nanos} == {
        key: nanos for key, nanos in expected.items() if nanos
    }
    assert sum(found.values()) == usage + seat


def test_the_amounts_of_a_bill_stay_with_their_keys_credits_too() -> None:
    assert divided([5, 0], {"k1": 12, "k2": -7}) == {"k1": 12, "k2": -7, None: 0}


def test_usage_that_cancels_out_says_nothing_about_an_amount() -> None:
    assert divided([9, 1], {"k1": 4, "k2": -4}) == {None: 10}


def test_a_session_leads_to_its_branch_and_a_branch_to_its_ticket(tmp_path: Path) -> None:
    transcripts = tmp_path / "day=2026-10-01" / "transcripts.parquet"
    transcripts.parent.mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT * FROM (VALUES ('s1', map(['branch'], ['PAY-7-retry'])),"
            " ('s1', map(['branch'], ['PAY-7-retry'])), ('s2', map(['branch'], ['main'])),"
            " ('s2', map(['branch'], ['other'])), (NULL, map(['branch'], ['x'])))"
            f" t(session, tags)) TO '{transcripts}' (FORMAT parquet)"
        )
        spend = dict.fromkeys(("session", "branch", "ticket"), "VARCHAR")
        rows = [
            ("s1", None, None),
            ("s2", None, None),
            ("s1", "own", "OWN-1"),
            (None, "AB-12", None),
        ]
        give_table(connection, "spend", spend, rows)

        follow_sessions(connection, [transcripts])
        branches = branches_without_ticket(connection)
        give_tickets(connection, [(branch, str(ticket_in(branch))) for branch in branches])

        assert branches == ["AB-12", "PAY-7-retry"]
        assert connection.execute("FROM spend ORDER BY ALL").fetchall() == [
            ("s1", "PAY-7-retry", "PAY-7"),
            ("s1", "own", "OWN-1"),
            ("s2", None, None),
            (None, "AB-12", "AB-12"),
        ]
