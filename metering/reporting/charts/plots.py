"""What the charts of a review show, whatever face draws them: bars, parts, bridges, courses, fans.

A plot is figures and words. `plot_svg` draws it for the page and for paper, `plot_sheet` as a chart
of a workbook with its figures in cells; both from the same values, so no face can differ.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a ranking.

    Attributes:
        label: foreign text, already fit to be shown.
        nanos: its length, on the scale of the longest; None where it is not known.
        figure: the amount as shown.
    """

    label: str
    nanos: int | None
    figure: str


@dataclass(frozen=True, slots=True)
class Step:
    """One stretch of days of a panel.

    Attributes:
        first, end: half-open.
        nanos: what was billed for it.
    """

    first: date
    end: date
    nanos: int


@dataclass(frozen=True, slots=True)
class PanelScale:
    """What all panels share, so that heights compare.

    Attributes:
        first, end: days on the axis, half-open.
        lowest, highest: nanos on the axis; lowest is 0 or below.
        period_first, period_end: the stretch of the report, set off from the rest.
    """

    first: date
    end: date
    lowest: int
    highest: int
    period_first: date
    period_end: date


@dataclass(frozen=True, slots=True)
class Bars:
    """Amounts side by side.

    Attributes:
        title: what is compared.
        described: the chart in a sentence, for who cannot see it.
        currency: of the amounts.
    """

    title: str
    described: str
    currency: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class DividedBar:
    """One bar that is made of parts.

    Attributes:
        label: foreign text, already fit to be shown.
        nanos: one amount for each part.
        figure: their sum as shown.
    """

    label: str
    nanos: tuple[int, ...]
    figure: str


@dataclass(frozen=True, slots=True)
class Divided:
    """Amounts side by side, each divided in the same parts, at most four of them."""

    title: str
    described: str
    currency: str
    parts: tuple[str, ...]
    bars: tuple[DividedBar, ...]


@dataclass(frozen=True, slots=True)
class BridgeStep:
    """One step of a bridge.

    Attributes:
        nanos: the level, or by how much it rises or falls.
        figure: as shown; a change has its sign.
        is_level: whether it stands on the ground.
    """

    label: str
    nanos: int
    figure: str
    is_level: bool = False


@dataclass(frozen=True, slots=True)
class Bridge:
    """How one amount became another; the steps between two levels add up to their difference."""

    title: str
    described: str
    currency: str
    steps: tuple[BridgeStep, ...]


@dataclass(frozen=True, slots=True)
class CourseWeek:
    """A week of a course; index 100 is the mean of the weeks before the onset."""

    starts: date
    spend: float
    outcomes: float | None


@dataclass(frozen=True, slots=True)
class Course:
    """Spend and what it bought over the weeks, before and after an onset.

    Attributes:
        onset: the day from which it is different; `margin` is half of the likely stretch, in days.
        usual: lowest and highest spend of the weeks before; None without two of them.
    """

    title: str
    described: str
    weeks: tuple[CourseWeek, ...]
    onset: date
    margin: int
    usual: tuple[float, float] | None

    @property
    def has_outcomes(self) -> bool:
        """Return whether anything is known of outcomes."""
        return any(week.outcomes is not None for week in self.weeks)


@dataclass(frozen=True, slots=True)
class Fan:
    """A month as it adds up, day by day, and where it is going.

    Attributes:
        first: its first day.
        known: what it had come to after each day that is known.
        expected: what it will have come to after each day that is left.
        low, high: between which it will end; equal where nothing is left.
        earlier: what the month before had come to after each of its days.
        figures: of the end: low, expected, high as shown.
    """

    title: str
    described: str
    currency: str
    first: date
    known: tuple[int, ...]
    expected: tuple[int, ...]
    low: int
    high: int
    earlier: tuple[int, ...]
    figures: tuple[str, str, str]


Plot = Bars | Divided | Bridge | Course | Fan
