"""Which two claims are to the same usage: those are never added up."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from metering.books.coverage import (
    NewCoverage,
    add_coverage,
    conflicting_coverage,
    overlapping_claims,
)
from metering.books.engine import begin_write
from tests.books_rows import a_run, a_source

_CLAIM = NewCoverage(
    "openai", "default", "completions", "day,model", "openai-usage", "metered", "2026-10-01"
)


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": "hour"},
        {"ingestor": "litellm"},
        {"scope": "*"},
        {"scope": "*", "ingestor": "litellm", "signature": ""},
    ],
)
def test_two_views_of_the_same_usage_clash(any_books: Engine, changes: dict[str, str]) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        add_coverage(connection, run_id, a_source(connection, run_id), [_CLAIM])

        (clash,) = conflicting_coverage(connection, [replace(_CLAIM, **changes)])
        backwards = conflicting_coverage(connection, [_CLAIM])

        assert (clash.source_path, clash.scope, clash.ingestor) == (
            "exports/a.json",
            "completions",
            "openai-usage",
        )
        assert backwards == []


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"scope": "embeddings", "signature": "hour"},
        {"billing_account": "emea", "signature": "hour"},
        {"provider": "azure", "signature": "hour"},
        {"day": "2026-10-02", "signature": "hour"},
        {"role": "detail"},
    ],
)
def test_the_same_view_or_other_usage_does_not_clash(
    any_books: Engine, changes: dict[str, str]
) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        add_coverage(connection, run_id, a_source(connection, run_id), [_CLAIM])

        assert conflicting_coverage(connection, [replace(_CLAIM, **changes)]) == []


def test_clashes_are_told_of_the_claimed_days_alone(any_books: Engine) -> None:
    days = ("2026-10-03", "2026-10-01", "2026-10-02")
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        source_id = a_source(connection, run_id)
        add_coverage(connection, run_id, source_id, [replace(_CLAIM, day=day) for day in days])
        claims = [replace(_CLAIM, signature="hour", day=day) for day in days[:2]]

        clashes = conflicting_coverage(connection, claims)

        assert [clash.day for clash in clashes] == ["2026-10-01", "2026-10-03"]


def test_every_pair_of_clashing_claims_is_found_once(any_books: Engine) -> None:
    other = replace(_CLAIM, ingestor="litellm", scope="*", signature="", role="detail")
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        for name in ("a.json", "b.json"):
            add_coverage(connection, run_id, a_source(connection, run_id, name), [_CLAIM, other])
        elsewhere = replace(other, billing_account="emea")
        add_coverage(connection, run_id, a_source(connection, run_id, "c.json"), [elsewhere])

        assert overlapping_claims(connection) == [(other, _CLAIM)]
