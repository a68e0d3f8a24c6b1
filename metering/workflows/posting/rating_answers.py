"""Which rate holds for each kind of usage, and from when to when.

The policy of rating is asked once for each distinct key of the cells, never once a row.

A provider's own bill stands as it is; usage that runs on own capacity is free while the capacity's
cost is charged; all else is priced by the rate cards.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from metering.core.pricing.decisions import Decision, Status
from metering.core.pricing.rating import PromptRange, RatingKey, rate_for, timeline
from metering.core.pricing.segments import RateSegment
from metering.engine.charging import charges as engine
from metering.engine.rollup.cells import RATING_COLUMNS
from metering.usage.columns import CONDITION_COLUMNS
from metering.workflows.numbering import Numbered
from metering.workflows.posting.flat_charges import FlatMoney, served_by

if TYPE_CHECKING:
    from metering.core.pricing.rate_book import RateBook

_AS_BILLED: Final = "as billed by the provider"
_CONDITIONS_FROM: Final = RATING_COLUMNS.index(CONDITION_COLUMNS[0])


@dataclass(frozen=True, slots=True)
class UsageKey:
    """A distinct rating key of the cells, and the meters that usage of it has."""

    account: str
    rating: RatingKey
    meters: tuple[str, ...]
    billed_currency: str | None

    @classmethod
    def of(cls, row: Sequence[Any]) -> "UsageKey":
        """Return the key that a row of `engine.charges.rating_keys` names."""
        provider, platform, account, model_raw = row[1:5]
        *columns, prompt_lo, prompt_hi, billed_currency = row[1 + _CONDITIONS_FROM : -1]
        prompt = None if prompt_lo is None else PromptRange(prompt_lo, prompt_hi)
        return cls(
            account,
            RatingKey(
                provider=provider,
                platform=platform,
                model=model_raw or "",
                conditions=tuple(sorted(_conditions(columns).items())),
                prompt=prompt,
                per_request=False,  # a cell is a sum, even if of one request
            ),
            tuple(row[-1]),
            billed_currency,
        )


def conditions_text(columns: Sequence[str | None]) -> str:
    """Return the conditions of usage as a basis shows them.

    Args:
        columns: values of CONDITION_COLUMNS, in their order.
    """
    return canonical_text(_conditions(columns))


def _conditions(columns: Sequence[str | None]) -> dict[str, str]:
    *named, extra = columns
    found = {
        name: value
        for name, value in zip(CONDITION_COLUMNS, named, strict=False)
        if value is not None
    }
    found.update(json.loads(extra) if extra else {})
    return found


def canonical_text(conditions: Mapping[str, str]) -> str:
    """Return conditions as canonical JSON, as a basis keeps them."""
    return json.dumps(conditions, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def lasting_answers(
    keys: Mapping[int, UsageKey],
    rates: "RateBook",
    flat: FlatMoney,
    decisions: Numbered[Decision],
    cells: tuple[date, date],
) -> Iterator[engine.KeyAnswer]:
    """Yield which decision holds for each key and meter, and over which stretch of time.

    Args:
        keys: by their number.
        rates: the rate cards in force.
        flat: the capacity in force, whose usage is free.
        decisions: numbered as they are met.
        cells: first and last charge day of the cells.
    """
    begin = midnight(cells[0])
    # Buckets may reach past their first day; prices are asked for as far as any of them can.
    end = midnight(cells[1]) + timedelta(days=1)
    for number, key in keys.items():
        book = rates.for_account(key.account)
        served = served_by(flat, key.rating, key.account)
        for meter in key.meters:
            for segment in _segments(key, meter, book, served, (begin, end)):
                yield engine.KeyAnswer(
                    key_no=number,
                    meter=meter,
                    begin=segment.starts.replace(tzinfo=None),
                    end=segment.ends.replace(tzinfo=None),
                    exact=False,
                    decision_no=decisions.number(segment.decision),
                )


def midnight(day: date) -> datetime:
    """Return the instant at which a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _segments(
    key: UsageKey,
    meter: str,
    book: "RateBook",
    served: Iterable[tuple[date, date, Decision]],
    span: tuple[datetime, datetime],
) -> Iterator[RateSegment]:
    begin, end = span
    if key.billed_currency:
        yield RateSegment(begin, end, _as_billed(key))
        return
    for first, after, decision in served:
        starts, ends = max(midnight(first), begin), min(midnight(after), end)
        if starts < ends:
            if begin < starts:
                yield from timeline(key.rating, meter, book, begin, starts)
            yield RateSegment(starts, ends, decision)
            begin = ends
    if begin < end:
        yield from timeline(key.rating, meter, book, begin, end)


def _as_billed(key: UsageKey) -> Decision:
    """Return the decision for usage whose source is the provider's own bill: its amount stands."""
    return Decision(
        status=Status.PRICED,
        reason="",
        model=key.rating.model,
        price_nanos=1,
        per=1,
        card=_AS_BILLED,
        currency=key.billed_currency or "",
    )


def straddling_answers(
    keys: Mapping[int, UsageKey],
    rates: "RateBook",
    flat: FlatMoney,
    decisions: Numbered[Decision],
    stretches: Iterable[tuple[int, datetime, datetime]],
) -> Iterator[engine.KeyAnswer]:
    """Yield the one decision for usage that spans a price change, or more than a day.

    Args:
        keys: by their number.
        rates: the rate cards in force.
        flat: the capacity in force; it serves what began while it was there.
        decisions: numbered as they are met.
        stretches: (key number, begin, end), naive UTC.
    """
    for number, begin, end in stretches:
        key = keys[number]
        book = rates.for_account(key.account)
        since, until = begin.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
        served = served_by(flat, key.rating, key.account)
        on = [free for first, after, free in served if first <= begin.date() < after]
        for meter in key.meters:
            if key.billed_currency:
                decision = _as_billed(key)
            elif on:
                decision = on[0]
            else:
                decision = rate_for(key.rating, meter, book, since, until)
            yield engine.KeyAnswer(number, meter, begin, end, True, decisions.number(decision))
