"""The review on paper: the same charts and tables, set by Typst like the pack."""

from dataclasses import asdict
from typing import Any, Final

from metering.reporting.brand import Brand
from metering.reporting.charts.plot_svg import plot_svg
from metering.reporting.charts.plots import Plot
from metering.reporting.faces.pdf import foot_of, paper
from metering.reporting.review.contents import FinanceReview, Section, ShownFinding

_REVIEW: Final = "review.typ"


def review_pdf(review: FinanceReview, brand: Brand | None = None) -> bytes:
    """Return the review on paper; the same review gives the same bytes."""
    said: dict[str, Any] = {
        "period": review.period,
        "month": review.month,
        "month_before": review.month_before,
        "status": review.status,
        "status_note": review.status_note,
        "currency": review.currency,
        "snapshot_id": review.snapshot_id,
        "made_at": review.made_at,
        "billed": review.billed,
        "change": review.change,
        "headline": [(row.name, *row.cells) for row in review.headline],
        "split": _plot(review.split),
        "sections": [_section(section) for section in review.sections],
        "economics": [_section(section) for section in review.economics],
        "foot": foot_of(f"Review {review.period}", review),
    }
    return paper(_REVIEW, said, brand or Brand())


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "note": section.note,
        "analysis": section.analysis,
        "tables": [
            {
                "title": table.caption if len(section.tables) > 1 else "",
                "columns": table.columns,
                "rows": [{"kind": row.kind, "cells": (row.name, *row.cells)} for row in table.rows],
            }
            for table in section.tables
        ],
        "plots": [_plot(plot) for plot in section.plots],
        "findings": [_finding(finding) for finding in section.findings],
        "missing": [asdict(gap) for gap in section.missing],
    }


def _finding(finding: ShownFinding) -> dict[str, Any]:
    return {
        "case_id": finding.case_id,
        "subject": finding.subject,
        "money": finding.money,
        "pattern": finding.pattern,
        "state": finding.state,
        "columns": finding.numbers.columns,
        "numbers": [(row.name, *row.cells) for row in finding.numbers.rows],
        "parts": finding.parts
        and {
            "columns": finding.parts.columns,
            "rows": [(row.name, *row.cells) for row in finding.parts.rows],
        },
        "checked": finding.checked,
        "open_questions": finding.open_questions,
        "footing": finding.footing,
        "course": _plot(finding.course) if finding.course else None,
    }


def _plot(plot: Plot) -> dict[str, str]:
    return {"title": plot.title, "described": plot.described, "svg": plot_svg(plot)}
