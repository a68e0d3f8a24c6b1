"""DeepSeek's export names no currency: every published price has to tell it, and only one."""

import tomllib
from fractions import Fraction
from pathlib import Path

import pytest

from metering.ingest.formats.deepseek_amount_csv import PRICES

CARD = Path(__file__).parents[2] / "metering" / "rate_cards" / "overlay" / "deepseek.toml"
KINDS = {
    "cache_read": "input_cache_hit_tokens",
    "input_uncached": "input_cache_miss_tokens",
    "output": "output_tokens",
}
OF_THE_CARD = {
    (KINDS[meter], Fraction(price) / 10**6)
    for rate in tomllib.loads(CARD.read_text(encoding="utf-8"))["rates"]
    for meter, price in rate.get("prices", {}).items()
    if meter in KINDS
}


@pytest.mark.parametrize("price", sorted(OF_THE_CARD))
def test_a_price_of_the_bundled_card_is_known_to_be_in_dollars(price: tuple[str, Fraction]) -> None:
    assert price in PRICES["USD"]


def test_no_price_was_published_in_both_currencies() -> None:
    assert not PRICES["USD"] & PRICES["CNY"]
