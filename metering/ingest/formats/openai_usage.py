"""Pages of OpenAI's organization usage API: what the API was used for, in buckets of time.

The kind of usage is told by the `object` of each row, which for file and web search differs from
the name of the endpoint. Costs pages have the same envelope and are another format.

Grouping. A dimension is null both where the pull did not group by it and where the usage has none,
so a pull's grouping cannot be read from one row. It is read from the whole file, and only from the
dimensions that every request has: project, model, batch, tier, image source. A user, a key or a
size may be missing for a whole quiet day of a pull that does group by it; counting those would make
two nightly pulls look like two different reports. Two pulls that differ only in such a dimension
are two versions of one report: one of them is live, and they are never added.

Decisions have the fields of completions, and prices of their own: their rows carry the condition
`endpoint`, so that nothing prices them as completions.

Source: OpenAI's OpenAPI description, `UsageResponse` and its result schemas; API reference,
"Decisions", read 2026-11-22.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.ingest.contract import (
    Identity,
    Reading,
    Repeat,
    Sample,
    SourceRole,
    Verdict,
)
from metering.ingest.formats.openai_tokens import completion_meters
from metering.ingest.marks import has_key
from metering.ingest.shapes.buckets import Coverage, Span, coverage, grouping, partial_day
from metering.ingest.shapes.pages import Page, Row, read_pages, usage_of
from metering.ingest.shapes.records import canonical, given, metered
from metering.ingest.values.fields import FieldRefused, Fields, as_found

if TYPE_CHECKING:
    from metering.ingest.readers import Reader


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    """What the rows of one endpoint measure.

    Attributes:
        endpoint: last part of the path; the scope of its slices.
        meters: field to meter; empty for completions, whose tokens are taken apart.
        counts_requests: whether every row says how many requests it sums up.
        has_own_prices: whether a model costs otherwise here than its completions do.
    """

    endpoint: str
    meters: Mapping[str, Meter] = field(default_factory=dict)
    counts_requests: bool = True
    has_own_prices: bool = False


_KINDS: Final[Mapping[str, _Kind]] = {
    "completions": _Kind("completions"),
    "decisions": _Kind("decisions", has_own_prices=True),
    "embeddings": _Kind("embeddings", {"input_tokens": Meter.INPUT_UNCACHED}),
    "moderations": _Kind("moderations", {"input_tokens": Meter.INPUT_UNCACHED}),
    "images": _Kind("images", {"images": Meter.IMAGE}),
    "audio_speeches": _Kind("audio_speeches", {"characters": Meter.CHARACTER}),
    "audio_transcriptions": _Kind("audio_transcriptions", {"seconds": Meter.AUDIO_SECOND}),
    "vector_stores": _Kind(
        "vector_stores", {"usage_bytes": Meter.VECTOR_STORE_BYTE_DAY}, counts_requests=False
    ),
    "code_interpreter_sessions": _Kind(
        "code_interpreter_sessions",
        {"num_sessions": Meter.CODE_INTERPRETER_SESSION},
        counts_requests=False,
    ),
    "file_searches": _Kind(
        "file_search_calls", {"num_requests": Meter.FILE_SEARCH}, counts_requests=False
    ),
    "web_searches": _Kind("web_search_calls", {"num_requests": Meter.WEB_SEARCH}),
}
_PREFIX: Final = "organization.usage."
_BY_OBJECT: Final = {f"{_PREFIX}{name}.result": kind for name, kind in _KINDS.items()}
_TAGS: Final = ("api_source", "source", "vector_store_id")
DIMENSIONS_OF_ALL_USAGE: Final = ("project_id", "model", "batch", "service_tier", "source")


class OpenAiUsage:
    """One record per result row; rows alike in every dimension stand as they are and are summed."""

    name = "openai-usage"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "OpenAI usage API pages: tokens, images, audio, searches, storage by time bucket"
    export = "GET /v1/organization/usage/{completions,embeddings,…}, every page of a pull in a file"
    cannot_tell = "names: projects, users and keys have ids; reasoning; money"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the `object` of the result rows; the envelope alone may hold costs."""
        return by_first_result(sample, _PREFIX)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield the slices of each kind of usage in the file, then its rows in file order."""
        pages = read_pages(path, reader, span_of)
        reports = _reports(pages, str(path))
        for report in reports.values():
            yield from report.coverage.slices(report.kind.endpoint, report.signature)

        def cells_of(row: Row, span: Span) -> Mapping[str, object]:
            kind = _kind_of(row.fields)
            if span.day in reports[kind.endpoint].coverage.partial:
                raise partial_day(span, "start_time")
            return _cells(row.fields, kind, span)

        yield from usage_of(pages, cells_of)


@dataclass(frozen=True, slots=True)
class _Report:
    """What a file says about one kind of usage.

    Attributes:
        coverage: days of the pages that hold rows of this kind.
        signature: canonical text of how the rows are grouped.
    """

    kind: _Kind
    coverage: Coverage
    signature: str


def _reports(pages: Sequence[Page], path: str) -> dict[str, _Report]:
    """Return what the file says about each kind of usage, by endpoint, in order of endpoints.

    A page without rows belongs to the only kind there is; among several it cannot be told whose
    silence it is, so it covers nothing.
    """
    kinds_of_pages = [_kinds_in(page) for page in pages]
    kinds = {kind.endpoint: kind for found in kinds_of_pages for kind in found}
    silent = frozenset(kinds.values()) if len(kinds) == 1 else frozenset()
    reports = {}
    for endpoint, kind in sorted(kinds.items()):
        own = [
            page
            for page, found in zip(pages, kinds_of_pages, strict=True)
            if kind in (found or silent)
        ]
        spans = [located for page in own for located in page.spans()]
        signature = grouping([span for span, _ in spans], _dimensions(own, kind))
        reports[endpoint] = _Report(kind, coverage(spans, path), signature)
    return reports


def _kinds_in(page: Page) -> frozenset[_Kind]:
    objects = {str(row.member("object")) for row in page.rows()}
    return frozenset(_BY_OBJECT[name] for name in objects if name in _BY_OBJECT)


def _dimensions(pages: Sequence[Page], kind: _Kind) -> set[str]:
    rows = [
        row
        for page in pages
        for row in page.rows()
        if _BY_OBJECT.get(str(row.member("object"))) is kind
    ]
    return {
        name
        for name in DIMENSIONS_OF_ALL_USAGE
        if any(row.member(name) is not None for row in rows)
    }


def by_first_result(sample: Sample, expected: str) -> Verdict:
    """Judge pages of buckets by what their first result row says it is.

    Args:
        sample: the head of the file.
        expected: how the `object` of the row begins.
    """
    if sample.head is None:
        return Verdict(matches=False, because="it is not UTF-8 text")
    if not sample.head.lstrip().startswith(("{", "[")):
        return Verdict(matches=False, because="it does not begin with a JSON page")
    if not (has_key(sample.head, "results") and re.search(r'"results"\s*:\s*\[', sample.head)):
        return Verdict(matches=False, because="it has no bucket with a list of results")
    found = re.search(r'"object"\s*:\s*"(organization\.[a-z_.]+)"', sample.head)
    if found is None:
        because = f"no result row says {expected}…: its buckets are empty, or not ours"
        return Verdict(matches=False, because=because)
    return Verdict(matches=found[1].startswith(expected), because=f"its result rows are {found[1]}")


def span_of(bucket: Fields) -> Span:
    """Return when a bucket was, from the fields that have the same names in every OpenAI report.

    Raises:
        FieldRefused: a bound is no instant, or they bound no bucket.
    """
    return Span.of(
        bucket.unix_instant("start_time"), bucket.unix_instant("end_time"), field="end_time"
    )


def _kind_of(row: Fields) -> _Kind:
    kind = _BY_OBJECT.get(str(row.values.get("object")))
    if kind is None:
        raise FieldRefused(
            "unknown-result",
            "object",
            as_found(row.values.get("object")),
            f"{_PREFIX}….result of {', '.join(_KINDS)}",
            "keep costs and other reports in files of their own",
        )
    return kind


def completion_cells(row: Fields, span: Span) -> Mapping[str, object]:
    """Return the cells of a row of completions; the dashboard's export has the same fields.

    Raises:
        FieldRefused: a field is missing, or its value cannot be used.
    """
    return _cells(row, _KINDS["completions"], span)


def _cells(row: Fields, kind: _Kind, span: Span) -> Mapping[str, object]:
    if kind.meters:
        quantities = {meter: row.whole_number(name) for name, meter in kind.meters.items()}
        modality = None
    else:
        tokens = completion_meters(row)
        quantities, modality = tokens.quantities, tokens.modality
    if Meter.VECTOR_STORE_BYTE_DAY in quantities and span.grain != "day":
        raise FieldRefused(
            "not-a-day-bucket",
            "usage_bytes",
            f"for one {span.grain}",
            "a bucket of one day, since stored bytes are billed by the day",
            "pull vector stores with bucket_width=1d",
        )
    return {
        "provider": "openai",
        "platform": "openai-api",
        "product": "api",
        "model_raw": row.text_if_any("model"),
        "service_tier": row.text_if_any("service_tier"),
        "processing": "batch" if row.flag_if_any("batch") else None,
        "conditions": canonical(
            {
                "endpoint": kind.endpoint if kind.has_own_prices else None,
                "modality": modality,
                "resolution": row.text_if_any("size"),
                "search_context": row.text_if_any("context_level"),
            }
        ),
        "api_key": row.text_if_any("api_key_id"),
        "workspace": row.text_if_any("project_id"),
        "principal": row.text_if_any("user_id"),
        "tags": given({tag: row.text_if_any(tag) for tag in _TAGS}),
        "requests": row.whole_number("num_model_requests") if kind.counts_requests else None,
        **metered(quantities),
    }
