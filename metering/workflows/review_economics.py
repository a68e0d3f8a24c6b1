"""The economics of a period in the words and tables of the review, one section per analysis."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from metering.reporting.figures import NIL, amount_text, number_text, quantity_text, share_text
from metering.reporting.review import Row, Section, Value, amounts, figures, table
from metering.reporting.words import month_text, shown_name
from metering.workflows.economics import Change, PeriodEconomics

# Within two per cent of each other prices have not moved enough for demand to answer them.
_PRICES_MOVED: Final = 0.02


def economics_sections(economics: PeriodEconomics) -> Iterator[Section]:
    """Yield the sections, in the order of their analyses."""
    words = _Words(economics)
    yield words.spread()


def why_section(economics: PeriodEconomics) -> Section:
    """Return why the spend changed: what finance asks first."""
    return _Words(economics).why()


class _Words:
    """Sets the parts of a period's economics in words."""

    def __init__(self, economics: PeriodEconomics) -> None:
        self._of = economics

    def why(self) -> Section:
        month = month_text(self._of.period.previous)
        columns = ("", month, "Price", "Volume", "Mix", "Other", month_text(self._of.period))
        rows = [
            self._change(name or "nobody's", change)
            for name, change in sorted(
                self._of.by_provider.items(), key=lambda item: (-item[1].after, item[0])
            )
        ]
        rows.append(self._change("All", self._of.company, "total"))
        rebound = self._of.rebound
        told = ""
        price = rebound.price_index
        if price is not None and rebound.jevons is not None and abs(price - 1) > _PRICES_MOVED:
            told = (
                f" Prices of what is bought stand at {price:.3f} of the month before"
                f" (Fisher); demand answered with an index of {rebound.jevons:.2f}."
            )
        return Section(
            "Why the spend changed",
            "Price, volume in tokens and the mix of models add up to the change of each row, to the"
            " nano (Shapley); other is what is not paid by the token." + told,
            (table("Why the spend changed, by provider", columns, rows),),
            analysis="E1",
        )

    def _change(self, name: str, change: Change, kind: str = "") -> Row:
        effects = change.effects
        parts = (change.before, effects.price, effects.volume, effects.mix, effects.other)
        return amounts(shown_name(name), (*parts, change.after), self._of.currency, kind)

    def spread(self) -> Section:
        spreads = (
            ("Providers", self._of.vendors),
            ("Models", self._of.models),
            ("Projects", self._of.projects),
        )
        rows = [
            figures(name, [_count(one.parts), _ratio(one.hhi), _percent(one.largest)])
            for name, one in spreads
        ]
        classes = [
            figures(
                kind.value,
                [
                    (self._money(nanos), nanos),
                    (share_text(nanos, self._of.company.after), None),
                ],
            )
            for kind, nanos in self._of.by_class.items()
            if nanos
        ]
        return Section(
            "How concentrated, and what for",
            "An index of 1 means that one part has all (Herfindahl). Production is spend that goes"
            " on week by week with outcomes; unknown has no feed that could tell.",
            (
                table("Concentration", ("", "Parts", "Index", "Largest share"), rows),
                table("What the spend is for", ("", "Billed", "Share"), classes),
            ),
            analysis="E9",
        )

    def _money(self, nanos: int) -> str:
        return amount_text(nanos, self._of.currency)


def _count(count: int) -> tuple[str, Value]:
    return quantity_text(count), Fraction(count)


def _ratio(value: Fraction | None) -> tuple[str, Value]:
    return NIL if value is None else number_text(value), value


def _percent(value: Fraction | None) -> tuple[str, Value]:
    return NIL if value is None else f"{number_text(value * 100, 1)} %", value
