"""E4: which multiplier moved the cost of an outcome.

Source: cost per outcome = turns per outcome x prompt tokens per turn x (1 + output to prompt cost)
x reasoning factor x frontier price factor x base price; exact Shapley over the six.
"""

from dataclasses import dataclass
from fractions import Fraction

from metering.analysis.economics.shapley import shapley_of_product, whole_nanos

FACTORS = ("turns", "context", "output", "reasoning", "frontier", "base_price")


@dataclass(frozen=True, slots=True)
class ChainInputs:
    """What the chain is made of, of one period; all above zero.

    Attributes:
        outcomes: net settled weight.
        requests: turns of the agents.
        prompt_tokens: all classes of a prompt.
        prompt_nanos: what the prompts cost.
        answer_nanos: what the output costs without reasoning; may be 0.
        reasoning_nanos: what the reasoning costs; 0 where the provider does not tell it apart.
        base_nanos_per_token: the price of a prompt token of the model everything is compared with.
    """

    outcomes: Fraction | int
    requests: int
    prompt_tokens: int
    prompt_nanos: int
    answer_nanos: int
    reasoning_nanos: int
    base_nanos_per_token: Fraction

    @property
    def cost_per_outcome(self) -> Fraction:
        """The exact nanos of one outcome."""
        cost = self.prompt_nanos + self.answer_nanos + self.reasoning_nanos
        return cost / Fraction(self.outcomes)


def multipliers(of: ChainInputs) -> dict[str, Fraction]:
    """Return the six factors of a period; their product is the cost of one outcome, exactly.

    Raises:
        ValueError: something that a factor divides by is not above zero; such a period has no
            chain, and the caller prints that instead.
    """
    if min(of.outcomes, of.requests, of.prompt_tokens, of.prompt_nanos) <= 0:
        raise ValueError("a chain needs outcomes, requests, and prompts that cost something")
    if of.base_nanos_per_token <= 0:
        raise ValueError("the base model has no price above zero")
    answered = of.prompt_nanos + of.answer_nanos
    price = Fraction(of.prompt_nanos, of.prompt_tokens)
    return {
        "turns": of.requests / Fraction(of.outcomes),
        "context": Fraction(of.prompt_tokens, of.requests),
        "output": Fraction(answered, of.prompt_nanos),
        "reasoning": Fraction(answered + of.reasoning_nanos, answered),
        "frontier": price / of.base_nanos_per_token,
        "base_price": of.base_nanos_per_token,
    }


def multiplier_chain(before: ChainInputs, after: ChainInputs) -> dict[str, int]:
    """Return what each multiplier added to the cost of one outcome, in nanos.

    They sum to the change of the cost of an outcome, rounded half to even.

    Raises:
        ValueError: as `multipliers` does.
    """
    then, now = multipliers(before), multipliers(after)
    parts = shapley_of_product(tuple(then.values()), tuple(now.values()))
    return whole_nanos(dict(zip(FACTORS, parts, strict=True)))
