"""The columns of a Google Cloud Billing export, nested and flat, and its kinds of cost."""

from typing import Final

from metering.ingest.bulk.layout import Fields

NESTED: Final[Fields] = {
    "billing_account_id": "VARCHAR",
    "cost_type": "VARCHAR",
    "service": {"id": "VARCHAR", "description": "VARCHAR"},
    "sku": {"id": "VARCHAR", "description": "VARCHAR"},
    "usage_start_time": "VARCHAR",
    "usage_end_time": "VARCHAR",
    "project": {"id": "VARCHAR"},
    "labels": "VARCHAR",
    "location": {"location": "VARCHAR"},
    "resource": {"name": "VARCHAR"},
    "cost": "VARCHAR",
    "currency": "VARCHAR",
    "usage": {"amount": "VARCHAR", "amount_in_pricing_units": "VARCHAR"},
    "credits": "VARCHAR",
    "invoice": {"month": "VARCHAR"},
    "price": {"effective_price": "VARCHAR", "pricing_unit_quantity": "VARCHAR"},
    "export_time": "VARCHAR",
}
# What every row of the export has, with its parts; the detailed one adds the resource.
TELLING: Final = ("billing_account_id", "service", "sku", "usage", "credits", "invoice", "cost")


def _flattened() -> dict[str, str]:
    flat = {}
    for field, form in NESTED.items():
        if isinstance(form, str):
            flat[field] = field
        else:
            flat.update({f"{field}_{part}": f"{field}.{part}" for part in form})
    return flat


FLAT: Final = _flattened()
REQUIRED: Final = (
    "billing_account_id",
    "service_description",
    "sku_description",
    "usage_start_time",
    "cost",
    "currency",
    "usage_amount",
    "credits",
    "invoice_month",
)

COST_TYPES: Final = ("regular", "adjustment", "rounding_error")
