"""People are counted and their usage is summed; nobody's name comes out of it."""

from datetime import date

import duckdb

from metering.engine.given import give_table
from metering.engine.work_counts import PersonUse, usage_of_people, usage_of_seats

_DAY = date(2026, 10, 1)
_LINES = {
    "day": "DATE",
    "key_no": "BIGINT",
    "product": "VARCHAR",
    "ingestor": "VARCHAR",
    "principal": "VARCHAR",
    "meter": "VARCHAR",
    "owner_no": "BIGINT",
    "decision_no": "BIGINT",
    "quantity": "HUGEINT",
}
_PRICES = dict.fromkeys(("price", "per", "list_price", "list_per"), "VARCHAR")


def _engine() -> duckdb.DuckDBPyConnection:
    """Return usage of two vendors: 10 USD a million at one, 3 at the other, no list price there."""
    duck = duckdb.connect()
    rows = [
        (_DAY, 0, "ana", "output", 0, 2_000_000),
        (_DAY, 0, "bo", "output", 0, 500_000),
        (_DAY, 0, "bo", "web_search", 0, 7),
        (_DAY, 1, "bo", "output", 1, 1_000_000),
        (_DAY, 0, None, "output", 0, 9_000_000),
        (date(2026, 9, 30), 0, "ana", "output", 0, 9_000_000),
    ]
    lines = [
        (day, key, "api", "logs", who, meter, 0, decision, quantity)
        for day, key, who, meter, decision, quantity in rows
    ]
    give_table(duck, "lines", _LINES, lines)
    give_table(duck, "keys", {"key_no": "BIGINT", "provider": "VARCHAR"}, [(0, "one"), (1, "two")])
    names = ("key_no", "product", "ingestor", "meter", "decision_no", "basis_no")
    types = dict.fromkeys(names, "BIGINT") | dict.fromkeys(names[1:4], "VARCHAR")
    of = [(0, "output", 0, 0), (0, "web_search", 0, 2), (1, "output", 1, 1)]
    give_table(
        duck,
        "basis_of",
        types,
        [(key, "api", "logs", meter, decision, basis) for key, meter, decision, basis in of],
    )
    give_table(
        duck,
        "bases",
        {"basis_no": "BIGINT", "has_rate": "BOOLEAN", "currency": "VARCHAR", **_PRICES},
        [
            (0, True, "USD", "8000000000", "1000000", "10000000000", "1000000"),
            (1, True, "USD", "3000000000", "1000000", "0", "1"),
            (2, False, "USD", "0", "1", "0", "1"),
        ],
    )
    return duck


def test_usage_of_people_is_at_list_price_and_without_names() -> None:
    with _engine() as duck:
        every = usage_of_people(duck, "2026-10", "USD")
        of_one = usage_of_people(duck, "2026-10", "USD", "one")

    # Bo: half a million at 10 and a million at 3, which no list has; what has no rate is left out.
    assert every == [PersonUse(8 * 10**9, 1_500_000), PersonUse(20 * 10**9, 2_000_000)]
    assert of_one == [PersonUse(5 * 10**9, 500_000), PersonUse(20 * 10**9, 2_000_000)]


def test_a_seat_that_nobody_used_is_there_with_nothing() -> None:
    with _engine() as duck:
        held = usage_of_seats(duck, "2026-10", "USD", "one", ["bo", "cy"])
        nobody = usage_of_seats(duck, "2026-10", "USD", "one", [])

    assert held == [PersonUse(0, 0), PersonUse(5 * 10**9, 500_000)]
    assert nobody == []
