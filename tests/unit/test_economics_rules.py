"""[economics] of metering.toml is checked before anything is worked out from it."""

import tomllib
from datetime import date

import pytest

from metering.core.findings import economics_rules
from metering.core.findings.economics_rules import (
    EconomicsRules,
    Exploration,
    Incentive,
    NamedScenario,
    checked_economics,
)
from metering.errors import BookError


def _documented() -> dict[str, object]:
    """Return what the module's own example says, as TOML reads it."""
    text = economics_rules.__doc__ or ""
    lines = [line.removeprefix("    ") for line in text.splitlines() if line.startswith("    ")]
    found: dict[str, object] = tomllib.loads("\n".join(lines))["economics"]
    return found


def test_the_documented_example_says_what_it_says() -> None:
    rules = checked_economics(_documented())

    assert rules.services == {"platform/build-farm"}
    assert rules.seat == ("USD", 39 * 10**9)
    assert rules.classes == {"data/forecasting": "production"}
    assert rules.references == {"claude-opus-5": "claude-sonnet-5"}
    assert rules.explorations == {
        "growth/pitch-bot": Exploration(("USD", 5000 * 10**9), date(2026, 12, 1), date(2026, 8, 1))
    }
    assert rules.costs["support/helpdesk-bot"]["platform"] == ("USD", 300 * 10**9)
    assert rules.incentives == (Incentive("leaderboard", date(2026, 9, 1), 28),)
    assert rules.scenarios == (
        NamedScenario("half of it on Sonnet", route=("claude-opus-5=claude-sonnet-5@50%",)),
    )
    assert rules.is_frontier("anthropic", "claude-opus-5")
    assert not rules.is_frontier("anthropic", "claude-haiku-4-5")


def test_nothing_said_is_nothing_known() -> None:
    assert checked_economics({}) == EconomicsRules()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"seats": "USD 1"}, "seats is this key"),
        ({"seat": 39}, "seat is '39'"),
        ({"seat": "39"}, "seat is '39'"),
        ({"services": "platform"}, "services is 'platform'"),
        ({"frontier": [""]}, "frontier is"),
        ({"classes": {"a/b": "vital"}}, "classes.a/b is 'vital'"),
        ({"references": {"a": 1}}, "references.a is '1'"),
        ({"explorations": {"a/b": {"cap": "USD 1"}}}, "explorations.a/b.review is nothing"),
        ({"explorations": {"a/b": {"review": date(2026, 1, 1)}}}, "explorations.a/b.cap is"),
        ({"explorations": {"a/b": 5}}, "explorations.a/b is '5'"),
        ({"costs": {"a/b": {"beer": "USD 1"}}}, "costs.a/b.beer is this key"),
        ({"costs": ["a/b"]}, "costs is"),
        ({"incentives": [{"name": "x", "day": "soon"}]}, r"incentives\[1\].day is 'soon'"),
        ({"incentives": [{"name": "x", "day": date(2026, 1, 1), "days": 0}]}, "days is '0'"),
        ({"incentives": {"name": "x"}}, "incentives is"),
        ({"scenarios": [{"name": "x"}]}, "nothing is different"),
        ({"scenarios": [{"route": ["a=b"]}]}, r"scenarios\[1\].name is nothing"),
        ({"scenarios": [{"name": "x", "list_prices": "yes"}]}, "list_prices is 'yes'"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place(said: dict[str, object], told: str) -> None:
    with pytest.raises(BookError, match=told) as caught:
        checked_economics(said)

    assert caught.value.code == "bad-settings"
    assert "expected:" in str(caught.value)
