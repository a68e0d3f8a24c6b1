"""What Anthropic's analytics reports have in common: measures, amounts, dimensions, freshness.

They cover an organization of the Console or of Claude Enterprise. Amounts are fractions of cents in
text, after discounts and before credits. A user is counted in every group of theirs, so a report by
group adds up to more than was used: its rows are refused.

Usage is `detail` on the scope of everything: when an organization has no other source, it may be
promoted, and then clashes with every other metered source of the account. Costs are `cost`: two
pulls of a day are two versions of one report, however they are grouped, and are never added.

Source: Anthropic's documentation "Analytics APIs" and "Usage and Cost Analytics API", as excerpted
in the source formats note, sections 2.5 and 2.6, read 2026-11-21; its Python and Ruby SDKs for the
actors, read 2026-11-22.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.ingest.contract import Reading, Slice
from metering.ingest.formats.anthropic_pages import cache_writes, searches, tier_cells
from metering.ingest.shapes.buckets import Span
from metering.ingest.shapes.pages import Row
from metering.ingest.shapes.records import canonical, given, metered, reported
from metering.ingest.values.amounts import CENTS, dollars, text_amount
from metering.ingest.values.fields import FieldRefused, Fields, as_found

if TYPE_CHECKING:
    from datetime import datetime

USAGE_SCOPE: Final = "*"
COST_SCOPE: Final = "costs"

_GROUPS: Final = "rbac_group_id"
_TAGS: Final = (
    "agent_id",
    "claude_tag_category",
    "claude_tag_user_id",
    "cost_type",
    "deployment_id",
    "environment_id",
    "session_id",
    "slack_channel_id",
    "token_type",
    "user_profile_id",
)
_DIMENSIONS: Final = (
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


def day_of(row: Fields) -> Span:
    """Return the day of a row that names its own time.

    Such a report has no empty rows: of an hour without a row nobody can say whether it was quiet
    or left out, and of a range of days nobody can say which day it belongs to.

    Raises:
        FieldRefused: a bound is no instant, or `not-a-day-bucket`.
    """
    start, end = row.instant("starting_at"), row.instant("ending_at")
    day = Span.of_day(start.date())
    if (start, end) != (day.start, day.end):
        raise FieldRefused(
            "not-a-day-bucket",
            "ending_at",
            f"'{end:%Y-%m-%dT%H:%M:%SZ}'",
            f"the end of the day that starts at starting_at, '{start:%Y-%m-%dT%H:%M:%SZ}'",
            "pull the report in buckets of one day",
        )
    return day


def usage_cells(usage: Fields) -> dict[str, object]:
    """Return the meters of a row; the fields are disjoint as they stand.

    Raises:
        FieldRefused: a count is left out, or is none.
    """
    tools = usage.part_if_any("server_tool_use")
    return {
        "requests": usage.whole_number_if_any("requests"),
        **metered(
            {
                Meter.INPUT_UNCACHED: usage.whole_number("uncached_input_tokens"),
                Meter.CACHE_READ: usage.whole_number("cache_read_input_tokens"),
                **cache_writes(usage),
                Meter.OUTPUT: usage.whole_number("output_tokens"),
                Meter.WEB_SEARCH: searches(tools) if tools.values else 0,
            }
        ),
    }


def cost_cells(cost: Fields) -> dict[str, object]:
    """Return what a row cost.

    Raises:
        FieldRefused: an amount is none, or not in cents of the dollar.
    """
    currency = dollars(cost, "currency")
    return {
        "requests": cost.whole_number_if_any("requests"),
        **reported(text_amount(cost, "amount", per_unit=CENTS), currency, "billed"),
    }


def list_amount_tag(cost: Fields) -> dict[str, str | None]:
    """Return the price before discounts, in cents as the source spells it, as a tag."""
    return {"list_amount_cents": cost.decimal_text_if_any("list_amount")}


def dimension_cells(group: Fields, tags: Mapping[str, str | None]) -> dict[str, object]:
    """Return the cells of a row's dimensions.

    Args:
        group: the object that holds them.
        tags: further tags.

    Raises:
        FieldRefused: `overlapping-groups`, or a dimension is no text.
    """
    if group.text_if_any(_GROUPS) is not None:
        raise FieldRefused(
            "overlapping-groups",
            group.within + _GROUPS,
            as_found(group.values[_GROUPS]),
            "a report without groups: a user in two groups is counted in both",
            "pull the report without rbac_group_id in group_by",
        )
    return {
        "provider": "anthropic",
        "platform": "anthropic-api",
        "product": group.text_if_any("product") or "api",
        "model_raw": group.text_if_any("model"),
        **tier_cells(group),
        "speed": group.text_if_any("speed"),
        "context_window": group.text_if_any("context_window"),
        "conditions": canonical({"inference_geo": group.text_if_any("inference_geo")}),
        "api_key": group.text_if_any("api_key_id"),
        "workspace": group.text_if_any("workspace_id"),
        "tags": given({**{tag: group.text_if_any(tag) for tag in _TAGS}, **tags}),
    }


def actor_cells(actor: Fields, api_key: object) -> dict[str, object]:
    """Return whom a row is attributed to: a person, a service account, or a key by itself.

    A person who left keeps the id, and may have no address any more.

    Args:
        actor: the object that says who it was; without members where nothing does.
        api_key: what the row's own dimension says, which stands above the actor's.
    """
    who = actor.text_if_any("user_id") or actor.text_if_any("service_account_id")
    return {"principal": who, "api_key": api_key or actor.text_if_any("api_key_id")}


def actor_tags(actor: Fields) -> dict[str, str | None]:
    """Return the address of an actor who is a person, and of which kind an actor is, as tags."""
    address = actor.text_if_any("email_address") or actor.text_if_any("email")
    return {"email": address, "actor_type": actor.text_if_any("type")}


def dimensions(groups: Iterable[Row]) -> list[str]:
    """Return the dimensions for which any row has a value: what the pull groups by."""
    rows = list(groups)
    return [name for name in _DIMENSIONS if any(row.member(name) is not None for row in rows)]


def as_of(pages: Iterable[Mapping[str, object]]) -> str:
    """Return the instant to which every page of a pull is fresh; "" where one does not say."""
    fresh: list[datetime] = []
    for page in pages:
        try:
            fresh.append(Fields(page).instant("data_refreshed_at"))
        except FieldRefused:
            return ""
    return min(fresh).strftime("%Y-%m-%dT%H:%M:%SZ") if fresh else ""


def dated(slices: Iterable[Slice], fresh: str) -> Iterator[Reading]:
    """Yield slices that say to which instant they are complete."""
    for piece in slices:
        yield replace(piece, as_of=fresh)
