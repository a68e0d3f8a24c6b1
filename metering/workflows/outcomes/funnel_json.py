"""A funnel as scripts read it: money in nanos, weights and units as exact decimal text."""

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from metering.core.outcomes.funnel import UNIT, FunnelRow, Share, per
from metering.core.outcomes.stages import VENDOR_UNITS, WEIGHT_UNIT, Stage

if TYPE_CHECKING:
    from metering.workflows.outcomes.funnel import Funnel


def as_json(found: "Funnel") -> dict[str, object]:
    """Return the document of a funnel."""
    return {
        "period": str(found.period),
        "last_day": found.last_day,
        "rows": [_row_as_json(row) for row in found.rows],
        "totals": [_row_as_json(row) for row in found.totals],
        "kinds": [
            {
                "team": team,
                "project": project,
                "kind": kind,
                "validated": units_text(validated * WEIGHT_UNIT),
                "settled": units_text(settled * WEIGHT_UNIT),
                "is_vendor_unit": kind in VENDOR_UNITS,
                "nanos_per_settled": {
                    row.currency: per(row.spend.total, settled, WEIGHT_UNIT)
                    for row in found.rows
                    if (row.team, row.project) == (team, project)
                },
            }
            for (team, project, kind), (validated, settled) in found.kinds.items()
        ],
        "feeds": [{**asdict(feed), "status": feed.status} for feed in found.feeds],
        "problems": [asdict(problem) for problem in found.problems],
        "shared_keys": [asdict(shared) for shared in found.shared_keys],
    }


def units_text(units: int | None) -> str | None:
    """Return hundred-millionths of a unit as exact decimal text, without zeros at its end."""
    if units is None:
        return None
    whole, fraction = divmod(abs(units), UNIT)
    digits = f".{fraction:08d}".rstrip("0").rstrip(".")
    return f"{'-' if units < 0 else ''}{whole}{digits}"


def _row_as_json(row: FunnelRow) -> dict[str, object]:
    spend, stages = row.spend, row.stages
    return {
        "team": row.team,
        "project": row.project,
        "currency": row.currency,
        "spend_nanos": spend.total,
        "keyed_nanos": spend.keyed,
        "project_nanos": spend.project,
        "pending_nanos": spend.pending,
        "unattributed_nanos": spend.unattributed,
        "unattributed": {
            "has_feed_nanos": spend.has_feed,
            "feed_silent_nanos": spend.feed_silent,
            "no_feed_nanos": spend.no_feed,
        },
        "outcome_coverage": _share_text(spend.coverage),
        "tokens": row.tokens,
        "nanos_per_million_tokens": row.nanos_per_million_tokens,
        "value_nanos": row.value_nanos,
        "self_funding_ratio": _share_text(row.self_funding),
        "window_days": row.window_days,
        "last_outcome": row.last_outcome,
        "units": {one.name: units_text(getattr(stages, one.name)) for one in fields(stages)},
        "nanos_per_unit": {stage.value: row.nanos_per_unit(stage) for stage in Stage},
        "tokens_per_unit": {stage.value: row.tokens_per_unit(stage) for stage in Stage},
        "validated_yield": _share_text(stages.validated_yield),
        "settled_yield": _share_text(stages.settled_yield),
        "vendor_units": None
        if row.vendor_units is None
        else units_text(row.vendor_units * WEIGHT_UNIT),
        "nanos_per_vendor_unit": row.nanos_per_vendor_unit,
        "tokens_per_vendor_unit": row.tokens_per_vendor_unit,
    }


def _share_text(ratio: Share | None) -> str | None:
    return None if ratio is None else ratio.text
