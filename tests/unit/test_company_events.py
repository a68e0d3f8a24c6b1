"""The events of a company's calendar: what a file says, and what of it is refused."""

from datetime import date

import pytest

from metering.core.findings.company_events import CompanyEvent, parse_events
from metering.errors import RefusedFileError

_HEADER = "start_date,end_date,kind,scope,detail\n"


def _refusals(rows: str) -> list[tuple[int, str, str]]:
    with pytest.raises(RefusedFileError) as caught:
        parse_events(_HEADER + rows, "events.csv")
    return [(one.line, one.code, one.field) for one in caught.value.rejections]


def test_an_event_lasts_and_is_about_all_unless_it_says_otherwise() -> None:
    text = (
        _HEADER + "2026-10-05,,launch,team: search ,\n2026-10-06,2026-10-07,outage,,the gateway\n"
    )

    assert parse_events(text, "events.csv") == (
        CompanyEvent(2, date(2026, 10, 5), None, "launch", "team:search", ""),
        CompanyEvent(3, date(2026, 10, 6), date(2026, 10, 7), "outage", "all", "the gateway"),
    )


def test_every_mistake_is_told_with_its_line() -> None:
    rows = (
        "05.10.2026,,launch,all,\n"
        "2026-10-05,20261006,launch,all,\n"
        "2026-10-05,2026-10-04,launch,all,\n"
        "2026-10-05,,,all,\n"
        "2026-10-05,,launch,search,\n"
        "2026-10-05,,launch,team:,\n"
    )

    assert _refusals(rows) == [
        (2, "bad-date", "start_date"),
        (3, "bad-date", "end_date"),
        (4, "bad-interval", "end_date"),
        (5, "missing-field", "kind"),
        (6, "unknown-value", "scope"),
        (7, "unknown-value", "scope"),
    ]


def test_a_file_without_days_is_refused() -> None:
    with pytest.raises(RefusedFileError, match="missing-column"):
        parse_events("kind,scope\nlaunch,all\n", "events.csv")
