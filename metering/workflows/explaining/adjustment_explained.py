"""A true-up or a dispute explained: nothing was metered, somebody decided."""

import json
from typing import TYPE_CHECKING

from metering.books import adjustments as adjustment_book
from metering.core.closing.adjustments import ADJUSTMENT_METERS, DISPUTE_METER, AdjustmentKind

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.books.ledger import NetLine


def decision_text(connection: "Connection", line: "NetLine") -> str:
    """Return who decided a charge, when and why; empty for what nobody decided."""
    if line.meter not in ADJUSTMENT_METERS:
        return ""
    said = json.loads(line.conditions).get("references", "")
    found = adjustment_book.last_decision(
        connection,
        AdjustmentKind.DISPUTE if line.meter == DISPUTE_METER else AdjustmentKind.TRUE_UP,
        line.charge_day[:7],
        (line.provider, line.billing_account),
        said.split(", ") if said else (),
    )
    if found is None:
        return ""
    return f"by {found.by} on {found.at:%Y-%m-%d}, run {found.run_id}: {found.reason}"
