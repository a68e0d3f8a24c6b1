"""Ratios of money and outcomes: null without a denominator, never zero, rounded once."""

import pytest

from metering.core.outcomes.funnel import UNIT, Answered, FunnelRow, Share, Stages, added
from metering.core.outcomes.outcome_rules import SESSION, OutcomeRules, checked_rules
from metering.core.outcomes.stages import Stage
from metering.core.ownership.tickets import ticket_in
from metering.errors import BookError
from metering.ingest.outcomes.trailers import session_of_messages, tool_of_messages
from metering.workflows.outcomes.funnel_json import units_text


def row(spend: Answered, stages: Stages, **cells: object) -> FunnelRow:
    plain: dict[str, object] = {
        "team": "a",
        "project": "p",
        "currency": "USD",
        "spend": spend,
        "tokens": 1_000,
        "stages": stages,
        "vendor_units": None,
        "window_days": 14,
        "last_outcome": "2026-10-01",
        **cells,
    }
    return FunnelRow(**plain)  # type: ignore[arg-type] # cells of a test


def test_a_ratio_without_a_denominator_is_none() -> None:
    nothing = row(Answered(no_feed=5), Stages(validated=0, settled=0, settling=0))

    assert nothing.nanos_per_unit(Stage.VALIDATED) is None
    assert nothing.nanos_per_unit(Stage.ATTEMPTED) is None
    assert nothing.tokens_per_unit(Stage.SETTLED) is None
    assert nothing.nanos_per_vendor_unit is None
    assert nothing.stages.validated_yield is None
    assert nothing.stages.settled_yield is None
    assert Answered(pending=7).coverage is None
    assert row(Answered(), Stages(), tokens=None).nanos_per_million_tokens is None


def test_what_one_unit_cost_is_rounded_half_to_even() -> None:
    stages = Stages(completed=4 * UNIT, validated=2 * UNIT, settled=UNIT, settling=0)
    one = row(Answered(keyed=3, pending=2), stages, vendor_units=20_000)

    assert one.nanos_per_unit(Stage.VALIDATED) == 2
    assert one.nanos_per_unit(Stage.COMPLETED) == 1
    assert one.tokens_per_unit(Stage.SETTLED) == 1_000
    assert (one.nanos_per_vendor_unit, one.tokens_per_vendor_unit) == (2, 500)
    assert one.nanos_per_million_tokens == 5_000


@pytest.mark.parametrize(
    ("share", "text", "percent"),
    [
        (Share(1, 3), "0.3333", "33.3 %"),
        (Share(-1, 3), "-0.3333", "-33.3 %"),
        (Share(5, 4), "1.2500", "125.0 %"),
        (Share(0, 7), "0.0000", "0.0 %"),
        (Share(1, 80), "0.0125", "1.2 %"),
        (Share(3, 80), "0.0375", "3.8 %"),
        (Share(-1, 100_000), "0.0000", "0.0 %"),
    ],
)
def test_a_ratio_is_told_exactly_half_to_even(share: Share, text: str, percent: str) -> None:
    assert (share.text, share.percent) == (text, percent)


def test_coverage_is_of_spend_whose_window_is_over() -> None:
    spend = Answered(keyed=1, project=2, pending=100, has_feed=3, feed_silent=4, no_feed=5)

    assert spend.unattributed == 12
    assert spend.total == 115
    assert spend.coverage == Share(3, 15)


@pytest.mark.parametrize(
    ("stages", "yielded"),
    [
        (Stages(validated=10, settled=3, settling=4), Share(3, 6)),
        (Stages(validated=10, settled=3), Share(3, 10)),
        (Stages(validated=4, settled=0, settling=4), None),
        (Stages(settled=3), None),
    ],
)
def test_what_is_still_settling_is_no_loss(stages: Stages, yielded: Share | None) -> None:
    assert stages.settled_yield == yielded


def test_what_nobody_paid_for_is_not_free() -> None:
    unpaid = row(Answered(), Stages(validated=UNIT), tokens=None)

    assert unpaid.nanos_per_unit(Stage.VALIDATED) is None
    assert unpaid.tokens_per_unit(Stage.VALIDATED) is None
    assert row(Answered(), Stages(), tokens=None, vendor_units=1).tokens_per_vendor_unit is None


def test_rows_add_up_by_currency_under_another_name() -> None:
    one = row(Answered(keyed=1), Stages(validated=2), last_outcome="2026-10-03", vendor_units=5)
    other = row(Answered(keyed=10), Stages(validated=20), tokens=None, value_nanos=7)
    euros = row(Answered(keyed=100), Stages(), currency="EUR", last_outcome=None)

    assert added([one, euros, other], "t", "q") == (
        row(
            Answered(keyed=100),
            Stages(),
            team="t",
            project="q",
            currency="EUR",
            window_days=None,
            last_outcome=None,
        ),
        row(
            Answered(keyed=11),
            Stages(validated=22),
            team="t",
            project="q",
            vendor_units=5,
            window_days=None,
            last_outcome="2026-10-03",
            value_nanos=7,
        ),
    )


def test_a_yield_counts_only_where_both_ends_are_reported() -> None:
    with_both = row(Answered(keyed=1), Stages(completed=4, validated=2, confirmed=2))
    without = row(Answered(keyed=1), Stages(validated=100))

    (total,) = added([with_both, without])

    assert total.stages.validated == 102
    assert total.stages.validated_yield is not None
    assert total.stages.validated_yield.text == "0.5000"


def test_rows_add_up_by_currency_and_nothing_that_is_unknown_becomes_zero() -> None:
    rows = [
        row(Answered(keyed=1, has_feed=2), Stages(), tokens=None, last_outcome=None),
        row(Answered(no_feed=4), Stages(), currency="EUR"),
        row(Answered(feed_silent=8), Stages(validated=UNIT), tokens=None),
    ]

    euros, dollars = added(rows)

    assert (euros.currency, euros.spend.total, euros.spend.unattributed) == ("EUR", 4, 4)
    assert (dollars.spend.total, dollars.spend.unattributed) == (11, 10)
    assert dollars.tokens is None
    assert (dollars.stages.completed, dollars.stages.validated) == (None, UNIT)
    assert (dollars.last_outcome, dollars.window_days) == ("2026-10-01", None)


@pytest.mark.parametrize(
    ("units", "text"),
    [(0, "0"), (UNIT, "1"), (-UNIT // 4, "-0.25"), (131_200_000, "1.312"), (None, None)],
)
def test_units_are_shown_exactly(units: int | None, text: str | None) -> None:
    assert units_text(units) == text


def test_a_window_is_said_for_a_project_or_follows_from_its_kinds() -> None:
    rules = checked_rules({"windows": {"p": 3, "a/p": 5}})

    assert rules.window("a", "p", frozenset({"research"})) == 5
    assert rules.window("b", "p", frozenset({"research"})) == 3
    assert rules.window("b", "q", frozenset({"research", "ticket", "awu"})) == 75
    assert rules.window("b", "q", frozenset()) == 14


def test_keys_are_kept_where_usage_carries_them() -> None:
    rules = checked_rules({"keys": {"branch": "", "session": SESSION, "trace": "tag:trace_id"}})

    assert dict(rules.keys) == {
        "workflow_key": "workflow_key",
        "ticket": "tag:ticket",
        "session": "session",
        "trace": "tag:trace_id",
    }
    assert rules.tags == {"ticket", "trace_id"}
    assert rules.keeps_sessions
    assert not OutcomeRules().keeps_sessions


def test_a_vendor_s_unit_never_counts_in_ours() -> None:
    rules = checked_rules({"units": {"ticket": 0.2, "awu": 3}, "settles": {"ticket": 30}})

    assert [rules.unit(kind) for kind in ("ticket", "pull_request", "awu", SESSION)] == [
        2_000,
        10_000,
        0,
        0,
    ]
    assert rules.settles_after("ticket", {"ticket": 3}) == 30
    assert rules.settles_after("case", {"case": 3}) == 3
    assert rules.settles_after("deploy", {}) == 7


def test_a_value_is_what_finance_says_of_a_settled_outcome() -> None:
    rules = checked_rules({"values": {"ticket": "EUR 12.50"}})

    paid = row(Answered(keyed=50), Stages(settled=UNIT), value_nanos=125)
    (total,) = added([paid, row(Answered(no_feed=50), Stages())])

    assert rules.values == {"ticket": ("EUR", 12_500_000_000)}
    assert paid.self_funding is not None
    assert paid.self_funding.text == "2.5000"
    assert total.self_funding is not None
    assert total.self_funding.text == "1.2500"
    assert row(Answered(keyed=50), Stages()).self_funding is None


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"window": {}}, "[outcomes] window is this section"),
        ({"windows": 7}, "windows is '7'"),
        ({"windows": {"p": -1}}, "windows.p is '-1'"),
        ({"windows": {"p": True}}, "windows.p is 'True'"),
        ({"keys": {"commit": "tag:commit"}}, "keys.commit is this key"),
        ({"keys": {"branch": "branch"}}, "keys.branch is 'branch'"),
        ({"units": {"ticket": 0.00001}}, "units.ticket is '1e-05'"),
        ({"units": {"ticket": "1"}}, "units.ticket is '1'"),
        ({"values": {"ticket": "12.50"}}, "values.ticket is '12.50'"),
    ],
)
def test_settings_that_say_what_nobody_knows_are_refused(
    said: dict[str, object], what: str
) -> None:
    with pytest.raises(BookError) as refused:
        checked_rules(said)

    assert refused.value.code == "bad-settings"
    assert what in str(refused.value)


@pytest.mark.parametrize(
    ("branch", "ticket"),
    [
        ("PAY-142-retry", "PAY-142"),
        ("ana/PAY-142", "PAY-142"),
        ("retry-429", None),
        ("UTF-8-and-PAY-7", "PAY-7"),
        ("sha-256", None),
        ("XPAY-142X", None),
        (None, None),
    ],
)
def test_a_ticket_is_found_in_a_branch(branch: str | None, ticket: str | None) -> None:
    assert ticket_in(branch) == ticket


def test_trailers_name_tools_and_sessions_and_nothing_else_is_read() -> None:
    messages = [
        "A change\n\nCo-Authored-By: Claude Opus 5 <noreply@anthropic.com>",
        "co-authored-by: Cursor <cursoragent@cursor.com>\nCo-Authored-By: Ana <ana@acme.test>",
        "Claude-Session: https://claude.ai/code/session_01AbCdEf/",
    ]

    assert tool_of_messages(messages) == "claude-code+cursor"
    assert session_of_messages(messages) == "session_01AbCdEf"
    assert tool_of_messages(["noreply@anthropic.com"]) is None
