"""What a rate card may hold, and what is said of one that is not sound."""

import os
from pathlib import Path

import pytest

from metering import rate_cards
from metering.core.pricing.rate_checks import book_problems
from metering.core.pricing.rates import CardKind, MatchKind, Rate, matches_model, rate_id_of
from metering.rate_cards.loading import (
    RateCardError,
    bundled_cards,
    bundled_paths,
    load_cards,
    read_card,
)

ERRORS = Path(__file__).parent.parent / "errors"
REFUSED = sorted(ERRORS.glob("*/card.*.expected"))

HEAD = '[card]\nname = "acme"\nkind = "overlay"\ncurrency = "USD"\n'
JSON_HEAD = '{"card": {"name": "a", "kind": "list", "currency": "USD"}}\n'
BLOCK = """
[[rates]]
provider = "acme"
platform = "acme-api"
models = ["m", "n"]
from = 2026-01-01T00:00:00+02:00
prompt = "200001.."
conditions = { processing = ["batch", "standard"] }
window = { weekdays = [1, 2], start = "22:00", end = "04:00", zone = "Asia/Shanghai" }
prices = { input_uncached = "2.50", output = "15" }
source = "https://acme.example/prices"
read = 2026-09-15
"""


def card_file(folder: Path, text: str, name: str = "card.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("expected", REFUSED, ids=lambda path: path.parent.name)
def test_a_refused_card_says_where_what_and_what_to_do(
    expected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(expected.parent)

    with pytest.raises(RateCardError) as refusal:
        load_cards([Path(expected.name.removesuffix(".expected"))])

    assert f"{refusal.value}\n" == expected.read_text(encoding="utf-8")
    assert refusal.value.code == expected.parent.name


def test_every_code_of_a_card_is_shown_by_a_file() -> None:
    assert len(REFUSED) == len(list(ERRORS.glob("*/card.*"))) - len(REFUSED) == 22


def test_a_block_unfolds_into_every_model_condition_and_price(tmp_path: Path) -> None:
    (card,) = load_cards([card_file(tmp_path, HEAD + BLOCK)])

    assert {(rate.model_match, str(rate.conditions), rate.meter) for rate in card.rates} == {
        (model, f"{{'processing': '{processing}'}}", meter)
        for model in ("m", "n")
        for processing in ("batch", "standard")
        for meter in ("input_uncached", "output")
    }
    first = card.rates[0]
    assert first.price_nanos == 2_500_000_000
    assert first.per == 1_000_000
    assert str(first.effective_from) == "2025-12-31 22:00:00+00:00"
    assert (first.tier_lo, first.tier_hi) == (200_001, None)
    assert first.retrieved_at == "2026-09-15"
    assert first.place == f"{tmp_path / 'card.toml'}:6"
    assert len({rate.rate_id for rate in card.rates}) == 8


def test_toml_and_json_lines_give_the_same_card(tmp_path: Path) -> None:
    toml = card_file(
        tmp_path,
        HEAD
        + '\n[[rates]]\nprovider = "acme"\nplatform = "acme-api"\nmodels = ["m"]\n'
        + 'prices = { output = "15" }\n'
        + '\n[[aliases]]\nprovider = "acme"\nplatform = "acme-api"\nraw = "m-1"\nmodel = "m"\n'
        + 'dimensions = { endpoint_scope = "geo" }\n'
        + '\n[[no_effect]]\nprovider = "acme"\nplatform = "acme-api"\ndimension = "region"\n'
        + '\n[[modifiers]]\nprovider = "acme"\nplatform = "acme-api"\nmodels = ["m"]\n'
        + 'factor = "1.1"\nconditions = { inference_geo = "us" }\n',
    )
    where = '"provider": "acme", "platform": "acme-api"'
    lines = card_file(
        tmp_path,
        '{"card": {"name": "acme", "kind": "overlay", "currency": "USD"}}\n'
        f'{{"rate": {{{where}, "model_match": "m", "match_kind": "exact", "meter": "output",'
        ' "price_nanos": 15000000000, "per": 1000000}}\n'
        f'{{"alias": {{{where}, "raw": "m-1", "match_kind": "exact", "canonical_model": "m",'
        ' "dimensions": {"endpoint_scope": "geo"}}}\n'
        f'{{"no_effect": {{{where}, "dimension": "region"}}}}\n'
        f'{{"modifier": {{{where}, "model_match": "m", "meters": ["*tokens"], "factor_num": 11,'
        ' "factor_den": 10, "conditions": {"inference_geo": "us"}}}\n',
        "card.jsonl",
    )

    by_hand, by_program = load_cards([toml])[0], load_cards([lines])[0]

    assert by_hand == by_program


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("", "bad-rate-card", 1),
        (JSON_HEAD + "null\n", "bad-rate", 2),
        (JSON_HEAD + '{"rate": \n', "bad-rate", 2),
        (JSON_HEAD + '{"rate": {"provider": "a", "price_nanos": 1.0}}\n', "bad-rate", 2),
        pytest.param("[" * 100_000, "bad-rate-card", 1, id="a head nested without end"),
        pytest.param(JSON_HEAD + "[" * 100_000, "bad-rate", 2, id="a row nested without end"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, text: str, code: str, line: int) -> None:
    path = card_file(tmp_path, text, "card.jsonl")

    _, problems = read_card(path)

    assert [(one.code, one.places) for one in problems] == [(code, (f"{path}:{line}",))]


@pytest.mark.parametrize("kind", ["rates", "modifiers", "credits"])
@pytest.mark.parametrize("model", ["*", "gpt-*"])
def test_a_star_is_no_name_of_a_model(tmp_path: Path, kind: str, model: str) -> None:
    # It would be compared as it stands: the card would be taken into force, and price nothing.
    block = f'\n[[{kind}]]\nname = "n"\nprovider = "acme"\nplatform = "p"\nmodels = ["{model}"]\n'
    own = {
        "rates": 'prices = { output = "15" }\n',
        "modifiers": 'factor = "0.80"\n',
        "credits": 'amount = "5"\n',
    }[kind]
    text = HEAD + (block if kind == "credits" else block.replace('name = "n"\n', "")) + own
    path = card_file(tmp_path, text)

    _, problems = read_card(path)

    assert [one.code for one in problems] == ["bad-rate"]
    assert f"models is '{model}'" in problems[0].what
    assert 'match = "any"' in problems[0].expected


def test_the_discount_that_the_notes_on_cards_show_is_one(tmp_path: Path) -> None:
    notes = (Path(rate_cards.__file__).parent / "README.md").read_text(encoding="utf-8")
    shown = next(part for part in notes.split("```toml\n")[1:] if part.startswith("[card]"))

    (card,) = load_cards([card_file(tmp_path, shown.split("```")[0])])

    (discount,) = card.modifiers
    assert (discount.factor_num, discount.factor_den) == (4, 5)
    assert matches_model(discount.match_kind, discount.model_match, "gpt-5.6-sol")


@pytest.mark.parametrize(
    "value",
    [pytest.param("[" * 10_000, id="lists"), pytest.param("9" * 5_000, id="number")],
)
def test_what_no_reader_of_toml_can_hold_is_refused(tmp_path: Path, value: str) -> None:
    card, problems = read_card(card_file(tmp_path, f"card = {value}", "card.toml"))

    assert card is None
    assert [problem.code for problem in problems] == ["bad-rate-card"]
    assert problems[0].what.startswith("it is not TOML: ")


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    _, problems = read_card(card_file(tmp_path, "", "card.yaml"))

    assert [problem.code for problem in problems] == ["bad-rate-card"]


def test_cards_of_one_kind_may_not_price_the_same_thing(tmp_path: Path) -> None:
    block = (
        '\n[[rates]]\nprovider = "a"\nplatform = "b"\nmodels = ["m"]\nprices = { output = "1" }\n'
    )
    one = card_file(tmp_path, HEAD + block, "one.toml")
    other = card_file(tmp_path, HEAD.replace("acme", "umbrella") + block, "other.toml")
    contract = card_file(tmp_path, HEAD.replace("overlay", "contract") + block, "contract.toml")

    with pytest.raises(RateCardError) as refusal:
        load_cards([one, other])

    assert refusal.value.problems[0].places == (f"{one}:6", f"{other}:6")
    assert len(load_cards([one, contract])) == 2


def test_the_cards_of_the_package_are_sound() -> None:
    cards = bundled_cards()

    assert [problem.message() for problem in book_problems(cards)] == []
    assert {card.kind for card in cards} == {CardKind.LIST, CardKind.OVERLAY}
    assert sum(len(card.rates) for card in cards) > 4_000


def test_every_overlay_rate_says_where_it_was_read() -> None:
    silent = [
        rate.place
        for card in bundled_cards()
        if card.kind is CardKind.OVERLAY
        for rate in card.rates
        if not (rate.source_url.startswith("https://") and rate.retrieved_at)
    ]

    assert silent == []


def test_the_files_of_the_package_come_in_a_stable_order() -> None:
    names = [os.fspath(path.name) for path in bundled_paths()]

    assert names[0] == "list.jsonl"
    assert names[1:] == sorted(names[1:])


def test_closing_a_rate_or_reading_its_page_again_keeps_its_identity(tmp_path: Path) -> None:
    block = (
        '\n[[rates]]\nprovider = "a"\nplatform = "b"\nmodels = ["m"]\nprices = { output = "1" }\n'
    )
    before = load_cards([card_file(tmp_path, HEAD + block)])[0].rates[0]
    closed = load_cards(
        [card_file(tmp_path, HEAD + block + "to = 2026-01-01T00:00:00Z\nread = 2026-02-02\n")]
    )[0].rates[0]
    dearer = load_cards([card_file(tmp_path, HEAD + block.replace('"1"', '"2"'))])[0].rates[0]

    assert before.rate_id == closed.rate_id
    assert before.rate_id != dearer.rate_id


def test_the_currency_is_part_of_a_rate_s_identity() -> None:
    rate = Rate("", "a", "b", "m", MatchKind.EXACT, "output", 1, 1)

    assert rate_id_of(rate, "USD") != rate_id_of(rate, "CNY")
