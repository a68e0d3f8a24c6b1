"""The credit export of ChatGPT Business and Enterprise: credits by day, person and usage type.

Credits are what the plan is billed by, and no money: what one costs is in the contract. So a row is
metered in millionths of a credit, rounded once, half to even, and in nothing else. It stays
unpriced until a rate card of the company has a price for the meter `credit_micro` on the platform
`chatgpt`. Its tokens are paid for by its credits; they stand in the tags.

Input, cached input, cache writes and output are rows of their own. A negative row takes back what
was counted before, which a meter cannot: it is refused, and shown with its credits. Two rows alike
in every column both count. Mail addresses differ in case from row to row of one person, and are
kept in lower case.

Source: source formats note, section 1.6, read 2026-11-21.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.marks import by_header
from metering.ingest.shapes.buckets import Span
from metering.ingest.shapes.pages import Row
from metering.ingest.shapes.records import given, metered, reported
from metering.ingest.shapes.reports import report_of
from metering.ingest.shapes.tables import read_table
from metering.ingest.values.amounts import text_amount
from metering.ingest.values.fields import FieldRefused, Fields, as_found

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_REQUIRED: Final = (
    "date_partition",
    "account_id",
    "account_user_id",
    "email",
    "usage_type",
    "usage_credits",
    "usage_quantity",
    "usage_units",
)
# api.gpt_5_6_sol_text_cached_input_v_1, api.codex_fast_gpt_5_6_sol_text_output_v_1
_API_TYPE: Final = re.compile(
    r"api\.(?P<fast>codex_fast_)?(?P<model>[a-z0-9_]+?)"
    r"_text_(input|cached_input|cache_write_input|output)_v_\d+",
    re.ASCII,
)


class ChatGptCreditsCsv:
    """One record per row, metered in credits alone."""

    name = "chatgpt-credits-csv"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "ChatGPT Business and Enterprise credit export: credits by person and day (CSV)"
    export = "chatgpt.com, workspace settings, Usage, Export credit usage (CSV)"
    cannot_tell = "dollars: the price of a credit stands in the contract"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the header alone: people rename the files they download."""
        return by_header(sample, _REQUIRED)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield every row in file order, then the days of the report."""
        table = read_table(path, reader, _REQUIRED, {})
        yield from report_of(
            table.rows,
            _cells,
            view=("credits", "width=day;dimensions=account_user_id,usage_type"),
            refused=table.refused,
            noise={"empty line": table.empty_lines},
        )


def _cells(row: Row) -> Mapping[str, object]:
    fields = row.fields
    nanos = _credit_nanos(fields)
    kind = fields.text("usage_type")
    api = _API_TYPE.fullmatch(kind)
    email = fields.text_if_any("email")
    return {
        **Span.of_day(fields.day("date_partition")).cells(),
        "provider": "openai",
        "platform": "chatgpt",
        "billing_account": fields.text_if_any("account_id"),
        "product": "chatgpt",
        "model_raw": api["model"] if api else None,
        "speed": "fast" if api and api["fast"] else None,
        "principal": email.lower() if email else fields.text("account_user_id"),
        "tags": given(
            {
                "account_user_id": fields.text_if_any("account_user_id"),
                "usage_type": kind,
                "usage_quantity": fields.decimal_text_if_any("usage_quantity"),
                "usage_units": fields.text_if_any("usage_units"),
            }
        ),
        **metered({Meter.CREDIT_MICRO: text_amount(fields, "usage_credits", per_unit=1000)}),
        **reported(nanos, "credits", "credits"),
    }


def _credit_nanos(fields: Fields) -> int:
    nanos = text_amount(fields, "usage_credits")
    if nanos < 0:
        raise FieldRefused(
            "negative-credits",
            "usage_credits",
            as_found(fields.values["usage_credits"]),
            "0 or more: a meter counts what was used",
            "book what was given back with the invoice; the row stays in quarantine",
        )
    return nanos
