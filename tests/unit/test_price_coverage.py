"""Coverage counts what has a price, and says why the rest has none."""

from fractions import Fraction

from metering.core.pricing.price_coverage import RatedUsage, coverage_by_day, coverage_of


def usage(meter: str, status: str, reason: str, lines: int, quantity: int) -> RatedUsage:
    return RatedUsage("2026-10-01", "openai", meter, status, reason, lines, quantity)


def test_free_and_provisional_usage_has_a_price() -> None:
    found = coverage_of(
        [
            usage("output", "priced", "", 2, 600),
            usage("output", "zero_rated", "", 1, 100),
            usage("input_uncached", "provisional", "tier_unknown", 1, 200),
            usage("output", "unpriced", "no_model", 1, 100),
            usage("web_search", "unpriced", "no_rate", 3, 7),
        ]
    )

    assert (found.token_share, found.line_share) == (Fraction(9, 10), Fraction(1, 2))
    assert found.provisional_tokens == 200
    assert found.unpriced == (("no_model", 1), ("no_rate", 3))
    assert not found.passes


def test_the_gate_is_999_in_a_thousand_tokens() -> None:
    def of(priced: int) -> bool:
        lost = usage("output", "unpriced", "no_model", 1, 1000 - priced)
        return coverage_of([usage("output", "priced", "", 1, priced), lost]).passes

    assert of(999)
    assert not of(998)


def test_one_ambiguous_line_is_too_many() -> None:
    lost = usage("output", "unpriced", "ambiguous", 1, 1)

    assert not coverage_of([usage("output", "priced", "", 1, 10**9), lost]).passes


def test_usage_without_tokens_has_no_share_of_them() -> None:
    found = coverage_of([usage("web_search", "priced", "", 1, 5)])

    assert (found.token_share, found.line_share, found.passes) == (None, Fraction(1), True)


def test_days_and_providers_stand_apart() -> None:
    one = usage("output", "priced", "", 1, 5)

    found = coverage_by_day([one, one._replace(provider="aws"), one._replace(day="2026-10-02")])

    assert list(found) == [
        ("aws", "2026-10-01"),
        ("openai", "2026-10-01"),
        ("openai", "2026-10-02"),
    ]
