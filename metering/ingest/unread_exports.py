"""Exports that are known and not read: what they are, why, and what to export in their place.

They look like formats that are read, so that "no ingestor recognises it" would set their reader
searching for a mistake in the file. Each is told by names that no format in use has together.

Source: source formats notes (OpenAI 1.3, Cursor 1.4, Copilot 2.2, xAI 3.1, LiteLLM 4.1), read on
2026-11-21.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from metering.ingest.contract import Sample
from metering.ingest.marks import columns_of, has_key


@dataclass(frozen=True, slots=True)
class UnreadExport:
    """One export that is not read.

    Attributes:
        name: what it is, with its article.
        because: why nothing could be charged by it.
        instead: what says the same and is read.
        is_it: whether a sample is of it; asked only where no ingestor claims the file.
    """

    name: str
    because: str
    instead: str
    is_it: Callable[[Sample], bool]


def unread_export(sample: Sample) -> UnreadExport | None:
    """Return which known export a file is that no ingestor reads; None for anything else."""
    return next((export for export in _EXPORTS if export.is_it(sample)), None)


def _has_keys(*keys: str) -> Callable[[Sample], bool]:
    def is_it(sample: Sample) -> bool:
        head = sample.head or ""
        return head.lstrip().startswith(("{", "[")) and all(has_key(head, key) for key in keys)

    return is_it


def _is_other_activity(sample: Sample) -> bool:
    """Return whether it is activity of another capability; the cost export has the same times."""
    times = ("start_time", "end_time", "start_time_iso", "end_time_iso")
    return tuple(columns_of(sample)[: len(times)]) == times and not {
        "amount_value",
        "output_tokens",
    }.intersection(columns_of(sample))


def _is_older_premium_requests(sample: Sample) -> bool:
    return {"Requests Used", "Exceeds Monthly Quota"}.issubset(columns_of(sample))


_EXPORTS: Final = (
    UnreadExport(
        "OpenAI's activity export of something other than completions",
        "what its columns count is not documented",
        "ask the usage API, which is: metering pull openai",
        _is_other_activity,
    ),
    UnreadExport(
        "LiteLLM's daily activity",
        "it breaks a day down by several things that overlap, so that no sum of them is the day",
        "export the spend logs, /spend/logs with summarize=false, a row for each request",
        _has_keys("results", "breakdown", "metrics", "api_requests"),
    ),
    UnreadExport(
        "an answer of xAI's usage API without its request",
        "the request alone says what its values and groups are, and how long a bucket is",
        "save the request beside each answer, as analyticsRequest: metering pull xai does so",
        _has_keys("timeSeries", "dataPoints", "limitReached"),
    ),
    UnreadExport(
        "GitHub's older report of premium requests",
        "it counts requests without saying what they cost, and ends in November 2025",
        "export the premium request usage report, or the AI usage report, for those days",
        _is_older_premium_requests,
    ),
    UnreadExport(
        "Cursor's pooled usage",
        "it says what is left of the pool and nothing of the days on which it was used",
        "ask for the usage events of the organisation: /organizations/filtered-usage-events",
        _has_keys("pool", "usedCents", "limitCents"),
    ),
)
