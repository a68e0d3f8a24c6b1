"""A small invented company's month, for the tests of reports: deterministic, every case once."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from metering.core.closing.tieout import LedgerSide, Reason, TieOut, TieOutLine
from metering.core.periods import BillingPeriod
from metering.reporting.snapshot import (
    HISTORY_SCHEMA,
    LINE_SCHEMA,
    CardUsed,
    ChargeLines,
    History,
    ReportStatus,
    Snapshot,
    SourceReceipt,
)

PERIOD: Final = BillingPeriod(2026, 10)
HOSTILE_NAMES: Final = (
    "<img src=x onerror=document.title='owned'>",
    "</script><script>document.title='owned'</script>",
    "javascript:alert(1)",
    "invoice\u202efdp.exe",
    "=cmd|' /C calc'!A0",
    "{{ 7 * 7 }}",
    "x" * 300,
    "Équipe 🧑\u200d🚀 données",
    "א team",
    '" onmouseover="alert(1)',
)
_LIST: Final = (
    # model, provider, platform, meter, quantity, list nanos per unit
    ("claude-sonnet-4-5", "anthropic", "anthropic-api", "input_uncached", 81_300_117, 3_000),
    ("claude-sonnet-4-5", "anthropic", "anthropic-api", "cache_read", 402_771_903, 300),
    ("claude-sonnet-4-5", "anthropic", "anthropic-api", "cache_write_5m", 20_118_400, 3_750),
    ("claude-sonnet-4-5", "anthropic", "anthropic-api", "output", 11_902_233, 15_000),
    ("claude-haiku-4-5", "anthropic", "anthropic-api", "input_uncached", 9_447_001, 1_000),
    ("claude-haiku-4-5", "anthropic", "anthropic-api", "output", 2_400_913, 5_000),
    ("gpt-5", "openai", "openai-api", "input_uncached", 120_500_333, 1_250),
    ("gpt-5", "openai", "openai-api", "output", 9_112_007, 10_000),
    ("gpt-5-mini", "openai", "openai-api", "output", 3_300_219, 2_000),
    ("text-embedding-3-small", "openai", "openai-api", "input_uncached", 71, 20),
    ("claude-sonnet-4-5", "anthropic", "anthropic-api", "web_search", 3_211, 10_000_000),
)
_OWNERS: Final = (
    # cost centre, team, project, weight in per mille
    ("CC-4100", "Payments", "Dispute assistant", 310),
    ("CC-4100", "Payments", "Fraud triage", 122),
    ("CC-4100", "Ledger platform", "Code review", 208),
    ("CC-4210", "Customer care", "Ticket deflection", 611),
    ("CC-4210", "Customer care", None, 44),
    ("CC-4300", "Research", "Document search", 402),
    ("CC-4300", "Research", "Evaluation", 97),
    ("CC-4300", "Data platform", "Pipelines", 133),
    ("CC-5000", "Marketing", "Copy", 61),
    ("CC-5000", "Legal", "Contract review", 88),
    ("CC-5000", "People", "Policy answers", 19),
    ("CC-5100", "Security", "Alert triage", 71),
)


_USUAL: Final[Mapping[str, Any]] = {
    "charge_day": date(2026, 10, 5),
    "bearer": "owner",
    "cost_centre": "CC-1",
    "team": "Team",
    "project": "Project",
    "provider": "openai",
    "billing_account": "acme",
    "platform": "openai-api",
    "product": "api",
    "model": "gpt-5",
    "meter": "output",
    "status": "priced",
    "reason": None,
    "rule": "by key",
    "card": "openai-list v1",
    "currency": "USD",
    "quantity": 1,
    "amount_nanos": 0,
    "list_nanos": 0,
    "corrects": None,
    "centre_owner": None,
    "gl_account": None,
    "capex_opex": None,
    "cogs_or_rnd": None,
    "booking_currency": None,
    "fx_rate": None,
    "fx_day": None,
}


def lines_of(*rows: Mapping[str, Any]) -> ChargeLines:
    """Return lines from partial rows; what a row leaves out is the same in all of them."""
    filled = [_full(row) for row in rows]
    return ChargeLines.of({name: [row[name] for row in filled] for name in LINE_SCHEMA.names})


def snapshot_of(lines: ChargeLines, *, earlier: History | None = None, **changes: Any) -> Snapshot:
    """Return a snapshot of the period around lines, with a history that agrees with them."""
    rows = [_history_row(row, str(PERIOD)) for row in lines.table.to_pylist()]
    rows += earlier.table.to_pylist() if earlier else []
    history = History.of({name: [row[name] for row in rows] for name in HISTORY_SCHEMA.names})
    usual: dict[str, Any] = {
        "period": PERIOD,
        "currency": "USD",
        "status": ReportStatus.ESTIMATE,
        "snapshot_id": "9f2c61d07ab4",
        "made_at": datetime(2026, 11, 3, 2, 14, tzinfo=UTC),
    }
    return Snapshot(lines=lines, history=history, **(usual | changes))


def share_of(pool: str) -> dict[str, Any]:
    """Return what marks a line as a share of a pool of shared cost."""
    return {
        "product": f"shared: {pool}",
        "meter": "shared_headcount",
        "model": None,
        "card": None,
        "rule": "by people",
        "list_nanos": None,
    }


def company() -> Snapshot:
    """Return the specimen: several cost centres, suspense, corrections, tie-outs, receipts."""
    rows = [_full(row) for row in (*_owned(PERIOD, 1000), *_unsettled())]
    earlier = [
        _history_row(row, str(month))
        for month, scale in zip(_months_before(5), (900, 870, 640, 560, 420), strict=True)
        for row in _owned(month, scale)
    ]
    lines = lines_of(*rows)
    totals = {
        provider: sum(row["amount_nanos"] for row in rows if row["provider"] == provider)
        for provider in ("anthropic", "openai")
    }
    return snapshot_of(
        lines,
        earlier=History.of({n: [row[n] for row in earlier] for n in HISTORY_SCHEMA.names}),
        tie_outs=(
            _tie_out(
                "anthropic",
                totals["anthropic"],
                ("INV-1007",),
                TieOutLine("tax: sales tax", Reason.TAX, 300_000_000_000),
                TieOutLine("credit: goodwill", Reason.CREDIT, -25_000_000_000),
                TieOutLine("rounding on the invoice", Reason.ROUNDING, 4_110_223),
            ),
            _tie_out(
                "openai",
                totals["openai"],
                (),
                TieOutLine("not invoiced yet", Reason.NOT_INVOICED, -totals["openai"]),
            ),
        ),
        cards=(
            CardUsed("anthropic-contract", 2, "contract", "USD", "contract sheet 2026-07"),
            CardUsed("openai-list", 1, "list", "USD", "genai-prices 0.2.3"),
        ),
        rules_version=4,
        directory_version=7,
        sources=(
            _receipt("anthropic-2026-10.json", "anthropic-messages-usage 1", 4_811, 0, 0),
            _receipt("openai-2026-10.json", "openai-usage-api 1", 2_204, 0, 0),
            _receipt("litellm-2026-10.jsonl.zst", "litellm-spend-logs 1", 118_300, 412, 3),
        ),
        promoted=("claude-code-transcripts is charged for anthropic/acme-lab: no metered source.",),
        quarantined=3,
    )


def _owned(month: BillingPeriod, scale: int) -> list[dict[str, Any]]:
    return [
        {
            "charge_day": month.first_day + timedelta(days=day),
            "cost_centre": cost_centre,
            "team": team,
            "project": project,
            "provider": provider,
            "platform": platform,
            "billing_account": "acme-prod" if provider == "anthropic" else "acme",
            "model": model,
            "meter": meter,
            "card": "anthropic-contract v2" if provider == "anthropic" else "openai-list v1",
            "rule": f"{project or team} by key",
            "status": "provisional" if meter == "web_search" else "priced",
            "reason": "past_guarantee" if meter == "web_search" else None,
            "quantity": used,
            "amount_nanos": used * nanos * (92 if provider == "anthropic" else 100) // 100,
            "list_nanos": used * nanos,
        }
        for place, (cost_centre, team, project, weight) in enumerate(_OWNERS)
        for row, (model, provider, platform, meter, quantity, nanos) in enumerate(_LIST)
        if (place + row) % 3
        for day in range(0, 28, 2)
        for used in [
            max(quantity * weight * scale * (7 + (day * (place + 2)) % 5) // 70_000_000, 1)
        ]
    ]


def _unsettled() -> list[dict[str, Any]]:
    suspense = {"cost_centre": None, "team": None, "project": None, "rule": None}
    unpriced = suspense | {
        "bearer": "unpriced",
        "status": "unpriced",
        "card": None,
        "list_nanos": None,
        "model": "gpt-6-preview",
        "reason": "no_rate",
    }
    return [
        suspense
        | {
            "bearer": "unattributed",
            "quantity": 20_640_013,
            "amount_nanos": 206_400_130_000,
            "list_nanos": 206_400_130_000,
        },
        unpriced | {"meter": "input_uncached", "quantity": 8_113_270},
        unpriced | {"charge_day": date(2026, 10, 9), "quantity": 911_204},
        {
            "charge_day": date(2026, 9, 28),
            "corrects": "2026-09",
            "cost_centre": "CC-4100",
            "team": "Payments",
            "project": "Fraud triage",
            "quantity": -1_204,
            "amount_nanos": -12_040_000,
            "list_nanos": -12_040_000,
        },
    ]


def _months_before(count: int) -> list[BillingPeriod]:
    months = [PERIOD.previous]
    while len(months) < count:
        months.append(months[-1].previous)
    return months


def _history_row(row: Mapping[str, Any], period: str) -> dict[str, Any]:
    return {name: row.get(name) for name in HISTORY_SCHEMA.names} | {
        "period": period,
        "currency": row.get("currency", "USD"),
    }


def _full(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**_USUAL, **row}


def _tie_out(
    provider: str, billed: int, invoice_ids: tuple[str, ...], *others: TieOutLine
) -> TieOut:
    lines = (TieOutLine("priced from usage", Reason.USAGE, billed), *others)
    return TieOut(
        provider=provider,
        billing_account="acme",
        period=PERIOD,
        currency="USD",
        invoice_ids=invoice_ids,
        invoiced_nanos=sum(line.nanos for line in lines),
        ledger=LedgerSide(provider, "acme", "USD", billed),
        lines=lines,
    )


def _receipt(name: str, ingestor: str, recorded: int, known: int, rejected: int) -> SourceReceipt:
    return SourceReceipt(
        name=name,
        ingestor=ingestor,
        role="metered",
        first_day=PERIOD.first_day,
        last_day=PERIOD.end_day - timedelta(days=1),
        records_in=recorded + known + rejected,
        recorded=recorded,
        already_known=known,
        rejected=rejected,
        content_sha256=f"{recorded:064x}"[::-1],
    )
