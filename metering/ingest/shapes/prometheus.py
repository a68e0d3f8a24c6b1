"""Snapshots in the text format of Prometheus: counters of servers, as they stood when asked.

The format has no place for who was asked and when, and counters are worth nothing without. Two
places are known: a sample's own time in milliseconds with the label `instance`, as the federation
endpoint of a Prometheus server writes them; or a comment in front of a snapshot,

    # scraped 2026-09-21T14:00:00Z gpu-1:8000

so that snapshots can be appended to one file:

    (date -u "+# scraped %FT%TZ $HOST"; curl -s "http://$HOST/metrics") >> metrics.prom

A file may hold any number of snapshots of any number of servers.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import IO, Final

from metering.errors import Rejection, SourceError, SourceRef, shown

START: Final = "process_start_time_seconds"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_LONGEST_LINE: Final = 64 << 10
_LARGEST: Final = 10**18
# Fewer digits than this do not tell a second: 1.78995e+09 may be off by an hour.
_EXACT_START: Final = re.compile(r"\d{10}(\.\d+)?|\d\.\d{9,}[eE]\+?0?9", re.ASCII)

_SAMPLE: Final = re.compile(
    r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?P<labels>.*)\})?[ \t]+(?P<value>\S+)"
    r"([ \t]+(?P<time>\d{1,18}))?\s*",
    re.ASCII,
)
_LABEL: Final = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"\s*(?:,|$)', re.ASCII)
_ESCAPE: Final = re.compile(r"\\(.)")
_VALUE: Final = re.compile(r"\d{1,20}(\.\d{1,20})?([eE][+-]?\d{1,2})?", re.ASCII)
_SCRAPED: Final = re.compile(
    rb"#\s*scraped\s+(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z)\s+([!-~]{1,200})\s*"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was asked, and when."""

    instance: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """What one counter said in one snapshot.

    Attributes:
        line: physical line.
        asked: who and when.
        name: of the metric.
        labels: in order of their names, without `instance`.
        value: what it had counted since its process started.
    """

    line: int
    asked: Asked
    name: str
    labels: tuple[tuple[str, str], ...]
    value: int


@dataclass(frozen=True, slots=True)
class Start:
    """When the process of a server started.

    Attributes:
        spelled: as the snapshot writes it; another text is another process.
        time: None where the snapshot writes too few digits to tell the hour.
    """

    spelled: str
    time: datetime | None


@dataclass(slots=True)
class Snapshots:
    """What a file holds.

    Attributes:
        readings: of the counters that were asked for, in file order.
        starts: of the servers that say it, by snapshot.
        refused: lines that are such counters, and cannot be read.
        noise: all other lines, by what they are.
    """

    readings: list[Reading] = field(default_factory=list)
    starts: dict[Asked, Start] = field(default_factory=dict)
    refused: list[Rejection] = field(default_factory=list)
    noise: Counter[str] = field(default_factory=Counter)


def read_snapshots(path: Path, name: str, wanted: Collection[str]) -> Snapshots:
    """Return the readings of some counters.

    Args:
        path: plain text.
        name: the file as the user named it.
        wanted: names of the metrics.

    Raises:
        SourceError: `missing-period`; nothing says of whom or when a reading is. Nothing of the
            file is recorded.
    """
    found = Snapshots()
    telling = tuple(metric.encode() for metric in (*wanted, START))
    scraped: Asked | None = None
    with path.open("rb") as stream:
        for line, content in enumerate(_lines(stream), start=1):
            if not content.startswith(telling):
                found.noise[_kind_of(content)] += 1
                scraped = _scraped(content) or scraped
                continue
            try:
                _take(line, content, wanted, scraped, found)
            except _RefusedLine as refusal:
                found.refused.append(refusal.at(line))
            except _NoTimeError as error:
                raise _missing_period(SourceRef(name, line)) from error
    return found


class _RefusedLine(Exception):  # noqa: N818 - a refusal that becomes a value
    def __init__(self, code: str, field_name: str, found: str, expected: str) -> None:
        super().__init__(code)
        self._said = (code, field_name, found, expected)

    def at(self, line: int) -> Rejection:
        return Rejection(line, *self._said, "export the snapshot again and ingest it")


class _NoTimeError(Exception):
    pass


def _take(
    line: int, content: bytes, wanted: Collection[str], scraped: Asked | None, found: Snapshots
) -> None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _RefusedLine("bad-encoding", "", "bytes that are not UTF-8", "UTF-8 text") from error
    sample = _SAMPLE.fullmatch(text)
    if sample is None:
        raise _RefusedLine("bad-record", "", shown(text.rstrip()), "NAME{LABELS} VALUE, and a time")
    name = sample["name"]
    if name != START and name not in wanted:
        found.noise["samples of other metrics"] += 1
        return
    labels = _labels_of(sample["labels"] or "")
    asked = _asked(sample["time"], labels.pop("instance", None), scraped)
    if name == START:
        found.starts[asked] = _start_of(sample["value"])
        found.noise["starts of processes"] += 1
        return
    value = _whole(sample["value"])
    if value is None:
        expected = "a whole number, 0 or more: what a counter has counted"
        raise _RefusedLine("bad-quantity", name, shown(sample["value"]), expected)
    found.readings.append(Reading(line, asked, name, tuple(sorted(labels.items())), value))


def _asked(time: str | None, instance: str | None, scraped: Asked | None) -> Asked:
    if time is not None:
        expected = "milliseconds since 1970, from 2000 to 2099"
        if not _in_range(int(time) / 1000):
            raise _RefusedLine("bad-instant", "time", shown(time), expected)
        moment = _EPOCH + timedelta(milliseconds=int(time))
    elif scraped is not None:
        moment = scraped.time
    else:
        raise _NoTimeError
    if instance is None and scraped is None:
        raise _NoTimeError
    return Asked(instance or (scraped.instance if scraped else ""), moment)


def _scraped(content: bytes) -> Asked | None:
    match = _SCRAPED.fullmatch(content)
    if match is None:
        return None
    try:
        time = datetime.fromisoformat(match[1].decode())
    except ValueError:
        return None
    return Asked(match[2].decode(), time) if _EARLIEST <= time < _LATEST else None


def _labels_of(text: str) -> dict[str, str]:
    labels: dict[str, str] = {}
    at = 0
    while at < len(text):
        label = _LABEL.match(text, at)
        if label is None or label[1] in labels or "\0" in label[2]:
            raise _RefusedLine("bad-record", "labels", shown(text[at:]), 'NAME="VALUE", each once')
        labels[label[1]] = _ESCAPE.sub(
            lambda escape: "\n" if escape[1] == "n" else escape[1], label[2]
        )
        at = label.end()
    return labels


def _start_of(spelled: str) -> Start:
    seconds = _number(spelled)
    if seconds is None or not _in_range(float(seconds)):
        expected = "seconds since 1970, from 2000 to 2099"
        raise _RefusedLine("bad-instant", START, shown(spelled), expected)
    is_exact = _EXACT_START.fullmatch(spelled)
    return Start(spelled, _EPOCH + timedelta(seconds=float(seconds)) if is_exact else None)


def _in_range(seconds: float) -> bool:
    return _EARLIEST.timestamp() <= seconds < _LATEST.timestamp()


def _whole(spelled: str) -> int | None:
    number = _number(spelled)
    if number is None or number.denominator != 1 or number >= _LARGEST:
        return None
    return number.numerator


def _number(spelled: str) -> Fraction | None:
    return Fraction(spelled) if _VALUE.fullmatch(spelled) else None


def _kind_of(content: bytes) -> str:
    if not content.strip():
        return "empty lines"
    return "comments" if content.startswith(b"#") else "samples of other metrics"


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield each line; of one that is longer than any sample only the beginning."""
    while content := stream.readline(_LONGEST_LINE):
        line = content
        while not line.endswith(b"\n") and (rest := stream.readline(_LONGEST_LINE)):
            line = rest
        yield content


def _missing_period(where: SourceRef) -> SourceError:
    return SourceError(
        where,
        "missing-period",
        "nothing says when the counter was read, or of which server",
        details=("expected: a time and an instance, or '# scraped TIME INSTANCE' in front",),
        do="export the snapshots with their times, and ingest them",
    )
