"""Small rate books for tests: one provider, one platform, rates that are easy to tell apart."""

from collections.abc import Mapping
from datetime import UTC, datetime

from metering.core.pricing.rate_book import RateBook
from metering.core.pricing.rates import (
    Alias,
    CardKind,
    MatchKind,
    Modifier,
    NoEffect,
    Rate,
    RateCard,
    Window,
    alias_id_of,
    modifier_id_of,
    rate_id_of,
)
from metering.core.pricing.rating import PromptRange, RatingKey

PER = 1_000_000


def instant(text: str) -> datetime:
    """Return an instant such as "2026-10-01" or "2026-10-01T12:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rate(  # noqa: PLR0913 - a row has as many columns
    price_nanos: int,
    meter: str = "output",
    model: str = "m",
    *,
    match: MatchKind = MatchKind.EXACT,
    since: str | None = None,
    until: str | None = None,
    guaranteed_until: str | None = None,
    prompt: tuple[int | None, int | None] = (None, None),
    conditions: Mapping[str, str] | None = None,
    window: Window | None = None,
    provider: str = "acme",
    minimum: int = 0,
    step: int = 1,
) -> Rate:
    """Return a rate of `price_nanos` per million."""
    found = Rate(
        rate_id="",
        provider=provider,
        platform=f"{provider}-api",
        model_match="" if match is MatchKind.ANY else model,
        match_kind=match,
        meter=meter,
        price_nanos=price_nanos,
        per=PER,
        effective_from=instant(since) if since else None,
        effective_to=instant(until) if until else None,
        guaranteed_until=instant(guaranteed_until) if guaranteed_until else None,
        tier_lo=prompt[0],
        tier_hi=prompt[1],
        conditions=conditions,
        window=window,
        min_qty_per_event=minimum,
        qty_step=step,
    )
    object.__setattr__(found, "rate_id", rate_id_of(found, "USD"))
    return found


def modifier(  # noqa: PLR0913 - a row has as many columns
    factor: tuple[int, int],
    conditions: Mapping[str, str] | None = None,
    *,
    meters: tuple[str, ...] = ("*tokens",),
    stack: str = "",
    since: str | None = None,
    until: str | None = None,
    list_as_of: str | None = None,
) -> Modifier:
    """Return a modifier of every model of acme."""
    found = Modifier(
        modifier_id="",
        provider="acme",
        platform="acme-api",
        model_match="",
        match_kind=MatchKind.ANY,
        meters=meters,
        factor_num=factor[0],
        factor_den=factor[1],
        conditions=conditions,
        effective_from=instant(since) if since else None,
        effective_to=instant(until) if until else None,
        stack_group=stack,
        list_as_of=instant(list_as_of) if list_as_of else None,
    )
    object.__setattr__(found, "modifier_id", modifier_id_of(found))
    return found


def alias(
    raw: str,
    model: str,
    *,
    match: MatchKind = MatchKind.EXACT,
    dimensions: Mapping[str, str] | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Alias:
    """Return an alias of a model of acme."""
    found = Alias(
        alias_id="",
        provider="acme",
        platform="acme-api",
        raw=raw,
        match_kind=match,
        canonical_model=model,
        dimensions=dimensions,
        effective_from=instant(since) if since else None,
        effective_to=instant(until) if until else None,
    )
    object.__setattr__(found, "alias_id", alias_id_of(found))
    return found


def no_effect(dimension: str, *values: str, meters: tuple[str, ...] = ("*",)) -> NoEffect:
    """Return the statement that some values of a dimension change no price of acme."""
    return NoEffect("acme", "acme-api", dimension, values or ("*",), meters=meters)


def card(
    *rows: Rate | Modifier | Alias | NoEffect, kind: CardKind = CardKind.LIST, scope: str = "all"
) -> RateCard:
    """Return a card of some rows."""
    return RateCard(
        name=f"{kind}-{scope}",
        kind=kind,
        currency="USD",
        scope=scope,
        rates=tuple(row for row in rows if isinstance(row, Rate)),
        modifiers=tuple(row for row in rows if isinstance(row, Modifier)),
        aliases=tuple(row for row in rows if isinstance(row, Alias)),
        no_effects=tuple(row for row in rows if isinstance(row, NoEffect)),
    )


def book(*rows: Rate | Modifier | Alias | NoEffect) -> RateBook:
    """Return a book of one list card."""
    return RateBook([card(*rows)])


def key(
    model: str = "m",
    *,
    prompt: int | tuple[int, int | None] | None = None,
    single: bool = False,
    provider: str = "acme",
    said: Mapping[str, str] | None = None,
    **conditions: str,
) -> RatingKey:
    """Return a rating key of acme; a whole number is the prompt of one request.

    Conditions are given by name, or as a mapping in `said`.
    """
    sizes = (prompt, prompt) if isinstance(prompt, int) else prompt
    return RatingKey(
        provider=provider,
        platform=f"{provider}-api",
        model=model,
        conditions=tuple({**(said or {}), **conditions}.items()),
        prompt=PromptRange(*sizes) if sizes is not None else None,
        per_request=single,
    )
