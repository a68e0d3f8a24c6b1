"""What every connector asks, how it goes on, and what it says when a provider refuses."""

import gzip
import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.connectors.contract import Days
from metering.connectors.registry import CONNECTORS
from metering.errors import BookError, PullError
from metering.ingest.detection import identify
from metering.ingest.readers import Reader
from metering.ingest.registry import BUILT_IN
from metering.settings import Settings
from metering.workflows.intake.pull import Order, Pulled, connector, pull
from tests.support.provider_server import Asked, Provider, Reply, serving

GOLDEN = Path(__file__).parents[1] / "golden"
KEY = "sk-admin-0123456789-never-to-be-shown"
OPTIONS = {
    "cursor": {"ai_code": "yes"},
    "github-copilot": {"enterprise": "acme"},
    "xai": {"team": "team-7"},
}


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in CONNECTORS.values():
        monkeypatch.setenv(one.key_from, KEY)


def _ledger(home: Path, provider: Provider, name: str, **options: Any) -> Settings:
    said = {"base_url": provider.url, **OPTIONS.get(name, {}), **options}
    return Settings(home=home, books_url="sqlite://", pull={name: said})


def _pull(
    home: Path, provider: Provider, name: str, first: str, last: str, **options: Any
) -> list[Pulled | PullError]:
    settings = _ledger(home, provider, name, **options)
    order = Order(date.fromisoformat(first), date.fromisoformat(last), home / "inbox")
    return list(pull(settings, connector(name, settings), order, wait=0.0))


def _golden(name: str) -> Reply:
    """Return the first page of a golden file, as the last one of a pull."""
    text = (GOLDEN / name).read_text(encoding="utf-8")
    _, end = json.JSONDecoder().raw_decode(text)
    alone = text[:end].replace('"has_more": true', '"has_more": false')
    return Reply(re.sub('"next_page": "[^"]*"', '"next_page": null', alone).encode())


# An answer of each export, from the golden files, which are what the providers document.
ANSWERS = {
    "anthropic/messages": ("/usage_report/messages", "anthropic_messages/good.json"),
    "anthropic/costs": ("/cost_report", "anthropic_cost_report/good.json"),
    "anthropic/claude-code": ("/usage_report/claude_code", "claude_code_analytics/good.json"),
    "claude-analytics/usage": ("/analytics/usage", "claude_analytics_usage/good.json"),
    "claude-analytics/costs": ("/analytics/cost", "claude_analytics_costs/good.json"),
    "cursor/usage-events": ("/teams/filtered-usage-events", "cursor_usage_events/good.json"),
    "cursor/daily-usage": ("/teams/daily-usage-data", "cursor_daily_usage/good.json"),
    "cursor/ai-code-commits": ("/analytics/ai-code/commits", "cursor_ai_code/commits.json"),
    "litellm/spend-logs": ("/spend/logs", "litellm_spend_logs/array.json"),
    "openai/completions": ("/organization/usage/completions", "openai_usage/completions.json"),
    "openai/costs": ("/organization/costs", "openai_costs/good.json"),
    "openrouter/activity": ("/activity", "openrouter_activity/good.json"),
}


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_what_a_provider_answers_is_recognised_by_the_format_that_reads_it(
    name: str, tmp_path: Path
) -> None:
    provider_name, export = name.split("/")
    path, golden = ANSWERS[name]

    def answer(asked: Asked) -> Reply:
        return _golden(golden) if asked.path == path else Reply.of({"data": []})

    with serving(answer) as provider:
        pulled = _pull(tmp_path, provider, provider_name, "2026-10-01", "2026-10-01")

    assert not [one for one in pulled if isinstance(one, PullError)]
    (file,) = [one for one in pulled if isinstance(one, Pulled) and one.export == export]
    assert file.path is not None
    assert gzip.decompress(file.path.read_bytes()).strip() == _golden(golden).body.strip()
    ingestor = identify(file.path, BUILT_IN)
    assert ingestor.name == file.ingestor
    with Reader(tmp_path / "scratch", "256MB", 1) as reader:
        assert list(ingestor.read(file.path, reader))


def test_xai_is_asked_by_key_and_day_and_its_request_stands_beside_its_answer(
    tmp_path: Path,
) -> None:
    series = {
        "group": ["key-1"],
        "groupLabels": ["ci"],
        "dataPoints": [{"timestamp": "2026-10-01T00:00:00Z", "values": [12.34]}],
    }

    with serving(lambda _: Reply.of({"timeSeries": [series], "limitReached": False})) as provider:
        (file,) = _pull(tmp_path, provider, "xai", "2026-10-01", "2026-10-02")

    assert isinstance(file, Pulled)
    assert file.path is not None
    assert provider.asked[0].path == "/v1/billing/teams/team-7/usage"
    assert provider.asked[0].body["analyticsRequest"]["timeRange"] == {
        "startTime": "2026-10-01 00:00:00",
        "endTime": "2026-10-03 00:00:00",
        "timezone": "Etc/GMT",
    }
    ingestor = identify(file.path, BUILT_IN)
    assert ingestor.name == "xai-usage"
    with Reader(tmp_path / "scratch", "256MB", 1) as reader:
        assert list(ingestor.read(file.path, reader))


def test_xai_without_usage_leaves_no_file(tmp_path: Path) -> None:
    with serving(lambda _: Reply(b" {} ")) as provider:
        (file,) = _pull(tmp_path, provider, "xai", "2026-10-01", "2026-10-02")

    assert isinstance(file, Pulled)
    assert file.path is None


def test_copilot_is_asked_by_day_and_its_metrics_are_fetched_without_the_key(
    tmp_path: Path,
) -> None:
    lines = (GOLDEN / "copilot_metrics" / "good.jsonl").read_bytes()

    def answer(asked: Asked) -> Reply:
        if asked.path == "/signed":
            return Reply(lines)
        if asked.path.endswith("/users-1-day"):
            return Reply.of({"download_links": [f"{provider.url}/signed?s=1"], "report_day": "x"})
        day = int(asked.query["day"][0])
        period = {"year": 2026, "month": 10, "day": day}
        items = json.loads((GOLDEN / "copilot_usage_api" / "month.json").read_bytes())
        return Reply.of({**items, "timePeriod": period})

    with serving(answer) as provider:
        costs, metrics = _pull(tmp_path, provider, "github-copilot", "2026-10-04", "2026-10-08")

    assert isinstance(costs, Pulled)
    assert isinstance(metrics, Pulled)
    assert str(metrics.days.last) == "2026-10-05", "metrics come three days late"
    assert [asked.query["day"] for asked in provider.asked if "ai_credit" in asked.path] == [
        ["4"], ["5"], ["6"], ["7"], ["8"],
    ]  # fmt: skip
    signed = [asked for asked in provider.asked if asked.path == "/signed"]
    assert signed
    assert not any("authorization" in asked.headers for asked in signed)
    for file in (costs, metrics):
        assert file.path is not None
        assert identify(file.path, BUILT_IN).name == file.ingestor


def test_openai_is_asked_for_whole_days_in_utc_by_every_dimension(tmp_path: Path) -> None:
    with serving(lambda _: Reply.of({"data": [], "has_more": False})) as provider:
        _pull(tmp_path, provider, "openai", "2026-09-30", "2026-10-02")

    completions = [asked for asked in provider.asked if asked.path.endswith("/completions")]
    assert [asked.query["start_time"] for asked in completions] == [
        [str(int(datetime(2026, 9, 30, tzinfo=UTC).timestamp()))],
        [str(int(datetime(2026, 10, 1, tzinfo=UTC).timestamp()))],
    ]
    assert completions[1].query["end_time"] == [
        str(int(datetime(2026, 10, 3, tzinfo=UTC).timestamp()))
    ]
    assert completions[0].query["group_by"] == [
        "project_id", "user_id", "api_key_id", "model", "batch", "service_tier",
    ]  # fmt: skip
    assert {asked.headers["authorization"] for asked in provider.asked} == {f"Bearer {KEY}"}
    assert not (tmp_path / "inbox").exists() or not list((tmp_path / "inbox").rglob("*.gz"))


def test_pages_are_followed_to_the_last_and_stand_one_after_the_other(tmp_path: Path) -> None:
    bucket = json.loads(_golden("openai_usage/completions.json").body)["data"][0]

    def answer(asked: Asked) -> Reply:
        if not asked.path.endswith("/completions"):
            return Reply.of({"data": [], "has_more": False})
        number = int(asked.query.get("page", ["0"])[0])
        following = {"has_more": number < 2, "next_page": str(number + 1) if number < 2 else None}
        return Reply.of({"object": "page", "data": [{**bucket, "start_time": number}], **following})

    with serving(answer) as provider:
        pulled = _pull(tmp_path, provider, "openai", "2026-10-01", "2026-10-31")

    (file,) = [one for one in pulled if isinstance(one, Pulled) and one.path]
    assert file.path is not None
    pages = [json.loads(line) for line in gzip.decompress(file.path.read_bytes()).splitlines()]
    assert [page["data"][0]["start_time"] for page in pages] == [0, 1, 2]
    assert file.rows == 3 * len(bucket["results"])


def test_cursor_is_asked_page_by_page_for_inclusive_milliseconds(tmp_path: Path) -> None:
    event = json.loads(_golden("cursor_usage_events/good.json").body)["usageEvents"][0]

    def answer(asked: Asked) -> Reply:
        if asked.path != "/teams/filtered-usage-events":
            return Reply.of({"data": [], "items": [], "totalCount": 0})
        number = asked.body["page"]
        return Reply.of({"usageEvents": [event], "pagination": {"hasNextPage": number < 3}})

    with serving(answer) as provider:
        _pull(tmp_path, provider, "cursor", "2026-10-01", "2026-10-31")

    asked = [one.body for one in provider.asked if one.path == "/teams/filtered-usage-events"]
    assert [one["page"] for one in asked] == [1, 2, 3, 1, 2, 3], "30 days at most, then one more"
    assert asked[0]["endDate"] + 1 == asked[3]["startDate"]
    october = datetime(2026, 10, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    assert asked[3]["endDate"] == int(october.timestamp() * 1000)


def _failing(*replies: Reply) -> Callable[[Asked], Reply]:
    queue: Iterator[Reply] = iter(replies)
    return lambda _: next(queue, Reply.of({"data": []}))


def test_what_may_pass_is_tried_again(tmp_path: Path) -> None:
    busy = Reply(b"{}", 429, {"Retry-After": "0"})
    answer = _failing(busy, Reply(b"", 503), _golden("openrouter_activity/good.json"))

    with serving(answer) as provider:
        (file,) = _pull(tmp_path, provider, "openrouter", "2026-10-01", "2026-10-01")

    assert isinstance(file, Pulled)
    assert file.path is not None
    assert len(provider.asked) == 3


REFUSALS: list[tuple[str, Sequence[Reply], str]] = [
    ("key-refused", [Reply.of({"error": {"message": f"bad key {KEY}"}}, 401)], "bad key …"),
    ("not-allowed", [Reply.of({"message": "no scope\x1b[2J"}, 403)], "no scope"),
    ("pull-refused", [Reply.of({"error": "too early"}, 400)], "too early"),
    ("pull-refused", [Reply(b"", 302, {"Location": "http://127.0.0.1:9/"})], "302"),
    ("pull-failed", [Reply(b"busy", 503)] * 7, "after 6 tries more"),
    ("bad-answer", [Reply(b"<html>sign in</html>")], "not JSON"),
    ("bad-answer", [Reply(b"[" * 100_000)], "not JSON"),
]


@pytest.mark.parametrize(("code", "replies", "said"), REFUSALS)
def test_what_a_provider_refuses_is_said_without_the_key_and_leaves_no_file(
    code: str, replies: Sequence[Reply], said: str, tmp_path: Path
) -> None:
    with serving(_failing(*replies)) as provider:
        (error,) = _pull(tmp_path, provider, "openrouter", "2026-10-01", "2026-10-01")

    assert isinstance(error, PullError)
    assert error.code == code
    assert said in str(error)
    assert KEY not in str(error)
    assert "\x1b" not in str(error)
    assert not list((tmp_path / "inbox").rglob("*.*"))


def test_a_pull_that_breaks_off_leaves_the_file_of_the_night_before(tmp_path: Path) -> None:
    page = json.loads(_golden("anthropic_cost_report/good.json").body)
    with serving(lambda _: Reply.of({**page, "has_more": False})) as provider:
        before = _pull(tmp_path, provider, "anthropic", "2026-10-01", "2026-10-02")
    files = {
        one.path: one.path.read_bytes() for one in before if isinstance(one, Pulled) and one.path
    }

    def answer(asked: Asked) -> Reply:
        second = "page" in asked.query
        return Reply(b"", 400) if second else Reply.of({**page, "has_more": True, "next_page": "2"})

    with serving(answer) as provider:
        after = _pull(tmp_path, provider, "anthropic", "2026-10-01", "2026-10-02")

    assert all(isinstance(one, PullError) for one in after)
    assert {path: path.read_bytes() for path in (tmp_path / "inbox").rglob("*.*")} == files


def test_pages_that_lead_in_a_circle_are_refused(tmp_path: Path) -> None:
    with serving(lambda _: Reply.of({"data": [], "has_more": True, "next_page": "a"})) as provider:
        errors = _pull(tmp_path, provider, "claude-analytics", "2026-10-01", "2026-10-01")

    assert [one.code for one in errors if isinstance(one, PullError)] == ["bad-answer"] * 2


def test_an_export_that_the_key_may_not_read_leaves_the_others(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Reply:
        costs = asked.path == "/cost_report"
        return Reply(b"", 403) if costs else _golden("anthropic_messages/good.json")

    with serving(answer) as provider:
        pulled = _pull(tmp_path, provider, "anthropic", "2026-10-01", "2026-10-01")

    assert [one.code if isinstance(one, PullError) else one.export for one in pulled] == [
        "messages", "not-allowed", "claude-code",
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["hunter2\nX-Other: 1", "hunter2 hunter3", "hunter2\u2013"])
def test_what_is_more_than_a_key_is_asked_with_nowhere_and_told_nowhere(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path, books_url="sqlite://")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", key)

    (no_key,) = pull(settings, CONNECTORS["openai"], Order(None, date(2026, 10, 31), tmp_path))

    assert isinstance(no_key, PullError)
    assert no_key.code == "no-key"
    assert "OPENAI_ADMIN_KEY holds more than a key" in str(no_key)
    assert "hunter2" not in str(no_key)


def test_without_a_key_or_an_account_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path, books_url="sqlite://")
    order = Order(None, date(2026, 10, 31), tmp_path)

    (no_account,) = pull(settings, CONNECTORS["xai"], order)
    monkeypatch.delenv("XAI_MANAGEMENT_KEY")
    (no_key,) = pull(settings, CONNECTORS["xai"], order)

    assert isinstance(no_account, PullError)
    assert isinstance(no_key, PullError)
    assert (no_account.code, no_key.code) == ("no-account", "no-key")
    assert "XAI_MANAGEMENT_KEY" in str(no_key)


@pytest.mark.parametrize(
    "pull",
    [{"opnai": {}}, {"openai": {"keyfrom": "X"}}, {"openai": {"days": "35"}}, {"xai": {"team": 7}}],
)
def test_settings_that_nothing_reads_are_refused(pull: Any, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, books_url="sqlite://", pull=pull)

    with pytest.raises(BookError) as refused:
        connector(next(iter(pull)), settings)

    assert refused.value.code == "bad-settings"


DAYS = st.dates(date(2023, 12, 1), date(2028, 3, 31))


@given(DAYS, st.integers(0, 400))
def test_months_and_days_are_the_whole_and_meet_without_overlap(first: date, length: int) -> None:
    days = Days(first, first + timedelta(days=length))

    for parts in (list(days.by_month()), list(days.by_day())):
        assert (parts[0].first, parts[-1].last) == (days.first, days.last)
        assert all(a.end == b.start for a, b in pairwise(parts))
        assert all((a.first.year, a.first.month) == (a.last.year, a.last.month) for a in parts)


def test_every_export_names_a_format_and_every_connector_its_key() -> None:
    formats = {ingestor.name for ingestor in BUILT_IN}

    for one in CONNECTORS.values():
        assert {export.ingestor for export in one.exports} <= formats
        assert set(one.required) <= {*one.options, "base_url"}
        assert {export.needs for export in one.exports} - {""} <= set(one.options)
