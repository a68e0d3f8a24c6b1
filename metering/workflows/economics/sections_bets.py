"""E9 and E11 in words: what the spend is for, how large the bets are, what an incentive set off."""

from metering.analysis.economics.exploration import Criticality
from metering.analysis.economics.signalling import Growth
from metering.reporting.figures import share_text
from metering.reporting.review.contents import Gap, Row, Section, Table, figures, table
from metering.workflows.economics.bets import IncentiveAnswer
from metering.workflows.economics.whole import Economics
from metering.workflows.economics.wording import (
    Wording,
    count,
    number,
    percent,
    project_name,
    said,
)

_STATES = {
    "open": "open",
    "nearly_spent": "80 % of the cap is spent",
    "spent": "the cap is spent",
    "expired": "its review day has come, nothing settled",
    "exercised": "a first outcome has settled",
}


def exploration_section(of: Economics) -> Section:
    """Return E9: classes and how they move, bets, what shows, and what luxury costs."""
    spend, words = of.spend, Wording(of.spend.currency)
    classes = [
        figures(kind.value, (words.money(nanos), said(share_text(nanos, spend.company.after))))
        for kind, nanos in spend.by_class.items()
        if nanos
    ]
    tables = [table("What the spend is for", ("", "Billed", "Share"), classes)]
    moved = [
        figures(f"{_class(before)} to {_class(after)}", (words.money(nanos),))
        for (before, after), nanos in spend.moved.items()
        if nanos and before is not after
    ]
    if moved:
        tables.append(table("What it was for a month ago", ("", "Billed"), moved))
    spreads = {"Providers": spend.vendors, "Models": spend.models, "Projects": spend.projects}
    tables.append(
        table(
            "Concentration",
            ("", "Parts", "Index", "Largest share"),
            [
                figures(name, (count(one.parts), number(one.hhi), percent(one.largest)))
                for name, one in spreads.items()
            ],
        )
    )
    tables += [*_run_cost(of), *_bets(of), *_showings(of), *_luxuries(of)]
    return Section(
        "How large the bets are, and what is dear without a path",
        "Production is spend that goes on week by week with outcomes; unknown has no feed that"
        " could tell. A bet is read as a call option: its cap is the premium, its first settled"
        " outcome exercises it, its review day is when it expires. Index of concentration"
        " (Herfindahl): 1 = one part has all.",
        tuple(tables),
        analysis="E9",
        missing=tuple(_missing(of)),
    )


def _class(of: Criticality | None) -> str:
    return "not there" if of is None else of.value


def _run_cost(of: Economics) -> list[Table]:
    once = of.rules.one_off
    if not once:
        return []
    words, whole = Wording(of.spend.currency), of.spend.company
    parts = [of.spend.by_project[name] for name in sorted(once) if name in of.spend.by_project]
    before, after = (sum(getattr(part, at) for part in parts) for at in ("before", "after"))
    lines = (
        ("One-off work", before, after),
        ("Run cost", whole.before - before, whole.after - after),
    )
    return [
        table(
            "One-off work and run cost",
            ("", "Month before", "Billed"),
            [figures(name, (words.money(then), words.money(now))) for name, then, now in lines],
        )
    ]


def _bets(of: Economics) -> list[Table]:
    rows = [
        figures(
            project_name(one.project),
            (
                Wording(one.currency).money(one.cap_nanos),
                Wording(one.currency).money(one.spent_nanos),
                said(share_text(one.spent_nanos, one.cap_nanos)),
                said(str(one.review)),
                count(one.age_days),
                said(_STATES[one.state.value]),
            ),
        )
        for one in of.bets
    ]
    columns = ("", "Cap", "Spent", "Share", "Review", "Days old", "State")
    return [table("Declared explorations", columns, rows)] if rows else []


def _showings(of: Economics) -> list[Table]:
    words = Wording(of.spend.currency)
    rows = [
        figures(
            project_name(name),
            (
                words.money(one.nanos),
                percent(one.vanity.spend_rank),
                percent(one.vanity.outcome_rank),
                percent(one.vanity.premium_share),
                count(one.age_days),
                number(one.vanity.index),
            ),
        )
        for name, one in of.showings.items()
    ]
    columns = ("", "Billed", "Rank in spend", "Rank in outcomes", "On dear models", "Days old")
    return [table("Few users, much spend, few outcomes", (*columns, "Index"), rows)] if rows else []


def _luxuries(of: Economics) -> list[Table]:
    words = Wording(of.spend.currency)
    rows = [
        figures(
            f"{one.model} in place of {one.reference}",
            (
                words.money(one.tokens_nanos),
                words.money(one.premium.nanos),
                said("shown" if one.premium.shown else "not shown: an upper bound"),
            ),
        )
        for one in of.luxuries
    ]
    columns = ("", "Billed", "On top", "Difference in outcomes")
    return (
        [table("What dear models cost on top of those that would do", columns, rows)]
        if rows
        else []
    )


def _missing(of: Economics) -> list[Gap]:
    rules, found = of.rules, []
    if not rules.explorations:
        needs = "[economics.explorations] of metering.toml says cap and review day"
        found.append(Gap("Declared explorations", needs))
    if not rules.frontier:
        needs = "[economics] frontier names the dear models"
        found.append(Gap("Which spend shows rather than works", needs))
    elif not of.showings:
        needs = "none has few users, much spend and few outcomes, as far as people are counted"
        found.append(Gap("A project with much spend and no path", needs))
    if not rules.references:
        needs = "[economics.references] names the model that would do"
        found.append(Gap("What dear models cost on top", needs))
    if not rules.one_off:
        needs = "[economics] one_off names work that will not come again"
        found.append(Gap("Run cost without one-off work", needs))
    return found


def signalling_section(of: Economics) -> Section:
    """Return E11: what a dated incentive set off."""
    tables = [part for one in of.incentives for part in _incentive(of, one)]
    missing = []
    if not of.rules.incentives:
        needs = "[[economics.incentives]] of metering.toml says name and first day"
        missing.append(Gap("What an incentive set off", needs))
    elif not tables:
        needs = "the days around it do not reach into this month"
        missing.append(Gap("What an incentive set off", needs))
    return Section(
        "Did use rise because of a target",
        "Equally long stretches before and after each incentive, of spend whose outcomes are no"
        " longer pending; teams, never people. It was not drawn by lot who was told to: growth"
        " after a date is no proof of its cause.",
        tuple(tables),
        analysis="E11",
        missing=tuple(missing),
    )


def _incentive(of: Economics, answer: IncentiveAnswer) -> list[Table]:
    words, found = Wording(of.spend.currency), answer.found
    said = answer.incentive

    def row(name: str, growth: Growth, kind: str = "") -> Row:
        share = growth.share_without_outcome
        cells = (words.money(growth.nanos), words.money(growth.without_outcome_nanos))
        return figures(name, (*cells, percent(share)), kind)

    rows = [row(name, growth) for name, growth in found.by_class.items()]
    rows.append(row("All", found.growth, "total"))
    days = f"{said.name}, {said.day}: {answer.days_known} of {said.days} days after it"
    return [
        table(f"{days}, growth", ("", "More spend", "Without outcome", "Share"), rows),
        table(
            f"{days}, shape",
            ("", "Before", "After"),
            [
                figures(
                    "Concentration among teams", (number(found.hhi_before), number(found.hhi_after))
                ),
                figures(
                    "Last five days of a month, 1 = as others",
                    (number(found.month_end_before), number(found.month_end_after)),
                ),
            ],
        ),
    ]
