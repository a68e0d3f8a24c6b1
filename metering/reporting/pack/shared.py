"""What is in a period beside its direct cost: shared cost given on, corrections of closed periods.

Both are part of the billed total; these tables say which part, by which rule or of which month.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from metering.core.periods import BillingPeriod
from metering.reporting.figures import amount_text, share_text
from metering.reporting.frames import grouped
from metering.reporting.lines import Line, rounding_line, total_line
from metering.reporting.pack.tree import BEARER_WORDS
from metering.reporting.snapshot import Bearer, SharedPool
from metering.reporting.words import month_text, shown_name


@dataclass(frozen=True, slots=True)
class PoolShown:
    """One pool and what each owner bears of it.

    Attributes:
        name, rule, version: foreign text; rule and version are empty where none is known.
        lines: owners, largest share first; what is not given on; rounding if any; the total.
    """

    name: str
    rule: str
    version: str
    lines: tuple[Line, ...]


def pools_shown(
    lines: pd.DataFrame, pools: Iterable[SharedPool], currency: str
) -> tuple[PoolShown, ...]:
    """Return the shared cost of a period by pool, in the order of their names.

    What a pool kept, or gave to another pool, is no owner's and stands in the statement.

    Args:
        lines: lines of one currency.
        pools: the rules; a pool without one is shown all the same.
        currency: ISO 4217 code.
    """
    rules = {pool.name: pool for pool in pools}
    given = lines[lines["pool"].notna() & (lines["bearer"] == Bearer.OWNER)]
    view = grouped(given, ("pool", "bearer", "cost_centre", "team"))
    by_pool: dict[str, list[tuple[str, str, int]]] = {}
    for pool, bearer, cost_centre, team, nanos in view.itertuples(index=False):
        label, note = _bearer(bearer, cost_centre, team)
        by_pool.setdefault(pool, []).append((label, note, int(nanos)))
    return tuple(
        _pool(name, rules.get(name, SharedPool(name, "")), shares, currency)
        for name, shares in sorted(by_pool.items())
    )


def corrections_shown(lines: pd.DataFrame, currency: str) -> tuple[Line, ...]:
    """Return what corrects closed periods, by period and owner; empty when nothing does."""
    view = grouped(lines[lines["corrects"].notna()], ("corrects", "bearer", "cost_centre", "team"))
    rows = []
    for period, bearer, cost_centre, team, nanos in view.itertuples(index=False):
        label, note = _bearer(bearer, cost_centre, team)
        of = month_text(BillingPeriod.parse(str(period)))
        rows.append((label, " · ".join(filter(None, (note, f"of {of}"))), int(nanos)))
    return _table([row for row in rows if row[2]], "Corrections", currency)


def _pool(
    name: str, rule: SharedPool, shares: list[tuple[str, str, int]], currency: str
) -> PoolShown:
    ranked = sorted((share for share in shares if share[2]), key=lambda row: (-row[2], *row[:2]))
    return PoolShown(
        name=shown_name(name),
        rule=shown_name(rule.rule),
        version=rule.version,
        lines=_table(ranked, "Shared", currency),
    )


def _table(rows: list[tuple[str, str, int]], whole: str, currency: str) -> tuple[Line, ...]:
    if not rows:
        return ()
    total = sum(nanos for *_, nanos in rows)
    lines = [
        Line(
            kind="item",
            label=label,
            note=note,
            amount=amount_text(nanos, currency),
            share=share_text(nanos, total),
            nanos=nanos,
        )
        for label, note, nanos in rows
    ]
    rounding = rounding_line([(nanos, 0) for *_, nanos in rows], (total, 0), currency)
    if rounding.amount:
        lines.append(rounding)
    return (*lines, total_line(whole, total, total, currency))


def _bearer(bearer: object, cost_centre: object, team: object) -> tuple[str, str]:
    if bearer == Bearer.OWNER:
        return _name(cost_centre) or "no cost centre named", _name(team)
    return BEARER_WORDS.get(str(bearer), "Unpriced"), ""


def _name(value: object) -> str:
    return shown_name(value) if isinstance(value, str) else ""
