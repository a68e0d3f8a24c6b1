"""AWS Cost and Usage Report 2.0 (Data Exports): the bill, row by row, as CSV or Parquet.

Its columns are those of `aws_bill_rows`, which says what is made of a row.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.formats import aws_bill_rows
from metering.ingest.formats.aws_bill_columns import REQUIRED
from metering.ingest.formats.aws_cur_1 import is_of_first_report
from metering.ingest.marks import by_columns, columns_of

if TYPE_CHECKING:
    from metering.ingest.readers import Reader


class AwsCostAndUsageReport:
    """One row per usage type, day or hour, account, caller and set of tags."""

    name = "aws-cur"
    version = 1
    role = SourceRole.METERED
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = "AWS Cost and Usage Report 2.0: rows of Amazon Bedrock and of Claude (CSV, Parquet)"
    export = "Billing and Cost Management > Data Exports > Standard export, CUR 2.0, overwrite"
    cannot_tell = (
        "requests; who called, unless the export includes caller identities;"
        " discounts, if a query leaves out the columns of them"
    )

    def identify(self, sample: Sample) -> Verdict:
        """Match on the columns; those of the first report, as a table shows them, are another's."""
        verdict = by_columns(sample, REQUIRED)
        of_first = next(filter(is_of_first_report, columns_of(sample)), None)
        if verdict.matches and of_first:
            return Verdict(False, f"it has the column {of_first!r}, of CUR 1", verdict.found)
        return verdict

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every row; a row whose price and quantity do not give its cost is rejected."""
        yield from reader.bulk(path, aws_bill_rows.LAYOUT)
