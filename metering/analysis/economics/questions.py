"""The questions finance asks about AI spend, and what answers each of them.

The functions are named, not imported, so that a reader of one analysis loads no other.

Source: token maxing specification, section 1; D numbers are those of the detectors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_HERE: Final = "metering.analysis.economics"

ANALYSES: Final[Mapping[str, tuple[str, ...]]] = {
    "E1": (f"{_HERE}.price_volume_mix.price_volume_mix_efficiency",),
    "E2": (f"{_HERE}.jevons.jevons_index",),
    "E3": (f"{_HERE}.seats_or_usage.seats_or_usage", f"{_HERE}.seats_or_usage.seat_years"),
    "E4": (f"{_HERE}.multipliers.multiplier_chain",),
    "E5": (f"{_HERE}.repricing.repriced",),
    "E6": (f"{_HERE}.unit_economics.unit_economics",),
    "E7": (f"{_HERE}.own_capacity.capacity_economics", f"{_HERE}.own_capacity.commitment_use"),
    "E8": (
        f"{_HERE}.value_per_token.value_per_token",
        f"{_HERE}.value_per_token.recovery_per_token",
    ),
    "E9": (
        f"{_HERE}.exploration.classified",
        f"{_HERE}.exploration.option_state",
        f"{_HERE}.vanity.vanity_index",
        f"{_HERE}.vanity.luxury_premium",
    ),
    "E10": ("metering.analysis.forecast.month_forecast",),
    "E11": (f"{_HERE}.signalling.signalling",),
}
"""Analysis to the functions it consists of."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, and where its answer is found.

    Attributes:
        about: the idea it comes from.
        asked: what finance wants to know.
        answers: economic analyses (E) and detectors (D), the main one first.
    """

    about: str
    asked: str
    answers: tuple[str, ...]

    @property
    def where(self) -> str:
        """The command, with its section, that shows the answer; the review shows it too."""
        sections = [name for name in self.answers if name.startswith("E")]
        told = [f"economics --section {name}" for name in sections]
        return ", ".join([*told, *(["findings list"] if len(sections) < len(self.answers) else [])])


QUESTIONS: Final = (
    Question(
        "uncapped usage",
        "Which projects cost more than their people's seats ever did?",
        ("E3",),
    ),
    Question(
        "flat seats subsidise power users",
        "Who gains or loses when seats become metered?",
        ("E3",),
    ),
    Question(
        "the harness unlocks value",
        "Which client or harness turns money into outcomes?",
        ("E8", "D20", "D16"),
    ),
    Question(
        "price cuts",
        "Was the saving banked or eaten by volume? What if we switched?",
        ("E1", "E2", "E5"),
    ),
    Question("token shortage", "What does scarcity cost us?", ("D11", "E7")),
    Question("consulting", "What is the fully loaded cost of an outcome?", ("E6",)),
    Question("low-value prompts", "How much spend sits on trivial work?", ("D14", "D12")),
    Question(
        "one-off or run cost",
        "Do we mix one-off work with run cost?",
        ("E9", "E10"),
    ),
    Question("revenue per token", "What do we get per token?", ("E8",)),
    Question(
        "tokens per watt-year",
        "Is our own GPU or reserved capacity earning its keep?",
        ("E7",),
    ),
    Question("self-funding", "Which projects pay for themselves?", ("E6",)),
    Question("marginal cost", "What does one more outcome cost?", ("E6", "D22")),
    Question(
        "costly signalling",
        "Is money spent where it shows rather than where it works?",
        ("E9", "E11", "D25", "D18", "D09"),
    ),
    Question("Jevons paradox", "Did cheaper tokens raise spend, and outcomes?", ("E2",)),
    Question("defensive spend", "How large is the bet and when do we stop?", ("E9",)),
    Question(
        "vanity project",
        "Which large new project has no path to an outcome?",
        ("E9", "D24", "D25"),
    ),
    Question(
        "burning tokens as told",
        "Did use rise because of a target?",
        ("E11", "D06", "D09"),
    ),
    Question("the second hurdle", "Does spend move the business number?", ("E6", "D21")),
    Question("a bubble", "What is the bill if waste stops?", ("E10",)),
    Question("multipliers", "Which multiplier drove the rise?", ("E4",)),
    Question("luxury tokens", "Do we get the quality we pay for?", ("E9", "D25")),
    Question("negative unit economics", "Does cost rise faster than value?", ("E6", "D21")),
    Question(
        "pleasing or critical",
        "What share of spend runs the business?",
        ("E9",),
    ),
    Question("vanity metrics", "Which work units were validated?", ("E8", "D17", "D23")),
)
"""Every row of the specification's table, in its order."""
