"""Pages of OpenAI's organization costs API: what the provider charged, in dollars, day by day.

The provider says that its costs, not its usage, reconcile to the invoice. They are recorded beside
the usage and never charged: they are what usage is tied out against.

`line_item` is text for people, whose words have changed over time: it is kept as it is, and no
model is read out of it. Amounts may be negative. Two pulls of a day are two versions of one report,
however they are grouped: one of them is live, and they are never added.

Source: OpenAI's OpenAPI description of the organization costs endpoint, schema `CostsResult`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats.openai_usage import by_first_result, span_of
from metering.ingest.shapes.buckets import Span, coverage, grouping, partial_day
from metering.ingest.shapes.pages import Row, read_pages, usage_of
from metering.ingest.shapes.records import given, reported
from metering.ingest.values.amounts import currency, number_amount
from metering.ingest.values.fields import FieldRefused, Fields, as_found

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

SCOPE: Final = "costs"

_OBJECT: Final = "organization.costs.result"


class OpenAiCosts:
    """One record per result row, with its amount and without meters."""

    name = "openai-costs"
    version = 1
    role = SourceRole.COST
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "OpenAI costs API pages: dollars by day, project, key and line item"
    export = "GET /v1/organization/costs, every page of a pull in one file"
    cannot_tell = "models, tiers and persons: a line item is a text"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the `object` of the result rows; usage pages have the same envelope."""
        return by_first_result(sample, _OBJECT)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the slices of the file, then its rows in file order."""
        pages = read_pages(path, reader, span_of)
        spans = [located for page in pages for located in page.spans()]
        covered = coverage(spans, str(path))
        yield from covered.slices(SCOPE, grouping([span for span, _ in spans], ()))

        def cells_of(row: Row, span: Span) -> Mapping[str, object]:
            if span.day in covered.partial:
                raise partial_day(span, "start_time")
            return _cells(row.fields)

        yield from usage_of(pages, cells_of)


def _cells(row: Fields) -> Mapping[str, object]:
    if row.values.get("object") != _OBJECT:
        found = as_found(row.values.get("object"))
        raise FieldRefused(
            "unknown-result", "object", found, _OBJECT, "keep usage in files of its own"
        )
    amount = row.part("amount")
    return {
        "provider": "openai",
        "platform": "openai-api",
        "product": "api",
        "api_key": row.text_if_any("api_key_id"),
        "workspace": row.text_if_any("project_id"),
        "tags": given(
            {
                "line_item": row.text_if_any("line_item"),
                "quantity": row.decimal_text_if_any("quantity"),
                "quantity_unit": row.text_if_any("quantity_unit"),
            }
        ),
        **reported(number_amount(amount, "value"), currency(amount, "currency"), "billed"),
    }
