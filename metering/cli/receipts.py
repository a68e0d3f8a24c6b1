"""What became of ingested files: a line each, then what was refused."""

from typing import TYPE_CHECKING, Any

from metering.cli.frame import counted, emit_json, emit_table, exit_with, note
from metering.errors import SourceRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from metering.workflows.intake.receipts import Receipt


def tell_receipts(receipts: "Iterable[Receipt]", *, output_format: str, dry_run: bool) -> None:
    """Print receipts as files are recorded; exit code 1 when records were refused.

    Args:
        receipts: drawn one by one, so that a message appears when its file was read.
        output_format: table or json.
        dry_run: nothing is recorded, and the table says so.
    """
    told = []
    for receipt in receipts:
        told.append(receipt)
        for rejection in receipt.rejections:
            note(rejection.message(receipt.path))
        for sentence in receipt.notes:
            note(f"{SourceRef(receipt.path)}: {sentence}")
    if output_format == "json":
        emit_json([_as_json(receipt) for receipt in told])
    else:
        _show(told, dry_run=dry_run)
    refused = sum(len(receipt.rejections) for receipt in told)
    if refused:
        kept = "nothing is recorded" if dry_run else "see `metering quarantine list`"
        note(f"{counted(refused, 'record')} refused; {kept}")
        exit_with(1)


def _show(receipts: "Sequence[Receipt]", *, dry_run: bool) -> None:
    counts = ("Records in", "Recorded", "Already known", "Rejected")
    emit_table(
        "Nothing is recorded (--dry-run)" if dry_run else "",
        ("File", "Format", "Role", *counts, "Days"),
        [
            (
                str(SourceRef(receipt.path)),
                receipt.ingestor,
                receipt.role,
                f"{receipt.records_in:,}",
                f"{receipt.recorded:,}",
                f"{receipt.already_known:,}",
                f"{receipt.rejected:,}",
                _days(receipt),
            )
            for receipt in receipts
        ],
        right=counts,
    )


def _days(receipt: "Receipt") -> str:
    if receipt.first_day is None:
        return ""
    if receipt.first_day == receipt.last_day:
        return receipt.first_day
    return f"{receipt.first_day} to {receipt.last_day}"


def _as_json(receipt: "Receipt") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(receipt)
