"""AWS Cost and Usage Report, the first one (CUR 1, legacy): the bill, row by row, CSV or Parquet.

It says what CUR 2.0 says, and differs in its columns (source formats note, section 1.1, read
2026-11-21):

* As CSV its columns are called `lineItem/UsageType`; as a table of Athena, `line_item_usage_type`.
  The second report calls them as the table does.
* Which columns there are depends on the account: a column that no row of a month fills is left out,
  each attribute of a product is a column, and so is each tag (`resourceTags/user:team` or
  `resource_tags_user_team`). So how a file is read follows from its own header.
* It never says who called.
* Discounts are rows of their own, whatever the columns of a row say of them besides.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk.exact_rows import header_of
from metering.ingest.bulk.layout import Check, Layout, literal
from metering.ingest.bulk.parquet_source import PARQUET_MARK, parquet_columns
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats import aws_bill_rows
from metering.ingest.formats.aws_bill_columns import REQUIRED
from metering.ingest.marks import by_columns, columns_of

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TAG_COLUMN: Final = re.compile(r"resourceTags/|resource_tags_")
# What the second report keeps in its map of a product, or in one column where this one has two.
_OF_PRODUCT: Final = {"product_product_name": "product_name", "product_model": "model"}
# What only in the second report is told by columns alone.
_OF_SECOND: Final = ("discount", "discount_total_discount")
_OTHER_REGION: Final = "product_region"
_REGION: Final = "product_region_code"


def is_of_first_report(column: str) -> bool:
    """Return whether a column is one that the first report has and the second has not."""
    return (
        column.startswith("lineItem/")
        or column == "product_product_name"
        or _TAG_COLUMN.match(column) is not None
    )


def _spelt(column: str) -> str:
    """Return the name of a column in the second report: `lineItem/UsageType` is no exception."""
    return _WORD.sub("_", column).replace("/", "_").lower()


class AwsLegacyCostAndUsageReport:
    """One row per usage type, day or hour, account and set of tags."""

    name = "aws-cur-1"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = (
        "AWS Cost and Usage Report, the first one (CUR 1): rows of Amazon Bedrock and of Claude"
        " (CSV, Parquet)"
    )
    export = "Billing and Cost Management > Data Exports > Legacy CUR export, overwrite"
    cannot_tell = "requests; who called"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the columns; without one of the first report's own it is the second."""
        verdict = by_columns(sample, REQUIRED, spelling=_spelt)
        if verdict.matches and not any(map(is_of_first_report, columns_of(sample))):
            return Verdict(False, "it has no column of CUR 1 alone", verdict.found)
        return verdict

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every row; a row whose price and quantity do not give its cost is rejected."""
        yield from reader.bulk(path, _layout(_columns(path, reader)))


def _columns(path: Path, reader: "Reader") -> tuple[str, ...]:
    plain = reader.plain(path)
    with plain.open("rb") as stream:
        is_parquet = stream.read(len(PARQUET_MARK)) == PARQUET_MARK
    return parquet_columns(plain, path) if is_parquet else header_of(plain, str(path))


def _layout(columns: Sequence[str]) -> Layout:
    """Return how a file with these columns is read: as the second report, under other names."""
    base = aws_bill_rows.LAYOUT
    tags = [column for column in columns if _TAG_COLUMN.match(column)]
    # Tags are told apart by case, and columns of the engine are not.
    fields = {column: f"tag_{number}" for number, column in enumerate(tags)}
    known = (*base.fields, *_OF_PRODUCT, _OTHER_REGION)
    names = {fields[tag]: _TAG_COLUMN.sub("", tag, count=1) for tag in tags}
    fields |= {column: _spelt(column) for column in columns if _spelt(column) in known}
    return replace(
        base,
        fields=dict.fromkeys((*known, *names), "VARCHAR"),
        flattened={
            **{field: field for field in base.fields},
            **dict.fromkeys(_OF_SECOND, "NULL::VARCHAR"),
            _REGION: f"coalesce(nullif({_REGION}, ''), {_OTHER_REGION})",
            "product": f"coalesce({_as_json(_OF_PRODUCT)}, product)",
            "resource_tags": f"coalesce({_as_json(names)}, resource_tags)",
        },
        spelling=lambda column: fields.get(column, column),
        checks=_in_words_of({field: column for column, field in fields.items()}, base.checks),
    )


def _as_json(called: Mapping[str, str]) -> str:
    """Return an expression for a JSON object of the fields that are not empty; else null.

    It is null for most rows of a bill, of which nothing is taken: an account may have hundreds of
    tags, and to look at all of them in each row costs more than all the rest.

    Args:
        called: the name of each in the object.
    """
    if not called:
        return "NULL::VARCHAR"
    pairs = ", ".join(f"{{'key': {literal(key)}, 'value': {at}}}" for at, key in called.items())
    filled = f"list_filter([{pairs}], lambda entry: entry.value <> '')"
    return (
        f"CASE WHEN {aws_bill_rows.OF_INTEREST} AND concat({', '.join(called)}) <> ''"
        f" THEN to_json(map_from_entries({filled}))::VARCHAR END"
    )


def _in_words_of(columns: Mapping[str, str], checks: Sequence[Check]) -> tuple[Check, ...]:
    """Return checks that speak of the columns as they stand in the file.

    Args:
        columns: the column of each field.
        checks: in terms of the fields.
    """
    longest_first = sorted(columns, key=len, reverse=True)
    names = re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})\b")

    def said(text: str) -> str:
        return names.sub(lambda found: columns[found[0]], text) if columns else text

    return tuple(
        replace(check, field=said(check.field), expected=said(check.expected)) for check in checks
    )
