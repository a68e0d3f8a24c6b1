"""What the pages of Anthropic's reports have in common: bounds of buckets, workspaces, tiers."""

from collections.abc import Sequence
from typing import Final

from metering.core.meters import Meter
from metering.ingest.shapes.buckets import Span
from metering.ingest.shapes.pages import Page
from metering.ingest.values.fields import Fields

DEFAULT_WORKSPACE: Final = "default"

_LIFETIMES: Final = {
    "ephemeral_5m_input_tokens": Meter.CACHE_WRITE_5M,
    "ephemeral_1h_input_tokens": Meter.CACHE_WRITE_1H,
}
_SEARCHES, _FETCHES = "web_search_requests", "web_fetch_requests"

# The keys of the analytics reports that the reports of the Console's API do not have.
ANALYTICS_KEYS: Final = dict.fromkeys(
    (
        "actor",
        "data_refreshed_at",
        "group",
        "organization_id",
        "product",
        "rbac_group_id",
        "slack_channel_id",
    ),
    "the analytics reports",
)


def span_of(bucket: Fields) -> Span:
    """Return when a bucket was.

    Raises:
        FieldRefused: a bound is no instant, or they bound no bucket.
    """
    return Span.of(bucket.instant("starting_at"), bucket.instant("ending_at"), field="ending_at")


def is_ever_given(pages: Sequence[Page], name: str) -> bool:
    """Return whether any row has a value for a dimension: whether the pull groups by it."""
    return any(row.member(name) is not None for page in pages for row in page.rows())


def default_workspace(pages: Sequence[Page]) -> str | None:
    """Return the workspace of rows that name none.

    A null workspace is the default one, which somebody owns, if the pull groups by workspace.
    """
    return DEFAULT_WORKSPACE if is_ever_given(pages, "workspace_id") else None


def cache_writes(row: Fields) -> dict[Meter, int]:
    """Return what was written to the cache, by how long it lives.

    Raises:
        FieldRefused: a count is left out, or is none; `unknown-value` for a lifetime that nobody
            has documented: what it costs is in no other field.
    """
    written = row.part("cache_creation")
    written.refuse_other_counts(_LIFETIMES)
    return {meter: written.whole_number(name) for name, meter in _LIFETIMES.items()}


def searches(tools: Fields) -> int:
    """Return how often the web was searched; to fetch from it is free.

    Raises:
        FieldRefused: the count is none, or left out of tools that have others; `unknown-value` for
            a tool that nobody has documented.
    """
    tools.refuse_other_counts((_SEARCHES, _FETCHES))
    return tools.whole_number(_SEARCHES)


def tier_cells(row: Fields) -> dict[str, object]:
    """Return tier and processing: batch is how work was processed, and excludes every tier."""
    tier = row.text_if_any("service_tier")
    if tier == "batch":
        return {"service_tier": None, "processing": "batch"}
    return {"service_tier": tier, "processing": None}
