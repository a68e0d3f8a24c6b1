"""How `metering prices` says what it found: JSON for scripts, cells for tables."""

from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from metering.cli.frame import emit_json, emit_table, note
from metering.cli.price_moves import moved_json, show_moved

if TYPE_CHECKING:
    from metering.core.pricing.card_changes import Change
    from metering.core.pricing.rate_book import RateBook
    from metering.workflows.pricing.card_imports import CardImport
    from metering.workflows.pricing.prices import PriceRow
    from metering.workflows.pricing.quotes import Quote, QuotedMeter
    from metering.workflows.pricing.reprice import Repriced

_MOST_CHANGES: Final = 50  # a table of thousands is read by nobody; --format json has them all


def quote_json(one: "Quote", book: "RateBook") -> dict[str, object]:
    """Return what `metering prices quote` says of one row; the layout is a contract."""
    named: dict[str, object] = {} if one.case_id is None else {"case_id": one.case_id}
    return {
        **named,
        "line": one.line,
        "status": one.status.value,
        "amount_nanos": one.amount,
        "currency": one.currency or None,
        "reason": one.reason or None,
        "model": one.model,
        "meters": {meter.meter: _meter_json(meter, book) for meter in one.meters},
    }


def _meter_json(one: "QuotedMeter", book: "RateBook") -> dict[str, object]:
    decision = one.decision
    return {
        "status": decision.status.value,
        "reason": decision.reason or None,
        "quantity": _number(one.quantity),
        "billed_quantity": _number(one.billed_quantity),
        "amount_nanos": one.amount,
        "price_nanos": decision.price_nanos,
        "per": decision.per,
        "factor_num": decision.factor_num,
        "factor_den": decision.factor_den,
        "currency": decision.currency or None,
        "card": f"{decision.card} v{decision.card_version}" if decision.card else None,
        "list_price_nanos": decision.list_price_nanos,
        "list_per": decision.list_per,
        "rates": [_row_json(row_id, book) for row_id in decision.rate_ids],
    }


def _row_json(row_id: str, book: "RateBook") -> dict[str, object]:
    """Return one rate or modifier that a price is made of: what it says, since when, who says."""
    from metering.core.pricing.rates import Rate
    from metering.workflows.pricing.prices import hours_text

    found = book.row(row_id)
    if found is None:
        return {"id": row_id}
    card, row = found
    if isinstance(row, Rate):
        priced: dict[str, object] = {
            "price_nanos": row.price_nanos,
            "per": row.per,
            "prompt_from": row.tier_lo,
            "prompt_to": row.tier_hi,
            "hours": hours_text(row.window) or None,
            "guaranteed_until": iso(row.guaranteed_until),
            "allowance_units": row.allowance_units or None,
        }
    else:
        priced = {"factor_num": row.factor_num, "factor_den": row.factor_den}
    return {
        "id": row_id,
        **priced,
        "model": row.model_match or None,
        "match": row.match_kind.value,
        "conditions": dict(row.conditions or {}),
        "effective_from": iso(row.effective_from),
        "effective_to": iso(row.effective_to),
        "card": f"{card.name} v{card.version}",
        "kind": card.kind.value,
        "source_name": card.source_name or card.name,
        "source_version": card.source_version or None,
        "source_url": row.source_url or None,
        "retrieved_at": row.retrieved_at or None,
        "evidence": row.evidence,
        "note": row.note or None,
    }


def tell_import(
    done: "CardImport", effect: "Repriced | None" = None, *, dry_run: bool, output_format: str
) -> None:
    """Print what the import of a card did, or would do.

    Args:
        done: the import.
        effect: what money the next `post` moves with the card; None when that was not asked.
        dry_run: nothing was changed.
        output_format: table or json.
    """
    from metering.core.pricing.card_changes import counted

    counts = counted(done.changes)
    if output_format == "json":
        emit_json(
            {
                "card": done.name,
                "version": done.version,
                "is_new": done.is_new,
                "dry_run": dry_run,
                **{kind.value: count for kind, count in counts.items()},
                "changes": [change_json(change) for change in done.changes],
                **(moved_json(effect) if effect else {}),
            }
        )
        return
    if done.changes:
        emit_table(
            "",
            ("change", "platform", "what", "from", "to", "before", "after"),
            [change_cells(change) for change in done.changes[:_MOST_CHANGES]],
        )
    told = ", ".join(f"{count} {kind.value}" for kind, count in counts.items())
    verb = "would be" if dry_run else "is"
    state = f"{verb} in force as version {done.version}" if done.is_new else "is in force already"
    note(f"{done.name} {state}: {told}")
    if effect and effect.days and done.is_new:
        show_moved(effect)
    for what in effect.unheard if effect else ():
        note(what)


def change_cells(change: "Change") -> tuple[object, ...]:
    """Return one change as the cells of a table."""
    from metering.workflows.pricing.prices import row_text, subject_text

    return (
        change.kind.value,
        change.row.platform or change.row.provider,
        subject_text(change.row),
        day(change.row.effective_from),
        day(change.row.effective_to),
        row_text(change.before),
        row_text(change.after),
    )


def change_json(change: "Change") -> dict[str, object]:
    """Return one change, with the names of the table's columns."""
    names = ("change", "platform", "what", "from", "to", "before", "after")
    return dict(zip(names, change_cells(change), strict=True))


def price_cells(row: "PriceRow") -> tuple[object, ...]:
    """Return one price of a history as the cells of a table."""
    only = (row.conditions, row.prompt and f"prompt {row.prompt}", row.hours)
    return (
        row.platform,
        row.meter,
        row.price,
        f"{row.per:,}" if row.per else "",
        day(row.starts),
        day(row.ends),
        "; ".join(part for part in only if part),
        row.card,
        f"{row.source_url} {row.retrieved_at}".strip(),
    )


def price_json(row: "PriceRow") -> dict[str, object]:
    """Return one price of a history."""
    return {
        "provider": row.provider,
        "platform": row.platform,
        "model": row.model,
        "meter": row.meter,
        "price": row.price,
        "per": row.per or None,
        "currency": row.currency,
        "conditions": row.conditions or None,
        "prompt": row.prompt or None,
        "hours": row.hours or None,
        "from": iso(row.starts),
        "to": iso(row.ends),
        "guaranteed_until": iso(row.guaranteed_until),
        "card": row.card,
        "match": row.match,
        "evidence": row.evidence,
        "source_url": row.source_url or None,
        "retrieved_at": row.retrieved_at or None,
        "note": row.note or None,
        "id": row.row_id,
    }


def _number(quantity: int | Fraction) -> int | str:
    from metering.core.money import NANOS_PER_UNIT, plain_decimal

    return quantity if isinstance(quantity, int) else plain_decimal(int(quantity * NANOS_PER_UNIT))


def iso(instant: datetime | None) -> str | None:
    """Return an instant as ISO text in UTC, None for none."""
    return None if instant is None else instant.isoformat().replace("+00:00", "Z")


def day(instant: datetime | None) -> str:
    """Return an instant as a day where it is midnight; "" for none."""
    if instant is None:
        return ""
    return (iso(instant) or "").removesuffix("T00:00:00Z")
