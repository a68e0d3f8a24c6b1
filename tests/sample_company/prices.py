"""What the sample company's usage ought to cost, worked out without `metering`.

A second opinion: exact fractions from a table written by hand, so that a defect in the ledger's
rate cards, rating or roll-up shows as a difference. Only the models used are here.

Sources: the providers' price pages as quoted in the pricing companion's appendix; where it is
silent (embeddings, speech, DeepSeek off-peak), the page of the provider and genai-prices 0.2.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction

_MILLION = 1_000_000
_EVER = datetime(2000, 1, 1, tzinfo=UTC)
_NEVER = datetime(2100, 1, 1, tzinfo=UTC)

# Meters in the order in which a price line below gives them.
_TOKENS = ("input_uncached", "cache_read", "cache_write", "output")
_ANTHROPIC = ("input_uncached", "cache_write_5m", "cache_write_1h", "cache_read", "output")


@dataclass(frozen=True, slots=True)
class Price:
    """One line of the table.

    Attributes:
        per_million: meter to US dollars per million units, exact.
        start, end: instants, half-open.
        condition: "", "batch", "flex" or "long" (prompts above 200,000 tokens).
    """

    provider: str
    model: str
    per_million: Mapping[str, Fraction]
    start: datetime = _EVER
    end: datetime = _NEVER
    condition: str = ""


def _line(names: tuple[str, ...], text: str) -> dict[str, Fraction]:
    figures = text.split("/")
    return {
        name: Fraction(figure.strip())
        for name, figure in zip(names, figures, strict=True)
        if figure.strip() != "-"
    }


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


_LUNA_CUT = _instant("2026-07-30")
_SOL_CUT = _instant("2026-08-21")
_DEEPSEEK_RISE = _instant("2026-08-16T16:00")
_DEEPSEEK_V41 = _instant("2026-09-10")

TABLE = (
    # OpenAI: input / cached / cache write / output
    Price("openai", "gpt-5.4", _line(_TOKENS, "2.50 / 0.25 / - / 15")),
    Price("openai", "gpt-5.4-mini", _line(_TOKENS, "0.75 / 0.075 / - / 4.50")),
    Price("openai", "gpt-5.4-mini", _line(_TOKENS, "0.375/0.0375/-/2.25"), condition="batch"),
    Price("openai", "gpt-5.4-mini", _line(_TOKENS, "0.375/0.0375/-/2.25"), condition="flex"),
    Price("openai", "gpt-5.6-luna", _line(_TOKENS, "1 / 0.10 / 1.25 / 6"), end=_LUNA_CUT),
    Price("openai", "gpt-5.6-luna", _line(_TOKENS, "0.20/0.02/0.25/1.20"), start=_LUNA_CUT),
    Price("openai", "gpt-5.6-sol", _line(_TOKENS, "5 / 0.50 / 6.25 / 30"), end=_SOL_CUT),
    Price("openai", "gpt-5.6-sol", _line(_TOKENS, "4 / 0.40 / 5 / 20"), start=_SOL_CUT),
    Price("openai", "text-embedding-3-small", {"input_uncached": Fraction("0.02")}),
    Price("openai", "tts-1", {"character": Fraction(15)}),
    Price("openai", "whisper-1", {"audio_second": Fraction("0.006") / 60 * _MILLION}),
    Price("openai", "omni-moderation-latest", {"input_uncached": Fraction(0)}),
    # USD 0.10 for a gigabyte and day; the first one is free and comes off on the invoice.
    Price("openai", "vector store", {"vector_store_byte_day": Fraction("0.10") / 2**30 * _MILLION}),
    # Anthropic: input / 5-minute write / 1-hour write / read / output
    Price("anthropic", "claude-haiku-4-5-20251001", _line(_ANTHROPIC, "1/1.25/2/0.10/5")),
    Price("anthropic", "claude-sonnet-4-6", _line(_ANTHROPIC, "3/3.75/6/0.30/15")),
    Price("anthropic", "claude-sonnet-5", _line(_ANTHROPIC, "2/2.50/4/0.20/10")),
    Price("anthropic", "claude-sonnet-5", _line(_ANTHROPIC, "1/1.25/2/0.10/5"), condition="batch"),
    Price("anthropic", "claude-opus-4-6", _line(_ANTHROPIC, "5/6.25/10/0.50/25")),
    Price("anthropic", "claude-opus-5", _line(_ANTHROPIC, "5/6.25/10/0.50/25")),
    # Bedrock: geographic endpoints carry 10 per cent over the global ones.
    Price("aws", "eu.anthropic.claude-sonnet-4-6", _line(_TOKENS, "3.30/0.33/4.125/16.50")),
    Price(
        "aws",
        "global.anthropic.claude-haiku-4-5-20251001-v1:0",
        _line(_TOKENS, "1/0.10/1.25/5"),
    ),
    # Google: the whole request at the higher price above 200,000 prompt tokens.
    Price("google", "gemini-2.5-flash", _line(_TOKENS, "0.30 / 0.03 / - / 2.50")),
    Price("google", "gemini-2.5-pro", _line(_TOKENS, "1.25 / 0.125 / - / 10")),
    Price("google", "gemini-2.5-pro", _line(_TOKENS, "2.50/0.25/-/15"), condition="long"),
    # DeepSeek, off-peak hours only: the nightly job runs from 14:00 to 23:00 UTC.
    Price(
        "deepseek", "deepseek-v4-flash", _line(_TOKENS, "0.14/0.0028/-/0.28"), end=_DEEPSEEK_RISE
    ),
    Price(
        "deepseek",
        "deepseek-v4-flash",
        _line(_TOKENS, "0.22/0.007/-/0.66"),
        start=_DEEPSEEK_RISE,
        end=_DEEPSEEK_V41,
    ),
    Price(
        "deepseek", "deepseek-v4-flash", _line(_TOKENS, "0.15/0.003/-/0.60"), start=_DEEPSEEK_V41
    ),
)


def cost(
    provider: str, model: str, at: datetime, meters: Mapping[str, int], condition: str = ""
) -> Fraction | None:
    """Return the exact US dollars of some usage, or None for a model that nobody publishes.

    Args:
        provider: who bills.
        model: as the export spells it.
        at: an instant of the usage; a daily bucket gives its start.
        meters: disjoint quantities.
        condition: as in `Price`.

    Raises:
        LookupError: the model is known but the table does not say what a meter costs.
    """
    lines = [p for p in TABLE if (p.provider, p.model) == (provider, model)]
    if not lines:
        return None
    (line,) = (p for p in lines if p.condition == condition and p.start <= at < p.end)
    total = Fraction(0)
    for meter, quantity in meters.items():
        if quantity:
            total += quantity * line.per_million[meter] / _MILLION
    return total
