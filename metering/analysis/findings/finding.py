"""What a finding is: a pattern worth a reviewer's time, with evidence and money.

A finding is about a team's project or about a workflow, never about a person. It says what the
spend looks like and what would explain it, not why anybody did it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Family(StrEnum):
    """The question a finding answers."""

    TOKEN_MAXING = "token_maxing"  # noqa: S105 - tokens of a model  # more spend than its outcomes answer for
    NO_OUTCOME = "no_outcome"  # spend without any outcome, while the team has a feed
    NO_FEED = "no_feed"  # the team sends no outcomes: unknown, not unproductive


@dataclass(frozen=True, slots=True)
class Subject:
    """What a finding is about.

    Attributes:
        team: whose spend it is.
        project: what it is for.
        workflow: the one workflow that the money went to; None when it went to several.
    """

    team: str
    project: str
    workflow: str | None = None

    def __str__(self) -> str:
        named = f"{self.team} / {self.project}"
        return named if self.workflow is None else f"{named} / {self.workflow}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One number before and after.

    Attributes:
        detector: whose number it is: D01 to D25.
        measure: what is measured, with its unit.
        before: outside of the window; None when there is none.
        after: inside of the window; None when there is none.
        n_before: on how many `counted` the number before rests.
        n_after: likewise.
        counted: days, weeks, outcomes, keys.
        usd_nanos: what the difference would cost by itself; None where it says no money.
    """

    detector: str
    measure: str
    before: float | None
    after: float | None
    n_before: int
    n_after: int
    counted: str
    usd_nanos: int | None = None


@dataclass(frozen=True, slots=True)
class ChartWeek:
    """A week of a finding's chart; index 100 is the mean of the weeks before the onset.

    Attributes:
        starts: the first day.
        spend: index.
        outcomes: index; None where outcomes can still come, or the feed was silent.
    """

    starts: date
    spend: float
    outcomes: float | None


@dataclass(frozen=True, slots=True)
class Part:
    """What a project's case says of one workflow in it; money of the case, told once more.

    Attributes:
        workflow: its name.
        onset: the day it began.
        pattern: what it looks like, in words.
        excess_nanos: USD beyond what its outcomes answer for, in nanos.
        p10_nanos: it is more than this with nine chances in ten.
        p90_nanos: it is less than this with nine chances in ten.
        score: its own.
    """

    workflow: str
    onset: date
    pattern: str
    excess_nanos: int
    p10_nanos: int
    p90_nanos: int
    score: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One case: everything that is known against one cost object, in one place.

    Attributes:
        family: the question.
        subject: what it is about.
        onset: the day it began, as far as the data tell.
        onset_margin_days: half of the likely stretch of onsets.
        until: the last day of the window that shows it best.
        pattern: what it looks like, in words.
        detector: the detector that names the pattern.
        excess_nanos: USD beyond what the outcomes answer for, in nanos.
        p10_nanos: it is more than this with nine chances in ten.
        p90_nanos: it is less than this with nine chances in ten.
        score: log of how much better the pattern explains the data than honest change does.
        terms: what the score is made of, name -> log; they add up to it.
        q: share of chance findings expected in a list that ends here (Benjamini-Hochberg).
        flagged: whether the evidence is enough.
        held_back: why a flagged one is not shown to the reviewer; "" when it is.
        evidence: numbers before and after; the first three are spend, outcomes and their ratio.
        unanswered: detectors that had too little to say anything, and how little.
        checked: benign explanations that were looked at, and what was seen.
        not_checked: those that nobody looked at; a reviewer has to.
        chart: weeks of spend and outcomes.
        detectable_factor: the least rise in cost per outcome that this object's data would show.
        data_hash: SHA-256 of the data it rests on.
        is_workflow: whether the workflow is what was compared with its own past; otherwise the
            project was, and its workflow is where the money went.
        parts: of a project, the workflows in it whose own evidence is enough, most money first.
    """

    family: Family
    subject: Subject
    onset: date
    onset_margin_days: int
    until: date
    pattern: str
    detector: str
    excess_nanos: int
    p10_nanos: int
    p90_nanos: int
    score: float
    terms: Mapping[str, float]
    q: float
    flagged: bool
    held_back: str
    evidence: tuple[Evidence, ...]
    unanswered: tuple[str, ...]
    checked: tuple[str, ...]
    not_checked: tuple[str, ...]
    chart: tuple[ChartWeek, ...]
    detectable_factor: float
    data_hash: str
    is_workflow: bool = False
    parts: tuple[Part, ...] = ()
