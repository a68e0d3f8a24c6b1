"""PDF pages from the Typst templates in `reports/`: paginated, tagged, with the fonts in the file.

Typst needs no browser and no system library, sets tables over pages with their headings, and brings
its own fonts, so the same ledger gives the same bytes. Names reach it as values of a JSON document,
never as markup. A file is PDF/UA, which readers for the blind rely on, unless a name has a letter
that none of the fonts on this machine has; then it is tagged all the same.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Protocol

from metering import __version__
from metering.errors import LedgerError
from metering.reporting.brand import Brand
from metering.reporting.faces.templates import Templates
from metering.reporting.pack.chargeback import Account, ChargebackReport
from metering.reporting.pack.statement import ROOMS, OwnerStatement, StatementAccount, Statements
from metering.reporting.pack.tree import Node, OwnerLine
from metering.reporting.words import shortened

if TYPE_CHECKING:
    from typst import Compiler

_HOUSE: Final = "house.typ"
_CHARGEBACK: Final = "chargeback.typ"
_STATEMENT: Final = "statement.typ"
_STANDARD: Final = "ua-1"
# The colours of `style.css` on paper, which an SVG names as custom properties.
_PRINTED: Final = {
    "var(--ink)": "#1a1e23",
    "var(--quiet)": "#59626d",
    "var(--series-earlier)": "#a3bccb",
    "var(--band)": "#eef1f0",
    "var(--hairline)": "#dcdeda",
    "var(--edge)": "#8b949c",
    "var(--attention)": "#8a4600",
    "var(--settled)": "#1d6a45",
}
_SVG: Final = "<svg "
_NAMESPACE: Final = '<svg xmlns="http://www.w3.org/2000/svg" '


class Dated(Protocol):
    """What every report says of the book it was made from."""

    @property
    def status(self) -> str:
        """Estimate or final."""

    @property
    def snapshot_id(self) -> str:
        """Of all reports from the same book."""

    @property
    def made_at(self) -> str:
        """When the book last changed."""


def chargeback_pdf(report: ChargebackReport, brand: Brand | None = None) -> bytes:
    """Return the pack on paper; the same report gives the same bytes.

    Args:
        report: what it says.
        brand: the company's look; None for ours.
    """
    return paper(_CHARGEBACK, _said(report, f"Chargeback {report.period}"), brand or Brand())


def statement_pdf(statement: OwnerStatement, brand: Brand | None = None) -> bytes:
    """Return the statement of one owner on paper."""
    return paper(_STATEMENT, _statement_said(statement), brand or Brand())


def one_page(
    statements: Statements, owner: tuple[str, ...], brand: Brand | None = None
) -> OwnerStatement:
    """Return the fullest statement of an owner that is one page on paper.

    Args:
        statements: of the period.
        owner: the cost centre, and the team where it is a team's.
        brand: the company's look; None for ours.
    """
    cost_centre, team = (*owner, "")[:2]
    found = statements.of(cost_centre, team)
    for room in ROOMS[1:]:
        if _pages(_STATEMENT, _statement_said(found), brand or Brand()) <= 1:
            break
        found = statements.of(cost_centre, team, room)
    return found


def _statement_said(statement: OwnerStatement) -> dict[str, Any]:
    return _said(statement, f"Statement {statement.period} · {shortened(statement.owner, 60)}")


def _pages(template: str, said: Mapping[str, Any], brand: Brand) -> int:
    with Templates(brand.templates).joined(_HOUSE, template) as source:
        compiler = _compiler(source, said, brand)
        try:
            counted = compiler.query("<pages>", field="value", one=True)
        except RuntimeError:
            # A query does not say where a template is wrong.
            compiler.compile(format="pdf")
            raise
    return int(json.loads(counted))


def _said(report: ChargebackReport | OwnerStatement, title: str) -> dict[str, Any]:
    said = asdict(report)
    accounts: tuple[Account | StatementAccount, ...] = report.accounts
    said["accounts"] = [
        {
            **printed,
            "columns": _columns(account, lines, report.month_before_short),
            "lines": [{"depth": depth, "line": asdict(line)} for depth, line in lines],
        }
        for account, printed in zip(accounts, said["accounts"], strict=True)
        for lines in [list(_lines(account.owners.nodes, account.owners.foot))]
    ]
    said["foot"] = foot_of(title, report)
    return said


def foot_of(title: str, report: Dated) -> str:
    """Return what stands below every page."""
    return (
        f"{title} · {report.status} · snapshot {report.snapshot_id} · "
        f"book as of {report.made_at} · metering {__version__}"
    )


def paper(template: str, said: Mapping[str, Any], brand: Brand) -> bytes:
    """Return a document as PDF.

    Args:
        template: its name in `reports/`, or in the company's folder.
        said: what the template may name, `foot` among it; charts are SVG under the key `svg`.
        brand: the company's look.

    Raises:
        SourceError: `bad-template`: one of the company's is wrong.
    """
    import typst  # noqa: PLC0415 - 40 MB that only a PDF needs

    def pages(standards: list[Any]) -> bytes:
        # One that refused has no second try.
        compiler = _compiler(source, said, brand)
        content = compiler.compile(format="pdf", pdf_standards=standards, timestamp=0)
        if not isinstance(content, bytes):
            raise LedgerError(f"{template} did not become one file")
        return content

    with Templates(brand.templates).joined(_HOUSE, template) as source:
        try:
            return pages([_STANDARD])
        except typst.TypstError as error:
            if "could not be displayed" not in str(error):
                raise
        return pages([])


def _compiler(source: bytes, said: Mapping[str, Any], brand: Brand) -> "Compiler":
    import typst  # noqa: PLC0415 - as above

    logo = brand.logo and {"kind": brand.logo.kind, "bytes": list(brand.logo.content)}
    printed = _printed(dict(said), {**_PRINTED, "var(--series)": brand.accent})
    look = {"organisation": brand.organisation, "accent": brand.accent, "logo": logo}
    inputs = {"data": json.dumps({**printed, "brand": look}, ensure_ascii=False)}
    return typst.Compiler(source, sys_inputs=inputs)


def _columns(
    account: Account | StatementAccount,
    lines: Sequence[tuple[int, OwnerLine]],
    month_before: str,
) -> list[dict[str, str]]:
    """Return the columns of the statement by owner that say something: fields of `OwnerLine`."""
    columns = {}
    if any(not line.listed == line.contracted == line.amount for _, line in lines):
        columns = {"listed": "List", "discount": "Discount", "contracted": "Contracted"}
    columns |= {
        "amount": "Billed",
        "share": "Share",
        "prior": month_before,
        "change": "Change",
    }
    if account.has_budget:
        columns |= {"budget": "Budget", "remaining": "Left"}
    if account.has_forecast:
        columns |= {"forecast": "Forecast"}
    return [{"key": key, "heading": heading} for key, heading in columns.items()]


def _lines(
    nodes: Sequence[Node], foot: Sequence[OwnerLine], depth: int = 0
) -> Iterator[tuple[int, OwnerLine]]:
    """Yield the lines of a statement from the top down, each with its depth."""
    for node in nodes:
        yield depth, node.line
        rounding = (node.rounding,) if node.rounding else ()
        yield from _lines(node.children, rounding, depth + 1)
    for line in foot:
        yield depth, line


def _printed(value: Any, colours: Mapping[str, str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _printed(part, colours, name) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_printed(part, colours) for part in value]
    if key != "svg":
        return value
    for name, colour in colours.items():
        value = value.replace(name, colour)
    return value.replace(_SVG, _NAMESPACE, 1).replace("inherit", "Libertinus Serif")
