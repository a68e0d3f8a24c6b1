"""xAI's management API: what a team's keys cost day by day.

An answer does not say what was asked, and is no use without: the request is saved in it. Source:
xAI's protocol buffers `billing.proto`; source formats note, 3.1.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from metering.connectors.caller import Caller
from metering.connectors.contract import Answer, Connector, Days, Export, bearer


def _usage(caller: Caller, days: Days) -> Iterator[Answer]:
    asked = {
        "timeRange": {
            "startTime": f"{days.start:%Y-%m-%d %H:%M:%S}",
            "endTime": f"{days.end:%Y-%m-%d %H:%M:%S}",
            "timezone": "Etc/GMT",
        },
        "timeUnit": "TIME_UNIT_DAY",
        "values": [{"name": "usd", "aggregation": "AGGREGATION_SUM"}],
        "groupBy": ["api_key_id"],
        "filters": [],
    }
    answer = caller.post(
        f"/v1/billing/teams/{caller.options['team']}/usage", {"analyticsRequest": asked}
    )
    # Put beside the answer's own members, of which no byte is written again.
    rest = answer.body.lstrip()[1:].lstrip()
    comma = b"" if rest.startswith(b"}") else b","
    request = json.dumps(asked).encode()
    yield replace(answer, body=b'{"analyticsRequest":' + request + comma + rest)


XAI: Final = Connector(
    name="xai",
    base_url="https://management-api.x.ai",
    key_from="XAI_MANAGEMENT_KEY",
    asks="a management key; keys for inference are refused",
    headers=bearer,
    exports=(Export("usage", _usage, "xai-usage"),),
    restated=7,
    options={"team": "the id of the team"},
    required=("team",),
)
