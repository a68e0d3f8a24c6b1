"""The night: what it has to do, in one call for cron: one lock, one receipt, one exit code.

A step that fails does not keep the next one from its work.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from metering.core.money import decimal_text
from metering.errors import BookError, MeteringError
from metering.workflows.nightly import looking, taking_in
from metering.workflows.nightly.steps import Step, StepState
from metering.workflows.ownership.forgetting import forget_people, last_day_to_forget
from metering.workflows.posting.post import post
from metering.workflows.runs import Run
from metering.workflows.verify import verify

if TYPE_CHECKING:
    from metering.ingest.contract import Ingestor
    from metering.ingest.outcomes.contract import OutcomeIngestor
    from metering.settings import Settings

_LOCK: Final = ".nightly.lock"


@dataclass(frozen=True, slots=True)
class Night:
    """What a night did.

    Attributes:
        steps: in the order they ran.
        receipt: the file that says the same.
    """

    started_at: str
    steps: tuple[Step, ...]
    receipt: Path

    @property
    def is_clean(self) -> bool:
        """Whether nobody has to look at anything."""
        return all(step.state in (StepState.DONE, StepState.LEFT_OUT) for step in self.steps)


@dataclass(frozen=True, slots=True)
class Formats:
    """What is recognised.

    Attributes:
        usage: ingestors of usage.
        outcomes: ingestors of outcomes.
    """

    usage: "Sequence[Ingestor]"
    outcomes: "Sequence[OutcomeIngestor]"


def run_night(
    settings: "Settings",
    run: Run,
    formats: Formats,
    tell: Callable[[str], None] = lambda _: None,
) -> Night:
    """Pull, take in the inbox, post, see what is missing, tie out, verify; write the receipt.

    Args:
        settings: where everything is; `inbox` is what waits.
        run: who, when.
        formats: what is recognised.
        tell: called with the name of each step before it runs.

    Raises:
        BookError: `nightly-running`: another night is not over yet; nothing is done.
    """
    with _alone(settings.home / _LOCK):
        steps = []
        for name, work in _steps(settings, run, formats):
            tell(name)
            steps.append(_step(name, work))
        return _written(settings, run, steps)


def _steps(
    settings: "Settings", run: Run, formats: Formats
) -> Iterator[tuple[str, Callable[[], Step]]]:
    """Yield the steps by name, in order."""
    if settings.pull:
        yield "pull", lambda: taking_in.pull(settings, run)
    yield "usage", lambda: taking_in.take_usage(settings, run, formats.usage)
    yield "outcomes", lambda: taking_in.take_outcomes(settings, run, formats.outcomes)
    yield "invoices", lambda: taking_in.take_invoices(settings, run)
    yield "post", lambda: _post(settings, run)
    yield "arrival", lambda: looking.arrival(settings, run)
    if settings.keep_days is not None:
        yield "people", lambda: _people(settings, run)
    yield "tie-out", lambda: looking.tie_out(settings)
    yield "budgets", lambda: looking.budgets(settings)
    yield "findings", lambda: looking.findings(settings)
    yield "verify", lambda: _verify(settings)


def _post(settings: "Settings", run: Run) -> Step:
    posted = post(settings, run)
    amounts = ", ".join(
        f"{period} {currency} {decimal_text(nanos)}"
        for (period, currency), nanos in sorted(posted.amounts.items())
        if nanos
    )
    summary = f"{posted.postings} postings" + (f": {amounts}" if amounts else "")
    unowned = ", ".join(
        f"{currency} {decimal_text(nanos)}"
        for currency, nanos in sorted(posted.unattributed.items())
        if nanos > 0
    )
    if unowned:
        summary += f", of it {unowned} without an owner"
    return Step.done("post", summary, looking.unpriced(settings))


def _people(settings: "Settings", run: Run) -> Step:
    last = last_day_to_forget(settings, run.started_at.date())
    found = forget_people(settings, run, last) if last else ()
    records = sum(one.records for one in found)
    told = (f"{one.period}: people are kept, {one.left}" for one in found if one.left)
    return Step.done("people", f"{records} records no longer tell whose they were", told)


def _verify(settings: "Settings") -> Step:
    found = verify(settings)
    summary = f"ledger {found.ledger_hash[:12]}, chain {found.chain[:12]}"
    state = StepState.DONE if found.sound else StepState.FAILED
    return Step("verify", state, summary, tuple(found.problems))


def _step(name: str, work: Callable[[], Step]) -> Step:
    try:
        return work()
    except MeteringError as error:
        return Step(name, StepState.FAILED, "see what it says", (str(error),))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    try:
        with FileLock(path, timeout=0):
            yield
    except Timeout as error:
        raise BookError(
            "nightly-running",
            "another night is not over yet",
            details=(f"lock:     {path}",),
            do="wait for it, or see what its process is doing",
        ) from error
    except OSError as error:
        if error.filename != str(path):
            raise
        raise BookError(
            "storage-failed",
            f"the lock of the night cannot be written: {path}: {error.strerror}",
            do="give whoever runs the night access to the folder; nothing was done",
        ) from error


def _written(settings: "Settings", run: Run, steps: Sequence[Step]) -> Night:
    started_at = f"{run.started_at:%Y-%m-%dT%H:%M:%SZ}"
    receipt = settings.home / "receipts" / f"nightly-{run.started_at:%Y-%m-%dT%H%M%SZ}.json"
    said = {"started_at": started_at, "steps": [asdict(step) for step in steps]}
    text = json.dumps(said, indent=2, ensure_ascii=False) + "\n"
    try:
        receipt.parent.mkdir(exist_ok=True)
        receipt.write_text(text, encoding="utf-8")
    except OSError as error:
        # What was done is done, and has to be told all the same.
        steps = (*steps, _no_receipt(receipt, error))
    return Night(started_at, tuple(steps), receipt)


def _no_receipt(receipt: Path, error: OSError) -> Step:
    told = (
        f"{receipt}: the receipt cannot be written: {error.strerror}\n"
        "    do:       make room or give access; what the other steps did is recorded"
    )
    return Step("receipt", StepState.FAILED, "see what it says", (told,))
