"""E3, E5, E7 and E10 in words: seats, other prices, capacity, and what the month will come to."""

from metering.analysis.economics.seats_or_usage import SeatsOrUsage
from metering.analysis.forecast import METHOD, MonthForecast, Refusal
from metering.core.ledger import UNATTRIBUTED
from metering.reporting.figures import NIL, change_text
from metering.reporting.review.contents import Gap, Section, Table, figures, table
from metering.reporting.words import month_text
from metering.workflows.economics.plans import ComparedPlan
from metering.workflows.economics.whole import Economics
from metering.workflows.economics.wording import (
    Cell,
    Wording,
    count,
    listed,
    number,
    percent,
    project_name,
    said,
)
from metering.workflows.planning.forecast import PeriodForecast


def seats_section(of: Economics) -> Section:
    """Return E3: seats against usage."""
    words, found = Wording(of.spend.currency), of.seats
    bills = [
        figures(
            plan_name(one),
            (
                words.money(one.fee_nanos),
                count(told.people),
                words.money(told.seats_bill),
                words.money(told.metered_bill),
                words.span(told.metered_range),
                percent(told.above_break_even),
                count(told.break_even_tokens),
            ),
        )
        for one in found.plans
        if (told := one.bills)
    ]
    columns: tuple[str, ...] = (
        "",
        "A seat",
        "People",
        "All as seats",
        "All metered",
    )
    tables = []
    if bills:
        columns = (*columns, "If they use less", "Above a seat", "Tokens a seat is worth")
        tables.append(table("The bill under both plans", columns, bills))
    tables += [_groups(words, one, one.bills) for one in found.plans if one.bills]
    rows = [
        figures(
            project_name(one.project),
            (
                words.money(one.nanos),
                number(one.years, 1),
                count(one.people),
                number(one.per_head, 1),
            ),
        )
        for one in found.projects
    ]
    if rows:
        columns = ("", "Billed", "Seat-years it would buy", "People", "Seats a head")
        tables.append(table("Projects in seats", columns, rows))
    missing = [
        Gap(f"{plan_name(one)}: usage against its seats", one.needs)
        for one in found.plans
        if one.bills is None
    ]
    if found.seat_nanos is None:
        needs = "a plan of seats (metering flat import), or [economics] seat, says it"
        missing.append(Gap("What a seat costs", needs))
    if not found.names_people:
        needs = "it needs a source that names who used what; people are only counted"
        missing.append(Gap("Usage by person", needs))
    return Section(
        "Who gains or loses when seats become metered",
        "Usage at list price of the people that sources name, in groups of five or more. Beyond"
        " the seats: usage that a flat fee would not have paid for. If they use less: 60 to 100 %"
        " of today's usage, once each token costs something.",
        tuple(tables),
        analysis="E3",
        missing=tuple(missing),
    )


def _groups(words: Wording, one: ComparedPlan, bills: SeatsOrUsage) -> Table:
    groups = bills.groups
    return table(
        f"{plan_name(one)}: from the lightest to the heaviest users",
        ("Group", "People", "Usage at list", "Beyond the seats", "Seats not used up"),
        [
            figures(
                f"{at} of {len(groups)}",
                (
                    count(group.people),
                    words.money(group.usage_nanos),
                    words.money(group.subsidy_nanos),
                    words.money(group.breakage_nanos),
                ),
            )
            for at, group in enumerate(groups, start=1)
        ],
    )


def plan_name(one: ComparedPlan) -> str:
    """Return what a reader calls a plan."""
    return one.name or "A seat for everybody who used something"


def otherwise_section(of: Economics) -> Section:
    """Return E5: what the period would have cost otherwise."""
    words = Wording(of.spend.currency)
    rows = [
        figures(
            one.name,
            (
                words.money(one.booked),
                words.money(one.then),
                words.money(one.then - one.booked),
                said(change_text(one.then, one.booked) or NIL),
                number(one.hhi_before),
                number(one.hhi_after),
            ),
        )
        for one in of.otherwise
        if not one.why_not
    ]
    columns = ("", "Booked", "Then", "Difference", "In per cent", "HHI now", "HHI then")
    missing = [Gap(one.name, one.why_not) for one in of.otherwise if one.why_not]
    if not of.rules.scenarios:
        needs = "[[economics.scenarios]] of metering.toml, or metering whatif, says what to price"
        missing.append(Gap("Scenarios of your own", needs))
    notes = " ".join(f"{note}." for one in of.otherwise for note in one.notes)
    return Section(
        "What it would have cost otherwise",
        "Every line of usage priced again, and terms of contracts settled on it; seats, capacity"
        " and shares are kept as booked. The yield is assumed equal: an outcome takes the same"
        " requests. HHI: how"
        f" concentrated the vendors are, 1 = one has all. {notes}".rstrip(),
        (table("The month priced again", columns, rows),) if rows else (),
        analysis="E5",
        missing=tuple(missing),
    )


def capacity_section(of: Economics) -> Section:
    """Return E7: own or reserved capacity, commitments, and what scarcity costs."""
    words = Wording(of.spend.currency)
    capacity = [
        figures(
            one.use.capacity.name,
            (
                Wording(one.use.capacity.currency).money(one.use.cost_nanos),
                percent(one.use.utilisation),
                _price(one.use.capacity.currency, one.use.nanos_per_million),
                _price(one.use.capacity.currency, one.use.nanos_per_million_when_full),
                percent(one.economics.break_even if one.economics else None),
                Wording(one.use.capacity.currency).money(one.use.idle_nanos),
                number(one.economics.tokens_per_watt_year if one.economics else None, 0),
            ),
        )
        for one in of.capacity
    ]
    commitments = [
        figures(
            f"{one.name}, {one.provider}",
            (
                Wording(one.currency).money(one.committed_nanos),
                Wording(one.currency).money(one.used_nanos),
                percent(one.use.utilisation),
                Wording(one.currency).money(one.use.shortfall),
                number(one.use.effective_price),
            ),
        )
        for one in of.commitments
    ]
    failures = [
        figures(
            one.provider,
            (
                count(one.requests),
                count(one.failed),
                percent(one.failed / one.requests),
                words.money(one.failed_nanos),
            ),
        )
        for one in of.failures
    ]
    tables = []
    columns: tuple[str, ...]
    if capacity:
        columns = ("", "Cost", "Used", "A million tokens", "When full", "Cheaper from", "Idle")
        tables.append(table("Own capacity", (*columns, "Tokens a watt-year"), capacity))
    if commitments:
        columns = ("", "Committed", "Used", "Share", "Short of it", "Paid for one")
        tables.append(table("Commitments", columns, commitments))
    if failures:
        columns = ("", "Requests", "Failed", "Share", "Spend on them")
        tables.append(table("Requests that failed", columns, failures))
    missing = []
    if not capacity:
        needs = "a file of flat money with [[capacity]] says it: metering flat import"
        missing.append(Gap("Own or reserved capacity, tokens per watt-year", needs))
    else:
        missing += [
            Gap(f"{one.use.capacity.name}: full use", "tokens_per_second rates it")
            for one in of.capacity
            if one.economics is None
        ]
    if not commitments:
        missing.append(Gap("Commitments", "a file of flat money with [[commitment]] says them"))
    if not failures:
        needs = "it needs a source that counts requests and which of them failed"
        missing.append(Gap("What failed requests cost", needs))
    return Section(
        "What capacity, commitments and scarcity cost",
        "Cheaper from: the use from which on own capacity costs less than the price it is compared"
        " with; above 100 % never. Short of it: what would be owed if the commitment ended now."
        " Spend on failed requests is the share of the requests that failed.",
        tuple(tables),
        analysis="E7",
        missing=tuple(missing),
    )


def _price(currency: str, nanos: int | None) -> Cell:
    return Wording(currency).money(nanos)


def forecast_section(found: PeriodForecast) -> Section:
    """Return E10: what the month will come to."""
    lines = [("All", line) for line in found.company]
    nobodys = {UNATTRIBUTED.name: "Unattributed"}
    lines += [(nobodys.get(line.name, line.name or NIL), line) for line in found.parts]
    if len(found.company) > 1:
        lines = [(f"{name}, {line.currency}", line) for name, line in lines]
    rows = [
        figures(
            name,
            (
                Wording(line.currency).money(line.so_far_nanos),
                Wording(line.currency).money(line.total_nanos),
                _bounds(line.currency, line.interval_nanos),
            ),
        )
        for name, line in lines
    ]
    refused: dict[str, list[str]] = {}
    for name, line in lines:
        if isinstance(line.forecast, Refusal):
            refused.setdefault(line.forecast.reason, []).append(name)
    made = [line for line in found.company if isinstance(line.forecast, MonthForecast)]
    told = "".join(
        f" If flagged excess stopped now: {line.currency}"
        f" {Wording(line.currency).money(line.fixed_nanos + line.forecast.without_excess)[0]}."
        for line in made
        if isinstance(line.forecast, MonthForecast) and line.forecast.without_excess is not None
    )
    known = f"{found.days_known} of {found.days} days are known, to {found.as_of}."
    return Section(
        f"What {month_text(found.period)} will come to",
        f"{known} Each line is forecast on its own, so that they do not add up; in four of five"
        f" months the figure lies from P10 to P90 ({METHOD}).{told}",
        (table("Forecast", ("", "So far", "Forecast", "P10 to P90"), rows),),
        analysis="E10",
        missing=tuple(
            Gap(f"Forecast of {listed(names)}", reason) for reason, names in refused.items()
        ),
    )


def _bounds(currency: str, bounds: tuple[int, int] | None) -> Cell:
    if bounds is None or bounds[0] == bounds[1]:
        return said(NIL)
    return Wording(currency).span(bounds)
