"""OpenRouter's activity: the last 30 completed days, by model and endpoint.

A missed month is lost. Source: OpenRouter, "Get user activity"; source formats note, 3.5.
"""

from collections.abc import Iterator
from typing import Final

from metering.connectors.caller import Caller
from metering.connectors.contract import Answer, Connector, Days, Export, Parameter, bearer


def _activity(caller: Caller, days: Days) -> Iterator[Answer]:
    for day in days.each():
        asked: dict[str, Parameter] = {"date": day.isoformat(), "group_by": "workspace"}
        yield caller.get("/activity", asked, {})


OPENROUTER: Final = Connector(
    name="openrouter",
    base_url="https://openrouter.ai/api/v1",
    key_from="OPENROUTER_MANAGEMENT_KEY",
    asks="a management key",
    headers=bearer,
    exports=(Export("activity", _activity, "openrouter-activity"),),
    restated=29,
    options={},
)
