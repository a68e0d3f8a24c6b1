"""GitHub Copilot: what it cost day by day, and the metrics of its users.

Metrics come as links to files, up to three days late, and for an enterprise alone. Source: GitHub,
REST "Billing usage" and "Copilot usage metrics"; source formats note, 2.3 and 2.4.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from metering.connectors.caller import Caller
from metering.connectors.contract import Answer, Connector, Days, Export, Parameter
from metering.errors import PullError

_NAME: Final = "github-copilot"


def _headers(secret: str) -> Mapping[str, str]:
    return {
        "Authorization": f"Bearer {secret}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2026-03-10",
    }


def _costs(caller: Caller, days: Days) -> Iterator[Answer]:
    enterprise = caller.options.get("enterprise")
    entity = (
        f"enterprises/{enterprise}"
        if enterprise
        else f"organizations/{caller.options['organization']}"
    )
    for day in days.each():
        asked: dict[str, Parameter] = {"year": day.year, "month": day.month, "day": day.day}
        yield caller.get(f"/{entity}/settings/billing/ai_credit/usage", asked, {})


def _metrics(caller: Caller, days: Days) -> Iterator[Answer]:
    enterprise = caller.options["enterprise"]
    for day in days.each():
        path = f"/enterprises/{enterprise}/copilot/metrics/reports/users-1-day"
        links = caller.get(path, {"day": day.isoformat()}, {}).members.get("download_links")
        if not isinstance(links, list) or not all(isinstance(link, str) for link in links):
            raise PullError(
                _NAME,
                "bad-answer",
                f"what {path} answers cannot be used: it has no download_links",
                do="pull again later",
            )
        for link in links:
            yield caller.download(link)


GITHUB_COPILOT: Final = Connector(
    name=_NAME,
    base_url="https://api.github.com",
    key_from="GITHUB_BILLING_TOKEN",
    asks="a token of a billing manager or owner that may read billing and Copilot metrics",
    headers=_headers,
    exports=(
        Export("ai-credits", _costs, "copilot-usage-api"),
        Export("metrics", _metrics, "copilot-metrics", delay=3, needs="enterprise"),
    ),
    restated=10,
    options={
        "organization": "the organization that is billed",
        "enterprise": "the enterprise that is billed, if it is one; metrics come with it",
    },
    required=("organization", "enterprise"),
)
