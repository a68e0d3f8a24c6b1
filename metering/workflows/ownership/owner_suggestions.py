"""Suggest owners for spend that nobody owns: the column that would tell, and the rules for it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from metering.core.ledger import AccountKind
from metering.core.ownership.attribution import TAG_PREFIX, Owner
from metering.core.ownership.suggestions import OWNER_FIELDS, Column, Doubt, columns, rules_text
from metering.core.periods import BillingPeriod
from metering.engine.charging import at_stake
from metering.engine.charging.charges import Kept
from metering.errors import BookError
from metering.workflows.ownership.seen_usage import SeenUsage, last_used, seen_usage, tags_of

if TYPE_CHECKING:
    from metering.settings import Settings
    from metering.workflows.posting.desired import Desired

# A tag with more values is an id of a request or a session: a rule for each would be no rule.
MOST_VALUES: Final = 10_000
MOST_RULES: Final = 20


@dataclass(frozen=True, slots=True)
class Suggested:
    """What would tell whose the spend of a month is.

    Attributes:
        unattributed_nanos: by currency, what nobody owns, before cost is shared.
        columns: those that may tell, the one that would attribute most first.
        chosen: the one that the rules are for; None when no column tells anything.
        rules: for the values of `chosen` with most money; TOML, for the end of the rules file.
        left_out: tags with too many values to tell.
    """

    period: BillingPeriod
    unattributed_nanos: dict[str, int]
    columns: tuple[Column, ...]
    chosen: Column | None
    rules: str
    left_out: tuple[str, ...]


def suggest(
    settings: "Settings", period: BillingPeriod | None = None, by: str | None = None
) -> Suggested:
    """Return by what the spend of a month that nobody owns could be attributed.

    Args:
        settings: where the books and the lake are.
        period: the month; by default that of the last usage.
        by: the column or `tag:NAME` the rules are for; by default the one that would tell most.

    Raises:
        BookError: `no-usage`: no month was named and the lake is empty; `unknown-field`: no
            spend that nobody owns says anything in `by`.
    """
    month = period or _last_month(settings)
    days = (month.first_day, month.last_day)
    tags = tags_of(settings, days)
    told = [tag for tag, values in tags.items() if values <= MOST_VALUES]
    with seen_usage(settings, days, asked_tags=told) as usage:
        fields = (*OWNER_FIELDS, *(TAG_PREFIX + tag for tag in told))
        desired = usage.charged(Kept(unowned=fields))
        at_stake.money_at_stake(usage.duck, fields, days)
        unattributed: Counter[str] = Counter()
        for _, _, currency, nanos in at_stake.without_owner(usage.duck, fields):
            unattributed[currency] += nanos
        first = settings.currency
        currencies = sorted(unattributed, key=lambda currency: (currency != first, currency))
        found = columns(_doubts(usage, desired, fields), usage.policy.directory, currencies)
        chosen = _chosen(found, by)
        return Suggested(
            month,
            {currency: unattributed[currency] for currency in currencies},
            found,
            chosen,
            rules_text(chosen.field, chosen.candidates[:MOST_RULES], usage.policy.rules)
            if chosen
            else "",
            tuple(tag for tag in tags if tag not in told),
        )


def _last_month(settings: "Settings") -> BillingPeriod:
    last = last_used(settings)
    if last is None:
        raise BookError(
            "no-usage", "the lake holds no usage", do="bring some with `metering ingest FILE`"
        )
    return BillingPeriod.of(last)


def _doubts(usage: SeenUsage, desired: "Desired", fields: Sequence[str]) -> list[Doubt]:
    amounts: dict[tuple[str, str], dict[str, int]] = {}
    bearers: dict[tuple[str, str], tuple[Owner, ...]] = {}
    if usage.cells.files:
        for field, value, currency, nanos, numbers in at_stake.doubts(usage.duck, fields):
            amounts.setdefault((field, value), {})[currency] = nanos
            bearers[field, value] = tuple(
                Owner(account.cost_centre, account.team, account.project)
                for account in map(desired.debits.__getitem__, numbers)
                if account.kind is AccountKind.OWNER
            )
    return [Doubt(*said, found, bearers[said]) for said, found in amounts.items()]


def _chosen(found: Sequence[Column], by: str | None) -> Column | None:
    if by is None:
        return found[0] if found else None
    for column in found:
        if column.field == by:
            return column
    raise BookError(
        "unknown-field",
        f"no spend without an owner says anything in {by!r}",
        details=(f"known:    {', '.join(column.field for column in found) or 'none'}",),
        do="name one of these, or leave --by out",
    )
