"""E8: what a token brings in, and which of three factors changed it.

Source: for a buyer, value per token = value per outcome x settled outcomes per attempt (yield) x
attempts per token (mix of work); for an internal platform, recovery per token = rate x
utilisation x mix. Either is a product of three, and its change is divided by exact Shapley.
"""

from dataclasses import dataclass
from fractions import Fraction

from metering.analysis.economics.shapley import shapley_of_product


@dataclass(frozen=True, slots=True)
class ValueInputs:
    """What value per token is made of, of one period.

    Attributes:
        value_nanos: worth of the settled outcomes, as finance states it.
        settled: net settled weight, above zero.
        attempts: agent tasks started, above zero.
        tokens: above zero.
    """

    value_nanos: int
    settled: Fraction | int
    attempts: Fraction | int
    tokens: int


@dataclass(frozen=True, slots=True)
class RecoveryInputs:
    """What an internal platform recovers per token it could serve, of one period.

    Attributes:
        charged_nanos: what its users were charged.
        charged_tokens: the tokens they were charged for, above zero.
        served_tokens: the tokens that were served, free ones included, above zero.
        rated_tokens: the tokens that the capacity could have served, above zero.
    """

    charged_nanos: int
    charged_tokens: int
    served_tokens: int
    rated_tokens: int


@dataclass(frozen=True, slots=True)
class TokenValue:
    """Three factors and their product; nanos per token, exact.

    Attributes:
        factors: by name, in the order of the formula.
    """

    factors: dict[str, Fraction]

    @property
    def per_token(self) -> Fraction:
        """The product of the factors, in nanos."""
        first, second, third = self.factors.values()
        return first * second * third


def value_per_token(of: ValueInputs) -> TokenValue:
    """Return value per token, and the three factors it is a product of."""
    settled = Fraction(of.settled)
    return TokenValue(
        {
            "value_per_outcome": of.value_nanos / settled,
            "yield": settled / of.attempts,
            "mix": Fraction(of.attempts) / of.tokens,
        }
    )


def recovery_per_token(of: RecoveryInputs) -> TokenValue:
    """Return what an internal platform recovers for a token it could serve: rate x use x mix."""
    return TokenValue(
        {
            "rate": Fraction(of.charged_nanos, of.charged_tokens),
            "utilisation": Fraction(of.served_tokens, of.rated_tokens),
            "mix": Fraction(of.charged_tokens, of.served_tokens),
        }
    )


def change_of_value(before: TokenValue, after: TokenValue) -> dict[str, Fraction]:
    """Return what each factor added to the nanos per token; they sum to the change exactly."""
    parts = shapley_of_product(tuple(before.factors.values()), tuple(after.factors.values()))
    return dict(zip(before.factors, parts, strict=True))
