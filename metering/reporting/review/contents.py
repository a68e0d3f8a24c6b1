"""The monthly finance review: what was spent, why it changed, what it bought, what to look at.

Plain tables of formatted figures, in the order in which a finance lead asks. What is not known is
an en dash and said so, never a zero. A row is a team, a project, a provider or a model; nothing on
the page is about a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction

from metering.reporting.brand import Brand
from metering.reporting.charts.plot_svg import plot_svg
from metering.reporting.charts.plots import Course, Divided, Plot
from metering.reporting.faces.html import Pages
from metering.reporting.figures import NIL, amount_text
from metering.reporting.words import shown_name

_PAGE = "review.html.j2"
_SCRIPT = "review.js"

Value = int | Fraction | None
"""Nanos, a plain number, or nothing that is a number."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        name: what it is about; foreign text.
        cells: formatted, one for each further column.
        kind: "" or "total".
        values: what the cells say, exactly: nanos as a whole number, a plain number as a fraction,
            None where a cell is words or unknown; empty where all of them are.

    No face shows what a name would hide: its text is cleaned here, whoever makes the row.
    """

    name: str
    cells: tuple[str, ...]
    kind: str = ""
    values: tuple[Value, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", shown_name(self.name))
        object.__setattr__(self, "cells", tuple(map(shown_name, self.cells)))

    @property
    def said(self) -> tuple[tuple[str, Value], ...]:
        """Return each cell with what it says."""
        return tuple(zip(self.cells, self.values or (None,) * len(self.cells), strict=True))


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        caption: what it shows, for who cannot see it.
        columns: headings, that of the names first.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """One finding as the review shows it.

    Attributes:
        case_id: what a reviewer answers it by.
        subject: whose spend it is, and what for; foreign text.
        money: amount, interval and onset, in words.
        nanos, low, high: the amount and its interval, exact.
        onset: the day it began, as far as the data tell.
        pattern: what the spend looks like.
        state: how far it is, with what was said.
        numbers: before and after.
        parts: workflows of it whose own evidence is enough, with their share of the money; None
            where there are none.
        checked: benign explanations that were looked at, and what was seen.
        open_questions: those that nobody has ruled out.
        footing: the least rise that would show, the command that gives all of it, the data.
        course: the weeks before and after; None where nothing was counted by the week.
    """

    case_id: str
    subject: str
    money: str
    nanos: int
    low: int
    high: int
    onset: date
    pattern: str
    state: str
    numbers: Table
    parts: Table | None
    checked: tuple[str, ...]
    open_questions: tuple[str, ...]
    footing: str
    course: Course | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A figure that cannot be told.

    Attributes:
        what: the figure.
        needs: the input that would fill it, as the end of a sentence.
    """

    what: str
    needs: str


@dataclass(frozen=True, slots=True)
class Section:
    """One part of the review.

    Attributes:
        title: the question it answers.
        note: how to read it, or why there is nothing to read.
        analysis: the economic analysis it shows, as "E3"; empty for none.
        plots: what its charts show; each stands beside a table or a sentence that says the same.
        missing: what it cannot tell.
    """

    title: str
    note: str
    tables: tuple[Table, ...] = ()
    findings: tuple[ShownFinding, ...] = ()
    analysis: str = ""
    missing: tuple[Gap, ...] = ()
    plots: tuple[Plot, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "note", shown_name(self.note))


@dataclass(frozen=True, slots=True)
class FinanceReview:
    """The whole review, formatted.

    Attributes:
        period: YYYY-MM; `month` is how a reader says it.
        status_note: what the status means.
        changed_at: when the book last changed, UTC without its zone; `made_at` is how it is shown.
        snapshot_id: that of every report of the same ledger.
        billed: what was billed, as shown; `nanos` exactly.
        change: on the month before, as shown; empty after nil.
        headline: label and figure, the largest question first.
        split: the whole spend by what answers for it.
        economics: one section per analysis.
    """

    period: str
    month: str
    month_before: str
    status: str
    status_note: str
    currency: str
    snapshot_id: str
    made_at: str
    changed_at: datetime
    billed: str
    nanos: int
    change: str
    headline: tuple[Row, ...]
    split: Divided
    sections: tuple[Section, ...] = field(default_factory=tuple)
    economics: tuple[Section, ...] = ()


def review_html(review: FinanceReview, brand: Brand | None = None) -> bytes:
    """Return the page of a review: self-contained, the same bytes every time."""
    pages = Pages(brand or Brand())
    script = pages.script(_SCRIPT)
    return pages.page(_PAGE, script=script, review=review, drawn=plot_svg)


def table(caption: str, columns: Sequence[str], rows: Sequence[Row]) -> Table:
    """Return a table; every row has a cell for each column."""
    return Table(caption, tuple(columns), tuple(rows))


def amounts(name: str, nanos: Sequence[int | None], currency: str, kind: str = "") -> Row:
    """Return a row of amounts; one that is not known is a dash."""
    return figures(name, [(_shown(one, currency), one) for one in nanos], kind)


def figures(name: str, cells: Sequence[tuple[str, Value]], kind: str = "") -> Row:
    """Return a row of cells, each with what it says exactly."""
    return Row(name, tuple(text for text, _ in cells), kind, tuple(value for _, value in cells))


def _shown(nanos: int | None, currency: str) -> str:
    return NIL if nanos is None else amount_text(nanos, currency)
