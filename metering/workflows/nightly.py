"""Nightly: what a night has to do, in one call for cron: one lock, one receipt, one exit code.

Files wait in an inbox. What was taken in whole moves to a folder beside it, by day, so that the
next night does not read it again; what was refused stays where it is and is told every night until
somebody sees to it. A step that fails does not keep the next one from its work, except that nothing
is posted while usage cannot be read at all.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from filelock import FileLock, Timeout

from metering.books.engine import begin_read, open_engine
from metering.books.period_content import booked_periods, unpriced_usage
from metering.books.periods import closed_periods
from metering.core.closing.arrival import Stream
from metering.core.money import decimal_text
from metering.core.periods import BillingPeriod
from metering.core.planning.budgets import State
from metering.errors import BookError, MeteringError, PullError, Rejection
from metering.reporting.words import reason_text
from metering.workflows.closing.invoices import ingest_each_invoices
from metering.workflows.closing.refusals import days_text
from metering.workflows.closing.tie_out import tie_outs
from metering.workflows.findings.cases import cases_of
from metering.workflows.intake import pull as pulling
from metering.workflows.intake.arrival import (
    missing_source_days,
    unmetered_detail,
    unmetered_text,
)
from metering.workflows.intake.inbox import take, waiting_invoices, waiting_outcomes, waiting_usage
from metering.workflows.intake.ingest import ingest_each
from metering.workflows.intake.order import Order
from metering.workflows.outcomes.outcome_imports import ingest_each_outcomes
from metering.workflows.ownership.forgetting import forget_people, last_day_to_forget
from metering.workflows.planning.budgets import budgeted
from metering.workflows.posting.post import post
from metering.workflows.runs import Run
from metering.workflows.verify import verify

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.ingest.contract import Ingestor
    from metering.ingest.outcomes.contract import OutcomeIngestor
    from metering.settings import Settings
    from metering.workflows.intake.receipts import Receipt

_LOCK: Final = ".nightly.lock"
_LATE: Final = timedelta(days=2)
_Seen = TypeVar("_Seen")
# What was refused of a file that was taken in.
_Refused: TypeAlias = Sequence[Rejection]


class StepState(StrEnum):
    """What became of a step."""

    DONE = "done"
    ATTENTION = "attention"  # done, and somebody has to look at something
    FAILED = "failed"
    LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the night.

    Attributes:
        name: "pull", "usage", "outcomes", "invoices", "post", "arrival", "people", "tie-out",
            "budgets", "findings", "verify".
        summary: what it did, a sentence's end.
        told: what somebody has to look at, each in full.
    """

    name: str
    state: StepState
    summary: str
    told: tuple[str, ...] = ()


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
    night = _Night(settings, run, formats)
    with _alone(settings.home / _LOCK):
        steps = []
        for name, work in night.steps():
            tell(name)
            steps.append(_step(name, work))
        return _written(settings, run, steps)


class _Night:
    """The steps, each a function that returns its state, a summary and what is to be told."""

    def __init__(self, settings: "Settings", run: Run, formats: Formats) -> None:
        self._settings = settings
        self._run = run
        self._formats = formats
        self._inbox = settings.inbox

    def steps(self) -> Iterator[tuple[str, Callable[[], Step]]]:
        """Yield the steps by name, in order."""
        if self._settings.pull:
            yield "pull", self._pull
        yield "usage", self._usage
        yield "outcomes", self._outcomes
        yield "invoices", self._invoices
        yield "post", self._post
        yield "arrival", self._arrival
        if self._settings.keep_days is not None:
            yield "people", self._people
        yield "tie-out", self._tie_out
        yield "budgets", self._budgets
        yield "findings", self._findings
        yield "verify", self._verify

    def _pull(self) -> Step:
        last = self._run.started_at.date() - timedelta(days=1)
        order = pulling.Order(None, last, self._inbox)
        found = [
            one
            for connector in pulling.configured(self._settings)
            for one in pulling.pull(self._settings, connector, order)
        ]
        told = tuple(str(one) for one in found if isinstance(one, PullError))
        files = sum(isinstance(one, pulling.Pulled) and one.path is not None for one in found)
        state = StepState.ATTENTION if told else StepState.DONE
        return Step("pull", state, f"{files} files", told)

    def _usage(self) -> Step:
        files = waiting_usage(self._inbox)
        taken = ingest_each(self._settings, self._run, files, Order(self._formats.usage))
        return self._taken_in("usage", files, map(_refused_or_why, taken))

    def _outcomes(self) -> Step:
        files = waiting_outcomes(self._inbox)
        taken = ingest_each_outcomes(self._settings, self._run, files, self._formats.outcomes)
        return self._taken_in("outcomes", files, map(_refused_or_why, taken))

    def _invoices(self) -> Step:
        files = waiting_invoices(self._inbox)
        taken = ingest_each_invoices(self._settings, self._run, files)
        refused = (one if isinstance(one, MeteringError) else () for one in taken)
        return self._taken_in("invoices", files, refused)

    def _taken_in(
        self, name: str, files: Sequence[Path], taken: Iterable[_Refused | MeteringError]
    ) -> Step:
        """Move files as they are taken in; `taken` says of each what was refused."""
        if not files:
            return Step(name, StepState.DONE, "nothing waits")
        told: list[str] = []
        count = 0
        for path, refused in zip(files, taken, strict=True):
            if isinstance(refused, MeteringError):
                told.append(str(refused))
                continue
            count += 1
            place = path
            try:
                place = take(path, self._inbox, self._run.started_at)
            except OSError as error:
                told.append(_not_moved(path, error))
            told.extend(one.message(str(place)) for one in refused)
        state = StepState.ATTENTION if told else StepState.DONE
        summary = f"{count} of {len(files)} files taken in"
        # What keeps many files from being recorded, such as a full disk, is told once.
        return Step(name, state, summary, tuple(dict.fromkeys(told)))

    def _post(self) -> Step:
        posted = post(self._settings, self._run)
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
        told = tuple(self._of_open_months(_unpriced))
        return Step("post", StepState.ATTENTION if told else StepState.DONE, summary, told)

    def _arrival(self) -> Step:
        # What was used yesterday may still be on its way.
        known = self._run.started_at.date() - _LATE
        missing = tuple(
            f"{stream}: nothing has come of {days_text(days)}\n"
            "    do:       export them, or say under [arrival] in metering.toml when it comes"
            for stream, days in self._of_open_months(
                lambda connection, period: self._missing(connection, period, known)
            )
        )
        unmetered = tuple(map(unmetered_text, unmetered_detail(self._settings)))
        told = missing + unmetered
        summary = f"sources with days missing: {len(missing)}"
        if unmetered:
            summary += f", without a bill: {len(unmetered)}"
        return Step("arrival", StepState.ATTENTION if told else StepState.DONE, summary, told)

    def _missing(
        self, connection: "Connection", period: BillingPeriod, known: date
    ) -> Iterator[tuple[Stream, tuple[date, ...]]]:
        for stream, days in missing_source_days(connection, self._settings, period).items():
            if over := tuple(day for day in days if day <= known):
                yield stream, over

    def _of_open_months(
        self, look: "Callable[[Connection, BillingPeriod], Iterable[_Seen]]"
    ) -> "Iterator[_Seen]":
        with begin_read(open_engine(self._settings.books_url)) as connection:
            closed = closed_periods(connection)
            for name in booked_periods(connection):
                if name not in closed:
                    yield from look(connection, BillingPeriod.parse(name))

    def _people(self) -> Step:
        last = last_day_to_forget(self._settings, self._run.started_at.date())
        found = forget_people(self._settings, self._run, last) if last else ()
        told = tuple(f"{one.period}: people are kept, {one.left}" for one in found if one.left)
        state = StepState.ATTENTION if told else StepState.DONE
        records = sum(one.records for one in found)
        return Step("people", state, f"{records} records no longer tell whose they were", told)

    def _tie_out(self) -> Step:
        invoiced = tuple(
            self._of_open_months(
                lambda connection, period: (
                    (period, tie)
                    for tie in tie_outs(connection, self._settings, period)
                    if tie.is_invoiced
                )
            )
        )
        told = tuple(
            f"{period} {tie.provider}/{tie.billing_account}: "
            f"{tie.currency} {decimal_text(tie.unexplained_nanos)} unexplained"
            for period, tie in invoiced
            if not tie.ties
        )
        state = StepState.ATTENTION if told else StepState.DONE
        return Step("tie-out", state, f"{len(invoiced)} invoiced accounts of open months", told)

    def _budgets(self) -> Step:
        try:
            found = budgeted(self._settings)
        except BookError as error:
            if error.code in ("no-budgets", "no-charges"):
                return Step("budgets", StepState.LEFT_OUT, "none is in force")
            raise
        over = [one for one in found.stands if one.state() in (State.OVER, State.FORECAST_OVER)]
        told = tuple(
            f"{'/'.join(filter(None, (one.owner.cost_centre, one.owner.team, one.owner.project)))}"
            f" {one.state().value} in {found.period}"
            for one in over
        )
        state = StepState.ATTENTION if over else StepState.DONE
        count = sum(one.budget is not None for one in found.stands)
        return Step("budgets", state, f"{count} looked at", told)

    def _findings(self) -> Step:
        try:
            found = cases_of(self._settings)
        except BookError as error:
            if error.code in ("no-usage", "too-few-days"):
                return Step("findings", StepState.LEFT_OUT, "too little usage to compare")
            raise
        # Findings are read once a month, with the review; a night only tells how many there are.
        return Step("findings", StepState.DONE, f"{len(found.unread)} wait for an answer")

    def _verify(self) -> Step:
        found = verify(self._settings)
        summary = f"ledger {found.ledger_hash[:12]}, chain {found.chain[:12]}"
        state = StepState.DONE if found.sound else StepState.FAILED
        return Step("verify", state, summary, tuple(found.problems))


def _unpriced(connection: "Connection", period: BillingPeriod) -> Iterator[str]:
    """Yield each model of a month that has usage without a rate, and why."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for one in unpriced_usage(connection, str(period)):
        quantities = found.setdefault((one.provider, one.model, one.reason), [])
        quantities.append(f"{one.quantity:,} {one.meter}")
    for (provider, model, reason), quantities in found.items():
        yield (
            f"{period}: usage of {model or 'no named model'} ({provider}) has no rate and no "
            f"amount: {reason_text(reason)}\n"
            f"    found:    {', '.join(quantities)}\n"
            "    do:       take a rate card into force that prices it: `metering prices import`"
        )


def _refused_or_why(taken: "Receipt | MeteringError") -> _Refused | MeteringError:
    return taken if isinstance(taken, MeteringError) else taken.rejections


def _not_moved(path: Path, error: OSError) -> str:
    return (
        f"{path}: it was taken in, and cannot be moved: {error.strerror or error}\n"
        "    do:       give access to the folder; until then each night reads the file again"
    )


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
    folder = settings.home / "receipts"
    folder.mkdir(exist_ok=True)
    receipt = folder / f"nightly-{run.started_at:%Y-%m-%dT%H%M%SZ}.json"
    said = {"started_at": started_at, "steps": [asdict(step) for step in steps]}
    receipt.write_text(json.dumps(said, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return Night(started_at, tuple(steps), receipt)
