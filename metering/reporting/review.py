"""The monthly finance review: what was spent, why it changed, what it bought, what to look at.

Plain tables of formatted figures, in the order in which a finance lead asks. What is not known is
an en dash and said so, never a zero. A row is a team, a project, a provider or a model; nothing on
the page is about a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from metering.reporting.brand import Brand
from metering.reporting.html import Templates

_PAGE = "review.html.j2"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        name: what it is about; foreign text.
        cells: formatted, one for each further column.
        kind: "" or "total".
    """

    name: str
    cells: tuple[str, ...]
    kind: str = ""


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
        heading: what it is about, and its id.
        money: amount, interval and onset, in words.
        pattern: what the spend looks like.
        state: how far it is, with what was said.
        numbers: before and after.
        open_questions: benign explanations that nobody has ruled out.
    """

    heading: str
    money: str
    pattern: str
    state: str
    numbers: Table
    open_questions: tuple[str, ...]


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
        missing: what it cannot tell.
    """

    title: str
    note: str
    tables: tuple[Table, ...] = ()
    findings: tuple[ShownFinding, ...] = ()
    analysis: str = ""
    missing: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class FinanceReview:
    """The whole review, formatted.

    Attributes:
        period: YYYY-MM; `month` is how a reader says it.
        snapshot_id: that of every report of the same ledger.
        headline: label and figure, the largest question first.
        economics: one section per analysis.
    """

    period: str
    month: str
    status: str
    currency: str
    snapshot_id: str
    made_at: str
    headline: tuple[Row, ...]
    sections: tuple[Section, ...] = field(default_factory=tuple)
    economics: tuple[Section, ...] = ()


def review_html(review: FinanceReview, brand: Brand | None = None) -> bytes:
    """Return the page of a review: self-contained, without a script, the same bytes every time."""
    return Templates(brand or Brand()).page(_PAGE, script="", review=review)


def table(caption: str, columns: Sequence[str], rows: Sequence[Row]) -> Table:
    """Return a table; every row has a cell for each column."""
    return Table(caption, tuple(columns), tuple(rows))
