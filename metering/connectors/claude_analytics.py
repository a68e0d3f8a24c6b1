"""Anthropic's Usage and Cost Analytics API, for organizations of the Console and of Enterprise.

Source: Anthropic's documentation "Usage and Cost Analytics API" (beta since 2026-10-29); source
formats note, 2.6.
"""

from collections.abc import Iterator
from typing import Final

from metering.connectors.anthropic import headers, instant
from metering.connectors.caller import Caller
from metering.connectors.contract import Answer, Connector, Days, Export, Pages, Parameter

_BETA: Final = {"anthropic-beta": "analytics-usage-cost-2026-08-24"}
_USAGE: Final = (
    "actor",
    "api_key_id",
    "context_window",
    "inference_geo",
    "model",
    "product",
    "service_tier",
    "speed",
    "workspace_id",
)
_COSTS: Final = (*_USAGE, "cost_type", "token_type")


def _by_day(kind: str, group_by: tuple[str, ...]) -> Pages:
    def pages(caller: Caller, days: Days) -> Iterator[Answer]:
        asked: dict[str, Parameter] = {
            "starting_at": instant(days.start),
            "ending_at": instant(days.end),
            "time_bucket_width": "1d",
            "group_by[]": group_by,
        }
        yield from caller.follow(f"/analytics/{kind}", asked, _BETA)

    return pages


CLAUDE_ANALYTICS: Final = Connector(
    name="claude-analytics",
    base_url="https://api.anthropic.com/v1/organizations",
    key_from="ANTHROPIC_ANALYTICS_KEY",
    asks="an Analytics key with read:analytics; the primary owner makes it",
    headers=headers,
    exports=(
        Export("usage", _by_day("usage", _USAGE), "claude-analytics-usage"),
        Export("costs", _by_day("cost", _COSTS), "claude-analytics-costs"),
    ),
    restated=30,
    options={},
)
