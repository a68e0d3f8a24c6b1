"""GitHub's Copilot usage metrics: what each user did on each day, as JSON Lines.

`ai_credits_used` is for the analysis of consumption and not what is invoiced: it is kept as a list
amount, at a cent a credit. Tokens are counted for the command line alone, and whether prompts
include cached tokens is not documented. Reports of 28 days overlap and come in several files; a
user's day is one fact, however often it comes, and its largest count is the final one. Totals of an
enterprise, organization or repository count the same work again, and are noise.

Source: source formats note, section 2.4, read 2026-11-21.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk import tags as bulk_tags
from metering.ingest.bulk.checks import AMOUNT, WHOLE, missing, readable, texts_without_nul
from metering.ingest.bulk.layout import Check, Fields, Layout, instant, nanos, whole_number
from metering.ingest.bulk.layout import text as said
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_keys

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_FIELDS: Final[Fields] = {
    "day": "VARCHAR",
    "enterprise_id": "VARCHAR",
    "organization_id": "VARCHAR",
    "user_id": "VARCHAR",
    "user_login": "VARCHAR",
    "ai_credits_used": "JSON",
    "totals_by_cli": {
        "request_count": "JSON",
        "token_usage": {"output_tokens_sum": "JSON", "prompt_tokens_sum": "JSON"},
    },
}
_COUNTS: Final = {
    "request": "totals_by_cli.request_count",
    "prompt": "totals_by_cli.token_usage.prompt_tokens_sum",
    "output": "totals_by_cli.token_usage.output_tokens_sum",
}
_TEXTS: Final = ("enterprise_id", "organization_id", "user_id", "user_login")
_DAY: Final = "a day as YYYY-MM-DD, from 2000 to 2099"

_LAYOUT: Final = Layout(
    fields=_FIELDS,
    required=(),
    steps=(
        {
            **{
                f"{count}_text": f"nullif(({at})::VARCHAR, 'null')" for count, at in _COUNTS.items()
            },
            "credit_text": "nullif(ai_credits_used::VARCHAR, 'null')",
            "entity": "coalesce(nullif(enterprise_id, ''), nullif(organization_id, ''))",
            "started": instant("day || ' 00:00:00'", zoneless_is_utc=True),
        },
        {
            **{f"{count}_count": whole_number(f"{count}_text") for count in _COUNTS},
            "credit_nanos": nanos("credit_text"),
            "tag_entries": bulk_tags.given(
                {
                    "user_id": "user_id",
                    "cache_split": "CASE WHEN prompt_text IS NOT NULL THEN 'unknown' END",
                }
            ),
        },
    ),
    columns={
        "event_id": "entity || '/' || day || '/' || user_id",
        "start": "started",
        "end": "started + INTERVAL 1 DAY",
        "grain": "'day'",
        "provider": "'github'",
        "platform": "'github-copilot'",
        "product": "'copilot'",
        "principal": said("user_login"),
        "tags": bulk_tags.merged("tag_entries"),
        "requests": "request_count",
        "input_uncached": "prompt_count",
        "output": "output_count",
        # A credit is a cent; half a nano is rounded up.
        "reported_nanos": "(credit_nanos + 50) // 100",
        "reported_currency": "CASE WHEN credit_nanos IS NOT NULL THEN 'USD' END",
        "reported_kind": "CASE WHEN credit_nanos IS NOT NULL THEN 'list' END",
    },
    checks=(
        missing("day", _DAY),
        missing("enterprise_id", "the enterprise or organization that it is of", "entity"),
        *texts_without_nul((text, text) for text in _TEXTS),
        Check(fails="started IS NULL", code="bad-date", field="day", found='"day"', expected=_DAY),
        *(
            readable(at, f"{count}_text", f"{count}_count", "bad-quantity", WHOLE)
            for count, at in _COUNTS.items()
        ),
        readable("ai_credits_used", "credit_text", "credit_nanos", "bad-amount", AMOUNT),
    ),
    noise=(
        "CASE WHEN nullif(user_id, '') IS NULL AND entity IS NOT NULL"
        " THEN 'totals of an entity' END"
    ),
)


class CopilotMetrics:
    """One record per user and day."""

    name = "copilot-metrics"
    version = 1
    role = SourceRole.DETAIL
    identity = Identity.EVENT
    repeat = Repeat.LARGEST
    describes = "GitHub Copilot usage metrics: credits and CLI tokens by user and day (JSON Lines)"
    export = "GET /enterprises/{e}/copilot/metrics/reports/users-1-day?day=…, its download links"
    cannot_tell = "tokens outside the command line; what is invoiced"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the fields that every report of users has."""
        marks = ("day", "user_id", "user_login", "code_generation_activity_count")
        return by_keys(sample, marks, {}, "its lines are metrics of Copilot users")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every day of every user."""
        yield from reader.bulk(path, _LAYOUT)
