"""The drill-down: cost centre, team, project, then model and meter, as formatted lines.

At every level the shown figures add up to the shown figure above them: what rounding for display
leaves over stands in a line of its own, never inside another line.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final, NamedTuple

import pandas as pd

from metering.reporting.figures import amount_text, quantity_text, share_text
from metering.reporting.lines import Line, permille, rounding_line
from metering.reporting.snapshot import Bearer
from metering.reporting.words import meter_label, meter_unit, shown_name

LEVELS: Final = ("cost_centre", "team", "project")
_LEVEL_WORDS: Final = ("cost centre", "team", "project")
_UNATTRIBUTED: Final = "Unattributed"


@dataclass(frozen=True, slots=True)
class Node:
    """A line that opens.

    Attributes:
        level: "cost centre", "team", "project" or "suspense".
        is_named: False where the owner names no such level; the label then says so.
        line: what stands on it when it is closed.
        children: nodes below, largest first; empty on the lowest level.
        leaves: on the lowest level, models with their meters.
        rounding: what the shown children miss; None when they add up.
    """

    level: str
    is_named: bool
    line: Line
    children: tuple["Node", ...] = ()
    leaves: tuple[Line, ...] = ()
    rounding: Line | None = None


class _Record(NamedTuple):
    owner: tuple[str, ...]
    provider: str
    model: str
    meter: str
    quantity: int
    amount: int
    prior: int


class _Scale(NamedTuple):
    currency: str
    total: int


def owner_tree(view: pd.DataFrame, prior: pd.DataFrame, currency: str) -> tuple[Node, ...]:
    """Return the top nodes, largest first, unattributed spend last.

    Args:
        view: sums by bearer, `LEVELS`, provider, model and meter, in one currency.
        prior: the month before by `LEVELS`, same currency; null cost centres are suspense.
        currency: ISO 4217 code.
    """
    records = [*_records(view), *_prior_records(prior)]
    scale = _Scale(currency, sum(record.amount for record in records))
    owned = [record for record in records if record.owner]
    nodes = _nodes(owned, 0, scale)
    suspense = [record for record in records if not record.owner]
    if not any(record.amount or record.prior for record in suspense):
        return nodes
    line = _line("item", _UNATTRIBUTED, suspense, scale)
    leaves = _leaves(suspense, scale)
    return (*nodes, Node(level="suspense", is_named=False, line=line, leaves=leaves))


def owner_tree_foot(view: pd.DataFrame, prior: pd.DataFrame, currency: str) -> tuple[Line, ...]:
    """Return what stands below the top nodes: rounding where they miss the total, and the total."""
    records = [*_records(view), *_prior_records(prior)]
    tops: dict[str | None, list[_Record]] = {}
    for record in records:
        tops.setdefault(record.owner[0] if record.owner else None, []).append(record)
    whole = (_amount(records), _prior(records))
    parts = [(_amount(group), _prior(group)) for group in tops.values()]
    rounding = rounding_line(parts, whole, currency)
    total = _line("total", "Total", records, _Scale(currency, whole[0]))
    return (rounding, total) if rounding.amount or rounding.prior else (total,)


def _records(view: pd.DataFrame) -> list[_Record]:
    rows = view[view["bearer"] != Bearer.UNPRICED]
    columns = ["bearer", *LEVELS, "provider", "model", "meter", "quantity", "amount_nanos"]
    return [
        _Record(
            _owner(levels) if bearer in (Bearer.OWNER, Bearer.SHARED) else (),
            provider,
            _text(model),
            meter,
            int(quantity),
            int(amount),
            0,
        )
        for bearer, *levels, provider, model, meter, quantity, amount in zip(
            *(rows[name] for name in columns), strict=True
        )
    ]


def _prior_records(prior: pd.DataFrame) -> list[_Record]:
    return [
        _Record(_owner(levels) if _text(levels[0]) else (), "", "", "", 0, 0, int(amount))
        for *levels, amount in zip(
            *(prior[name] for name in (*LEVELS, "amount_nanos")), strict=True
        )
    ]


def _owner(levels: Sequence[object]) -> tuple[str, ...]:
    return tuple(_text(level) for level in levels)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _nodes(records: Sequence[_Record], depth: int, scale: _Scale) -> tuple[Node, ...]:
    ordered = sorted(records, key=lambda record: record.owner[depth])
    groups = [
        (name, list(group)) for name, group in groupby(ordered, lambda record: record.owner[depth])
    ]
    groups.sort(key=lambda pair: (-_amount(pair[1]), -_prior(pair[1]), pair[0]))
    return tuple(_node(name, group, depth, scale) for name, group in groups)


def _node(name: str, records: Sequence[_Record], depth: int, scale: _Scale) -> Node:
    word = _LEVEL_WORDS[depth]
    line = _line("item", name or f"no {word} named", records, scale)
    if depth + 1 == len(LEVELS):
        leaves = _leaves(records, scale)
        return Node(level=word, is_named=bool(name), line=line, leaves=leaves)
    ordered = sorted(records, key=lambda record: record.owner[depth + 1])
    parts = [
        (_amount(group), _prior(group))
        for group in (list(g) for _, g in groupby(ordered, lambda r: r.owner[depth + 1]))
    ]
    rounding = rounding_line(parts, (_amount(records), _prior(records)), scale.currency)
    return Node(
        level=word,
        is_named=bool(name),
        line=line,
        children=_nodes(records, depth + 1, scale),
        rounding=rounding if rounding.amount or rounding.prior else None,
    )


def _leaves(records: Sequence[_Record], scale: _Scale) -> tuple[Line, ...]:
    metered = sorted(
        (record for record in records if record.meter),
        key=lambda record: (record.provider, record.model),
    )
    models = [
        (key, list(group))
        for key, group in groupby(metered, lambda record: (record.provider, record.model))
    ]
    models.sort(key=lambda pair: (-_amount(pair[1]), pair[0]))
    lines = [line for key, group in models for line in _model_lines(key, group, scale)]
    rounding = rounding_line(
        ((_amount(group), 0) for _, group in models), (_amount(metered), 0), scale.currency
    )
    return (*lines, rounding) if rounding.amount else tuple(lines)


def _model_lines(key: tuple[str, str], records: Sequence[_Record], scale: _Scale) -> Iterable[Line]:
    provider, model = key
    yield Line(
        kind="item",
        label=shown_name(model) or "no model named",
        note=shown_name(provider),
        amount=amount_text(_amount(records), scale.currency),
    )
    ordered = sorted(records, key=lambda record: (-record.amount, record.meter))
    for record in ordered:
        yield Line(
            kind="sub",
            label=shown_name(meter_label(record.meter)),
            quantity=quantity_text(record.quantity),
            unit=meter_unit(record.meter),
            amount=amount_text(record.amount, scale.currency),
        )
    rounding = rounding_line(
        ((record.amount, 0) for record in ordered), (_amount(records), 0), scale.currency
    )
    if rounding.amount:
        yield replace(rounding, kind="sub-rounding")


def _line(kind: str, label: str, records: Sequence[_Record], scale: _Scale) -> Line:
    amount = _amount(records)
    return Line(
        kind=kind,
        label=shown_name(label),
        prior=amount_text(_prior(records), scale.currency),
        amount=amount_text(amount, scale.currency),
        share=share_text(amount, scale.total),
        permille=permille(amount, scale.total),
    )


def _amount(records: Iterable[_Record]) -> int:
    return sum(record.amount for record in records)


def _prior(records: Iterable[_Record]) -> int:
    return sum(record.prior for record in records)
