"""The sheets of the chargeback workbook that prove it: what is open, what ties, what was read."""

from metering.reporting.faces.sheets import Column, Sheets
from metering.reporting.pack.chargeback import ChargebackReport
from metering.reporting.snapshot import Snapshot


def open_points(out: Sheets, snapshot: Snapshot, report: ChargebackReport) -> None:
    """Write what is not settled; no sheet when all of it is."""
    rows: list[tuple[object, ...]] = [
        (
            *(account.currency, "unpriced", point.model, point.provider, point.meter),
            *(point.counted, point.unit, None, point.reason, point.days),
        )
        for account in report.accounts
        for point in account.unpriced
    ]
    rows += [
        (account.currency, kind, line.label, line.note, "", None, "", line.nanos, "", "")
        for account in report.accounts
        for kind, lines in (
            ("unattributed", account.unattributed),
            ("unexplained", account.unexplained),
            ("provisional", account.provisional),
            ("correction", account.corrections),
        )
        for line in lines
        if line.kind == "item"
    ]
    refused = snapshot.quarantined
    if refused:
        what = "refused when they were read"
        rows.append(("", "quarantine", what, "", "", refused, "records", None, "", ""))
    rows += [("", "unmetered", what, "", "", None, "", None, "", "") for what in report.unmetered]
    columns = (
        Column("Currency", width=12),
        Column("Point"),
        Column("What", width=34),
        Column("Of", width=26),
        Column("Meter", width=24),
        Column("Quantity", "quantity", 18),
        Column("Unit", width=12),
        Column("Amount", "exact", 20),
        Column("Reason", width=34),
        Column("Days", width=26),
    )
    if rows:
        out.table("Open points", columns, rows)


def tie_outs(out: Sheets, snapshot: Snapshot, report: ChargebackReport) -> None:
    """Write each tie-out line by line; no sheet when there is none."""
    shown = [
        (tie, said)
        for account in report.accounts
        for tie, said in zip(
            (tie for tie in snapshot.tie_outs if tie.currency == account.currency),
            account.tie_outs,
            strict=True,
        )
    ]
    rows = [
        (
            *(tie.provider, tie.billing_account, ", ".join(tie.invoice_ids), tie.currency),
            *(label, reason, nanos, said.verdict, "" if at else "; ".join(said.remarks)),
        )
        for tie, said in shown
        for at, (label, reason, nanos) in enumerate(
            [(line.label, line.reason.value, line.nanos) for line in tie.lines]
            or [("nothing owed", "", 0)]
        )
    ]
    columns = (
        *(Column(word) for word in ("Provider", "Account", "Invoice", "Currency")),
        Column("Line", width=42),
        Column("Reason"),
        Column("Amount", "exact", 20),
        Column("Verdict"),
        Column("Note", width=66),
    )
    if rows:
        out.table("Tie-out", columns, rows)


def made_from(out: Sheets, snapshot: Snapshot) -> None:
    """Write the sources with their receipts, and the rate cards in force."""
    sources = [
        (
            *(source.name, source.ingestor, source.role, source.first_day, source.last_day),
            *(source.records_in, source.recorded, source.already_known, source.rejected),
            source.content_sha256,
        )
        for source in snapshot.sources
    ]
    columns = (
        *(Column("File", width=42), Column("Read as", width=26), Column("Role")),
        *(Column("First day", "day", 12), Column("Last day", "day", 12)),
        *(Column(word, "quantity", 13) for word in ("In", "Recorded", "Known", "Rejected")),
        Column("SHA-256", width=66),
    )
    if sources:
        out.table("Sources", columns, sources)
    cards = [
        (card.name, f"version {card.version}", card.kind, card.currency, card.source)
        for card in snapshot.cards
    ]
    headings = ("Card", "Version", "Kind", "Currency", "Published by")
    if cards:
        out.table("Rate cards", [Column(word, width=24) for word in headings], cards)
