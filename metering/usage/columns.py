"""Columns of the lake by what they are for; their types are in `usage.schema`.

They stand by themselves, since most who name a column never touch Arrow, which takes a tenth of a
second to import.
"""

from typing import Final

from metering.core.meters import TOKEN_METERS

# What kind of usage it was: every one of these may change the price.
CONDITION_COLUMNS: Final = (
    "service_tier",
    "processing",
    "speed",
    "region",
    "endpoint_scope",
    "context_window",
    "conditions",
)

# Whom the provider saw: every one of these may decide the owner.
IDENTITY_COLUMNS: Final = ("api_key", "workspace", "principal", "workflow_key")

METER_COLUMNS: Final = tuple(meter.value for meter in TOKEN_METERS)

# Under which names one piece of work is known: what ties an outcome to the usage it cost.
WORK_KEYS: Final = ("workflow_key", "session", "branch", "ticket", "trace")
