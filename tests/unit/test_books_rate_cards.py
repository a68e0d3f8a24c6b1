"""A rate card comes back exactly as it was stored; a newer one is a version, never a change."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from metering.books.engine import begin_read, begin_write, open_engine
from metering.books.rate_cards import card_versions, cards_in_force, store_card
from metering.core.pricing.rates import (
    Alias,
    CardKind,
    MatchKind,
    Modifier,
    NoEffect,
    Rate,
    RateCard,
    Window,
)
from metering.rate_cards.loading import bundled_cards
from tests.support.books_rows import NOW, a_run

_OCTOBER = datetime(2026, 10, 1, tzinfo=UTC)
_RATE = Rate(
    rate_id="r1",
    provider="openai",
    platform="openai-api",
    model_match="gpt-x",
    match_kind=MatchKind.PREFIX,
    meter="output",
    price_nanos=10_000_000_000,
    per=1_000_000,
    effective_from=_OCTOBER,
    effective_to=datetime(2026, 10, 15, 16, tzinfo=UTC),
    guaranteed_until=datetime(2026, 10, 12, tzinfo=UTC),
    tier_lo=0,
    tier_hi=200_000,
    conditions={"service_tier": "flex", "region": "eu"},
    window=Window(frozenset({6, 7}), "22:00", "06:00", "Asia/Shanghai", "cn"),
    min_qty_per_event=10,
    qty_step=5,
    allowance_units=1_000,
    allowance_period="month",
    allowance_scope="account",
    source_url="https://example.com/prices",
    retrieved_at="2026-10-01",
    evidence="contract",
    note="as signed",
)
_CARD = RateCard(
    name="acme",
    kind=CardKind.CONTRACT,
    currency="EUR",
    rates=(_RATE, replace(_RATE, rate_id="r2", window=None, conditions=None, tier_hi=None)),
    modifiers=(
        Modifier(
            "m1",
            "openai",
            "openai-api",
            "",
            MatchKind.ANY,
            ("output", "cache_read"),
            88,
            100,
            conditions={},
            effective_from=_OCTOBER,
            list_as_of=_OCTOBER,
            stack_group="discount",
        ),
    ),
    aliases=(
        Alias("a1", "aws", "bedrock", r"us\.(.*)", MatchKind.PATTERN, r"\1", {"scope": "geo"}),
    ),
    no_effects=(NoEffect("openai", "openai-api", "region", ("eu", "us")),),
    scope="org-acme",
    complete=True,
    source_name="contract.toml",
    source_version="3",
    source_sha256="ab" * 32,
    licence="private",
)


def test_a_card_comes_back_as_it_was(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        stored = store_card(connection, a_run(connection), _CARD)

    with begin_read(any_books) as connection:
        assert cards_in_force(connection) == (_CARD,)
    assert stored == _CARD


def test_the_newest_version_of_each_card_is_in_force(any_books: Engine) -> None:
    dearer = replace(_CARD, rates=(replace(_RATE, price_nanos=11_000_000_000),))
    other = replace(_CARD, name="Another", rates=())
    with begin_write(any_books) as connection:
        run_id = a_run(connection, "prices import")
        numbers = [store_card(connection, run_id, card).version for card in (_CARD, dearer, other)]

        assert numbers == [1, 2, 1]
        assert cards_in_force(connection) == (other, replace(dearer, version=2))
        versions = [
            (one.name, one.version, one.rates, one.imported_at, one.imported_by)
            for one in card_versions(connection)
        ]
        assert versions == [
            ("Another", 1, 0, NOW, "nina"),
            ("acme", 1, 2, NOW, "nina"),
            ("acme", 2, 1, NOW, "nina"),
        ]


def test_a_card_that_says_nothing_new_is_not_stored_again(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        first = store_card(connection, run_id, _CARD)
        elsewhere = replace(
            _CARD, version=9, rates=tuple(replace(r, place="x:1") for r in _CARD.rates)
        )

        assert store_card(connection, run_id, elsewhere) == first
        assert len(card_versions(connection)) == 1


def test_the_bundled_cards_come_back_as_they_were(books: Engine) -> None:
    cards = bundled_cards()
    with begin_write(books) as connection:
        run_id = a_run(connection)
        for card in cards:
            store_card(connection, run_id, card)

        assert cards_in_force(connection) == tuple(
            replace(card, version=1) for card in sorted(cards, key=lambda card: card.name)
        )


def _stored(books: Engine, card: RateCard) -> None:
    with begin_write(books) as connection:
        store_card(connection, a_run(connection), card)


def _in_force(books: Engine) -> tuple[RateCard, ...]:
    with begin_read(books) as connection:
        return cards_in_force(connection)


def test_a_sealed_version_is_read_once(any_books: Engine) -> None:
    _stored(any_books, _CARD)

    (first,), (again,) = _in_force(any_books), _in_force(any_books)

    assert first is again


def test_a_card_that_was_taken_back_is_not_taken_for_the_one_that_came_instead(
    any_books: Engine,
) -> None:
    with begin_write(any_books) as connection:
        store_card(connection, a_run(connection), _CARD)
        assert cards_in_force(connection) == (replace(_CARD, version=1),)
        connection.rollback()
    other = replace(_CARD, scope="org-other")

    _stored(any_books, other)

    assert _in_force(any_books) == (replace(other, version=1),)


def test_what_was_read_of_one_book_is_not_told_of_another(books: Engine, tmp_path: Path) -> None:
    shutil.copyfile(tmp_path / "books.sqlite", tmp_path / "other.sqlite")
    other = open_engine(f"sqlite:///{tmp_path / 'other.sqlite'}")
    cards = ((books, _CARD), (other, replace(_CARD, scope="org-other")))
    for book, card in cards:
        _stored(book, card)

    for book, card in (*cards, *cards):
        assert _in_force(book) == (replace(card, version=1),)
