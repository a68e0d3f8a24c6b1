"""Terms of a contract are read as written, and refused with their rows when they do not add up."""

from typing import Final

import pytest

from metering.core.pricing.rate_checks import card_problems
from metering.core.pricing.terms import Measure, Term, TermKind
from metering.rate_cards.toml_card import card_from_toml

OCTOBER: Final = "2026-10-01T00:00:00Z"
HEAD: Final = '[card]\nname = "c"\nkind = "contract"\ncurrency = "USD"\n'


def block(kind: str, *lines: str, name: str = "deal") -> str:
    said = "\n".join(lines)
    return f'[[{kind}]]\nname = "{name}"\nprovider = "acme"\n{said}\n'


def tiers(*volumes: str) -> str:
    rows = (block("volume_tiers", f'volume = "{v}"', 'discount = "0.1"') for v in volumes)
    return HEAD + "".join(rows)


def told(text: str) -> list[tuple[str, tuple[str, ...]]]:
    card, problems = card_from_toml(text, "c.toml")
    assert card is not None
    return [(one.code, one.places) for one in (*problems, *card_problems(card))]


def only_term(text: str) -> Term:
    card, problems = card_from_toml(HEAD + text, "c.toml")
    assert card is not None
    assert problems == []
    (term,) = card.terms
    return term


def test_a_volume_tier_is_read_exactly() -> None:
    term = only_term(
        block(
            "volume_tiers",
            'platform = "acme-api"',
            'models = ["m"]',
            'meters = ["*tokens"]',
            'volume = "10000..50000"',
            'discount = "0.05"',
            'applies_to = "all"',
        )
    )

    assert (term.kind, term.platform, term.models) == (TermKind.VOLUME_TIER, "acme-api", ("m",))
    assert (term.lo, term.hi) == (10_000 * 10**9, 50_000 * 10**9)
    assert (term.factor_num, term.factor_den, term.whole_period) == (19, 20, True)


def test_a_tier_of_units_counts_units() -> None:
    term = only_term(
        block("volume_tiers", 'measure = "units"', 'volume = "0.."', 'discount = "1/3"')
    )

    assert (term.measure, term.lo, term.hi) == (Measure.UNITS, 0, None)
    assert (term.factor_num, term.factor_den) == (2, 3)


def test_a_commitment_has_a_discount_on_either_side() -> None:
    term = only_term(
        block("commitments", 'amount = "50000"', 'discount = "0.2"', 'discount_beyond = "0.1"')
    )

    assert term.amount_nanos == 50_000 * 10**9
    assert (term.factor_num, term.factor_den) == (4, 5)
    assert (term.beyond_num, term.beyond_den) == (9, 10)


def test_a_sound_scale_has_no_problems() -> None:
    assert told(tiers("0..100", "100..200", "200..")) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (tiers("0..100", "99.."), ("tier-overlap", ("c.toml:5", "c.toml:10"))),
        (tiers("0..100", "101.."), ("tier-gap", ("c.toml:5", "c.toml:10"))),
        (tiers("1.."), ("tier-gap", ("c.toml:5",))),
        (tiers("0..100"), ("tier-gap", ("c.toml:5",))),
        (tiers("100..100", "0.."), ("bad-tier", ("c.toml:5",))),
        (tiers("100..99", "0.."), ("bad-tier", ("c.toml:5",))),
        (tiers("0..100", "100..200", "150.."), ("tier-overlap", ("c.toml:10", "c.toml:15"))),
        (tiers("0..", "100.."), ("tier-overlap", ("c.toml:5", "c.toml:10"))),
        (tiers("100..", "0..101"), ("tier-overlap", ("c.toml:5", "c.toml:10"))),
        (tiers("0..100", "100..200"), ("tier-gap", ("c.toml:10",))),
        (tiers("many"), ("bad-tier", ("c.toml:5",))),
        (HEAD + block("minimums", 'amount = "-1"'), ("negative-price", ("c.toml:5",))),
        (HEAD + block("minimums", 'amount = "1e3"'), ("bad-amount", ("c.toml:5",))),
        (HEAD + block("minimums"), ("bad-rate", ("c.toml:5",))),
        (
            HEAD + block("commitments", 'amount = "1"', 'discount = "1.1"'),
            ("negative-price", ("c.toml:5",)),
        ),
        (
            HEAD + block("commitments", 'amount = "1"', 'discount_beyond = "1.1"'),
            ("negative-price", ("c.toml:5",)),
        ),
        (
            HEAD + block("credits", 'amount = "1"', f"from = {OCTOBER}", f"to = {OCTOBER}"),
            ("bad-interval", ("c.toml:5",)),
        ),
        (
            HEAD
            + block("credits", 'amount = "1"', f"to = {OCTOBER}")
            + block("credits", 'amount = "1"', "from = 2026-09-01T00:00:00Z"),
            ("term-tie", ("c.toml:5", "c.toml:10")),
        ),
        (
            HEAD + block("credits", 'amount = "1"') * 2,
            ("term-tie", ("c.toml:5", "c.toml:9")),
        ),
        (
            HEAD + block("credits", 'amount = "1"', "from = 2026-10-02T00:00:00Z"),
            ("bad-term", ("c.toml:5",)),
        ),
        (
            HEAD + block("credits", 'amount = "1"', 'meters = ["outputs"]'),
            ("unknown-meter", ("c.toml:5",)),
        ),
        (
            HEAD.replace("contract", "overlay") + block("credits", 'amount = "1"'),
            ("bad-term", ("c.toml:5",)),
        ),
        (
            HEAD + block("volume_tiers", 'volume = "0.."', 'applies_to = "some"'),
            ("bad-value", ("c.toml:5",)),
        ),
        (
            HEAD
            + block("volume_tiers", 'volume = "0..5"')
            + block("volume_tiers", 'volume = "5.."', 'measure = "units"'),
            ("bad-term", ("c.toml:5", "c.toml:9")),
        ),
    ],
)
def test_what_does_not_add_up_is_refused_with_its_rows(
    text: str, problem: tuple[str, tuple[str, ...]]
) -> None:
    assert problem in told(text)


def test_tiers_may_follow_each_other_in_time() -> None:
    first = block("volume_tiers", 'volume = "0.."', "to = 2026-10-01T00:00:00Z")
    second = block("volume_tiers", 'volume = "0.."', "from = 2026-10-01T00:00:00Z")

    assert told(HEAD + first + second) == []


@pytest.mark.parametrize("discount", ["0", "1"])
def test_all_of_a_price_may_be_paid_or_none_of_it(discount: str) -> None:
    commitment = block(
        "commitments", 'amount = "0"', f'discount = "{discount}"', f'discount_beyond = "{discount}"'
    )

    assert told(HEAD + commitment) == []


def test_namesakes_may_follow_each_other_in_time() -> None:
    first = block("credits", 'amount = "1"', f"to = {OCTOBER}")
    second = block("credits", 'amount = "2"', f"from = {OCTOBER}")

    assert told(HEAD + first + second) == []
    assert told(HEAD + second + first) == []


def test_a_tier_that_others_outlive_leaves_a_gap() -> None:
    lower = block("volume_tiers", 'volume = "0..100"', f"to = {OCTOBER}")
    upper = block("volume_tiers", 'volume = "100.."')
    again = block("volume_tiers", 'volume = "0..100"', f"from = {OCTOBER}")

    assert told(HEAD + lower + upper) == [("tier-gap", ("c.toml:10",))]
    assert told(HEAD + lower + upper + again) == []


def test_a_gap_that_stays_is_told_once() -> None:
    lower = block("volume_tiers", 'volume = "0..100"', f"to = {OCTOBER}")
    again = block("volume_tiers", 'volume = "0..100"', f"from = {OCTOBER}")
    upper = block("volume_tiers", 'volume = "100..200"')

    assert told(HEAD + upper + lower + again) == [("tier-gap", ("c.toml:5",))]
