"""What a unit would have cost elsewhere, at the time and under the conditions it was used."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final

from metering.analysis.economics.portions import Conditions, Portion, UsageLine, whole
from metering.core.instants import microseconds_between
from metering.core.ledger import Basis
from metering.core.meters import Meter
from metering.core.pricing.decisions import Decision, Reason, Status
from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rates import Rate
from metering.core.pricing.rating import PromptRange, RatingKey, timeline

_WRITES: Final = (
    Meter.CACHE_WRITE_5M.value,
    Meter.CACHE_WRITE_30M.value,
    Meter.CACHE_WRITE_1H.value,
    Meter.CACHE_WRITE_UNKNOWN.value,
)
_UNCACHED: Final = Meter.INPUT_UNCACHED.value
_PROCESSING: Final = "processing"

_Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class PlacedPrice:
    """The price of a portion.

    Attributes:
        nanos: of one unit.
        model: as the cards call it.
        meter: that it is priced by.
        rate_ids: of the rates.
    """

    nanos: Fraction
    model: str
    meter: str
    rate_ids: tuple[str, ...]


class PlacedPrices:
    """Finds the price of portions, and remembers what a reader of it must know.

    Args:
        book: the cards by which the usage was charged.
        then: the cards of the scenario.
    """

    def __init__(self, book: RateBook, then: RateBook) -> None:
        self._book = book
        self._then = then
        self._known: dict[object, PlacedPrice | None] = {}
        self.notes: set[str] = set()

    def of(self, line: UsageLine, portion: Portion) -> PlacedPrice | None:
        """Return the price of a portion; None where the scenario has none."""
        basis = line.basis
        asked = (basis, line.day, portion.meter, portion.place, portion.conditions)
        if asked not in self._known:
            self._known[asked] = self._found(line, portion)
        return self._known[asked]

    def _found(self, line: UsageLine, portion: Portion) -> PlacedPrice | None:
        basis = line.basis
        stretches = _stretches(line, self._book)
        prompt = _prompt_of(basis, self._book)
        book = self._then.for_account(basis.billing_account)
        place = portion.place
        for conditions in _fewer(portion, whole(line).conditions):
            for meter in _instead(portion, basis.meter):
                key = RatingKey(place.provider, place.platform, place.model, conditions, prompt)
                found = [
                    (segment.decision, microseconds_between(segment.starts, segment.ends))
                    for starts, ends in stretches
                    for segment in timeline(key, meter, book, starts, ends)
                ]
                price = self._average(line, found)
                if price is not None:
                    decisions = [decision for decision, _ in found]
                    self._tell(portion, meter, conditions, decisions)
                    ids = dict.fromkeys(name for one in decisions for name in one.rate_ids)
                    return PlacedPrice(price, decisions[0].model, meter, tuple(ids))
        if line.nanos:
            self.notes.add(f"{place.model} has no price for {portion.meter}: kept as charged")
        return None

    def _average(
        self, line: UsageLine, decisions: Sequence[tuple[Decision, int]]
    ) -> Fraction | None:
        total, length = Fraction(0), 0
        for decision, microseconds in decisions:
            price = decision.unit_price
            if price is None or decision.status is Status.UNPRICED:
                return None
            if decision.currency != line.basis.currency:
                self.notes.add(f"{decision.model} is priced in {decision.currency}, not compared")
                return None
            total += price * microseconds
            length += microseconds
        return total / length if length else None

    def _tell(
        self,
        portion: Portion,
        meter: str,
        conditions: Conditions,
        decisions: Sequence[Decision],
    ) -> None:
        model = portion.place.model
        if meter != portion.meter:
            self.notes.add(f"{model} has no price for {portion.meter}: priced as {meter}")
        left_out = {name for name, _ in portion.conditions} - {name for name, _ in conditions}
        if left_out:
            self.notes.add(f"{model} is priced without {', '.join(sorted(left_out))}")
        if not portion.is_routed:
            return
        if any(decision.reason == Reason.TIER_UNKNOWN for decision in decisions):
            self.notes.add(f"{model} has prompt tiers and the prompts are not known: base tier")
        for row_id in {row_id for decision in decisions for row_id in decision.rate_ids}:
            row = self._then.row(row_id)
            ends = row[1].effective_to if row else None
            if ends is not None:
                self.notes.add(f"a price of {model} holds until {ends.date()} only")


def _stretches(line: UsageLine, book: RateBook) -> tuple[_Stretch, ...]:
    """Return the hours of its day in which a line was priced as it is booked; else the day."""
    begin = datetime(line.day.year, line.day.month, line.day.day, tzinfo=UTC)
    end = begin + timedelta(days=1)
    basis = line.basis
    key = RatingKey(
        basis.provider,
        basis.platform,
        basis.model_raw,
        whole(line).conditions,
        _prompt_of(basis, book),
    )
    segments = timeline(key, basis.meter, book.for_account(basis.billing_account), begin, end)
    alike = [s for s in segments if s.decision.rate_ids == basis.rate_ids]
    return tuple((s.starts, s.ends) for s in alike) or ((begin, end),)


def _prompt_of(basis: Basis, book: RateBook) -> PromptRange | None:
    """Return the prompt sizes that the booked rate stands for; None when it was not known."""
    if basis.reason == Reason.TIER_UNKNOWN:
        return None
    for row_id in basis.rate_ids:
        row = book.row(row_id)
        if row is not None and isinstance(row[1], Rate):
            rate = row[1]
            if rate.tier_lo is not None or rate.tier_hi is not None:
                return PromptRange(rate.tier_lo or 0, rate.tier_hi)
    return None


def _instead(portion: Portion, used: str) -> Iterator[str]:
    """Yield the meters that may price a portion: its own, else the nearest one there is."""
    yield portion.meter
    if portion.meter != used:
        # Moved to the cache, or from it, where that has no price: then it stays what it was.
        yield used
    if not portion.is_routed:
        return
    if portion.meter in _WRITES:
        yield from (meter for meter in _WRITES if meter != portion.meter)
        yield _UNCACHED
    elif portion.meter == Meter.CACHE_READ:
        yield _UNCACHED


def _fewer(portion: Portion, used: Conditions) -> Iterator[Conditions]:
    """Yield the conditions that may price a portion: its own, else fewer of them."""
    yield portion.conditions
    if not portion.is_routed:
        if portion.conditions != used:
            # Nobody sells this as a batch: then it is processed as it was.
            yield used
        return
    processing = tuple(pair for pair in portion.conditions if pair[0] == _PROCESSING)
    if processing != portion.conditions:
        yield processing
    if processing:
        yield ()
