"""The chargeback report as JSON: everything the other files say, exact, for machines.

Amounts are decimal text, digit for digit what the ledger holds; a number would pass through a
float in most readers. What is not known is null. Keys stand in a fixed order.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

import pandas as pd

from metering import __version__
from metering.core.closing.tieout import TieOut
from metering.core.money import nanos_from_decimal_text, plain_decimal
from metering.errors import LedgerError
from metering.reporting.frames import (
    frame_of,
    grouped,
    history_of,
    in_currency,
    prior_month,
    summed,
)
from metering.reporting.pack.detail import Detail, details_of
from metering.reporting.pack.tree import LEVELS
from metering.reporting.snapshot import Bearer, OwnerAmount, Snapshot
from metering.reporting.words import meter_unit

_LEDGER_KEY: Final = (
    *("bearer", "cost_centre", "project", "centre_owner", "gl_account", "capex_opex"),
    *("cogs_or_rnd", "booking_currency", "fx_rate", "fx_day", "corrects"),
)


def chargeback_json(snapshot: Snapshot) -> bytes:
    """Return the report of a snapshot; the same ledger gives the same bytes.

    Raises:
        LedgerError: the lines do not add up to the control total.
    """
    frame = frame_of(snapshot.lines)
    document = {
        "report": "chargeback",
        "made_by": f"metering {__version__}",
        "period": str(snapshot.period),
        "status": snapshot.status.value,
        "snapshot_id": snapshot.snapshot_id,
        "book_as_of": snapshot.made_at.isoformat(),
        "reporting_currency": snapshot.currency,
        "accounts": [
            _account(snapshot, currency, total, details_of(frame, currency, total=total))
            | {"general_ledger": _general_ledger(frame, currency, total)}
            for currency, total in snapshot.totals().items()
        ],
        "corrections": _corrections(snapshot),
        "tie_outs": [_tie_out(tie) for tie in snapshot.tie_outs],
        "made_from": {
            "rate_cards": [
                {"name": card.name, "version": card.version, "kind": card.kind}
                | {"currency": card.currency, "source": card.source}
                for card in snapshot.cards
            ],
            "rules_version": snapshot.rules_version,
            "directory_version": snapshot.directory_version,
            "pools": [
                {"name": pool.name, "rule": pool.rule, "version": pool.version or None}
                for pool in snapshot.pools
            ],
            "promoted": list(snapshot.promoted),
            "unmetered": list(snapshot.unmetered),
            "quarantined_records": snapshot.quarantined,
            "sources": [
                {
                    "name": source.name,
                    "ingestor": source.ingestor,
                    "role": source.role,
                    "first_day": _or_none(source.first_day),
                    "last_day": _or_none(source.last_day),
                    "records_in": source.records_in,
                    "recorded": source.recorded,
                    "already_known": source.already_known,
                    "rejected": source.rejected,
                    "sha256": source.content_sha256,
                }
                for source in snapshot.sources
            ],
        },
    }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def _account(
    snapshot: Snapshot, currency: str, total: int, details: tuple[Detail, ...]
) -> dict[str, Any]:
    lines = [_line(row) for row in details]
    written = sum(nanos_from_decimal_text(line["billed"] or "0") for line in lines)
    if written != total:
        raise LedgerError(f"the JSON file adds up to {written} nanos, the book to {total}")
    history = in_currency(history_of(snapshot.history), currency)
    before = prior_month(history, snapshot.period)
    return {
        "currency": currency,
        "billed": plain_decimal(total),
        "prior_month": {
            "period": str(snapshot.period.previous),
            "owners": [
                {"bearer": bearer, **_owner(levels), "billed": plain_decimal(int(nanos))}
                for bearer, *levels, nanos in zip(
                    *(before[name] for name in ("bearer", *LEVELS, "amount_nanos")), strict=True
                )
            ],
        },
        "budgets": _plans(snapshot.budgets, currency),
        "budgets_of_months": [
            {
                **_owner((one.cost_centre, one.team, one.project)),
                "months": one.months,
                "amount": plain_decimal(one.budget_nanos),
                "share_of_month": plain_decimal(one.share_nanos),
                "charged_in_month": plain_decimal(one.month_nanos),
                "charged": plain_decimal(one.charged_nanos),
                "left": plain_decimal(one.left_nanos),
            }
            for one in snapshot.stretches
            if one.currency == currency
        ],
        "forecasts": _plans(snapshot.forecasts, currency),
        "lines": lines,
    }


def _general_ledger(frame: pd.DataFrame, currency: str, total: int) -> list[dict[str, Any]]:
    """Return what finance books: by owner, account and class, and by exchange rate."""
    view = summed(in_currency(frame, currency), _LEDGER_KEY, total=total, sums=("amount_nanos",))
    rows = zip(*(view[name].tolist() for name in (*_LEDGER_KEY, "amount_nanos")), strict=True)
    return [
        {
            **{name: one if isinstance(one, str) else None for name, one in named.items()},
            "billed": plain_decimal(int(nanos)),
        }
        for *said, nanos in rows
        for named in [dict(zip(_LEDGER_KEY, said, strict=True))]
    ]


def _line(row: Detail) -> dict[str, Any]:
    is_priced = row.bearer != Bearer.UNPRICED
    return {
        "bearer": row.bearer,
        **_owner((row.cost_centre, row.team, row.project)),
        "provider": row.provider,
        "model": row.model or None,
        "meter": row.meter,
        "quantity": row.counted,
        "unit": meter_unit(row.meter),
        "list": plain_decimal(row.listed) if is_priced else None,
        "contracted": plain_decimal(row.contracted) if is_priced else None,
        "billed": plain_decimal(row.amount) if is_priced or row.amount else None,
    }


def _corrections(snapshot: Snapshot) -> list[dict[str, Any]]:
    frame = frame_of(snapshot.lines)
    names = ("currency", "corrects", "bearer", *LEVELS)
    view = grouped(frame[frame["corrects"].notna()], names)
    return [
        {
            "currency": currency,
            "corrects": corrects,
            "bearer": bearer,
            **_owner(levels),
            "billed": plain_decimal(int(nanos)),
        }
        for currency, corrects, bearer, *levels, nanos in view.itertuples(index=False)
    ]


def _tie_out(tie: TieOut) -> dict[str, Any]:
    return {
        "provider": tie.provider,
        "billing_account": tie.billing_account,
        "currency": tie.currency,
        "invoices": list(tie.invoice_ids),
        "invoiced": plain_decimal(tie.invoiced_nanos) if tie.is_invoiced else None,
        "ties": tie.ties if tie.is_invoiced else None,
        "lines": [
            {
                "label": line.label,
                "reason": line.reason.value,
                "amount": plain_decimal(line.nanos),
            }
            for line in tie.lines
        ],
        "notes": list(filter(None, (*tie.notes, tie.unpriced_note))),
    }


def _plans(plans: tuple[OwnerAmount, ...] | None, currency: str) -> list[dict[str, Any]] | None:
    if plans is None:
        return None
    return [
        {
            **_owner((plan.cost_centre, plan.team, plan.project)),
            "amount": plain_decimal(plan.nanos),
        }
        for plan in plans
        if plan.currency == currency
    ]


def _owner(levels: Iterable[object]) -> dict[str, str | None]:
    names = (level if isinstance(level, str) and level else None for level in levels)
    return dict(zip(LEVELS, names, strict=True))


def _or_none(value: object) -> str | None:
    return None if value is None else str(value)
