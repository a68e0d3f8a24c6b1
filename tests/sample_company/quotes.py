"""Prices beside the usage: rows for `metering prices quote`, and a rate card of a contract."""

import csv
import io

from tests.sample_company.writing import compact

_COLUMNS = (
    "case_id",
    "provider",
    "platform",
    "model",
    "event_time_utc",
    "grain",
    "conditions_json",
    "meters_json",
)
_METERS = {"input_uncached": 20_000, "cache_read": 10_000, "output": 5_000}
_OPENAI = ("openai", "openai-api", "gpt-5.6-luna")
_ROWS = (
    ("last-day-of-the-old-price", *_OPENAI, "2026-07-29T23:59:59Z"),
    ("first-day-of-the-new-price", *_OPENAI, "2026-07-30T00:00:00Z"),
    ("nobody-knows", "mistral", "mistral-api", "orion-preview-1", "2026-10-19T16:00:00Z"),
)


def quotes_csv() -> str:
    """Return the file: one request to a row, no conditions."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows((*row, "request", "{}", compact(_METERS)) for row in _ROWS)
    return out.getvalue()


# What the provider of the preview model wrote in a mail: the price that the books wait for.
ORION_CARD = """\
# The price of orion-preview-1, as the provider wrote it on 2026-11-02. Until this card is taken
# into force, the usage of that model waits in suspense:unpriced.

[card]
name = "contract-mistral"
kind = "contract"
currency = "USD"

[[rates]]
provider = "mistral"
platform = "mistral-api"
models = ["orion-preview-1"]
from = 2026-10-01T00:00:00Z
prices = { input_uncached = "2.00", output = "6.00" }
source = "mail of 2026-11-02, filed with the contract"
read = 2026-11-02
evidence = "contract"
"""
