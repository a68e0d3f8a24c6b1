"""Spend by model and by meter: the largest as bars, all of them as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from metering.core.flat.money_alone import UNCOUNTED
from metering.reporting.charts.plots import Bar
from metering.reporting.figures import amount_text, quantity_text, share_text
from metering.reporting.frames import summed
from metering.reporting.lines import Line, rounding_line, total_line
from metering.reporting.snapshot import Bearer
from metering.reporting.words import meter_label, meter_unit, shown_name

_BARS: Final = 10


@dataclass(frozen=True, slots=True)
class Ranking:
    """A chart and the table that says the same.

    Attributes:
        svg: the largest as bars, the rest as one; empty where it was not to be drawn.
        described: the chart in a sentence.
        lines: all of them, rounding if any, total.
    """

    svg: str
    described: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    label: str
    note: str
    nanos: int
    quantity: str = ""
    unit: str = ""


def ranking_by_model(
    lines: pd.DataFrame, currency: str, *, total: int, most: int = _BARS, drawn: bool = True
) -> Ranking:
    """Return spend by provider and model; unpriced usage has no amount and is not in it.

    Args:
        lines: of one currency.
        currency: ISO 4217 code.
        total: control total, in nanos.
        most: how many bars have room.
        drawn: whether the bars are; a face without charts does not wait for them.
    """
    view = summed(lines, ("provider", "model"), total=total)
    entries = [
        _Entry(_model_label(model), shown_name(provider), int(nanos))
        for provider, model, nanos in zip(
            view["provider"], view["model"], view["amount_nanos"], strict=True
        )
    ]
    bars = most if drawn else 0
    return _ranking(entries, "model", currency, total, bars)


def ranking_by_meter(
    lines: pd.DataFrame, currency: str, *, total: int, drawn: bool = True
) -> Ranking:
    """Return spend by meter, with the quantities that were priced or are free of charge."""
    priced = lines[lines["bearer"] != Bearer.UNPRICED]
    view = summed(priced, ("meter",), total=total)
    entries = [
        _Entry(
            shown_name(meter_label(meter)),
            "",
            int(nanos),
            "" if meter in UNCOUNTED else quantity_text(int(quantity)),
            meter_unit(meter),
        )
        for meter, quantity, nanos in zip(
            view["meter"], view["quantity"], view["amount_nanos"], strict=True
        )
    ]
    return _ranking(entries, "meter", currency, total, _BARS if drawn else 0)


def _model_label(model: object) -> str:
    return shown_name(model) if isinstance(model, str) and model else "no model named"


def _ranking(entries: Sequence[_Entry], word: str, currency: str, total: int, most: int) -> Ranking:
    ranked = sorted(
        (entry for entry in entries if entry.nanos),
        key=lambda entry: (-entry.nanos, entry.label, entry.note),
    )
    lines = [
        Line(
            kind="item",
            label=entry.label,
            note=entry.note,
            quantity=entry.quantity,
            unit=entry.unit,
            amount=amount_text(entry.nanos, currency),
            share=share_text(entry.nanos, total),
        )
        for entry in ranked
    ]
    rounding = rounding_line([(entry.nanos, 0) for entry in ranked], (total, 0), currency)
    if rounding.amount:
        lines.append(rounding)
    return Ranking(
        svg=_drawn(_bars(ranked, word, currency, most)) if most else "",
        described=_described(ranked, word, total),
        lines=(*lines, total_line("Total", total, total, currency)),
    )


def _drawn(bars: Sequence[Bar]) -> str:
    from metering.reporting.charts.drawing import ranking_svg  # noqa: PLC0415 - Altair takes its time

    return ranking_svg(bars)


def _bars(ranked: Sequence[_Entry], word: str, currency: str, most: int) -> list[Bar]:
    singly = ranked if len(ranked) <= most else ranked[: most - 1]
    bars = [Bar(entry.label, entry.nanos, amount_text(entry.nanos, currency)) for entry in singly]
    rest = ranked[len(singly) :]
    if rest:
        nanos = sum(entry.nanos for entry in rest)
        bars.append(Bar(f"{len(rest)} other {word}s", nanos, amount_text(nanos, currency)))
    return bars


def _described(ranked: Sequence[_Entry], word: str, total: int) -> str:
    if not ranked:
        return f"Nothing was billed for any {word}."
    first = ranked[0]
    share = share_text(first.nanos, total)
    if len(ranked) == 1:
        return f"All of it is {first.label}."
    return f"{len(ranked)} {word}s; the largest is {first.label} with {share} of what was billed."
