"""Write `sample_logs/` and the totals that the ledger must reach.

    python -m tests.sample_company.generate [FOLDER]

FOLDER is `sample_logs` beside `tests/` unless it is given. The same bytes come out every time.
The expected totals go to `expected.json` beside this file, or, with a FOLDER, into that folder.
"""

import json
import sys
from pathlib import Path

from tests.sample_company.anthropic_pages import write_anthropic
from tests.sample_company.company import owners_csv
from tests.sample_company.directory import write_directory
from tests.sample_company.exports import write_exports
from tests.sample_company.flat import FLAT_TOML, flat_rows, seats_csv
from tests.sample_company.gateway import write_gateway
from tests.sample_company.invoices import write_invoices
from tests.sample_company.openai_pages import write_openai
from tests.sample_company.outcomes import write_outcomes
from tests.sample_company.quotes import ORION_CARD, quotes_csv
from tests.sample_company.rules import (
    BUDGETS_CSV,
    RULES_BY_REPOSITORY_TOML,
    RULES_TOML,
    SETTINGS_TOML,
    SHARING_TOML,
)
from tests.sample_company.tally import Tally
from tests.sample_company.transcripts import write_transcripts
from tests.sample_company.week41 import write_week41
from tests.sample_company.writing import write_text

_HERE = Path(__file__).resolve().parent


def generate(folder: Path) -> dict[str, object]:
    """Write every file but the README below `folder` and return the expected totals."""
    tally = Tally()
    transcripts = write_transcripts(folder / "usage" / "claude-code", tally)
    write_openai(folder / "usage" / "openai", tally)
    write_anthropic(folder / "usage" / "anthropic", tally, transcripts)
    write_gateway(folder / "usage" / "litellm", tally)
    write_text(folder / "owners" / "owners.csv", owners_csv())
    write_text(folder / "owners" / "rules.toml", RULES_TOML)
    write_text(folder / "owners" / "rules-by-repository.toml", RULES_BY_REPOSITORY_TOML)
    write_text(folder / "owners" / "sharing.toml", SHARING_TOML)
    write_text(folder / "owners" / "budgets.csv", BUDGETS_CSV)
    write_text(folder / "settings.toml", SETTINGS_TOML)
    write_directory(folder / "owners" / "directory")
    write_invoices(folder / "invoices", tally)
    write_outcomes(folder / "outcomes")
    write_exports(folder / "exports")
    write_week41(folder)
    write_text(folder / "flat" / "flat.toml", FLAT_TOML)
    write_text(folder / "flat" / "seats.csv", seats_csv())
    write_text(folder / "prices" / "quote.csv", quotes_csv())
    write_text(folder / "prices" / "contract-mistral.toml", ORION_CARD)
    return {**tally.document(), "flat": flat_rows()}


def main(arguments: list[str]) -> None:
    """Write into the folder that the arguments name, or into the repository's."""
    folder = Path(arguments[0]) if arguments else _HERE.parents[1] / "sample_logs"
    expected = (folder if arguments else _HERE) / "expected.json"
    document = generate(folder)
    write_text(expected, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
