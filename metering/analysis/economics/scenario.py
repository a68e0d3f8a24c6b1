"""What a scenario changes, and how it is written on a command line.

Every part names what it holds for: a provider, a model as the ledger or the source spells it, or
"provider/model". Shares and ratios are exact.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

_NUMBER: Final = re.compile(r"([+-]?)(\d+(?:\.\d+)?)(%?)")
_SHARE: Final = re.compile(r"(.+)@(\d+(?:\.\d+)?)%")
_HUNDRED: Final = 100


@dataclass(frozen=True, slots=True)
class Route:
    """Send a share of one model's usage to another model.

    Attributes:
        source: what is sent elsewhere.
        target: model, "provider/model" or "provider/platform/model".
        share: of the tokens, 0 to 1.
    """

    source: str
    target: str
    share: Fraction = Fraction(1)

    @classmethod
    def parse(cls, text: str) -> "Route":
        """Return the route that "claude-opus-5=claude-sonnet-5@40%" means.

        Raises:
            ValueError: it is not written like that.
        """
        said, share = _with_share(text)
        source, _, target = said.partition("=")
        if not source or not target:
            raise ValueError(f"{text!r} is no route; write it as MODEL=MODEL or MODEL=MODEL@40%")
        return cls(source, target, share)


@dataclass(frozen=True, slots=True)
class PriceChange:
    """Change the prices of a provider or model by a factor, after routing."""

    name: str
    factor: Fraction

    @classmethod
    def parse(cls, text: str) -> "PriceChange":
        """Return the change that "deepseek=-75%" means.

        Raises:
            ValueError: it is not written like that, or takes off more than all.
        """
        name, _, said = text.rpartition("=")
        match = _NUMBER.fullmatch(said)
        if not name or match is None or not match[3] or not match[1]:
            raise ValueError(f"{text!r} is no price change; write it as NAME=-75% or NAME=+10%")
        change = Fraction(match[1] + match[2]) / _HUNDRED
        if change < -1:
            raise ValueError(f"{text!r} takes off more than the price")
        return cls(name, 1 + change)


@dataclass(frozen=True, slots=True)
class CacheRate:
    """Read a share of every prompt from the cache.

    Attributes:
        name: what it holds for; "" for every model that reads less from the cache.
        rate: cached tokens / all tokens of the prompts, 0 to 1, of each model's month.
    """

    name: str
    rate: Fraction

    @classmethod
    def parse(cls, text: str) -> "CacheRate":
        """Return the rate that "0.6", "60%" or "openai=60%" means.

        Raises:
            ValueError: it is not written like that, or not between 0 and 1.
        """
        name, _, said = text.rpartition("=")
        match = _NUMBER.fullmatch(said)
        rate = None if match is None else Fraction(said.rstrip("%")) / (_HUNDRED if match[3] else 1)
        if rate is None or not 0 <= rate <= 1:
            raise ValueError(f"{text!r} is no cache rate; write it as 0.6, 60% or NAME=60%")
        return cls(name, rate)


@dataclass(frozen=True, slots=True)
class Batch:
    """Have a share of the usage processed as a batch."""

    name: str
    share: Fraction = Fraction(1)

    @classmethod
    def parse(cls, text: str) -> "Batch":
        """Return what "claude-haiku-4-5@50%" means.

        Raises:
            ValueError: it names nothing.
        """
        name, share = _with_share(text)
        if not name or "=" in name:
            raise ValueError(f"{text!r} is no batch; write it as NAME or NAME@50%")
        return cls(name, share)


@dataclass(frozen=True, slots=True)
class TokenRatio:
    """How many tokens a target model counts where the source counts one.

    Attributes:
        name: of the target.
        low, high: bounds of the ratio, above 0.
    """

    name: str
    low: Fraction
    high: Fraction

    @property
    def middle(self) -> Fraction:
        """The middle of the bounds."""
        return (self.low + self.high) / 2

    @classmethod
    def parse(cls, text: str) -> "TokenRatio":
        """Return the ratio that "claude-sonnet-5=1.2" or "claude-sonnet-5=1.0..1.47" means.

        Raises:
            ValueError: it is not written like that.
        """
        name, _, said = text.rpartition("=")
        bounds = said.split("..")
        if not name or len(bounds) > 2 or not all(map(_is_ratio, bounds)):  # noqa: PLR2004 - a range
            raise ValueError(
                f"{text!r} is no token ratio; write it as MODEL=1.2 or MODEL=1.0..1.47"
            )
        low, high = Fraction(bounds[0]), Fraction(bounds[-1])
        if low > high:
            raise ValueError(f"{text!r}: the lower bound comes first")
        return cls(name, low, high)


def _is_ratio(text: str) -> bool:
    match = _NUMBER.fullmatch(text)
    return match is not None and not match[1] and not match[3] and Fraction(text) > 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that would be different; what is empty stays as it was.

    Attributes:
        demand: how strongly quantity answers the price (E2's index): 0 = not at all, 1 = so that
            the spend stays what it was. None leaves quantities alone.
    """

    routes: tuple[Route, ...] = ()
    price_changes: tuple[PriceChange, ...] = ()
    cache_rates: tuple[CacheRate, ...] = ()
    batches: tuple[Batch, ...] = ()
    token_ratios: tuple[TokenRatio, ...] = ()
    demand: Fraction | None = None


def _with_share(text: str) -> tuple[str, Fraction]:
    match = _SHARE.fullmatch(text)
    if match is None:
        return text, Fraction(1)
    share = Fraction(match[2]) / _HUNDRED
    if share > 1:
        raise ValueError(f"{text!r}: a share is at most 100%")
    return match[1], share
