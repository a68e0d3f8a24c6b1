"""How Salesforce's Digital Wallet spells its columns, and what a number of credits is.

One column is `EventTime` in a data model object, `eventtime__c` in a data lake object, and
`eventime__c` in some: names are compared in small letters, without `std__`, `ssot__`, `__c`, `_`.
"""

from typing import Final

from metering.ingest.bulk.checks import QUANTITY, missing, readable
from metering.ingest.bulk.layout import Check
from metering.ingest.bulk.numbers import quantity, whole

PROVIDER_COLUMNS: Final = {
    "provider": "'salesforce'",
    "platform": "'agentforce'",
    "product": "'agentforce'",
}
CARD: Final = "carddefinitiondevelopername"
UNITS: Final = "unitsconsumed"

_RENAMED: Final = {
    "eventime": "eventtime",
    "businessenvtype": "usagebusinessenvtype",
    "usagereportingorgid": "usagereportingorgidentifier",
}
_MICRO: Final = "1000000"

# Credits are stated with fractions: they become millionths, and are never money.
STEPS: Final = ({"units": quantity(UNITS)}, {"micro_credits": whole(UNITS, _MICRO, "units")})
CREDIT_COLUMNS: Final = {
    "other_meters": (
        "CASE WHEN micro_credits > 0"
        " THEN map_from_entries([{'name': 'credit_micro', 'quantity': micro_credits}]) END"
    ),
    "reported_nanos": "micro_credits * 1000",
    "reported_currency": "'credits'",
    "reported_kind": "'credits'",
}


def spelling(column: str) -> str:
    """Return the name of a column as all objects and orgs agree on it."""
    plain = column.lower().removeprefix("std__").removeprefix("ssot__").removesuffix("__c")
    plain = plain.replace("_", "")
    return _RENAMED.get(plain, plain)


def credit_checks() -> tuple[Check, ...]:
    """Return the checks of the card and its credits."""
    return (
        missing(CARD, "the card that was drawn on, e.g. FlexCredits"),
        missing(UNITS, QUANTITY),
        readable(UNITS, UNITS, "units", "bad-quantity", QUANTITY),
        Check(
            fails="units < 0",
            code="negative-credits",
            field=UNITS,
            found=UNITS,
            expected="0 or more: a meter counts what was used",
            remedy="book what was given back with the invoice; the row stays in quarantine",
        ),
        Check(
            fails="micro_credits IS NULL OR micro_credits >= 10**15",
            code="bad-quantity",
            field=UNITS,
            found=UNITS,
            expected="less than a billion credits, with at most six decimals",
        ),
    )
