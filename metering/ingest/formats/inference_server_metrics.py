"""Counters of own inference servers: vLLM, SGLang and NVIDIA NIM, as Prometheus text.

The rules, from the source formats note (section 5.1, read 2026-11-21):

* A snapshot says what was counted since the process started. What is used is the difference between
  snapshots of one server, taken apart by hours; where a counter falls or the process has another
  start, it began again at 0.
* The first snapshot of a counter in a file is where counting begins, unless its process started in
  the same hour: so begin a file with the last snapshots of the file before, or append to one file.
  Of two files that know the same hour, the one that knows more of it counts.
* The prompt includes what came from the cache. Older versions of vLLM lack that counter; then the
  hits of its prefix cache, in tokens, are it.
* Large counters are written with few digits, and their differences are as rough.
* The servers know no users and no keys: who used them, only the logs of a gateway tell.

The role is `metered`: what ran on own capacity is nobody else's bill. It costs nothing until a rate
card of the house prices provider `own` on platform `own-capacity`, and is unpriced until then, in
the open. Where a gateway's log or the servers' own usage log is metered for the same account and
day, one of the two has to be set to `detail`.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.errors import Rejection
from metering.ingest.contract import Identity, Repeat, Sample, SourceRole, Verdict
from metering.ingest.contract import Reading as IngestReading
from metering.ingest.shapes import prometheus
from metering.ingest.shapes.prometheus import Asked, Reading, Snapshots
from metering.ingest.shapes.records import metered, readings

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_PROMPT: Final = "prompt"
_CACHED: Final = "cached"
_HITS: Final = "hits"
_OUTPUT: Final = "output"
_SUCCEEDED: Final = "succeeded"
_FAILED: Final = "failed"
# What each counter counts; NIM writes the names of vLLM without a prefix.
_COUNTERS: Final = {
    "vllm:prompt_tokens_total": _PROMPT,
    "vllm:prompt_tokens_cached_total": _CACHED,
    "vllm:prefix_cache_hits_total": _HITS,
    "vllm:generation_tokens_total": _OUTPUT,
    "vllm:request_success_total": _SUCCEEDED,
    "sglang:prompt_tokens_total": _PROMPT,
    "sglang:cached_tokens_total": _CACHED,
    "sglang:generation_tokens_total": _OUTPUT,
    "prompt_tokens_total": _PROMPT,
    "generation_tokens_total": _OUTPUT,
    "request_success_total": _SUCCEEDED,
    "request_failure_total": _FAILED,
}
_TELLING: Final = tuple(name for name, kind in _COUNTERS.items() if kind == _PROMPT)
_BEGINNINGS: Final = tuple(f"{name}{after}" for name in _TELLING for after in "{ ")
_MODEL: Final = "model_name"
# Labels that part one counter of a server into several, which are added up.
_PARTS: Final = frozenset({"finished_reason", "le"})
_HOUR: Final = timedelta(hours=1)
_INSTANT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Place:
    """Whose usage it is, and in which hour.

    Attributes:
        instance: the server.
        labels: model, engine and whatever else the server says of itself.
        hour: when it begins.
    """

    instance: str
    labels: tuple[tuple[str, str], ...]
    hour: datetime

    @property
    def event_id(self) -> str:
        """The same text for the same place, whichever file it is read from."""
        said = repr((self.instance, self.labels)).encode()
        return f"{hashlib.md5(said, usedforsecurity=False).hexdigest()}/{self.hour:%Y-%m-%dT%H}"


@dataclass(slots=True)
class _Used:
    """What was counted in one place: the line it was first seen on, and how much of each."""

    line: int
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class InferenceServerMetrics:
    """One record per server, model and hour; everything but the counters of tokens is noise."""

    name = "inference-server-metrics"
    version = 1
    role = SourceRole.METERED
    identity = Identity.EVENT
    repeat = Repeat.LARGEST
    describes = "vLLM, SGLang, NVIDIA NIM: snapshots of their counters (Prometheus text)"
    export = "GET /federate of Prometheus; or /metrics after a line '# scraped TIME INSTANCE'"
    cannot_tell = "users, keys and requests; money"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the counter of prompt tokens, which all of the servers have."""
        for line in sample.lines:
            if line.startswith(_BEGINNINGS):
                return Verdict(matches=True, because="it has a counter of prompt tokens")
        return Verdict(matches=False, because=f"no line begins with {' or '.join(_TELLING)}")

    def read(self, path: Path, reader: "Reader") -> Iterator[IngestReading]:
        """Read what every server did in every hour, then the lines that cannot be read."""
        found = prometheus.read_snapshots(reader.plain(path), str(path), frozenset(_COUNTERS))
        used = _used(found)
        records = [_record(place, what) for place, what in used.items()]
        merged = len(found.readings) - len(records)
        noise = {**found.noise, "readings put together, or where counting begins": merged}
        yield from readings([*records, *sorted(found.refused)], noise)


def _used(found: Snapshots) -> dict[_Place, _Used]:
    """Return what was counted in each place, in order of the lines; nothing counted, no place."""
    series: dict[tuple[object, ...], list[Reading]] = defaultdict(list)
    for reading in found.readings:
        series[reading.asked.instance, reading.name, reading.labels].append(reading)
    used: dict[_Place, _Used] = {}
    for (_, name, _), counted in series.items():
        for reading, growth in _growth(counted, found.starts):
            labels = tuple(label for label in reading.labels if label[0] not in _PARTS)
            place = _Place(reading.asked.instance, labels, _hour_of(reading.asked.time))
            what = used.setdefault(place, _Used(reading.line))
            what.line = min(what.line, reading.line)
            what.counts[_COUNTERS[str(name)]] += growth
    return dict(sorted(used.items(), key=lambda entry: (entry[1].line, entry[0].event_id)))


def _growth(
    counted: Sequence[Reading], starts: Mapping[Asked, prometheus.Start]
) -> Iterator[tuple[Reading, int]]:
    """Yield each reading of one counter with what was counted since the one before."""
    before: Reading | None = None
    for reading in sorted(counted, key=lambda reading: (reading.asked.time, reading.value)):
        start = starts.get(reading.asked)
        if before is None:
            began = start.time if start else None
            is_new = began is not None and _hour_of(began) == _hour_of(reading.asked.time)
            base = 0 if is_new else reading.value
        else:
            is_same = starts.get(before.asked) == start and reading.value >= before.value
            base = before.value if is_same else 0
        if reading.value > base:
            yield reading, reading.value - base
        before = reading


def _hour_of(time: datetime) -> datetime:
    # What is counted at the stroke of the hour was used before it.
    return (time - _INSTANT).replace(minute=0, second=0, microsecond=0)


def _record(place: _Place, used: _Used) -> Mapping[str, object] | Rejection:
    counts = used.counts
    labels = dict(place.labels)
    cached = counts[_CACHED] if _CACHED in counts else counts.get(_HITS, 0)
    if cached > counts.get(_PROMPT, 0):
        return Rejection(
            used.line,
            "cached-exceeds-input",
            "prompt_tokens_total",
            f"{counts.get(_PROMPT, 0)} more in the hour of {place.hour:%Y-%m-%dT%H:%MZ}",
            f"at least the {cached} that came from the cache",
            "ask for snapshots more often, or leave the counter of cached tokens out",
        )
    model = labels.pop(_MODEL, None)
    requests = counts[_SUCCEEDED] + counts.get(_FAILED, 0) if _SUCCEEDED in counts else None
    return {
        "row_no": used.line,
        "event_id": place.event_id,
        "start": place.hour,
        "end": place.hour + _HOUR,
        "grain": "hour",
        "provider": "own",
        "platform": "own-capacity",
        "product": "own-capacity",
        "model_raw": model or None,
        "tags": {"instance": place.instance, **labels},
        "requests": requests,
        "failed_requests": counts.get(_FAILED),
        **metered(
            {
                Meter.INPUT_UNCACHED: counts.get(_PROMPT, 0) - cached,
                Meter.CACHE_READ: cached,
                Meter.OUTPUT: counts.get(_OUTPUT, 0),
            }
        ),
    }
