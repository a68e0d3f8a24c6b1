"""Anthropic's Messages usage, cost report and Claude Code analytics of a Console organization.

Source: Anthropic's Admin API reference; source formats note, 2.1, 2.2 and 2.4.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from metering.connectors.caller import Caller
from metering.connectors.contract import Answer, Connector, Days, Export, Parameter

_USAGE: Final = (
    "account_id",
    "api_key_id",
    "context_window",
    "inference_geo",
    "model",
    "service_account_id",
    "service_tier",
    "speed",
    "workspace_id",
)
_COSTS: Final = ("workspace_id", "description")
# Grouping by speed is behind it.
_FAST_MODE: Final = {"anthropic-beta": "fast-mode-2026-02-01"}
_BUCKETS: Final = 31
_ROWS: Final = 1000


def headers(secret: str) -> Mapping[str, str]:
    """Return what every request to Anthropic carries."""
    return {"x-api-key": secret, "anthropic-version": "2023-06-01"}


def instant(moment: datetime) -> str:
    """Return an instant as Anthropic's APIs write it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _by_day(days: Days, group_by: tuple[str, ...]) -> dict[str, Parameter]:
    return {
        "starting_at": instant(days.start),
        "ending_at": instant(days.end),
        "bucket_width": "1d",
        "limit": _BUCKETS,
        "group_by[]": group_by,
    }


def _usage(caller: Caller, days: Days) -> Iterator[Answer]:
    yield from caller.follow("/usage_report/messages", _by_day(days, _USAGE), _FAST_MODE)


def _costs(caller: Caller, days: Days) -> Iterator[Answer]:
    yield from caller.follow("/cost_report", _by_day(days, _COSTS))


def _claude_code(caller: Caller, days: Days) -> Iterator[Answer]:
    for day in days.each():
        asked: dict[str, Parameter] = {"starting_at": day.isoformat(), "limit": _ROWS}
        yield from caller.follow("/usage_report/claude_code", asked)


ANTHROPIC: Final = Connector(
    name="anthropic",
    base_url="https://api.anthropic.com/v1/organizations",
    key_from="ANTHROPIC_ADMIN_KEY",
    asks="an Admin API key (sk-ant-admin…); admins of the organization make it in the Console",
    headers=headers,
    exports=(
        Export("messages", _usage, "anthropic-messages"),
        Export("costs", _costs, "anthropic-cost-report"),
        Export("claude-code", _claude_code, "claude-code-analytics"),
    ),
    restated=35,
    options={},
)
