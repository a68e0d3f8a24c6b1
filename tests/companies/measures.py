"""How good findings are against the labels of an invented company."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metering.analysis.findings.finding import Family, Finding
from tests.companies.company import Label


@dataclass(frozen=True, slots=True)
class Quality:
    """Shares from 0 to 1; over the projects that have outcomes."""

    average_precision: float
    base_rate: float
    precision: float
    recall: float
    ordinary_flagged: float
    lookalikes_flagged: float


def measure(labels: Sequence[Label], findings: Sequence[Finding]) -> Quality:
    """Return how good the findings are."""
    of = {
        (f.subject.team, f.subject.project): f for f in findings if f.family is Family.TOKEN_MAXING
    }
    judged = [label for label in labels if label.family in {"token_maxing", "none"}]
    found = [of[label.team, label.project] for label in judged]
    score = np.array([f.score for f in found])
    planted = np.array([label.family == "token_maxing" for label in judged])
    alike = np.array([label.lookalike for label in judged])
    flagged = np.array([f.flagged for f in found])
    return Quality(
        average_precision=average_precision(planted.tolist(), score.tolist()),
        base_rate=float(planted.mean()),
        precision=float(planted[flagged].mean()) if flagged.any() else 1.0,
        recall=float(flagged[planted].mean()),
        ordinary_flagged=float(flagged[~planted & ~alike].mean()),
        lookalikes_flagged=float(flagged[alike].mean()),
    )


def average_precision(planted: Sequence[bool], score: Sequence[float]) -> float:
    """Return the area under the steps of precision over recall; ties share one threshold."""
    whole = sum(planted)
    area, recall = 0.0, 0.0
    for threshold in sorted(set(score), reverse=True):
        above = [p for p, s in zip(planted, score, strict=True) if s >= threshold]
        reached = sum(above) / whole
        area += (reached - recall) * sum(above) / len(above)
        recall = reached
    return area
