"""OpenAI: pages of the organisation's Usage API, one file a month for text, small ones beside."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.sample_company.chance import between
from tests.sample_company.company import (
    ANA_OPENAI_KEY,
    MONTHS,
    MOVES,
    SERVICE_KEYS,
    SHARED_SEARCH,
    Owner,
    days,
    is_workday,
    month_days,
    owner_of_person,
)
from tests.sample_company.tally import Tally, start_of
from tests.sample_company.writing import write_page

_GPT_56_DAY = date(2026, 7, 13)
_RESTATED_DAY = date(2026, 10, 14)
_BATCH_DAY = date(2026, 10, 20)
_FLEX_DAY = date(2026, 10, 22)
_REINDEX_DAY = date(2026, 10, 12)
_EXTRAS_WEEK = (date(2026, 6, 15), date(2026, 6, 19))

# key, project, tokens a request (uncached, cached, output), requests on a workday
_SERVICES = (
    ("key_ledger_api", "proj_payments", "small", (900, 2600, 350), 1900),
    ("key_refunds", "proj_payments", "large", (1400, 5200, 620), 820),
    ("key_helpdesk", "proj_support", "mini", (1100, 3100, 480), 2600),
    ("key_triage", "proj_support", "mini", (700, 900, 90), 3100),
    ("key_campaigns", "proj_growth", "small", (1600, 800, 1250), 900),
    ("key_forecasting", "proj_data", "large", (5200, 9100, 1500), 210),
    (ANA_OPENAI_KEY, "proj_payments", "large", (2600, 21000, 800), 160),
)
_CACHE_WRITERS = frozenset({"gpt-5.6-luna", "gpt-5.6-sol"})

# How the costs report calls what it charges for.
_LINE_ITEMS = {
    "input_uncached": "input",
    "cache_read": "cached input",
    "cache_write": "cache write",
    "output": "output",
}

Result = dict[str, object]
Bucket = dict[str, object]


@dataclass(frozen=True, slots=True)
class _Group:
    """One combination of the dimensions that the report is grouped by."""

    project: str
    key: str
    model: str
    user: str | None = None
    batch: bool = False
    tier: str = "default"


def write_openai(folder: Path, tally: Tally) -> None:
    """Write every page below `folder` and add what they hold to `tally`."""
    for month in MONTHS:
        buckets = [_bucket(day, _completions(day, tally)) for day in month_days(month)]
        _write(folder / f"completions-{month}.json", buckets, tally)
    _write_first_export_of_october(folder, tally)
    for month in MONTHS:
        _write_embeddings(folder, month, tally)
    _write_speech(folder, tally)
    _write_without_rates(folder, tally)
    _write_costs(folder, "2026-10", tally)


def _model(size: str, day: date) -> str:
    if size == "mini":
        return "gpt-5.4-mini"
    if day < _GPT_56_DAY:
        return "gpt-5.4" if size == "large" else "gpt-5.4-mini"
    return "gpt-5.6-sol" if size == "large" else "gpt-5.6-luna"


def _completions(day: date, tally: Tally | None, *, early: bool = False) -> list[Result]:
    """Return the results of one day; `early` is how the day looked before it was restated."""
    results = []
    for key, project, size, per_request, busy in _SERVICES:
        if key == ANA_OPENAI_KEY and not is_workday(day):
            continue
        model = _model(size, day)
        requests = _requests(key, busy, day)
        if early and key == "key_helpdesk" and day == _RESTATED_DAY:
            requests = requests * 11 // 20  # the afternoon had not been counted yet
        meters = _meters(model, key, day, per_request, requests)
        owner = owner_of_person(MOVES, day) if key == ANA_OPENAI_KEY else SERVICE_KEYS[key]
        user = "user-AnaMarek01" if key == ANA_OPENAI_KEY else None
        results.append(_completion(_Group(project, key, model, user), meters, requests))
        if tally is not None:
            tally.add("openai", model, start_of(day), meters, owner=owner)
    results.extend(_discounted(day, tally))
    return results


def _requests(key: str, busy: int, day: date) -> int:
    months_in = (day.year - 2026) * 12 + day.month - 5
    grown = busy + busy * months_in * 6 // 100
    wanted = grown if is_workday(day) else grown // 6
    return between(wanted * 85 // 100, wanted * 115 // 100, "requests", key, day)


def _meters(
    model: str, key: str, day: date, per_request: Sequence[int], requests: int
) -> dict[str, int]:
    uncached, cached, output = (
        size * requests + between(0, size * 9, key, day, place)
        for place, size in enumerate(per_request)
    )
    written = 0
    if model in _CACHE_WRITERS:
        written = uncached * between(8, 14, "cache writes", key, day) // 100
        uncached -= written
    return {
        "input_uncached": uncached,
        "cache_read": cached,
        "cache_write": written,
        "output": output,
    }


def _discounted(day: date, tally: Tally | None) -> list[Result]:
    """Return the batch and the flex work, each done on one day of October."""
    if day not in (_BATCH_DAY, _FLEX_DAY):
        return []
    batch = day == _BATCH_DAY
    group = (
        _Group("proj_data", "key_forecasting", "gpt-5.4-mini", batch=True)
        if batch
        else _Group("proj_support", "key_triage", "gpt-5.4-mini", tier="flex")
    )
    requests = 4200 if batch else 1300
    sizes = (6100, 1900, 700)
    meters = _meters(group.model, f"{group.key} discounted", day, sizes, requests)
    if tally is not None:
        tally.add(
            "openai",
            group.model,
            start_of(day),
            meters,
            owner=SERVICE_KEYS[group.key],
            condition="batch" if batch else "flex",
        )
    return [_completion(group, meters, requests)]


def _completion(group: _Group, meters: Mapping[str, int], requests: int) -> Result:
    uncached, cached = meters["input_uncached"], meters["cache_read"]
    written, output = meters["cache_write"], meters["output"]
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": uncached + cached + written,
        "input_cached_tokens": cached,
        "input_cache_write_tokens": written,
        "input_uncached_tokens": uncached,
        "input_text_tokens": uncached,
        "input_audio_tokens": 0,
        "input_image_tokens": 0,
        "input_cached_text_tokens": cached,
        "input_cached_audio_tokens": 0,
        "input_cached_image_tokens": 0,
        "output_tokens": output,
        "output_text_tokens": output,
        "output_audio_tokens": 0,
        "output_image_tokens": 0,
        "num_model_requests": requests,
        "project_id": group.project,
        "user_id": group.user,
        "api_key_id": group.key,
        "model": group.model,
        "batch": group.batch,
        "service_tier": group.tier,
    }


def _write_first_export_of_october(folder: Path, tally: Tally) -> None:
    # Fetched on the 14th, before that day was over: the export of the whole month supersedes it.
    first_half = [day for day in month_days("2026-10") if day <= _RESTATED_DAY]
    buckets = [_bucket(day, _completions(day, None, early=True)) for day in first_half]
    _write(folder / "completions-2026-10-01-to-14.json", buckets, tally)


def _write_embeddings(folder: Path, month: str, tally: Tally) -> None:
    buckets = []
    for day in month_days(month):
        tokens = between(8_000_000, 30_000_000, "embeddings", day) if day.weekday() == 0 else 0
        if month == "2026-10":
            # One rebuild of the index and nothing else: USD 10.00, which three cannot share.
            tokens = 500_000_000 if day == _REINDEX_DAY else 0
        results: list[Result] = []
        if tokens:
            key, model = "key_search_index", "text-embedding-3-small"
            counts = {"input_tokens": tokens, "num_model_requests": tokens // 4000}
            results = [_other("embeddings", counts, "proj_search", key, model)]
            meters = {"input_uncached": tokens}
            tally.add("openai", model, start_of(day), meters, owner=SHARED_SEARCH)
        buckets.append(_bucket(day, results))
    _write(folder / f"embeddings-{month}.json", buckets, tally)


def _write_speech(folder: Path, tally: Tally) -> None:
    week = days(*_EXTRAS_WEEK)
    support, growth = Owner("support", "helpdesk"), Owner("growth", "campaigns")
    spoken, heard, checked = [], [], []
    for day in week:
        characters = between(40_000, 90_000, "speech", day)
        counts = {"characters": characters, "num_model_requests": characters // 900}
        result = _other("audio_speeches", counts, "proj_growth", "key_campaigns", "tts-1")
        spoken.append(_bucket(day, [result]))
        tally.add("openai", "tts-1", start_of(day), {"character": characters}, owner=growth)

        seconds = between(3_000, 9_000, "transcripts", day)
        counts = {"seconds": seconds, "num_model_requests": seconds // 120}
        keyed = ("proj_support", "key_helpdesk", "whisper-1")
        heard.append(_bucket(day, [_other("audio_transcriptions", counts, *keyed)]))
        tally.add("openai", "whisper-1", start_of(day), {"audio_second": seconds}, owner=support)

        tokens = between(90_000, 200_000, "moderation", day)
        counts = {"input_tokens": tokens, "num_model_requests": tokens // 300}
        keyed = ("proj_support", "key_helpdesk", "omni-moderation-latest")
        checked.append(_bucket(day, [_other("moderations", counts, *keyed)]))
        meters = {"input_uncached": tokens}
        tally.add("openai", "omni-moderation-latest", start_of(day), meters, owner=support)
    _write(folder / "audio-speeches-2026-06.json", spoken, tally)
    _write(folder / "audio-transcriptions-2026-06.json", heard, tally)
    _write(folder / "moderations-2026-06.json", checked, tally)


def _write_without_rates(folder: Path, tally: Tally) -> None:
    """Write what is stored and run, and two kinds of usage that its list has no price for."""
    drawn, stored, run = [], [], []
    for day in days(*_EXTRAS_WEEK):
        images = between(12, 40, "images", day)
        counts = {"images": images, "num_model_requests": images}
        result = _other("images", counts, "proj_growth", "key_campaigns", "gpt-image-1")
        result |= {"size": "1024x1024", "source": "image.generation"}
        drawn.append(_bucket(day, [result]))
        tally.add("openai", "gpt-image-1", start_of(day), {"image": images}, owner=None)

        size = between(310_000_000, 320_000_000, "vector store", day)
        result = _other("vector_stores", {"usage_bytes": size}, "proj_search")
        stored.append(_bucket(day, [result]))
        meters = {"vector_store_byte_day": size}
        amount = tally.add("openai", "vector store", start_of(day), meters, owner=SHARED_SEARCH)
        tally.allow("openai", start_of(day), amount, owner=SHARED_SEARCH)

        sessions = between(3, 9, "sessions", day)
        result = _other("code_interpreter_sessions", {"num_sessions": sessions}, "proj_data")
        run.append(_bucket(day, [result]))
        meters = {"code_interpreter_session": sessions}
        tally.add("openai", "", start_of(day), meters, owner=None)
    _write(folder / "images-2026-06.json", drawn, tally)
    _write(folder / "vector-stores-2026-06.json", stored, tally)
    _write(folder / "code-interpreter-sessions-2026-06.json", run, tally)


def _write_costs(folder: Path, month: str, tally: Tally) -> None:
    """Write the provider's own costs of a month, as the floating-point numbers it sends."""
    buckets = []
    for day in month_days(month):
        rows: list[Result] = [
            {
                "object": "organization.costs.result",
                "amount": {"value": float(amount), "currency": "usd"},
                "line_item": f"{model}, {_LINE_ITEMS[meter]}",
                "project_id": None,
            }
            for (provider, at, model, meter), amount in sorted(tally.items.items())
            if provider == "openai" and at == day and amount
        ]
        buckets.append(_bucket(day, rows))
    _write(folder / f"costs-{month}.json", buckets, tally)


def _other(
    endpoint: str, counts: Mapping[str, int], project: str, key: str = "", model: str = ""
) -> Result:
    result: Result = {"object": f"organization.usage.{endpoint}.result", **counts}
    result["project_id"] = project
    if key:
        result |= {"user_id": None, "api_key_id": key, "model": model}
    return result


def _bucket(day: date, results: list[Result]) -> Bucket:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    end = start + timedelta(days=1)
    return {
        "object": "bucket",
        "start_time": int(start.timestamp()),
        "end_time": int(end.timestamp()),
        "results": results,
    }


def _write(path: Path, buckets: Iterable[Bucket], tally: Tally) -> None:
    data = list(buckets)
    write_page(path, {"object": "page", "data": data, "has_more": False, "next_page": None})
    count = sum(len(results) for b in data if isinstance(results := b["results"], list))
    tally.records[f"usage/openai/{path.name}"] = count
