"""The chargeback report of one period: everything its pages say, formatted, before any markup.

Terminal and HTML are two faces of what stands here, so they cannot disagree. Every view is summed
from the same lines and checked against the control total; templates only place what arrives.
"""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from metering.core.money import plain_decimal
from metering.reporting.figures import amount_text, change_text, quantity_text
from metering.reporting.frames import (
    COSTS,
    frame_of,
    history_of,
    in_currency,
    prior_month,
    summed,
)
from metering.reporting.lines import Line
from metering.reporting.pack.appendix import Appendix, appendix_of
from metering.reporting.pack.budget_stretches import StretchShown, stretches_shown
from metering.reporting.pack.cover import (
    TieOutShown,
    aside_lines,
    cost_lines,
    summary_lines,
    tie_out_shown,
    unexplained_lines,
    unlisted_note,
)
from metering.reporting.pack.rankings import Ranking, ranking_by_meter, ranking_by_model
from metering.reporting.pack.shared import PoolShown, corrections_shown, pools_shown
from metering.reporting.pack.suspense import (
    Unpriced,
    provisional_spend,
    unattributed_spend,
    unpriced_usage,
)
from metering.reporting.pack.tree import LEVELS, Plans, Statement, owner_statement
from metering.reporting.pack.trend import Trend, trend_of
from metering.reporting.snapshot import Snapshot
from metering.reporting.words import (
    days_text,
    instant_text,
    month_text,
    shown_name,
    status_note,
)

_DIGEST_CHARACTERS: Final = 12


@dataclass(frozen=True, slots=True)
class Account:
    """The report in one currency; amounts of two currencies are never added.

    Attributes:
        total: billed, as shown; `exact` is the same to the nano.
        change: against the month before; empty after nil.
        summary: who bears it, for the cover; its last line is the total.
        costs: from list price to billed; `unlisted` says what has no list price.
        asides: below the total: the month before, corrections, what is provisional.
        unattributed, unexplained, provisional: lines with their total last; empty when there is
            nothing.
        is_settled: none of these has a line, nothing is unpriced or unmetered, no record is in
            quarantine.
        pools, corrections: shared cost, and what corrects closed periods; empty for none.
        owners: what each cost centre, team and project bears.
        stretches: budgets of several months; empty for none.
        has_budget, has_forecast: whether its columns for them say something.
        appendix: for paper: projects by model and meter, and the days.
    """

    currency: str
    total: str
    change: str
    exact: str
    summary: tuple[Line, ...]
    costs: tuple[Line, ...]
    unlisted: str
    asides: tuple[Line, ...]
    tie_outs: tuple[TieOutShown, ...]
    unpriced: tuple[Unpriced, ...]
    unattributed: tuple[Line, ...]
    unexplained: tuple[Line, ...]
    provisional: tuple[Line, ...]
    is_settled: bool
    trend: Trend
    by_model: Ranking
    by_meter: Ranking
    pools: tuple[PoolShown, ...]
    corrections: tuple[Line, ...]
    owners: Statement
    stretches: tuple[StretchShown, ...]
    has_budget: bool
    has_forecast: bool
    appendix: Appendix


@dataclass(frozen=True, slots=True)
class SourceShown:
    """One source file and its receipt, as shown."""

    name: str
    ingestor: str
    role: str
    days: str
    records_in: str
    recorded: str
    already_known: str
    rejected: str
    digest: str


@dataclass(frozen=True, slots=True)
class ChargebackReport:
    """Everything the report says.

    Attributes:
        period, month, month_before: "2026-10", "October 2026", "September 2026"; for headings of
            columns `month_before_short`, "Sep 2026".
        status_note: what estimate or final means here.
        currency: of its amounts, in words.
        accounts: one per currency, the reporting currency first.
        cards, rules, directory, promoted: how it was made, in words.
        asked: who was asked about spend without an owner: provider, subject, asked, since.
        unmetered: detail of a provider that nothing meters, a sentence each.
        quarantined: "3 records" that are refused and not resolved; empty when there are none.
    """

    period: str
    month: str
    month_before: str
    month_before_short: str
    status: str
    status_note: str
    snapshot_id: str
    made_at: str
    currency: str
    accounts: tuple[Account, ...]
    cards: tuple[tuple[str, str, str, str], ...]
    rules: str
    directory: str
    promoted: tuple[str, ...]
    asked: tuple[tuple[str, ...], ...]
    sources: tuple[SourceShown, ...]
    unmetered: tuple[str, ...]
    quarantined: str


def chargeback_report(snapshot: Snapshot, *, drawn: bool = True) -> ChargebackReport:
    """Return the report of a snapshot.

    Args:
        snapshot: the frozen period.
        drawn: whether its charts are; a face without charts does not wait for them.

    Raises:
        LedgerError: a view does not add up to the control total.
    """
    lines, history = frame_of(snapshot.lines), history_of(snapshot.history)
    accounts = tuple(
        _account(
            snapshot,
            in_currency(lines, currency),
            in_currency(history, currency),
            currency,
            drawn=drawn,
        )
        for currency in snapshot.totals()
    )
    return ChargebackReport(
        period=str(snapshot.period),
        month=month_text(snapshot.period),
        month_before=month_text(snapshot.period.previous),
        month_before_short=month_text(snapshot.period.previous, short=True),
        status=snapshot.status.value,
        status_note=status_note(snapshot.status.value),
        snapshot_id=snapshot.snapshot_id,
        made_at=instant_text(snapshot.made_at),
        currency=_currencies(snapshot),
        accounts=accounts,
        cards=tuple(
            (shown_name(card.name), f"version {card.version}", card.kind, shown_name(card.source))
            for card in snapshot.cards
        ),
        rules=_version(snapshot.rules_version),
        directory=_version(snapshot.directory_version),
        promoted=tuple(shown_name(sentence) for sentence in snapshot.promoted),
        asked=tuple(
            (*map(shown_name, (one.provider, one.subject, one.asked)), str(one.since))
            for one in snapshot.asked
        ),
        sources=_sources(snapshot),
        unmetered=tuple(shown_name(sentence) for sentence in snapshot.unmetered),
        quarantined=_records(snapshot.quarantined),
    )


def _records(count: int) -> str:
    if not count:
        return ""
    return f"{quantity_text(count)} record{'' if count == 1 else 's'}"


def _account(
    snapshot: Snapshot, lines: pd.DataFrame, history: pd.DataFrame, currency: str, *, drawn: bool
) -> Account:
    period = snapshot.period
    total = snapshot.lines.control_totals().get(currency, 0)
    before = snapshot.history.totals_of(period.previous).get(currency, 0)
    budgets, forecasts = (
        Plans.of(plans, currency) for plans in (snapshot.budgets, snapshot.forecasts)
    )
    unpriced, unattributed = unpriced_usage(lines), unattributed_spend(lines, currency, total)
    unexplained = unexplained_lines(snapshot.tie_outs, currency)
    provisional = provisional_spend(lines, currency, total)
    return Account(
        currency=currency,
        total=amount_text(total, currency),
        change=change_text(total, before),
        exact=plain_decimal(total),
        summary=summary_lines(lines, period, currency, total),
        costs=cost_lines(lines, currency, total),
        unlisted=unlisted_note(lines, currency),
        asides=aside_lines(lines, period, currency, before),
        tie_outs=tuple(tie_out_shown(tie) for tie in snapshot.tie_outs if tie.currency == currency),
        unpriced=unpriced,
        unattributed=unattributed,
        unexplained=unexplained,
        provisional=provisional,
        is_settled=not (
            (unpriced or unattributed or unexplained or provisional)
            or (snapshot.unmetered or snapshot.quarantined)
        ),
        trend=trend_of(history, period, currency, total=total, drawn=drawn),
        by_model=ranking_by_model(lines, currency, total=total, drawn=drawn),
        by_meter=ranking_by_meter(lines, currency, total=total, drawn=drawn),
        pools=pools_shown(lines, snapshot.pools, currency),
        corrections=corrections_shown(lines, currency),
        owners=owner_statement(
            summed(lines, ("bearer", *LEVELS), total=total, sums=COSTS),
            prior_month(history, period),
            currency,
            budgets=budgets,
            forecasts=forecasts,
        ),
        stretches=stretches_shown(snapshot.stretches, currency),
        has_budget=budgets is not None,
        has_forecast=forecasts is not None,
        appendix=appendix_of(lines, currency, total=total),
    )


def _currencies(snapshot: Snapshot) -> str:
    *others, last = snapshot.totals()
    return f"{', '.join(others)} and {last}, never added up" if others else last


def _version(version: int | None) -> str:
    return "none imported" if version is None else f"version {version}"


def _sources(snapshot: Snapshot) -> tuple[SourceShown, ...]:
    return tuple(
        SourceShown(
            name=shown_name(source.name),
            ingestor=shown_name(source.ingestor),
            role=source.role,
            days=days_text(source.first_day, source.last_day),
            records_in=quantity_text(source.records_in),
            recorded=quantity_text(source.recorded),
            already_known=quantity_text(source.already_known),
            rejected=quantity_text(source.rejected),
            digest=source.content_sha256[:_DIGEST_CHARACTERS],
        )
        for source in snapshot.sources
    )
