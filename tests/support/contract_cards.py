"""Rate cards of contracts, as their files say it."""

from typing import Final

VOLUME_AND_MINIMUM: Final = """\
[card]
name = "contract-openai"
kind = "contract"
currency = "USD"

[[volume_tiers]]
name = "volume"
provider = "openai"
meters = ["*tokens"]
volume = "0..100"
discount = "0"
from = 2026-10-01T00:00:00Z

[[volume_tiers]]
name = "volume"
provider = "openai"
meters = ["*tokens"]
volume = "100.."
discount = "0.10"
from = 2026-10-01T00:00:00Z

[[minimums]]
name = "least"
provider = "openai"
amount = "5000"
from = 2026-10-01T00:00:00Z
"""
"""A discount beyond a volume, and the least that is paid; of OpenAI, from October 2026."""

TENTH_OFF: Final = """\
[card]
name = "contract-openai"
kind = "contract"
currency = "USD"

[[modifiers]]
provider = "openai"
platform = "openai-api"
match = "any"
factor = "90/100"
meters = ["*tokens"]
from = 2026-10-01T00:00:00Z
to = 2026-10-16T00:00:00Z
"""
"""A tenth off the list prices of OpenAI's tokens, in the first half of October 2026."""
