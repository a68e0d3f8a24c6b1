"""The statement by owner: cost centre, team, project, each with what it cost and was meant to cost.

At every level the shown figures add up to the shown figure above them: what rounding for display
leaves over stands in a line of its own, never inside another line. Across a line, list less
discount is contracted, as shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

import pandas as pd

from metering.reporting.figures import (
    amount_text,
    change_text,
    minor_text,
    minor_units,
    rounding_left,
    share_text,
)
from metering.reporting.frames import COSTS
from metering.reporting.lines import permille
from metering.reporting.snapshot import Bearer, OwnerAmount
from metering.reporting.words import shortened, shown_name

LEVELS: Final = ("cost_centre", "team", "project")
LEVEL_WORDS: Final = ("cost centre", "team", "project")
BEARER_WORDS: Final[Mapping[str, str]] = {
    Bearer.SHARED: "Shared cost not given on",
    Bearer.UNATTRIBUTED: "Unattributed",
}
"""What stands in place of an owner, in the order in which it stands below the owners."""


@dataclass(frozen=True, slots=True)
class OwnerLine:
    """One shown line of the statement; every figure as text, empty where there is none.

    Attributes:
        kind: item, rounding or total.
        label: foreign text.
        listed, discount, contracted, amount: list less discount is contracted; contract terms lie
            between contracted and billed, which is `amount`.
        share, permille: of the billed total, in per cent, and as the length of a bar.
        prior, change: the month before, and the change since.
        budget, remaining, forecast: empty where nobody planned or foresaw; what is left of a budget
            only where it is for all that was billed.
    """

    kind: str
    label: str
    listed: str = ""
    discount: str = ""
    contracted: str = ""
    amount: str = ""
    share: str = ""
    permille: int = 0
    prior: str = ""
    change: str = ""
    budget: str = ""
    remaining: str = ""
    forecast: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A line that opens.

    Attributes:
        level: "cost centre", "team", "project" or "suspense".
        path: the owner as the book has it, from the cost centre down; empty for suspense.
        is_named: False where the owner names no such level; the label then says so.
        line: what stands on it when it is closed.
        children: nodes below, largest first; empty on the lowest level.
        rounding: what the shown children miss; None when they add up.
    """

    level: str
    path: tuple[str, ...]
    is_named: bool
    line: OwnerLine
    children: tuple["Node", ...] = ()
    rounding: OwnerLine | None = None

    @property
    def children_depth(self) -> int:
        """How deep the children stand: 1 below a cost centre."""
        return len(self.path)


class Costs(NamedTuple):
    """Nanos of some lines, added up."""

    listed: int
    contracted: int
    amount: int
    prior: int

    @classmethod
    def of(cls, parts: Iterable["Costs"]) -> "Costs":
        """Return parts added up."""
        columns = list(zip(*parts, strict=True))
        return cls(*map(sum, columns)) if columns else cls(0, 0, 0, 0)


class _Record(NamedTuple):
    bearer: str
    owner: tuple[str, ...]
    costs: Costs


class Plans(NamedTuple):
    """Budgets or forecasts of one currency by owner, coarser ones with empty names at the end."""

    amounts: Mapping[tuple[str, ...], int]

    @classmethod
    def of(cls, given: Iterable[OwnerAmount] | None, currency: str) -> "Plans | None":
        """Return the amounts of a currency, or None where nobody planned."""
        if given is None:
            return None
        sums: dict[tuple[str, ...], int] = {}
        for plan in given:
            if plan.currency == currency:
                key = (plan.cost_centre, plan.team, plan.project)
                sums[key] = sums.get(key, 0) + plan.nanos
        return cls(sums)

    def is_stated(self, path: tuple[str, ...]) -> bool:
        """Return whether an amount is for all of an owner, so that its rest can be told."""
        return path + ("",) * (len(LEVELS) - len(path)) in self.amounts

    def total(self, path: tuple[str, ...]) -> int | None:
        """Return what is stated for an owner, else what is stated below it, added up."""
        if path and self.is_stated(path):
            return self.amounts[path + ("",) * (len(LEVELS) - len(path))]
        depth = len(path)
        if depth == len(LEVELS):
            return None
        below = {key[: depth + 1] for key in self.amounts if key[:depth] == path and key[depth]}
        known = [total for key in below if (total := self.total(key)) is not None]
        return sum(known) if known else None


class Cut(NamedTuple):
    """How much of a statement has room.

    Attributes:
        lines: below each line; those beyond are one line that says how many they are.
        characters: of a name.
    """

    lines: int
    characters: int


class _Scale(NamedTuple):
    currency: str
    total: int
    budgets: Plans | None
    forecasts: Plans | None
    cost_centres: frozenset[str]
    cut: Cut | None = None

    def remaining(self, path: tuple[str, ...], billed: int) -> str:
        """Return what is left of a budget; empty where it is not for all that was billed."""
        budget = self.budgets.total(path) if self.budgets else None
        owners = [path] if path else [(name,) for name in self.cost_centres]
        if self.budgets is None or budget is None or not all(map(self.budgets.is_stated, owners)):
            return ""
        return amount_text(budget - billed, self.currency)


@dataclass(frozen=True, slots=True)
class Statement:
    """What each owner bears.

    Attributes:
        nodes: cost centres, largest first; then what nobody owns.
        foot: rounding where the shown nodes miss the total, and the total.
    """

    nodes: tuple[Node, ...]
    foot: tuple[OwnerLine, ...]


def owner_statement(
    view: pd.DataFrame,
    prior: pd.DataFrame,
    currency: str,
    *,
    budgets: Plans | None = None,
    forecasts: Plans | None = None,
    cut: Cut | None = None,
) -> Statement:
    """Return the statement of a currency.

    Args:
        view: `COSTS` by bearer and `LEVELS`.
        prior: the month before by bearer and `LEVELS`.
        currency: ISO 4217 code.
        budgets: of the same currency; None leaves their columns empty.
        forecasts: of the same currency; None leaves their column empty.
        cut: what has room; None for all of it.
    """
    records = [*_records(view), *_prior_records(prior)]
    known = {record.owner[0] for record in records if record.owner}
    records += [
        _Record(Bearer.OWNER, owner, Costs(0, 0, 0, 0))
        for owner in (budgets.amounts if budgets else ())
        if owner[0] not in known
    ]
    whole = Costs.of(record.costs for record in records)
    cost_centres = frozenset(record.owner[0] for record in records if record.owner)
    scale = _Scale(currency, whole.amount, budgets, forecasts, cost_centres, cut)
    owned = [record for record in records if record.bearer == Bearer.OWNER]
    nodes = [*_nodes(owned, (), scale), *_ownerless(records, scale)]
    total = _line("total", "Total", whole, (), scale)
    rounding = _rounding([costs for _, costs in nodes], whole, currency)
    foot = (rounding, total) if rounding else (total,)
    return Statement(tuple(node for node, _ in nodes), foot)


def _records(view: pd.DataFrame) -> list[_Record]:
    rows = view[view["bearer"] != Bearer.UNPRICED]
    columns = ("bearer", *LEVELS, *COSTS)
    return [
        _Record(
            bearer,
            _owner(levels) if bearer == Bearer.OWNER else (),
            Costs(int(listed), int(contracted), int(amount), 0),
        )
        for bearer, *levels, listed, contracted, amount in zip(
            *(rows[name] for name in columns), strict=True
        )
    ]


def _prior_records(prior: pd.DataFrame) -> list[_Record]:
    return [
        _Record(
            bearer,
            _owner(levels) if bearer == Bearer.OWNER else (),
            Costs(0, 0, 0, int(amount)),
        )
        for bearer, *levels, amount in zip(
            *(prior[name] for name in ("bearer", *LEVELS, "amount_nanos")), strict=True
        )
    ]


def _owner(levels: Sequence[object]) -> tuple[str, ...]:
    return tuple(_text(level) for level in levels)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _ownerless(records: Sequence[_Record], scale: _Scale) -> Iterable[tuple[Node, Costs]]:
    for bearer, label in BEARER_WORDS.items():
        costs = Costs.of(record.costs for record in records if record.bearer == bearer)
        if any(costs):
            line = _line("item", label, costs, None, scale)
            yield Node(level="suspense", path=(), is_named=False, line=line), costs


def _nodes(
    records: Sequence[_Record], above: tuple[str, ...], scale: _Scale
) -> list[tuple[Node, Costs]]:
    depth = len(above)
    ordered = sorted(records, key=lambda record: record.owner[depth])
    groups = []
    for name, group in groupby(ordered, lambda record: record.owner[depth]):
        below = list(group)
        groups.append((name, Costs.of(record.costs for record in below), below))
    groups.sort(key=lambda entry: (-entry[1].amount, -entry[1].prior, entry[0]))
    told = [group for group in groups if any(group[1]) or depth == 0]
    room = len(told) if scale.cut is None or len(told) <= scale.cut.lines else scale.cut.lines - 1
    nodes = [
        (_node((*above, name), costs, below, scale), costs) for name, costs, below in told[:room]
    ]
    rest = Costs.of(costs for _, costs, _ in told[room:])
    if len(told) > room:
        label = f"{len(told) - room} more {LEVEL_WORDS[depth]}s, see the pack"
        line = _line("item", label, rest, None, scale)
        nodes.append((Node(level="rest", path=above, is_named=False, line=line), rest))
    return nodes


def _node(path: tuple[str, ...], costs: Costs, records: Sequence[_Record], scale: _Scale) -> Node:
    name, word = path[-1], LEVEL_WORDS[len(path) - 1]
    line = _line("item", name or f"no {word} named", costs, path, scale)
    below = _nodes(records, path, scale) if len(path) < len(LEVELS) else []
    return Node(
        level=word,
        path=path,
        is_named=bool(name),
        line=line,
        children=tuple(node for node, _ in below),
        rounding=_rounding([part for _, part in below], costs, scale.currency) if below else None,
    )


def _line(
    kind: str, label: str, costs: Costs, path: tuple[str, ...] | None, scale: _Scale
) -> OwnerLine:
    currency = scale.currency
    # A line of what names no team or project has none of its own: a plan there is for all of it.
    is_named = path is not None and "" not in path
    budget = scale.budgets.total(path) if scale.budgets and path is not None and is_named else None
    forecast = (
        scale.forecasts.total(path) if scale.forecasts and path is not None and is_named else None
    )
    return OwnerLine(
        kind=kind,
        label=shortened(shown_name(label), scale.cut.characters)
        if scale.cut
        else shown_name(label),
        listed=amount_text(costs.listed, currency),
        discount=_discount(costs, currency),
        contracted=amount_text(costs.contracted, currency),
        amount=amount_text(costs.amount, currency),
        share=share_text(costs.amount, scale.total),
        permille=permille(costs.amount, scale.total),
        prior=amount_text(costs.prior, currency),
        change=change_text(costs.amount, costs.prior),
        budget="" if budget is None else amount_text(budget, currency),
        remaining="" if path is None or not is_named else scale.remaining(path, costs.amount),
        forecast="" if forecast is None else amount_text(forecast, currency),
    )


def _discount(costs: Costs, currency: str) -> str:
    # Of the shown figures, so that a reader who subtracts finds what stands there.
    if costs.listed == costs.contracted:
        return amount_text(0, currency)
    shown = minor_units(costs.listed, currency) - minor_units(costs.contracted, currency)
    return minor_text(shown, currency)


def _rounding(parts: Sequence[Costs], whole: Costs, currency: str) -> OwnerLine | None:
    left = Costs(
        *(
            rounding_left((part[column] for part in parts), total, currency)
            for column, total in enumerate(whole)
        )
    )
    if not any(left):
        return None

    def shown(minor: int) -> str:
        return minor_text(minor, currency) if minor else ""

    return OwnerLine(
        kind="rounding",
        label="rounding",
        listed=shown(left.listed),
        discount=shown(left.listed - left.contracted),
        contracted=shown(left.contracted),
        amount=shown(left.amount),
        prior=shown(left.prior),
    )
