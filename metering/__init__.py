"""The system of record for what a company spends on AI."""

from typing import Final

__version__: Final = "0.1.0"
