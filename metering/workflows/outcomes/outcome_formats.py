"""The formats of outcomes that a ledger reads, set up as metering.toml says."""

from typing import TYPE_CHECKING

from metering.core.outcomes.outcome_rules import checked_rules
from metering.errors import BookError, shown
from metering.ingest.outcomes.contract import Worded
from metering.ingest.outcomes.registry import installed

if TYPE_CHECKING:
    from metering.ingest.outcomes.contract import OutcomeIngestor
    from metering.settings import Settings


def outcome_formats(settings: "Settings") -> "tuple[OutcomeIngestor, ...]":
    """Return every ingestor of outcomes that a ledger has.

    Raises:
        BookError: `bad-settings`; [outcomes] cannot be used, or sets up a system that nobody reads.
        PluginError: a plug-in cannot be used.
        SourceError: `bad-mapping`.
    """
    systems = checked_rules(settings.outcomes).systems
    formats = installed(settings.mappings, systems)
    known = {one.system for one in formats if isinstance(one, Worded)}
    for system in sorted(systems.keys() - known):
        raise BookError(
            "bad-settings",
            f"metering.toml: [outcomes] systems.{system} sets up {shown(system)}",
            details=(f"expected: one of {', '.join(sorted(known))}",),
            do="correct it; nothing was computed",
        )
    return formats
