"""The detectors by number: what each asks, what it needs, and how it goes wrong.

There is no D19; the numbers are those of the method's description, where they are spoken of.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Detector:
    """One detector.

    Attributes:
        number: D01 to D25.
        name: in a few words.
        question: what it asks.
        needs: the least data.
        fails: what it takes for something else.
    """

    number: str
    name: str
    question: str
    needs: str
    fails: str


CATALOGUE: Final = (
    Detector(
        "D01",
        "level shift",
        "Do the weeks stand above the weeks before them?",
        "8 weeks, 5 of them active before",
        "growth, launches, onboarding, backfills",
    ),
    Detector(
        "D02",
        "cumulated excess",
        "Does spend beyond outcomes pile up?",
        "8 weeks with outcomes outside of the window",
        "outcomes that come later than before",
    ),
    Detector(
        "D03",
        "change point",
        "When did the cost per outcome change level?",
        "16 weeks",
        "gives a date for anything; no verdict",
    ),
    Detector(
        "D04",
        "seasonal outliers",
        "Which days stand out of their weekday?",
        "6 weeks",
        "outages and holidays that no event tells",
    ),
    Detector(
        "D05",
        "peer percentile",
        "Where does the cost per outcome stand among its function?",
        "8 peers",
        "different work; heavy use always looks dear",
    ),
    Detector(
        "D06",
        "period end",
        "Does the end of a week or month carry the spend?",
        "3 months; 6 months of people for round amounts",
        "closing of the month; caps on spend",
    ),
    Detector(
        "D07",
        "off hours",
        "Did work move outside of office hours?",
        "4 weeks, and the team's time zone",
        "other time zones, on-call duty, nightly jobs",
    ),
    Detector(
        "D08",
        "slow creep",
        "Does spend grow faster than outcomes, week by week?",
        "12 weeks with outcomes",
        "work that becomes harder",
    ),
    Detector(
        "D09",
        "incentive",
        "Did spend beyond outcomes rise after an incentive?",
        "an event of that kind, 6 weeks either side, 4 others",
        "adoption that grew at the same time",
    ),
    Detector(
        "D10",
        "repeats",
        "Are prompts sent again?",
        "4 weeks of distinct prompts",
        "evaluation suites, health checks, templated batches",
    ),
    Detector(
        "D11",
        "retries and bursts",
        "Do requests fail and repeat, or gather on a few days?",
        "4 weeks of failed requests",
        "an outage of the provider",
    ),
    Detector(
        "D12",
        "prompt length",
        "Did prompts grow?",
        "4 weeks of requests and prompt tokens",
        "longer documents; a new tokenizer",
    ),
    Detector(
        "D13",
        "cache misses",
        "Is less read from the cache than the object usually does?",
        "4 weeks of cached tokens",
        "a defect of the client or the provider",
    ),
    Detector(
        "D14",
        "dear models",
        "Is the same work done with dearer models?",
        "4 weeks",
        "work that needs them; an upper bound",
    ),
    Detector(
        "D15",
        "long answers",
        "Did answers and reasoning grow?",
        "4 weeks of output",
        "work whose results became longer",
    ),
    Detector(
        "D16",
        "fan-out",
        "Are there more requests a session?",
        "4 weeks of sessions",
        "a new harness that does more",
    ),
    Detector(
        "D17",
        "lost work",
        "Is more spent on keys that reach no outcome?",
        "20 matured keys",
        "outcomes that do not carry their key",
    ),
    Detector(
        "D18",
        "concentration",
        "Did the largest share of one of the people change?",
        "5 people or more in every week that counts",
        "a power user who was always there",
    ),
    Detector(
        "D20",
        "outcome-adjusted excess",
        "Did spend rise by more than its outcomes?",
        "6 weeks, outcomes, and their window",
        "a wrong lag, lumpy outcomes, weights without meaning",
    ),
    Detector(
        "D21",
        "elasticity",
        "By which power do outcomes follow spend?",
        "4 blocks of 4 weeks",
        "noise in spend pulls it towards zero",
    ),
    Detector(
        "D22",
        "marginal outcomes",
        "What did the further spend bring?",
        "20 outcomes, and spend that clearly rose",
        "outcomes that are still to come",
    ),
    Detector(
        "D23",
        "outcomes taken back",
        "Are there more, lighter or reversed outcomes?",
        "20 outcomes",
        "a stricter review",
    ),
    Detector(
        "D24",
        "silence",
        "Are there no outcomes at all, or none any more?",
        "spend older than its window",
        "outcomes recorded under another project",
    ),
    Detector(
        "D25",
        "vanity",
        "Is there much spend, few outcomes and few people?",
        "three people or fewer",
        "a young project; descriptive only",
    ),
)
"""Every detector, by number."""
