"""The days of week 41, and what the exports of the month already say of them.

Nothing is made up twice: what is bought from OpenAI and Anthropic is what their usage pages say,
and what ran through the gateway is what its log says. Other systems tell the same in their words.
"""

import csv
import gzip
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.sample_company import prices
from tests.sample_company.company import PERSON, days
from tests.sample_company.tally import exact_text, start_of
from tests.sample_company.writing import compact

MONDAY, FRIDAY = date(2026, 10, 5), date(2026, 10, 9)
DAYS = days(MONDAY, FRIDAY)
# The day whose requests single logs show.
TUESDAY = date(2026, 10, 6)

File = tuple[str, str]
"""A name below the folder of its format, and the text."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that the gateway passed on.

    Attributes:
        number: place among the calls shown, from 0.
        login: who made it; "" for a job.
        start, end: instants, UTC.
        meters: disjoint tokens: input_uncached, cache_read, cache_write, output.
    """

    number: int
    request_id: str
    provider: str
    model: str
    login: str
    team: str
    project: str
    session: str
    start: datetime
    end: datetime
    meters: Mapping[str, int]

    @property
    def prompt(self) -> int:
        """The whole prompt, what was cached included."""
        return sum(count for meter, count in self.meters.items() if meter != "output")

    @property
    def output(self) -> int:
        """Tokens of the answer."""
        return self.meters["output"]

    @property
    def email(self) -> str:
        """Who made it, as systems with e-mail addresses know them."""
        return email(self.login) if self.login else f"{self.project}@jobs.lindqvist.example"

    @property
    def cost(self) -> Fraction:
        """Return what it costs at list prices, in US dollars."""
        found = prices.cost(self.provider, self.model, self.start, self.meters)
        if found is None:
            raise LookupError(f"{self.model} has no price")
        return found

    @property
    def hexadecimal(self) -> str:
        """Return 32 hexadecimal digits that belong to it alone."""
        return self.request_id.replace("-", "").removeprefix("chatcmpl").ljust(32, "0")[:32]


@dataclass(frozen=True, slots=True)
class Week:
    """What the exports below a folder say of week 41."""

    folder: Path

    def results(self, name: str) -> Iterator[tuple[date, dict[str, Any]]]:
        """Yield the results of a month's usage page that lie in the week, with their day."""
        page = json.loads((self.folder / "usage" / name).read_text(encoding="utf-8"))
        for bucket in page["data"]:
            start = bucket.get("starting_at") or bucket["start_time"]
            day = (
                datetime.fromisoformat(start)
                if isinstance(start, str)
                else datetime.fromtimestamp(start, UTC)
            ).date()
            if MONDAY <= day <= FRIDAY:
                for result in bucket["results"]:
                    yield day, result

    def calls(self, day: date = TUESDAY) -> tuple[Call, ...]:
        """Return the requests of a day that succeeded, in order of time."""
        log = self.folder / "usage" / "litellm" / "spend-logs-2026-10.jsonl.gz"
        rows = map(json.loads, gzip.decompress(log.read_bytes()).splitlines())
        of_day = [
            row
            for row in rows
            if row["startTime"].startswith(day.isoformat())
            and row["status"] == "success"
            and row["cache_hit"] != "True"
        ]
        return tuple(_call(number, row) for number, row in enumerate(of_day))

    def some_calls(self, count: int = 12) -> tuple[Call, ...]:
        """Return some of Tuesday's requests, of every provider and of several people."""
        calls, chosen = self.calls(), dict[tuple[str, str], Call]()
        for call in calls:
            chosen.setdefault((call.model, call.login), call)
        return tuple(sorted(chosen.values(), key=lambda call: call.number)[:count])


def _call(number: int, row: Mapping[str, Any]) -> Call:
    usage = row["metadata"]["usage_object"]
    read = usage.get("cache_read_input_tokens", 0)
    written = usage.get("cache_creation_input_tokens", 0)
    tags = dict(tag.split(":", 1) for tag in row["request_tags"])
    provider = {"bedrock": "aws", "gemini": "google"}.get(
        row["custom_llm_provider"], row["custom_llm_provider"]
    )
    return Call(
        number,
        row["request_id"],
        provider,
        row["model"],
        row["user"].removeprefix("u-"),
        row["team_id"].removeprefix("team-"),
        tags.get("project", ""),
        row["session_id"],
        datetime.fromisoformat(row["startTime"]),
        datetime.fromisoformat(row["endTime"]),
        {
            "input_uncached": row["prompt_tokens"] - read - written,
            "cache_read": read,
            "cache_write": written,
            "output": row["completion_tokens"],
        },
    )


def email(login: str) -> str:
    """Return the address of a person."""
    return f"{PERSON[login].name.lower().replace(' ', '.')}@lindqvist.example"


def instant(at: datetime, digits: int = 3) -> str:
    """Return an instant as RFC 3339 with some decimals of a second."""
    decimals = f".{at:%f}"[: digits + 1] if digits else ""
    return f"{at:%Y-%m-%dT%H:%M:%S}{decimals}Z"


def midnight(day: date) -> str:
    """Return the start of a day as RFC 3339."""
    return instant(start_of(day), 0)


def next_midnight(day: date) -> str:
    """Return the end of a day as RFC 3339."""
    return midnight(day + timedelta(days=1))


def seconds(at: date | datetime) -> int:
    """Return whole seconds since 1970."""
    return int((at if isinstance(at, datetime) else start_of(at)).timestamp())


def milliseconds(at: date | datetime) -> int:
    """Return whole milliseconds since 1970."""
    whole = at if isinstance(at, datetime) else start_of(at)
    return seconds(whole) * 1000 + whole.microsecond // 1000


def nanoseconds(at: datetime) -> str:
    """Return whole nanoseconds since 1970, as OTLP writes them."""
    return str(seconds(at) * 10**9 + at.microsecond * 1000)


def number(amount: Fraction) -> float:
    """Return an amount as those exports write it that write floating-point numbers."""
    return float(Decimal(exact_text(amount)))


def table(header: Sequence[str], rows: Iterable[Sequence[object]], *, quoted: bool = False) -> str:
    """Return a CSV table."""
    out = io.StringIO(newline="")
    if quoted:
        writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL)
    else:
        writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def lines(rows: Iterable[Mapping[str, object]]) -> str:
    """Return JSON Lines."""
    return "".join(f"{compact(row)}\n" for row in rows)


def page(document: Mapping[str, object]) -> str:
    """Return a page, each element of its lists on a line of its own."""
    parts = []
    for key, value in document.items():
        if isinstance(value, list) and value:
            inner = ",\n".join(compact(element) for element in value)
            parts.append(f"{compact(key)}:[\n{inner}\n]")
        else:
            parts.append(f"{compact(key)}:{compact(value)}")
    return "{" + ",".join(parts) + "}\n"
