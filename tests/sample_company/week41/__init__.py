"""Week 41: what every other system would export of it, in its own format, one small file each."""

from pathlib import Path

from tests.sample_company.week41 import (
    anthropic_views,
    clouds,
    coding_tools,
    gateways,
    openai_views,
    own_models,
    providers,
)
from tests.sample_company.week41.week import Week
from tests.sample_company.writing import write_text

_SYSTEMS = (openai_views, anthropic_views, clouds, coding_tools, providers, gateways, own_models)


def write_week41(folder: Path) -> None:
    """Write a file of each format below `week-41`; the month's usage has been written before."""
    week = Week(folder)
    for system in _SYSTEMS:
        for name, text in system.files(week):
            write_text(folder / "week-41" / name, text)
