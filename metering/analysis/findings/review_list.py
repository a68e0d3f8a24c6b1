"""From evidence to a review list: one case per object, ranked by money, no longer than can be read.

Everything that is known against a cost object is one finding, and no money is in two that are
shown. A silent object is a question about its outcomes and is not asked about its spend as well.
What the evidence supports is flagged; of that the reviewer sees what is worth the time: above a
materiality threshold, the largest certain money first, no more than a number that a setting gives.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from metering.analysis.anonymity import FEWEST_PEOPLE
from metering.analysis.evidence.silence import Silence
from metering.analysis.evidence.vendor_moves import VendorMove
from metering.analysis.findings.cases import silent_case, spending_case
from metering.analysis.findings.finding import Finding
from metering.analysis.findings.study import Study, study_of
from metering.analysis.findings.workflow_cases import told_once, workflow_cases
from metering.analysis.observed.panel import Frames
from metering.core.findings.finding_rules import LEAST_SHARE, LEAST_USD, REVIEWER_BUDGET

if TYPE_CHECKING:
    import pandas as pd

EVIDENCE_FACTOR: Final = 0.5
"""A pattern is flagged when it explains the data at least this much as well as honest change does.

That is the mean over all windows that were looked at, most of which speak against it: a half is a
high bar. Of what passes it in invented companies that nothing was decided on, nine in ten are right
(`python -m tests.benchmarks.findings --climates`).
"""

_NANOS: Final = 10**9
_HASHED: Final = (
    *("objects", "cells", "outcomes", "lags", "people", "persons", "keys", "targets", "workflows"),
    *("prices", "events"),
)


@dataclass(frozen=True, slots=True)
class Options:
    """What a house sets.

    Attributes:
        budget: how many findings a reviewer reads.
        least_usd: below it nothing is shown.
        least_share: nor below this share of all spend.
        fewest_people: of fewer nothing is shown (k).
        raised: by what both are multiplied, 1 or more: what answers to earlier lists ask for.
    """

    budget: int = REVIEWER_BUDGET
    least_usd: int = LEAST_USD
    least_share: Fraction = LEAST_SHARE
    fewest_people: int = FEWEST_PEOPLE
    raised: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True)
class Review:
    """The whole result.

    Attributes:
        findings: one per object and family that applies, flagged or not; the shown ones first, by
            the lower bound of their money. Objects are projects, and workflows of projects.
        threshold_nanos: materiality, in nanos of USD.
        study: what it was read from.
        data_hash: SHA-256 of the frames.
        workflows: how many workflows were compared with their own past.
    """

    findings: tuple[Finding, ...]
    threshold_nanos: int
    study: Study
    data_hash: str
    workflows: int = 0

    @property
    def shown(self) -> tuple[Finding, ...]:
        """What the reviewer reads."""
        return tuple(found for found in self.findings if found.flagged and not found.held_back)

    @property
    def objects(self) -> int:
        """How many projects and workflows were compared with their own past."""
        return self.study.panel.objects + self.workflows

    @property
    def common(self) -> tuple[VendorMove, ...]:
        """What all users of a model did together, and what was therefore taken off."""
        return self.study.test.common.moves


def review(
    frames: Frames, options: Options | None = None, workflows: Frames | None = None
) -> Review:
    """Return the findings of a company; pure: equal frames and options give equal findings.

    Args:
        frames: whose objects are projects.
        options: what a house sets.
        workflows: the same days with workflows for objects; None where there are none.
    """
    chosen = options or Options()
    digest = data_hash(frames)
    study = study_of(frames, digest, chosen.fewest_people)
    found: list[Finding] = []
    for at in range(study.panel.objects):
        kind = study.silences.kind[at]
        spending = spending_case(study, at, is_enough=_is_enough(study, at))
        if kind is not Silence.NONE:
            spending = replace(spending, flagged=False)
            found.append(silent_case(study, at))
        found.append(spending)
    parts: list[Finding] = []
    if workflows is not None:
        parts = workflow_cases(
            study_of(workflows, data_hash(workflows), chosen.fewest_people), _is_enough
        )
    spent = float(study.panel.paid.sum())
    usual = round(max(chosen.least_usd, float(chosen.least_share) * spent) * _NANOS)
    threshold = usual * chosen.raised.numerator // chosen.raised.denominator
    ranked = _ranked(told_once(found, parts), threshold, chosen.budget)
    return Review(ranked, threshold, study, digest, len(parts))


def _is_enough(study: Study, at: int) -> bool:
    score = float(study.stakes.score[at])
    return bool(study.stakes.comparable[at]) and score >= float(np.log(EVIDENCE_FACTOR))


def _ranked(found: Sequence[Finding], threshold: int, budget: int) -> tuple[Finding, ...]:
    """Return the findings in the order of a list, with the reason why one is held back."""
    order = sorted(
        found,
        key=lambda f: (
            not f.flagged,
            bool(f.held_back) or f.excess_nanos < threshold,
            -f.p10_nanos,
            -f.score,
            str(f.subject),
            f.family.value,
        ),
    )
    listed: list[Finding] = []
    shown = 0
    for finding in order:
        if not finding.flagged or finding.held_back:
            listed.append(finding)
        elif finding.excess_nanos < threshold:
            usd = threshold / _NANOS
            listed.append(replace(finding, held_back=f"below {usd:,.2f} USD"))
        elif shown >= budget:
            listed.append(replace(finding, held_back=f"beyond the {budget} that are read"))
        else:
            shown += 1
            listed.append(finding)
    return tuple(listed)


def data_hash(frames: Frames) -> str:
    """Return the SHA-256 of what the findings rest on."""
    digest = hashlib.sha256(f"{frames.first_day} {frames.last_day}".encode())
    for name in _HASHED:
        table: pd.DataFrame = getattr(frames, name)
        digest.update(f"\n{name}\n".encode())
        digest.update(table.to_csv(index=False, lineterminator="\n").encode())
    return digest.hexdigest()
