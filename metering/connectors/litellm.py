"""Spend logs of a company's own LiteLLM proxy, a day at a time.

Source: LiteLLM, "Spend Tracking"; source formats note, 4.1.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from metering.connectors.caller import Caller
from metering.connectors.contract import Answer, Connector, Days, Export, Parameter, bearer


def _logs(caller: Caller, days: Days) -> Iterator[Answer]:
    for day in days.each():
        # Whether the last day is part of the answer depends on the version: a request has an id,
        # and is taken once however often it comes.
        asked: dict[str, Parameter] = {
            "start_date": day.isoformat(),
            "end_date": (day + timedelta(days=1)).isoformat(),
            "summarize": "false",
        }
        yield caller.get("/spend/logs", asked, {})


LITELLM: Final = Connector(
    name="litellm",
    base_url="http://localhost:4000",
    key_from="LITELLM_MASTER_KEY",
    asks="the master key, or a key of a proxy admin",
    headers=bearer,
    exports=(Export("spend-logs", _logs, "litellm-spend-logs", by_day=True),),
    restated=2,
    options={},
    required=("base_url",),
)
