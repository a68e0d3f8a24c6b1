"""A finding as somebody saw it, in one text: what an answer refers to stays what it was."""

import json
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

from metering.analysis.findings.finding import ChartWeek, Evidence, Family, Finding, Part, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping


def frozen(finding: Finding) -> str:
    """Return a finding as text; equal findings give equal texts."""
    return json.dumps(asdict(finding), default=str, ensure_ascii=False, sort_keys=True)


def thawed(text: str) -> Finding:
    """Return the finding that `frozen` wrote."""
    said: Mapping[str, Any] = json.loads(text)
    return Finding(
        **{
            **said,
            "family": Family(said["family"]),
            "subject": Subject(**said["subject"]),
            "onset": date.fromisoformat(said["onset"]),
            "until": date.fromisoformat(said["until"]),
            "evidence": tuple(Evidence(**one) for one in said["evidence"]),
            "chart": tuple(
                ChartWeek(**{**week, "starts": date.fromisoformat(week["starts"])})
                for week in said["chart"]
            ),
            "parts": tuple(
                Part(**{**part, "onset": date.fromisoformat(part["onset"])})
                for part in said["parts"]
            ),
            **{name: tuple(said[name]) for name in ("unanswered", "checked", "not_checked")},
        }
    )
