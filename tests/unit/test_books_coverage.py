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
from tests.support.books_rows import a_run, a_source

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
        add_coverage(connection, run_id, {a_source(connection, run_id): [_CLAIM]})

        (clash,) = conflicting_coverage(connection, [replace(_CLAIM, **changes)])
        backwards = conflicting_coverage(connection, [_CLAIM])

        assert (clash.source_path, clash.scope, clash.ingestor) == (
            "exports/a.json",
            "completions",
            "openai-usage",
        )
        assert backwards == []


_LOG = NewCoverage("aws", "default", "*", "", "litellm-spend-logs", "metered", "2026-10-01")
_BILL = NewCoverage("aws", "111122223333", "2026-10", "cost", "aws-cur", "metered", "2026-10-01")


@pytest.mark.parametrize(("first", "second"), [(_LOG, _BILL), (_BILL, _LOG)])
def test_a_log_of_which_nobody_named_the_account_clashes_with_a_bill_that_names_it(
    any_books: Engine, first: NewCoverage, second: NewCoverage
) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        add_coverage(connection, run_id, {a_source(connection, run_id, "a.csv"): [first]})

        (clash,) = conflicting_coverage(connection, [second])

        assert (clash.ingestor, clash.billing_account) == (first.ingestor, first.billing_account)

        add_coverage(connection, run_id, {a_source(connection, run_id, "b.csv"): [second]})
        assert overlapping_claims(connection) == [(_BILL, _LOG)]


def test_a_bill_whose_account_somebody_named_is_of_another(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        add_coverage(connection, run_id, {a_source(connection, run_id): [_LOG]})

        assert conflicting_coverage(connection, [_BILL], _BILL.billing_account) == []


def test_an_account_clashes_with_its_parts_and_not_with_those_of_another(
    any_books: Engine,
) -> None:
    part = replace(_BILL, billing_account=f"{_BILL.billing_account}/profile")
    whole = replace(_LOG, billing_account=_BILL.billing_account)
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        add_coverage(connection, run_id, {a_source(connection, run_id): [part]})

        (clash,) = conflicting_coverage(connection, [whole], whole.billing_account)
        other = replace(whole, billing_account=whole.billing_account[:-1])
        assert conflicting_coverage(connection, [other], other.billing_account) == []

        add_coverage(connection, run_id, {a_source(connection, run_id, "b.json"): [whole]})
        ((left, right),) = overlapping_claims(connection)

    assert clash.billing_account == part.billing_account
    assert {left, right} == {part, whole}


def test_accounts_that_are_both_named_are_two(any_books: Engine) -> None:
    named = replace(_LOG, billing_account="999988887777")
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        add_coverage(connection, run_id, {a_source(connection, run_id): [named]})

        assert conflicting_coverage(connection, [_BILL]) == []


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
        add_coverage(connection, run_id, {a_source(connection, run_id): [_CLAIM]})

        assert conflicting_coverage(connection, [replace(_CLAIM, **changes)]) == []


def test_clashes_are_told_of_the_claimed_days_alone(any_books: Engine) -> None:
    days = ("2026-10-03", "2026-10-01", "2026-10-02")
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        source_id = a_source(connection, run_id)
        add_coverage(connection, run_id, {source_id: [replace(_CLAIM, day=day) for day in days]})
        claims = [replace(_CLAIM, signature="hour", day=day) for day in days[:2]]

        clashes = conflicting_coverage(connection, claims)

        assert [clash.day for clash in clashes] == ["2026-10-01", "2026-10-03"]


def test_every_pair_of_clashing_claims_is_found_once(any_books: Engine) -> None:
    other = replace(_CLAIM, ingestor="litellm", scope="*", signature="", role="detail")
    with begin_write(any_books) as connection:
        run_id = a_run(connection)
        for name in ("a.json", "b.json"):
            add_coverage(connection, run_id, {a_source(connection, run_id, name): [_CLAIM, other]})
        elsewhere = replace(other, billing_account="emea")
        named = a_source(connection, run_id, "c.json", billing_account="emea")
        add_coverage(connection, run_id, {named: [elsewhere]})

        assert overlapping_claims(connection) == [(other, _CLAIM)]
