"""The chargeback report of one period: everything its pages say, formatted, before any markup.

Terminal and HTML are two faces of what stands here, so they cannot disagree. Every view is summed
from the same lines and checked against the control total; templates only place what arrives.
"""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from metering.reporting.cover import TieOutShown, aside_lines, summary_lines, tie_out_shown
from metering.reporting.figures import amount_text, change_text, decimal_text, quantity_text
from metering.reporting.frames import frame_of, history_of, in_currency, prior_month, summed
from metering.reporting.lines import Line
from metering.reporting.rankings import Ranking, ranking_by_meter, ranking_by_model
from metering.reporting.snapshot import ReportStatus, Snapshot
from metering.reporting.suspense import (
    Unpriced,
    provisional_spend,
    unattributed_spend,
    unpriced_usage,
)
from metering.reporting.tree import LEVELS, Node, owner_tree, owner_tree_foot
from metering.reporting.trend import Trend, trend_of
from metering.reporting.words import days_text, instant_text, month_text, shown_name

_OPEN_NOTE: Final = "The period is open: late usage and invoices may still change these figures."
_FINAL_NOTE: Final = "The period is closed: these figures do not change."
_DIGEST_CHARACTERS: Final = 12


@dataclass(frozen=True, slots=True)
class Account:
    """The report in one currency; amounts of two currencies are never added.

    Attributes:
        total: billed, as shown; `exact` is the same to the nano.
        change: against the month before; empty after nil.
        summary: who bears it, for the cover; its last line is the total.
        asides: below the total: the month before, corrections, what is provisional.
        unattributed, provisional: lines with their total last; empty when there is nothing.
        owners: the drill-down; `owners_foot` is its rounding, if any, and its total.
    """

    currency: str
    total: str
    change: str
    exact: str
    summary: tuple[Line, ...]
    asides: tuple[Line, ...]
    tie_outs: tuple[TieOutShown, ...]
    unpriced: tuple[Unpriced, ...]
    unattributed: tuple[Line, ...]
    provisional: tuple[Line, ...]
    trend: Trend
    by_model: Ranking
    by_meter: Ranking
    owners: tuple[Node, ...]
    owners_foot: tuple[Line, ...]


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
        period, month, month_before: "2026-10", "October 2026", "September 2026".
        status_note: what estimate or final means here.
        is_settled: nothing is unpriced, unattributed, provisional, quarantined or unexplained.
        accounts: one per currency, the reporting currency first.
        cards, rules, directory, promoted: how it was made, in words.
        quarantined: records refused and not resolved; empty when there are none.
    """

    period: str
    month: str
    month_before: str
    status: str
    status_note: str
    is_settled: bool
    snapshot_id: str
    made_at: str
    currency: str
    accounts: tuple[Account, ...]
    cards: tuple[tuple[str, str, str, str], ...]
    rules: str
    directory: str
    promoted: tuple[str, ...]
    sources: tuple[SourceShown, ...]
    quarantined: str


def chargeback_report(snapshot: Snapshot) -> ChargebackReport:
    """Return the report of a snapshot.

    Raises:
        LedgerError: a view does not add up to the control total.
    """
    totals = snapshot.lines.control_totals() or {snapshot.currency: 0}
    lines, history = frame_of(snapshot.lines), history_of(snapshot.history)
    accounts = tuple(
        _account(snapshot, in_currency(lines, currency), in_currency(history, currency), currency)
        for currency in sorted(totals, key=lambda name: (name != snapshot.currency, name))
    )
    is_final = snapshot.status is ReportStatus.FINAL
    return ChargebackReport(
        period=str(snapshot.period),
        month=month_text(snapshot.period),
        month_before=month_text(snapshot.period.previous),
        status=snapshot.status.value,
        status_note=_FINAL_NOTE if is_final else _OPEN_NOTE,
        is_settled=not snapshot.quarantined and all(_is_settled(account) for account in accounts),
        snapshot_id=snapshot.snapshot_id,
        made_at=instant_text(snapshot.made_at),
        currency=snapshot.currency,
        accounts=accounts,
        cards=tuple(
            (shown_name(card.name), f"version {card.version}", card.kind, shown_name(card.source))
            for card in snapshot.cards
        ),
        rules=_version(snapshot.rules_version),
        directory=_version(snapshot.directory_version),
        promoted=tuple(shown_name(sentence) for sentence in snapshot.promoted),
        sources=_sources(snapshot),
        quarantined=quantity_text(snapshot.quarantined) if snapshot.quarantined else "",
    )


def _account(
    snapshot: Snapshot, lines: pd.DataFrame, history: pd.DataFrame, currency: str
) -> Account:
    period = snapshot.period
    total = snapshot.lines.control_totals().get(currency, 0)
    before = snapshot.history.totals_of(period.previous).get(currency, 0)
    by_owner = summed(lines, ("bearer", *LEVELS, "provider", "model", "meter"), total=total)
    prior = prior_month(history, period)
    return Account(
        currency=currency,
        total=amount_text(total, currency),
        change=change_text(total, before),
        exact=decimal_text(total),
        summary=summary_lines(lines, period, currency, total),
        asides=aside_lines(lines, period, currency, {period: total, period.previous: before}),
        tie_outs=tuple(tie_out_shown(tie) for tie in snapshot.tie_outs if tie.currency == currency),
        unpriced=unpriced_usage(lines),
        unattributed=unattributed_spend(lines, currency, total),
        provisional=provisional_spend(lines, currency, total),
        trend=trend_of(history, period, currency, total=total),
        by_model=ranking_by_model(lines, currency, total=total),
        by_meter=ranking_by_meter(lines, currency, total=total),
        owners=owner_tree(by_owner, prior, currency),
        owners_foot=owner_tree_foot(by_owner, prior, currency),
    )


def _is_settled(account: Account) -> bool:
    if account.unpriced or account.unattributed or account.provisional:
        return False
    return all(tie.verdict != "unexplained" for tie in account.tie_outs)


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
