"""What is not settled: usage without a rate, spend without an owner, amounts that may change."""

from dataclasses import dataclass

import pandas as pd

from metering.reporting.figures import amount_text, quantity_text, share_text
from metering.reporting.frames import SUMS
from metering.reporting.lines import Line, rounding_line, total_line
from metering.reporting.snapshot import Bearer
from metering.reporting.words import (
    days_text,
    meter_label,
    meter_unit,
    reason_text,
    shown_name,
)


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Usage without a rate: its quantity is known, its amount is not.

    Attributes:
        quantity, counted: as shown, and as a number.
    """

    provider: str
    billing_account: str
    model: str
    meter: str
    quantity: str
    counted: int
    unit: str
    reason: str
    days: str


def unpriced_usage(lines: pd.DataFrame) -> tuple[Unpriced, ...]:
    """Return the usage that no rate matches, by model and meter, with its days and the reason."""
    by = ["provider", "billing_account", "model", "meter", "reason"]
    rows = lines[lines["bearer"] == Bearer.UNPRICED]
    groups = rows.groupby(by, observed=True, dropna=False, sort=False)
    view = groups.agg(
        quantity=("quantity", "sum"), first=("charge_day", "min"), last=("charge_day", "max")
    ).reset_index()
    shown = [
        Unpriced(
            provider=shown_name(provider),
            billing_account=shown_name(account),
            model=_name(model, "no model named"),
            meter=shown_name(meter_label(meter)),
            quantity=quantity_text(int(quantity)),
            counted=int(quantity),
            unit=meter_unit(meter),
            reason=reason_text(_name(reason, "no reason given")),
            days=days_text(first, last),
        )
        for provider, account, model, meter, reason, quantity, first, last in zip(
            *(view[name] for name in (*by, "quantity", "first", "last")), strict=True
        )
        if quantity
    ]
    return tuple(sorted(shown, key=lambda row: (row.provider, row.model, row.meter, row.reason)))


def unattributed_spend(lines: pd.DataFrame, currency: str, total: int) -> tuple[Line, ...]:
    """Return the spend without an owner by provider, account and model; empty when there is none.

    Args:
        lines: lines of one currency.
        currency: ISO 4217 code.
        total: control total in nanos, for the shares.
    """
    rows = lines[lines["bearer"] == Bearer.UNATTRIBUTED]
    return _table(rows, ("provider", "billing_account", "model"), currency, total)


def provisional_spend(lines: pd.DataFrame, currency: str, total: int) -> tuple[Line, ...]:
    """Return the spend that is priced but may still change, by reason; empty when there is none."""
    rows = lines[lines["status"] == "provisional"]
    return _table(rows, ("reason",), currency, total)


def _table(rows: pd.DataFrame, by: tuple[str, ...], currency: str, total: int) -> tuple[Line, ...]:
    groups = rows.groupby(list(by), observed=True, dropna=False, sort=False)
    view = groups[list(SUMS)].sum().reset_index()
    sums = sorted(
        (-int(nanos), tuple(_name(name, "") for name in names))
        for *names, nanos in zip(*(view[name] for name in (*by, "amount_nanos")), strict=True)
        if nanos
    )
    if not sums:
        return ()
    whole = -sum(negated for negated, _ in sums)
    lines = [
        Line(
            kind="item",
            label=_label(by, names),
            note=" · ".join(names[:-1]),
            amount=amount_text(-negated, currency),
            share=share_text(-negated, total),
            nanos=-negated,
        )
        for negated, names in sums
    ]
    rounding = rounding_line([(-negated, 0) for negated, _ in sums], (whole, 0), currency)
    if rounding.amount:
        lines.append(rounding)
    return (*lines, total_line("Total", whole, total, currency))


def _label(by: tuple[str, ...], names: tuple[str, ...]) -> str:
    if by[-1] == "reason":
        return reason_text(names[-1] or "no reason given")
    return names[-1] or "no model named"


def _name(value: object, otherwise: str) -> str:
    return shown_name(value) if isinstance(value, str) and value else otherwise
