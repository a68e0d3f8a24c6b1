"""The statement of an owner is one page of paper, and still adds up, whatever the owner has."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from pypdf import PdfReader

from metering.reporting.brand import Brand, Logo
from metering.reporting.faces.html import statement_html
from metering.reporting.faces.pdf import one_page, statement_pdf
from metering.reporting.figures import MINUS, NIL
from metering.reporting.pack.statement import OwnerStatement, Statements
from metering.reporting.pack.tree import Node
from metering.reporting.snapshot import OwnerAmount, SharedPool, Snapshot
from tests.support.reporting_specimen import HOSTILE_NAMES, lines_of, share_of, snapshot_of

_OWNER = ("CC-4100",)
_SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="80" height="20"/>'
_U = 10**9


def _rows(teams: int, projects: int, *, name: str = "") -> Iterator[dict[str, Any]]:
    for team in range(teams):
        for project in range(projects):
            yield {
                "cost_centre": "CC-4100",
                "team": f"Team {team} {name}".strip(),
                "project": f"Project {project} {name}".strip(),
                "model": f"model-{project} {name}".strip(),
                "amount_nanos": (1 + team * projects + project) * _U + 4_999_999,
            }


def _snapshot(rows: Iterable[dict[str, Any]]) -> Snapshot:
    return snapshot_of(lines_of(*rows))


def _pages(statement: OwnerStatement, brand: Brand | None = None) -> int:
    return len(PdfReader(io.BytesIO(statement_pdf(statement, brand))).pages)


def _cents(shown: str) -> int:
    return int(shown.replace(",", "").replace(".", "").replace(MINUS, "-").replace(NIL, "0") or 0)


def _adds_up(node: Node) -> bool:
    if not node.children:
        return True
    parts = [child.line.amount for child in node.children]
    parts += [node.rounding.amount] if node.rounding else []
    return sum(map(_cents, parts)) == _cents(node.line.amount) and all(
        _adds_up(child) for child in node.children
    )


@pytest.mark.parametrize(("teams", "projects"), [(1, 1), (3, 4), (12, 12), (90, 3), (1, 400)])
def test_a_statement_is_one_page_and_adds_up(teams: int, projects: int) -> None:
    snapshot = _snapshot(_rows(teams, projects))

    statement = one_page(Statements(snapshot), _OWNER)

    assert _pages(statement) == 1
    [account] = statement.accounts
    [node] = account.owners.nodes
    assert _adds_up(node)
    assert _cents(node.line.amount) == _cents(account.total)
    assert len(node.children) <= 12
    if teams > 12:
        assert node.children[-1].line.label.endswith("more teams, see the pack")


def test_a_statement_of_long_names_plans_pools_and_a_logo_is_one_page() -> None:
    long = "x" * 290
    rows = list(_rows(20, 10, name=long))
    shares = [
        {"cost_centre": "CC-4100", "team": f"Team {n}", **share_of(f"pool {n} {long}")}
        | {"amount_nanos": _U}
        for n in range(9)
    ]
    snapshot = replace(
        _snapshot([*rows, *shares]),
        pools=tuple(SharedPool(f"pool {n} {long}", f"by spend {long}") for n in range(9)),
        budgets=(OwnerAmount("CC-4100", "", "", "USD", 600 * _U),),
        forecasts=(OwnerAmount("CC-4100", "", "", "USD", 700 * _U),),
    )
    brand = Brand("Nordwind Handels-Aktiengesellschaft", Logo(_SVG))

    statement = one_page(Statements(snapshot), _OWNER, brand)

    assert _pages(statement, brand) == 1
    assert b"see the pack" in statement_html(statement, brand)


def test_a_statement_in_several_currencies_is_one_page() -> None:
    rows = [row | {"currency": name} for name in ("USD", "EUR", "JPY") for row in _rows(9, 5)]

    statement = one_page(Statements(_snapshot(rows)), _OWNER)

    assert [account.currency for account in statement.accounts] == ["USD", "EUR", "JPY"]
    assert _pages(statement) == 1


def test_a_statement_of_hostile_names_is_one_page_that_says_them() -> None:
    for name in (HOSTILE_NAMES[0], HOSTILE_NAMES[3], HOSTILE_NAMES[6], "\t@SUM(A1)"):
        row = {"cost_centre": name, "team": name, "project": name, "amount_nanos": _U}
        statement = one_page(Statements(_snapshot([row])), (name,))
        assert _pages(statement) == 1
        assert len(statement.owner) <= 120
        assert b"<script" not in statement_html(statement)
