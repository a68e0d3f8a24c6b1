"""Cursor's Admin API: usage events of a team, daily usage, and what of the code AI wrote.

The bounds of a query are inclusive milliseconds, and a query spans 30 days at most. Source: Cursor,
"Admin API" and "AI Code Tracking API"; source formats note, 1.1, 1.3 and 1.5.
"""

import base64
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from metering.connectors.caller import Caller
from metering.connectors.contract import Answer, Connector, Days, Export, Pages, Parameter

_ROWS: Final = 1000
_LONGEST: Final = timedelta(days=29)  # between the first and the last day of a query


def _headers(secret: str) -> Mapping[str, str]:
    pair = base64.b64encode(f"{secret}:".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def _asked(days: Days) -> dict[str, int]:
    return {
        "startDate": int(days.start.timestamp()) * 1000,
        "endDate": int(days.end.timestamp()) * 1000 - 1,
    }


def _queries(days: Days) -> Iterator[Days]:
    first = days.first
    while first <= days.last:
        last = min(days.last, first + _LONGEST)
        yield Days(first, last)
        first = last + timedelta(days=1)


def _posted(path: str) -> Pages:
    def pages(caller: Caller, days: Days) -> Iterator[Answer]:
        for query in _queries(days):
            number, more = 1, True
            while more:
                body = {**_asked(query), "page": number, "pageSize": _ROWS}
                answer = caller.post(path, body)
                yield answer
                more = _has_next(answer.members.get("pagination"), number)
                number += 1

    return pages


def _has_next(pagination: Any, number: int) -> bool:
    if not isinstance(pagination, Mapping):
        return False
    if "hasNextPage" in pagination:
        return pagination["hasNextPage"] is True
    pages = pagination.get("numPages", pagination.get("totalPages"))
    return isinstance(pages, int) and number < pages


def _ai_code(kind: str) -> Pages:
    def pages(caller: Caller, days: Days) -> Iterator[Answer]:
        for query in _queries(days):
            number, read, total = 1, 0, 1
            while read < total:
                asked: dict[str, Parameter] = {
                    "startDate": query.first.isoformat(),
                    "endDate": query.last.isoformat(),
                    "page": number,
                    "pageSize": _ROWS,
                }
                answer = caller.get(f"/analytics/ai-code/{kind}", asked, {})
                yield answer
                items, count = answer.members.get("items"), answer.members.get("totalCount")
                if not items or not isinstance(count, int):
                    break
                read, total, number = read + len(items), count, number + 1

    return pages


CURSOR: Final = Connector(
    name="cursor",
    base_url="https://api.cursor.com",
    key_from="CURSOR_ADMIN_KEY",
    asks="an Admin API key of the team; admins make it in the dashboard",
    headers=_headers,
    exports=(
        Export("usage-events", _posted("/teams/filtered-usage-events"), "cursor-usage-events"),
        Export("daily-usage", _posted("/teams/daily-usage-data"), "cursor-daily-usage"),
        Export("ai-code-commits", _ai_code("commits"), "cursor-ai-code", needs="ai_code"),
    ),
    restated=7,
    options={"ai_code": '"yes": AI code tracking too, which is of the enterprise plan'},
)
