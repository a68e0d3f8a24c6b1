"""Files of flat money are taken whole or refused with every place named."""

from datetime import date
from fractions import Fraction

import pytest
from sqlalchemy import Engine

from metering.books.engine import begin_read, begin_write
from metering.books.flat_files import flat_files_in_force, store_flat_file
from metering.core.flat.capacity import Served
from metering.core.flat.flat_file import parse_flat
from metering.core.flat.flat_money import Written
from metering.core.flat.seats import Release, SeatPlan, SeatTerm
from metering.core.flat.seats_file import parse_seats, seats_beyond_paid, unplanned_seats
from metering.core.ownership.attribution import Owner
from metering.errors import RefusedFileError
from tests.support.books_rows import a_run

PAYEE = 'provider = "acme"\nbilling_account = "default"\ncurrency = "USD"\n'
UNUSED = 'unused = { cost_centre = "CC-9000" }\n'
OWNER = 'owner = { cost_centre = "CC-9000" }\n'
SEATS = f'[[seats]]\nname = "pro"\n{PAYEE}fee = "19.00"\nfrom = 2026-10-01\n{UNUSED}'
PREPAID = f'[[prepaid]]\nname = "block"\n{PAYEE}credit = "60"\nbought = 2026-09-01\n{OWNER}'
COMMITMENT = (
    f'[[commitment]]\nname = "year"\n{PAYEE}amount = "1000"\nfrom = 2026-01-01\n'
    f"to = 2027-01-01\n{OWNER}"
)
CAPACITY = (
    '[[capacity]]\nname = "cluster"\ncurrency = "USD"\nfrom = 2026-10-01\n'
    'serves = { provider = "own", platform = "own-capacity" }\nidle = { cost_centre = "CC-9000" }\n'
)


def refused(text: str) -> list[str]:
    """Return what a file is refused for: LINE code KEY."""
    with pytest.raises(RefusedFileError) as caught:
        parse_flat(text, "flat.toml")
    return [f"{one.line} {one.code} {one.field}" for one in caught.value.rejections]


def test_a_plan_says_what_it_does_not_leave_out() -> None:
    (plan,) = parse_flat("# agreed\n" + SEATS, "/x/flat.toml", name="flat.toml").seats

    assert plan == SeatPlan(
        "pro",
        "acme",
        "default",
        "USD",
        19_000_000_000,
        SeatTerm.MONTH,
        date(2026, 10, 1),
        None,
        Owner("CC-9000"),
    )
    assert plan.written == Written("flat.toml", 2)
    assert plan.release is Release.DAY


def test_every_kind_of_agreement_is_read() -> None:
    more = (
        'bought = "36500"\nlife_months = 12\nwatts = 1000\npue = "1.25"\nkwh = "0.10"\n'
        'tokens_per_second = 10\napi_price = "2"\n'
    )

    found = parse_flat(SEATS + PREPAID + COMMITMENT + CAPACITY + more, "flat.toml")

    assert len(found) == 4
    assert found.blocks[0].paid_nanos == found.blocks[0].credit_nanos == 60_000_000_000
    assert found.commitments[0].ends == date(2027, 1, 1)
    capacity = found.capacities[0]
    assert capacity.costs.pue == Fraction(5, 4)
    assert capacity.served == Served("own", "own-capacity")
    assert capacity.costs_of(date(2026, 10, 1)) == {
        "write-off": 100_000_000_000,
        "power": 3_000_000_000,
    }
    assert capacity.rated_tokens == 864_000


def test_what_is_written_off_or_ended_costs_nothing_more() -> None:
    text = CAPACITY + 'bought = "31"\nlife_months = 1\nlease = "31"\n'
    (capacity,) = parse_flat(text, "flat.toml").capacities

    assert capacity.costs_of(date(2026, 10, 31)) == {
        "write-off": 1_000_000_000,
        "lease": 1_000_000_000,
    }
    assert capacity.costs_of(date(2026, 11, 1)) == {"lease": 1_033_333_334}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SEATS.replace('"19.00"', "19.00"), ["6 bad-amount fee"]),
        (SEATS.replace("19.00", "-19.00"), ["6 negative-price fee"]),
        (SEATS.replace("USD", "usd"), ["5 bad-currency currency"]),
        (SEATS.replace("from = 2026-10-01\n", ""), ["1 missing-field from"]),
        (SEATS.replace("2026-10-01", '"1 October"'), ["7 bad-date from"]),
        (SEATS + "to = 2026-10-01\n", ["9 empty-validity to"]),
        (SEATS.replace("cost_centre", "team"), ["8 missing-cost-centre unused"]),
        (SEATS + "paid = 0\n", ["9 bad-value paid"]),
        (SEATS + "paid = 3\nminimum = 2\n", ["10 bad-value minimum"]),
        (SEATS + 'each = "week"\n', ["9 bad-value each"]),
        (SEATS + 'each = "year"\nto = 2027-10-02\n', ["10 empty-validity to"]),
        (SEATS + 'each = "year"\nrelease = "day"\n', ["10 bad-value release"]),
        (SEATS + "colour = 1\n", ["9 unknown-field colour"]),
        ("[[seat]]\n", ["1 unknown-field seat"]),
        ("[[seats]\n", ["1 bad-toml "]),
        (PREPAID + 'paid = "61"\n', ["9 bad-amount paid"]),
        (PREPAID.replace('"60"', '"0"'), ["6 bad-amount credit"]),
        (COMMITMENT.replace("to = 2027-01-01\n", ""), ["1 missing-field to"]),
        (CAPACITY + "watts = 10\n", ["1 missing-field kwh"]),
        (CAPACITY + 'pue = "0.9"\n', ["7 bad-amount pue"]),
        (SEATS + SEATS, ["9 overlapping-agreement name"]),
        (SEATS + PREPAID.replace('"block"', '"pro"'), ["9 overlapping-agreement name"]),
        (PREPAID + PREPAID, ["9 overlapping-agreement name"]),
        (CAPACITY + CAPACITY.replace("cluster", "other"), ["7 overlapping-agreement serves"]),
        (SEATS.replace("19.00", "x") + PREPAID.replace("60", "y"), 2),
    ],
)
def test_a_refusal_names_line_and_key(text: str, expected: list[str] | int) -> None:
    found = refused(text)

    assert found == expected or len(found) == expected


def test_a_price_may_change_from_one_day_to_the_next() -> None:
    dearer = SEATS.replace("19.00", "21.00").replace("2026-10-01", "2026-11-01")

    found = parse_flat(SEATS + "to = 2026-11-01\n" + dearer, "flat.toml")

    assert [plan.fee_nanos for plan in found.seats] == [19_000_000_000, 21_000_000_000]


def test_a_seat_needs_its_plan_on_its_days() -> None:
    plans = parse_flat(SEATS + "to = 2026-12-01\npaid = 1\n", "flat.toml").seats
    rows = (
        "a,pro,2026-10-01,",  # goes with its plan
        "b,pro,2026-11-30,2026-12-01",
        "c,pro,2026-09-30,2026-10-02",
        "d,pro,2026-11-30,2026-12-02",
        "e,max,2026-10-01,",
    )

    seats = parse_seats("key,plan,from,to\n" + "\n".join(rows), "seats.csv")

    assert [(where.line, one.code) for where, one in unplanned_seats(seats, plans)] == [
        (4, "unknown-plan"),
        (5, "unknown-plan"),
        (6, "unknown-plan"),
    ]
    # Counted on each day: the second seat of a plan that paid for one.
    assert [where.line for where, _ in seats_beyond_paid(seats, plans)] == [2]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("a,pro,2026-10-01,\na,pro,2026-11-01,", "3 overlapping-validity key"),
        ("a,pro,,", "2 missing-field from"),
        (",pro,2026-10-01,", "2 missing-field key"),
        ("a,pro,2026-10-32,", "2 bad-date from"),
        ("a,pro,2026-10-02,2026-10-02", "2 empty-validity to"),
    ],
)
def test_a_seat_that_cannot_be_is_refused(rows: str, expected: str) -> None:
    with pytest.raises(RefusedFileError) as caught:
        parse_seats(f"key,plan,from,to\n{rows}\n", "seats.csv")

    (one,) = caught.value.rejections
    assert f"{one.line} {one.code} {one.field}" == expected


def test_the_newest_version_of_each_file_is_in_force(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        versions = [
            store_flat_file(connection, run_id, name, content, content)
            for name, content in (("b.toml", "1"), ("a.csv", "2"), ("b.toml", "3"))
        ]

    with begin_read(any_books) as connection:
        found = flat_files_in_force(connection)

    assert versions == [1, 1, 2]
    assert [(file.name, file.version, file.content) for file in found] == [
        ("a.csv", 1, "2"),
        ("b.toml", 2, "3"),
    ]
