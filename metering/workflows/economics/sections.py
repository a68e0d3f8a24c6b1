"""The economics of a period in words and tables: one section for each of E1 to E11."""

from dataclasses import replace

from metering.analysis.economics.jevons import Rebound
from metering.reporting.review.contents import Gap, Row, Section, figures, table
from metering.reporting.words import month_text
from metering.workflows.economics.period import Change
from metering.workflows.economics.sections_bets import exploration_section, signalling_section
from metering.workflows.economics.sections_plans import (
    capacity_section,
    forecast_section,
    otherwise_section,
    seats_section,
)
from metering.workflows.economics.whole import Economics
from metering.workflows.economics.wording import (
    Wording,
    listed,
    number,
    percent,
    project_name,
)

# Within two per cent of each other prices have not moved enough for demand to answer them.
_PRICES_MOVED = 0.02
_FACTORS = {
    "turns": "Turns for an outcome",
    "context": "Prompt tokens a turn",
    "output": "Output on top of the prompt",
    "reasoning": "Reasoning on top of both",
    "frontier": "Dearer models, by the price of a prompt token",
    "base_price": "Base price of a million prompt tokens",
}
_WORTH = {
    "value_per_outcome": "Value of an outcome",
    "yield": "Outcomes for an attempt",
    "mix": "Attempts for a million tokens",
}


def economics_sections(of: Economics, most: int | None = None) -> tuple[Section, ...]:
    """Return the sections of E1 to E11, in that order.

    Args:
        of: what they say.
        most: rows of a table, its totals apart; what is left out is said. None for all of them.
    """
    every = (
        why_section(of),
        rebound_section(of),
        seats_section(of),
        chain_section(of),
        otherwise_section(of),
        outcomes_section(of),
        capacity_section(of),
        worth_section(of),
        exploration_section(of),
        forecast_section(of.forecast),
        signalling_section(of),
    )
    return every if most is None else tuple(shortened(one, most) for one in every)


def shortened(section: Section, most: int) -> Section:
    """Return a section whose tables have so many rows at most, totals apart, and say so."""
    left = [len(one.rows) - most for one in section.tables]
    if max(left, default=0) <= 0:
        return section
    tables = tuple(
        replace(one, rows=(*one.rows[:most], *(row for row in one.rows[most:] if row.kind)))
        for one in section.tables
    )
    told = f"{section.note} Tables end after {most} rows; metering economics has all of them."
    return replace(section, note=told, tables=tables)


def why_section(of: Economics) -> Section:
    """Return E1: price, volume, mix and efficiency."""
    spend, words = of.spend, Wording(of.spend.currency)
    months = (month_text(spend.period.previous), month_text(spend.period))

    def row(name: str, change: Change, kind: str = "") -> Row:
        effects = change.effects
        parts = (change.before, effects.price, effects.volume, effects.mix, effects.other)
        return figures(name, tuple(map(words.money, (*parts, change.after))), kind)

    rows = [
        row(name or "nobody's", change)
        for name, change in sorted(
            spend.by_provider.items(), key=lambda item: (-item[1].after, item[0])
        )
    ]
    rows.append(row("All", spend.company, "total"))
    columns: tuple[str, ...] = ("", months[0], "Price", "Volume", "Mix", "Other", months[1])
    tables = [table("Why the spend changed, by provider", columns, rows)]
    missing = []
    fed = spend.with_feed
    if fed is not None and fed.effects.efficiency is not None:
        effects = fed.effects
        parts = (fed.before, effects.price, effects.volume, effects.efficiency, effects.mix)
        cells = tuple(map(words.money, (*parts, effects.other, fed.after)))
        columns = ("", months[0], "Price", "Outcomes", "Tokens each", "Mix", "Other", months[1])
        tables.append(
            table(
                "The same with outcomes, of projects that report them",
                columns,
                [figures("Projects with a feed", cells)],
            )
        )
    else:
        missing.append(
            Gap(
                "What more or fewer tokens for an outcome cost",
                "it needs outcomes of both months: metering outcomes ingest",
            )
        )
    return Section(
        "Why the spend changed",
        "Price, volume in tokens and the mix of models add up to the change of each row, to the"
        " nano (Shapley); other is what is not paid by the token. Where outcomes are known, volume"
        " is outcomes, and the tokens that each took stand apart.",
        tuple(tables),
        analysis="E1",
        missing=tuple(missing),
    )


def rebound_section(of: Economics) -> Section:
    """Return E2: did cheaper tokens raise the spend, and the outcomes?"""
    words = Wording(of.spend.currency)
    every = {"All": of.spend.rebound, "Projects with a feed": of.spend.rebound_with_feed}
    rows = [
        figures(
            name,
            (
                number(found.price_index, 3),
                number(found.quantity_index, 3),
                number(found.jevons if _has_moved(found) else None),
                percent(found.rebound if _has_moved(found) else None),
                words.money(found.saving_nanos),
                words.money(found.actual_saving_nanos),
                number(found.outcome_elasticity),
            ),
        )
        for name, found in every.items()
        if found is not None
    ]
    columns = ("", "Price", "Quantity", "Jevons", "Rebound", "Saving", "Saved", "Elasticity")
    missing = []
    fed = of.spend.rebound_with_feed
    if fed is None or fed.outcome_elasticity is None:
        needs = "it needs outcomes of both months, and tokens that changed"
        missing.append(Gap("How outcomes answered the tokens (elasticity)", needs))
    if not _has_moved(of.spend.rebound):
        needs = "prices moved by two per cent or less, too little for demand to answer"
        missing.append(Gap("The Jevons index and the rebound", needs))
    return Section(
        "Did cheaper tokens raise the spend",
        "Prices and quantities as Fisher indices, 1 = as the month before. Jevons above 1: spend"
        " moved against the price. Rebound: the share of the saving that volume ate up; saving is"
        " what lower prices save on the old quantity, saved what the spend on tokens fell by."
        " Elasticity: how outcomes grew with the tokens; below 1 is normal. None of it proves a"
        " cause.",
        (table("Prices, quantities and outcomes", columns, rows),),
        analysis="E2",
        missing=tuple(missing),
    )


def _has_moved(of: Rebound) -> bool:
    return of.price_index is not None and abs(of.price_index - 1) > _PRICES_MOVED


def chain_section(of: Economics) -> Section:
    """Return E4: which multiplier moved the cost of an outcome."""
    title = "Which multiplier moved the cost of an outcome"
    chain, words = of.chain, Wording(of.spend.currency)
    if chain is None:
        needs = "it needs outcomes, and prompts that cost something, in both months"
        return Section(
            title,
            "Cost of an outcome = turns x context x output x reasoning x dearer models x price.",
            analysis="E4",
            missing=(Gap("The chain of multipliers", needs),),
        )
    rows = []
    for name, label in _FACTORS.items():
        if name == "context" and chain.uncounted:
            continue
        is_joint = name == "turns" and bool(chain.uncounted)
        scale = 1_000_000 if name == "base_price" else 1
        shown = [
            words.money(value * scale) if name == "base_price" else number(value)
            for value in (chain.before[name], chain.after[name])
        ]
        said = "Prompt tokens for an outcome" if is_joint else label
        rows.append(figures(said, (*shown, words.money(chain.effects[name]))))
    total = sum(chain.effects.values())
    rows.append(
        figures("Cost of an outcome", (*map(words.money, chain.costs), words.money(total)), "total")
    )
    missing = []
    if chain.uncounted:
        missing.append(
            Gap(
                "Turns and context apart",
                f"no source counts the requests of {listed(chain.uncounted)}",
            )
        )
    if chain.without_reasoning:
        missing.append(
            Gap(
                "Reasoning apart from output",
                f"no source tells the reasoning of {listed(chain.without_reasoning)}",
            )
        )
    return Section(
        title,
        "The factors of each month multiply to the cost of an outcome of the projects with a feed;"
        " what each added sums to its change (Shapley). Dearer models are held against"
        f" {chain.base_model}, which most prompt tokens went to.",
        (
            table(
                "The chain of multipliers",
                (
                    "",
                    month_text(of.spend.period.previous),
                    month_text(of.spend.period),
                    "Added to the cost",
                ),
                rows,
            ),
        ),
        analysis="E4",
        missing=tuple(missing),
    )


def outcomes_section(of: Economics) -> Section:
    """Return E6: what an outcome costs, the average one and the next, and whether it pays."""
    words = Wording(of.spend.currency)
    found = sorted(of.units, key=lambda unit: (-unit.found.cost_nanos, unit.team, unit.project))
    rows = [
        figures(
            f"{project_name(f'{unit.team}/{unit.project}')}, {unit.kind}"
            + (" (a vendor's count)" if unit.is_activity else ""),
            [
                words.money(unit.found.cost_nanos),
                number(unit.found.outcomes, 1),
                words.money(unit.found.average),
                words.span(unit.found.average_interval),
                words.money(unit.found.marginal),
                words.money(unit.found.contribution),
                number(unit.found.self_funding),
            ],
        )
        for unit in found
        if unit.weeks and unit.found.outcomes > 0
    ]
    columns: tuple[str, ...] = ("", "Cost", "Outcomes", "Each", "P10 to P90", "The next")
    columns = (*columns, "It earns", "Pays")
    tables = [table("What an outcome costs, last 26 weeks", columns, rows)] if rows else []
    kinds = {"usage": "Usage", "flat": "Other in the books", "platform": "Platform"}
    kinds |= {"services": "Services"}
    stacks = sorted(of.spend.stack.items(), key=lambda row: (-sum(row[1].values()), row[0]))
    stack_rows = [
        figures(
            project_name(name),
            (*(words.money(stack.get(kind)) for kind in kinds), words.money(sum(stack.values()))),
        )
        for name, stack in stacks
    ]
    columns = ("", *kinds.values(), "All")
    tables.append(table("The cost stack of the month", columns, stack_rows))
    missing = []
    if not rows:
        needs = "it needs settled outcomes: metering outcomes ingest"
        missing.append(Gap("What an outcome costs", needs))
    if not any(unit.value_nanos is not None for unit in found):
        needs = "finance says what an outcome is worth in [outcomes.values]"
        missing.append(Gap("What an outcome earns, and whether it pays for itself", needs))
    if not of.rules.costs:
        needs = "[economics.costs] of metering.toml says what they are a month"
        missing.append(Gap("Services and platform", needs))
    if found and not any(unit.review_nanos or unit.rework_nanos for unit in found):
        needs = "[outcomes.review] and [outcomes.rework] say what one outcome costs"
        missing.append(Gap("Review and rework", needs))
    return Section(
        "What an outcome costs, and whether it pays",
        "Weeks whose outcomes have settled; all cost of a project stands against each kind of its"
        " outcomes. The next: more cost by more outcomes, from the earlier"
        " half of the weeks to the later; a dash where not both grew. It earns: the value of an"
        " outcome less the next one's cost. Pays: value by cost, 1 = for itself.",
        tuple(tables),
        analysis="E6",
        missing=tuple(missing),
    )


def worth_section(of: Economics) -> Section:
    """Return E8: value per token, and what clients turn into outcomes."""
    words = Wording(of.spend.currency)
    rows: list[Row] = []
    for name, worth in sorted(of.worth.items()):
        for factor, label in _WORTH.items():
            scale = 1_000_000 if factor == "mix" else 1
            before = worth.before.factors[factor] * scale if worth.before else None
            after = worth.after.factors[factor] * scale
            is_money = factor == "value_per_outcome"
            shown = [words.money(one) if is_money else number(one) for one in (before, after)]
            added = words.price(worth.effects[factor]) if worth.effects else words.money(None)
            rows.append(figures(f"{project_name(name)}: {label.lower()}", (*shown, added)))
        whole = worth.after.per_token - worth.before.per_token if worth.before else None
        prices = (words.price(worth.before.per_token) if worth.before else words.money(None),)
        rows.append(
            figures(
                f"{project_name(name)}: value of a million tokens",
                (*prices, words.price(worth.after.per_token), words.price(whole)),
                "total",
            )
        )
    months = (month_text(of.spend.period.previous), month_text(of.spend.period))
    columns: tuple[str, ...] = ("", *months, "Added to a million tokens")
    tables = [table("Value of tokens", columns, rows)] if rows else []
    clients = [
        figures(
            one.product or "not usage",
            (
                words.money(one.nanos),
                words.money(one.settled_nanos),
                words.money(one.pending_nanos),
                percent(one.answered),
                words.money(one.nanos / one.requests * 1000 if one.requests else None),
            ),
        )
        for one in of.clients
    ]
    columns = ("", "Billed", "Answered for", "Pending", "Answered", "A thousand requests")
    tables.append(table("What each client turns into outcomes", columns, clients))
    missing = []
    if not rows:
        needs = (
            "it needs [outcomes.values], attempts (agent traces, sessions), and settled outcomes"
        )
        missing.append(Gap("Value per token", needs))
    return Section(
        "What a token brings in, and by which client",
        "Value per token = value of an outcome x outcomes for an attempt x attempts for a token;"
        " what each added sums to the change. Answered: the share of what is not pending that"
        " outcomes answer for.",
        tuple(tables),
        analysis="E8",
        missing=tuple(missing),
    )
