"""Demo: the whole main job on the sample company, in a fresh folder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.periods import BillingPeriod
from metering.errors import BookError
from metering.resources import sample_logs_dir
from metering.settings import FILE_NAME, Settings, load_settings
from metering.workflows.closing.invoices import ingest_invoices
from metering.workflows.closing.tie_out import tie_out_period
from metering.workflows.flat.flat_files import import_flat
from metering.workflows.intake.ingest import ingest_files
from metering.workflows.intake.order import Order
from metering.workflows.intake.receipts import Receipt
from metering.workflows.ledger_start import start_ledger
from metering.workflows.outcomes.outcome_imports import ingest_outcomes
from metering.workflows.ownership.owner_imports import import_file
from metering.workflows.posting.post import Posted, post
from metering.workflows.reports.report import Reported, report_chargeback

if TYPE_CHECKING:
    from metering.core.closing.tieout import TieOut
    from metering.ingest.contract import Ingestor
    from metering.ingest.outcomes.contract import OutcomeIngestor
    from metering.workflows.runs import Run

PERIOD: Final = BillingPeriod(2026, 10)

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demo came to.

    Attributes:
        settings: of the ledger it built.
        receipts: one per file of usage, then of outcomes.
        posted: what was posted.
        tie_outs: of `PERIOD`.
        reported: the chargeback report of `PERIOD`.
    """

    settings: Settings
    receipts: tuple[Receipt, ...]
    posted: Posted
    tie_outs: "tuple[TieOut, ...]"
    reported: Reported


def demo(
    folder: Path,
    run: "Run",
    ingestors: "Sequence[Ingestor]",
    outcome_ingestors: "Sequence[OutcomeIngestor]",
    tell: Step,
) -> Shown:
    """Build a ledger from the sample company's exports, as a company would from its own.

    Args:
        folder: fresh; the ledger and the report go there.
        run: who does this, when.
        ingestors: those that may recognise a file of usage.
        outcome_ingestors: those that may recognise a file of outcomes.
        tell: called with the name of each step before it begins.

    Raises:
        BookError: `folder-not-empty`; nothing is changed.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BookError(
            "folder-not-empty",
            f"{folder} holds files already",
            do="name a fresh folder with --out",
        )
    sample = sample_logs_dir()
    tell("starting a ledger with the bundled list prices")
    start_ledger(folder, run)
    with (folder / FILE_NAME).open("a", encoding="utf-8") as stream:
        stream.write("\n" + (sample / "settings.toml").read_text(encoding="utf-8"))
    settings = load_settings(folder / FILE_NAME)
    tell("importing owners and rules")
    for name in ("owners.csv", "rules.toml"):
        import_file(settings, run, sample / "owners" / name)
    tell("importing what is agreed on")
    import_flat(settings, run, sorted(path for path in (sample / "flat").iterdir()))
    tell("ingesting usage")
    files = sorted(path for path in (sample / "usage").rglob("*") if path.is_file())
    receipts = tuple(ingest_files(settings, run, files, Order(ingestors)))
    tell("ingesting outcomes")
    produced = sorted(path for path in (sample / "outcomes").rglob("*") if path.is_file())
    outcomes = tuple(ingest_outcomes(settings, run, produced, outcome_ingestors))
    tell("ingesting invoices")
    list(ingest_invoices(settings, run, sorted((sample / "invoices").glob("*.csv"))))
    tell("posting")
    posted = post(settings, run)
    tell("writing the report")
    reported = report_chargeback(settings, PERIOD, folder / "reports")
    tied = tie_out_period(settings, PERIOD)
    return Shown(settings, (*receipts, *outcomes), posted, tied, reported)
