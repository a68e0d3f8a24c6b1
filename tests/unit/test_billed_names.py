"""A bill and a log spell one model in their own ways, and are compared by its words and numbers."""

import pytest

from metering.workflows.posting.dividing import billed_name


@pytest.mark.parametrize(
    ("bill", "log"),
    [
        ("Claude4.6Sonnet", "eu.anthropic.claude-sonnet-4-6"),
        ("Claude4.5Haiku", "global.anthropic.claude-haiku-4-5-20251001-v1:0"),
        ("Nova2.0Lite", "amazon.nova-2-lite-v1:0"),
        ("Gemini 2.5 Flash", "gemini-2.5-flash"),
        ("gemini 3.7 flash", "gemini-3.7-flash"),
        ("gpt 4.1", "gpt-4.1-2025-04-14"),
        ("claude-sonnet-4-6", "claude-sonnet-4-6"),
        ("GPT 5 Mini", "gpt-5-mini"),
    ],
)
def test_one_model_in_two_spellings(bill: str, log: str) -> None:
    assert billed_name(bill, "USD") == billed_name(log, "USD")


@pytest.mark.parametrize(
    ("bill", "log"),
    [
        ("Claude4.6Sonnet", "anthropic.claude-sonnet-4-5"),
        ("Claude4.6Sonnet", "anthropic.claude-opus-4-6"),
        ("gpt 4o", "gpt-4o-mini"),
        ("gpt 4.1", "gpt-4.1-mini"),
        ("gpt 4o", "gpt-4"),
        ("Gemini 2.5 Flash", "gemini-2.5-flash-lite"),
        ("Gemini 2.0 Flash", "gemini-2.5-flash"),
    ],
)
def test_two_models_are_never_taken_for_one(bill: str, log: str) -> None:
    assert billed_name(bill, "USD") != billed_name(log, "USD")


def test_money_of_two_currencies_is_not_compared() -> None:
    assert billed_name("deepseek-v4-flash", "CNY") != billed_name("deepseek-v4-flash", "USD")
