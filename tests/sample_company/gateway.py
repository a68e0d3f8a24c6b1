"""LiteLLM: the spend logs of the company's gateway, request by request.

Through the gateway go Claude on Bedrock, Gemini, DeepSeek and one preview model; what goes to
OpenAI and Anthropic directly is in their own exports, so that nothing is metered twice.
"""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.sample_company.chance import between, digest
from tests.sample_company.company import (
    BUSY_WITH_RESULTS,
    BUSY_WITHOUT_RESULTS,
    CATCH_ALL_TICKET,
    MONTHS,
    PEOPLE,
    PERSON,
    SERVICE_KEYS,
    TRANSLATIONS_BY_RULE,
    Owner,
    is_workday,
    month_days,
    owner_of_person,
)
from tests.sample_company.tally import Tally
from tests.sample_company.writing import compact, write_lines, write_text

_PROVIDERS = {"bedrock": "aws", "gemini": "google", "deepseek": "deepseek", "mistral": "mistral"}
_SONNET = ("bedrock", "eu.anthropic.claude-sonnet-4-6")
_HAIKU = ("bedrock", "global.anthropic.claude-haiku-4-5-20251001-v1:0")
_FLASH = ("gemini", "gemini-2.5-flash")
_PRO = ("gemini", "gemini-2.5-pro")
_DEEPSEEK = ("deepseek", "deepseek-v4-flash")
_PREVIEW = ("mistral", "orion-preview-1")
_GROUPS = {
    _SONNET: "sonnet",
    _HAIKU: "haiku",
    _FLASH: "flash",
    _PRO: "pro",
    _DEEPSEEK: "deepseek",
    _PREVIEW: "orion",
}
_LONG_PROMPT = 200_000
_CSV_MONTH = "2026-05"
_OBJECTS_FROM = "2026-09"
_OVERLAP_MONTH, _OVERLAP_ROWS = "2026-09", 5
_UNKNOWN_KEY = digest("gateway key", "left over from a hackathon")

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Call:
    """One request through the gateway.

    Attributes:
        route: LiteLLM's provider name and the model.
        api_key: hashed key.
        user: the gateway's user id; "" for a service.
        team: the gateway's team id; "" where the key has none.
        uncached, read, written, output: disjoint tokens.
        tags: request tags.
        session: what belongs together.
        failed: whether the provider refused it.
        cached_answer: whether the gateway answered from its own cache, at no cost.
    """

    at: datetime
    route: tuple[str, str]
    api_key: str
    user: str
    team: str
    owner: Owner | None
    uncached: int
    read: int
    written: int
    output: int
    tags: tuple[str, ...] = ()
    session: str = ""
    failed: bool = False
    cached_answer: bool = False
    seconds: int = field(default=4)

    @property
    def prompt(self) -> int:
        """The prompt as LiteLLM counts it: cache reads and writes included."""
        return self.uncached + self.read + self.written

    @property
    def request_id(self) -> str:
        """The id that makes a repeat known."""
        about = digest("request", self.at, self.api_key, self.route)
        return f"chatcmpl-{about[:8]}-{about[8:12]}-{about[12:16]}"


def write_gateway(folder: Path, tally: Tally) -> None:
    """Write one file a month below `folder` and add what they hold to `tally`."""
    last_month: list[Row] = []
    for month in MONTHS:
        calls = sorted(
            (call for day in month_days(month) for call in _calls(day)),
            key=lambda call: (call.at, call.request_id),
        )
        as_objects = month >= _OBJECTS_FROM
        rows = [_row(call, tally, as_objects=as_objects) for call in calls]
        if month == _OVERLAP_MONTH:
            # The export was asked for from the last evening of August on: five rows come again.
            rows = last_month[-_OVERLAP_ROWS:] + rows
        name = f"spend-logs-{month}." + ("csv" if month == _CSV_MONTH else "jsonl.gz")
        if month == _CSV_MONTH:
            write_text(folder / name, _as_csv(rows))
        else:
            write_lines(folder / name, rows)
        tally.records[f"usage/litellm/{name}"] = len(rows)
        last_month = rows


def _calls(day: date) -> Iterable[Call]:
    if is_workday(day):
        yield from _of_people(day)
        yield from _of_pipelines(day)
    yield from _of_translations(day)
    if day.month == 10:
        yield from _of_the_busy(day)
    yield from _rare(day)


def _moment(day: date, second: int, *about: object) -> datetime:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    micros = between(0, 999, "micros", day, *about) * 1000
    return start + timedelta(seconds=second, microseconds=micros)


def _of_people(day: date) -> Iterable[Call]:
    for person in PEOPLE:
        # About a third of the staff on any day, for one or two conversations of a few turns.
        if between(0, 99, "present", day, person.login) >= 32:
            continue
        begin = between(7 * 3600, 15 * 3600, "begin", day, person.login)
        route = _HAIKU if between(0, 3, "route", person.login) == 0 else _SONNET
        session = f"s-{digest('session', day, person.login)[:12]}"
        owner = owner_of_person(person.login, day)
        grown = 0
        for turn in range(between(1, 3, "turns", day, person.login)):
            about = (day, person.login, turn)
            written = between(6_000, 28_000, "written", *about)
            yield Call(
                _moment(day, begin + 170 * turn, *about),
                route,
                person.gateway_key,
                person.gateway_user,
                f"team-{owner.team}",
                owner,
                uncached=between(1_200, 9_000, "uncached", *about),
                read=grown,
                written=written,
                output=between(600, 6_400, "output", *about),
                tags=(
                    f"project:{owner.project}",
                    *_booked_on(owner.project, day),
                    "User-Agent: litellm-client/1.9",
                ),
                session=session,
                seconds=between(2, 30, "seconds", *about),
            )
            grown += written


def _booked_on(project: str, day: date) -> tuple[str, ...]:
    # The refunds team books October's small work on one ticket, whatever it is about.
    return (f"ticket:{CATCH_ALL_TICKET}",) if project == "refunds" and day.month == 10 else ()


def _of_pipelines(day: date) -> Iterable[Call]:
    key = digest("gateway key", "lakehouse")
    for run in range(5):
        about = (day, "lakehouse", run)
        # On Thursdays the last document is a long one: the whole request costs the higher rate.
        long = day.weekday() == 3 and run == 4
        uncached = between(210_000, 390_000, *about) if long else between(9_000, 60_000, *about)
        yield Call(
            _moment(day, 5 * 3600 + 1500 * run, *about),
            _PRO if run > 2 else _FLASH,
            key,
            "",
            "team-data",
            SERVICE_KEYS[key],
            uncached=uncached,
            read=between(2_000, 8_000, "read", *about),
            written=0,
            output=between(400, 5200, "output", *about),
            tags=("project:lakehouse", "job:nightly-extract"),
            session=f"s-{digest('lakehouse', day)[:12]}",
            seconds=between(5, 90, "seconds", *about),
        )


def _of_translations(day: date) -> Iterable[Call]:
    # The key is in no owners file; the rule on the tag finds the owner.
    key = digest("gateway key", "translations")
    if day in (date(2026, 9, 9), date(2026, 9, 10)):
        return  # no catalogue tells the hour of that day's price change
    for run in range(4):
        about = (day, "translations", run)
        yield Call(
            # 14:10, 17:10, 20:10, 23:10 UTC: outside the provider's peak hours.
            _moment(day, 14 * 3600 + 600 + 10_800 * run, *about),
            _DEEPSEEK,
            key,
            "",
            "",
            TRANSLATIONS_BY_RULE,
            uncached=between(160_000, 420_000, "uncached", *about),
            read=between(30_000, 90_000, "read", *about),
            written=0,
            output=between(120_000, 330_000, "output", *about),
            tags=("project:translations", "job:nightly"),
            session=f"s-{digest('translations', day)[:12]}",
            seconds=between(40, 200, "seconds", *about),
        )


def _of_the_busy(day: date) -> Iterable[Call]:
    """Return the work of the two heavy users: like amounts, unlike patterns."""
    if is_workday(day):
        person = PERSON[BUSY_WITH_RESULTS]
        for turn in range(44):
            about = (day, person.login, "busy", turn)
            block, step = divmod(turn, 22)
            written = between(9_000, 30_000, "written", *about)
            yield Call(
                _moment(day, (8 + 5 * block) * 3600 + 640 * step, *about),
                _SONNET,
                person.gateway_key,
                person.gateway_user,
                "team-platform",
                person.owner,
                uncached=between(800, 6_000, "uncached", *about),
                read=36_000 + 6_000 * step,
                written=written,
                output=between(1_500, 7_800, "output", *about),
                tags=(f"project:{person.owner.project}", f"ticket:PLT-{140 + day.day}"),
                session=f"s-{digest('busy', day, block)[:12]}",
                seconds=between(8, 60, "seconds", *about),
            )
    # By night and at weekends too, the same prompt every nine minutes, nothing from the cache.
    person = PERSON[BUSY_WITHOUT_RESULTS]
    for turn in range(30):
        about = (day, person.login, "busy", turn)
        yield Call(
            _moment(day, 19 * 3600 + 540 * turn, *about),
            _SONNET,
            person.gateway_key,
            person.gateway_user,
            "team-data",
            person.owner,
            uncached=96_400,
            read=0,
            written=0,
            output=between(40, 160, "output", *about),
            tags=(f"project:{person.owner.project}",),
            session="s-" + digest("idle loop")[:12],
            failed=turn % 10 == 9,
            seconds=3,
        )


def _rare(day: date) -> Iterable[Call]:
    """Return what is planted on single days: no price, no owner, the gateway's own cache."""
    key = digest("gateway key", "pitch-bot")
    planted = {
        date(2026, 10, 19): (_PREVIEW, key, "team-growth", SERVICE_KEYS[key]),
        date(2026, 10, 13): (_HAIKU, _UNKNOWN_KEY, "", None),
        date(2026, 8, 16): (_DEEPSEEK, digest("gateway key", "translations"), "", None),
    }
    if day in planted:
        route, api_key, team, owner = planted[day]
        tags: tuple[str, ...] = ("job:demo",)
        if route == _DEEPSEEK:
            # The last second of the old price and the first instant of the new one.
            owner, tags = TRANSLATIONS_BY_RULE, ("project:translations", "job:boundary")
        base = datetime(day.year, day.month, day.day, 15, 59, 59, tzinfo=UTC)
        for step in range(2):
            yield Call(
                base + timedelta(seconds=step),
                route,
                api_key,
                "",
                team,
                owner,
                uncached=120_000,
                read=0,
                written=0,
                output=30_000,
                tags=tags,
            )
    if day == date(2026, 7, 8):
        person = PEOPLE[3]
        yield Call(
            _moment(day, 36_000, "cached"),
            _SONNET,
            person.gateway_key,
            person.gateway_user,
            f"team-{person.owner.team}",
            person.owner,
            uncached=1800,
            read=0,
            written=0,
            output=420,
            tags=(f"project:{person.owner.project}",),
            cached_answer=True,
        )


def _row(call: Call, tally: Tally, *, as_objects: bool) -> Row:
    free = call.failed or call.cached_answer
    meters = {
        "input_uncached": call.uncached,
        "cache_read": call.read,
        "cache_write": call.written,
        "output": call.output,
    }
    provider, model = _PROVIDERS[call.route[0]], call.route[1]
    long = call.route == _PRO and call.prompt > _LONG_PROMPT
    spend = (
        0
        if free
        else tally.add(
            provider,
            model,
            call.at,
            meters,
            owner=call.owner,
            condition="long" if long else "",
        )
    )
    prompt, output = (0, 0) if call.failed else (call.prompt, call.output)
    end = call.at + timedelta(seconds=call.seconds)
    tags: object = list(call.tags)
    metadata: object = _metadata(call, prompt, output)
    return {
        "request_id": call.request_id,
        "call_type": "acompletion",
        "api_key": call.api_key,
        # The gateway's own estimate, a binary float by its nature: shown, never charged.
        "spend": round(float(spend), 10),
        "total_tokens": prompt + output,
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "startTime": _time(call.at, as_objects=as_objects),
        "endTime": _time(end, as_objects=as_objects),
        "request_duration_ms": call.seconds * 1000,
        "completionStartTime": _time(end, as_objects=as_objects),
        "model": model,
        "model_id": digest("deployment", call.route)[:16],
        "model_group": _GROUPS[call.route],
        "custom_llm_provider": call.route[0],
        "api_base": "",
        "user": call.user,
        "metadata": metadata if as_objects else compact(metadata),
        "cache_hit": "True" if call.cached_answer else "None",
        "cache_key": "Cache OFF",
        "request_tags": tags if as_objects else json.dumps(tags, ensure_ascii=False),
        "team_id": call.team,
        "organization_id": "",
        "end_user": "",
        "requester_ip_address": "",
        "messages": {} if as_objects else "{}",
        "response": {} if as_objects else "{}",
        "session_id": call.session,
        "status": "failure" if call.failed else "success",
        "mcp_namespaced_tool_name": "",
        "agent_id": "",
        "proxy_server_request": {} if as_objects else "{}",
    }


def _metadata(call: Call, prompt: int, output: int) -> Row:
    usage: Row = {"prompt_tokens": prompt, "completion_tokens": output}
    usage["total_tokens"] = prompt + output
    if not call.failed:
        usage["prompt_tokens_details"] = {"cached_tokens": call.read}
        usage["cache_read_input_tokens"] = call.read
        usage["cache_creation_input_tokens"] = call.written
    return {
        "user_api_key_alias": call.user.removeprefix("u-") or call.api_key[:6],
        "user_api_key_team_alias": call.team.removeprefix("team-") or None,
        "usage_object": usage,
    }


def _time(at: datetime, *, as_objects: bool) -> str:
    # The database writes no offset, the gateway's API does; both are UTC.
    text = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond:06d}"
    return text.replace(" ", "T") + "Z" if as_objects else text


def _as_csv(rows: list[Row]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
