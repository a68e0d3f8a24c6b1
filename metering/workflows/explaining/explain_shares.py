"""Say in words where a share of a pool comes from: the split, the weights, and what was given."""

from collections.abc import Sequence

from metering.books.ledger import NetLine
from metering.core.ledger import AccountKind
from metering.core.money import NANOS_PER_UNIT, decimal_text
from metering.core.sharing.splits import SHARE_METERS, WHOLE, By, Split

_WEIGHED_IN = {
    By.EVEN: "parts",
    By.FIXED: "millionths",
    By.TOKENS: "tokens",
    By.HEADCOUNT: "days of a person",
    By.DRIVER: "units",
}


def split_text(split: Split) -> str:
    """Return what a split does, as a person would say it."""
    if split.by is By.DRIVER:
        among = f"driver {split.driver}"
    elif split.by is By.FIXED:
        among = ", ".join(f"{target} {_per_cent(part)}" for target, part in split.targets)
    else:
        among = f"{split.by.value} among " + ", ".join(str(target) for target, _ in split.targets)
    markup = f", marked up by {_per_cent(split.markup)}" if split.markup else ""
    return f"pool {split.pool} by {among}{markup}"


def share_text(lines: Sequence[NetLine], siblings: Sequence[NetLine]) -> str:
    """Return the arithmetic of one account's share.

    Args:
        lines: of the account, of one basis.
        siblings: every line of that basis in the same periods: what all took, and the pool gave.
    """
    line = lines[0]
    weight = sum(one.quantity for one in lines)
    givers = [one for one in siblings if one.quantity < 0 and _is_pool(one)]
    total, given = -sum(one.quantity for one in givers), -sum(one.amount_nanos for one in givers)
    said = f"{line.currency} {decimal_text(given)} given on by {givers[0].debit if givers else '?'}"
    if line.amount_nanos < 0 and _is_pool(line) and weight < 0:
        return said
    if not weight:
        return f"{said}, and charged as more or less than that"
    by = SHARE_METERS[line.meter]
    if by is By.SPEND:
        return f"{decimal_text(weight)} of {decimal_text(total)} of spend x {said}"
    return f"{weight:,} of {total:,} {_WEIGHED_IN[by]} x {said}"


def _is_pool(line: NetLine) -> bool:
    return line.debit_kind == AccountKind.POOL.value


def _per_cent(parts: int) -> str:
    return f"{decimal_text(parts * 100 * (NANOS_PER_UNIT // WHOLE))} %"
