"""The formats of usage that a ledger reads; metering.toml may only speak of these."""

from typing import TYPE_CHECKING

from metering.ingest.detection import named
from metering.ingest.registry import installed
from metering.settings import FILE_NAME

if TYPE_CHECKING:
    from metering.ingest.contract import Ingestor
    from metering.settings import Settings


def usage_formats(settings: "Settings") -> "tuple[Ingestor, ...]":
    """Return every ingestor of usage that a ledger has.

    A role, an account or a division for a name that nothing has would be passed over in silence,
    and usage charged twice or not at all.

    Raises:
        PluginError: a plug-in cannot be used.
        SourceError: `unknown-ingestor`; metering.toml names one that is not installed.
            `bad-mapping`; a mapping file cannot be used.
    """
    formats = installed(settings.mappings)
    for section, names in (
        ("roles", settings.promoted | settings.demoted),
        ("accounts", settings.accounts.keys()),
        ("detail", settings.dividers.keys()),
        ("exports", settings.together | settings.in_order),
    ):
        for name in sorted(names):
            named(name, formats, f"{FILE_NAME} [{section}]")
    return formats
