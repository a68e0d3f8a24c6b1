"""What a newer card changes, and that a generated one never loses the past."""

from dataclasses import replace

import pytest

from metering.core.pricing.card_changes import (
    START_UNKNOWN,
    ChangeKind,
    card_changes,
    carried_forward,
    counted,
)
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rate_checks import card_problems
from metering.core.pricing.rates import Alias, Rate, RateCard
from metering.core.pricing.rating import rate_for
from tests.support.rate_books import alias, card, instant, key, modifier, rate

THEN, NOW, LATER = (instant(f"2026-0{month}-01T09:30") for month in (3, 6, 9))


def price_on(prices: RateCard, day: str, model: str = "m") -> int | None:
    return rate_for(key(model), "output", RateBook([prices]), instant(day)).price_nanos


def kinds(before: RateCard | None, after: RateCard) -> list[str]:
    return [change.kind.value for change in card_changes(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([], [rate(1)], ["added"]),
        ([rate(1)], [rate(1)], []),
        ([rate(1)], [rate(1, until="2026-01-01")], ["closed"]),
        ([rate(1, until="2026-01-01")], [rate(1)], ["changed"]),
        ([rate(1)], [rate(2)], ["changed"]),
        ([rate(1)], [rate(1, guaranteed_until="2026-01-01")], ["changed"]),
        ([rate(1)], [], ["removed"]),
        ([alias("x", "m")], [alias("x", "n")], ["changed"]),
    ],
)
def test_a_change_is_named(
    before: list[Rate | Alias], after: list[Rate | Alias], expected: list[str]
) -> None:
    assert kinds(card(*before), card(*after)) == expected


def test_a_first_card_adds_every_row() -> None:
    changes = card_changes(None, card(rate(1), alias("x", "m"), modifier((9, 10))))

    assert counted(changes) == {
        ChangeKind.ADDED: 3,
        ChangeKind.CLOSED: 0,
        ChangeKind.CHANGED: 0,
        ChangeKind.REMOVED: 0,
    }


def test_reading_a_page_again_is_no_change() -> None:
    again = replace(rate(1), retrieved_at="2026-09-01", source_url="https://acme.example")

    assert kinds(card(rate(1)), card(again)) == []


def test_what_vanishes_upstream_is_closed_and_not_deleted() -> None:
    before = card(rate(1), rate(2, model="old"), alias("older", "old"))

    after = carried_forward(before, card(rate(1)), NOW)

    assert price_on(after, "2026-05-31", "older") == 2
    assert price_on(after, "2026-06-02", "older") is None
    assert price_on(after, "2026-06-02") == 1
    assert kinds(before, after) == ["closed", "closed"]


def test_a_price_that_changes_without_a_start_begins_when_it_is_imported() -> None:
    after = carried_forward(card(rate(1)), card(rate(2)), NOW)

    assert (price_on(after, "2026-05-31"), price_on(after, "2026-06-02")) == (1, 2)
    assert [row.note for row in after.rates] == [START_UNKNOWN, ""]
    assert card_problems(after) == ()


def test_a_price_that_changes_with_a_start_of_its_own_is_taken_as_told() -> None:
    told = card(rate(1, until="2026-04-01"), rate(2, since="2026-04-01"))

    after = carried_forward(card(rate(1)), told, NOW)

    assert after == told


def test_a_history_told_anew_replaces_the_old_one() -> None:
    told = card(rate(1, prompt=(None, 100)), rate(3, prompt=(101, None)))

    after = carried_forward(card(rate(1)), told, NOW)

    assert after == told
    assert card_problems(after) == ()


def test_a_name_that_moves_without_a_date_moves_when_it_is_imported() -> None:
    rates = (rate(1), rate(2, model="n"))

    after = carried_forward(card(*rates, alias("x", "m")), card(*rates, alias("x", "n")), NOW)

    assert (price_on(after, "2026-05-31", "x"), price_on(after, "2026-06-02", "x")) == (1, 2)


def test_importing_the_same_again_changes_nothing() -> None:
    first = card(rate(1), rate(5, "cache_read"))
    second = carried_forward(first, card(rate(2)), THEN)

    again = carried_forward(second, card(rate(2)), NOW)

    assert again == second


@pytest.mark.parametrize("price", [3, 1])
def test_a_price_that_changes_again_adds_to_the_history(price: int) -> None:
    second = carried_forward(card(rate(1)), card(rate(2)), THEN)

    third = carried_forward(second, card(rate(price)), NOW)
    told = carried_forward(
        third, card(rate(1, until="2026-02-15"), rate(2, since="2026-02-15")), LATER
    )

    found = [price_on(third, day) for day in ("2026-02-20", "2026-04-01", "2026-10-01")]
    assert found == [1, 2, price]
    assert card_problems(third) == ()
    assert [price_on(told, day) for day in ("2026-02-14", "2026-02-20", "2026-10-01")] == [1, 2, 2]
    assert card_problems(told) == ()
