"""Workflows as cost objects: each is scored, and its money is told in one case alone.

A workflow is compared with its own past like a project. In a flagged project it is a part of the
project's case, which says so; where the project as a whole shows nothing, it is a case of its own,
if outcomes come under its name. Without them the project's outcomes stand for it: that gives a
score, but work that moved from one workflow to another would look like waste, so no case.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from metering.analysis.findings.cases import spending_case
from metering.analysis.findings.finding import Family, Finding, Part, Subject
from metering.analysis.findings.study import Study

UNNAMED: Final = "no outcome comes under its name; the project is compared as a whole"
_OWNER = tuple[str, str]


def workflow_cases(study: Study, is_enough: Callable[[Study, int], bool]) -> list[Finding]:
    """Return the case of every workflow, flagged or not.

    Args:
        study: of frames whose objects are workflows.
        is_enough: says whether the evidence against an object is enough.
    """
    objects = study.panel.frames.objects
    found = []
    for at, (workflow, has_outcomes) in enumerate(
        objects[["workflow", "has_outcomes"]].itertuples(index=False, name=None)
    ):
        case = spending_case(study, at, is_enough=is_enough(study, at))
        subject = Subject(case.subject.team, case.subject.project, str(workflow))
        held = "" if has_outcomes or not case.flagged else UNNAMED
        found.append(replace(case, subject=subject, is_workflow=True, held_back=held))
    return found


def told_once(projects: Sequence[Finding], workflows: Sequence[Finding]) -> list[Finding]:
    """Return all cases, so that no money is in two that are shown.

    What is flagged of a workflow in a flagged project becomes a part of the project's case.
    """
    cases = {_owner(case): case for case in projects if case.flagged}
    parts: dict[_OWNER, list[Finding]] = {}
    alone = []
    for workflow in workflows:
        case = cases.get(_owner(workflow))
        if case is None or not workflow.flagged:
            alone.append(workflow)
            continue
        parts.setdefault(_owner(workflow), []).append(workflow)
        held = f"a part of the case of {case.subject}"
        alone.append(replace(workflow, held_back=held))
    return [
        *(
            replace(case, parts=_parts(case, parts.get(_owner(case), ())))
            if case.flagged and case.family is Family.TOKEN_MAXING
            else case
            for case in projects
        ),
        *alone,
    ]


def _owner(case: Finding) -> _OWNER:
    return case.subject.team, case.subject.project


def _parts(whole: Finding, workflows: Sequence[Finding]) -> tuple[Part, ...]:
    """Return the workflows by money; together they are never more than the whole they are of.

    Each is compared with its own past, where the rest of the project may have become less.
    """
    left = whole.excess_nanos
    parts = []
    for case in sorted(workflows, key=lambda case: (-case.excess_nanos, str(case.subject))):
        excess = min(case.excess_nanos, left)
        left -= excess
        parts.append(
            Part(
                workflow=case.subject.workflow or "",
                onset=case.onset,
                pattern=case.pattern,
                excess_nanos=excess,
                p10_nanos=min(case.p10_nanos, excess),
                p90_nanos=min(case.p90_nanos, whole.p90_nanos),
                score=case.score,
            )
        )
    return tuple(parts)
