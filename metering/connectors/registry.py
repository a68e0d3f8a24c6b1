"""The connectors there are, by name."""

from collections.abc import Mapping
from typing import Final

from metering.connectors.anthropic import ANTHROPIC
from metering.connectors.claude_analytics import CLAUDE_ANALYTICS
from metering.connectors.contract import Connector
from metering.connectors.cursor import CURSOR
from metering.connectors.github_copilot import GITHUB_COPILOT
from metering.connectors.litellm import LITELLM
from metering.connectors.openai import OPENAI
from metering.connectors.openrouter import OPENROUTER
from metering.connectors.xai import XAI

CONNECTORS: Final[Mapping[str, Connector]] = {
    connector.name: connector
    for connector in (
        ANTHROPIC,
        CLAUDE_ANALYTICS,
        CURSOR,
        GITHUB_COPILOT,
        LITELLM,
        OPENAI,
        OPENROUTER,
        XAI,
    )
}
