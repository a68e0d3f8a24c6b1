"""Check owners and rules by the usage there is: what is odd, and what money nobody answers for."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from metering.books import directory as directory_book
from metering.core.ledger import AccountKind
from metering.core.ownership.attribution import DIRECTORY_FIELDS, attribution_fields
from metering.core.ownership.directory import CostObjects
from metering.core.ownership.leavers import LeftKey, left_keys
from metering.core.ownership.rule_review import Remark, review
from metering.engine.charging import at_stake, charge_totals
from metering.engine.charging.charges import Kept
from metering.workflows.outcomes.outcome_owners import outcome_identities
from metering.workflows.ownership.people import Pseudonyms, pseudonyms
from metering.workflows.ownership.seen_usage import SeenUsage, seen_usage
from metering.workflows.posting.post import LAST_DAY

if TYPE_CHECKING:
    from metering.settings import Settings
    from metering.workflows.posting.desired import Desired


@dataclass(frozen=True, slots=True)
class Unowned:
    """Money of one key that nobody owns.

    Attributes:
        field: the column the key was seen in; empty for what names nobody at all: usage without
            any key, seats of nobody, what the terms of a contract add.
        key: as the usage spells it.
        currency: of `amount_nanos`.
        amount_nanos: net charges without an owner, at the rates in force.
    """

    field: str
    key: str
    currency: str
    amount_nanos: int


@dataclass(frozen=True, slots=True)
class Left:
    """Money of a key since its person left.

    Attributes:
        person: their pseudonym.
        key: as the usage spells it.
        since: the day after the person's last one.
        place: the line that says so.
        borne_by: the account that is charged; suspense where nobody owns the key any more.
        currency: of `amount_nanos`.
        amount_nanos: net charges since then.
    """

    person: str
    key: str
    since: date
    place: str
    borne_by: str
    currency: str
    amount_nanos: int


@dataclass(frozen=True, slots=True)
class BareCentre:
    """A cost centre that is charged, and of which finance lacks something.

    Attributes:
        lacks: what, in words.
        currency: of `amount_nanos`.
        amount_nanos: what is charged to it.
    """

    cost_centre: str
    lacks: tuple[str, ...]
    currency: str
    amount_nanos: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of owners and rules found.

    Attributes:
        remarks: what is odd.
        unowned: keys without owner, most money first; they add up to what is unattributed.
        left: keys of people who have left, most money first.
        bare_centres: cost centres that lack something, most money first.
        identities: distinct identities of usage that were looked at.
    """

    remarks: tuple[Remark, ...]
    unowned: tuple[Unowned, ...]
    left: tuple[Left, ...]
    bare_centres: tuple[BareCentre, ...]
    identities: int

    @property
    def asks_for_an_owner(self) -> bool:
        """Whether somebody is to be found for money; otherwise there are things to tidy at most."""
        return bool(self.unowned or self.left)

    @property
    def is_in_order(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.unowned or self.left or self.bare_centres or self.remarks)


def check(settings: "Settings") -> Checked:
    """Return what is odd about owners and rules, and whose money nobody owns.

    Looks at all usage in the lake. The amounts are what `post` would charge before cost is shared,
    so they do not wait for one; usage without a rate has no amount and is not told here.
    """
    names = pseudonyms(settings)
    with seen_usage(settings) as usage:
        policy, identities = usage.policy, usage.identities()
        # Rules over repositories or tickets are for outcomes, which are no usage.
        fields = sorted(attribution_fields(policy.rules))
        outcomes = outcome_identities(usage.duck, usage.connection, settings, fields)
        remarks = review(
            policy.rules,
            policy.directory,
            (*identities, *outcomes) if identities else (),
            directory_book.joined_in_force(usage.connection).holes,
        )
        last = usage.cells.last or date.min
        keys = left_keys(policy.directory, last)
        desired = _charged(usage, keys)
        centres = directory_book.cost_objects_on(usage.connection, last)
        return Checked(
            remarks,
            tuple(_unowned(usage)),
            tuple(_left(usage, desired, keys, names)) if keys else (),
            tuple(_bare_centres(usage, desired, centres, settings.journal)),
            len(identities),
        )


def _charged(usage: SeenUsage, keys: Sequence[LeftKey]) -> "Desired":
    """Charge the usage, and find the money that somebody is to answer for."""
    marked = bool(keys and usage.cells.files)
    if marked:
        claims = [
            (number, one.key, one.since, one.until or LAST_DAY) for number, one in enumerate(keys)
        ]
        at_stake.mark_leavers(usage.duck, claims, DIRECTORY_FIELDS)
    desired = usage.charged(
        Kept(marks=(at_stake.LEAVER,) if marked else (), unowned=DIRECTORY_FIELDS)
    )
    at_stake.money_at_stake(usage.duck, DIRECTORY_FIELDS, usage.days, leavers=marked)
    return desired


def _unowned(usage: SeenUsage) -> Iterator[Unowned]:
    for place, key, currency, nanos in at_stake.without_owner(usage.duck, DIRECTORY_FIELDS):
        yield Unowned("" if place is None else DIRECTORY_FIELDS[place], key or "", currency, nanos)


def _left(
    usage: SeenUsage, desired: "Desired", keys: Sequence[LeftKey], names: Pseudonyms
) -> Iterator[Left]:
    for number, debit, currency, nanos in at_stake.since_they_left(usage.duck):
        one, account = keys[number], desired.debits[debit].name
        yield Left(names.of(one.person), one.key, one.since, one.place, account, currency, nanos)


def _bare_centres(
    usage: SeenUsage, desired: "Desired", known: CostObjects, journal: Mapping[str, object]
) -> Iterator[BareCentre]:
    """Yield cost centres that lack something; nothing where a ledger declares none of them."""
    if not known.cost_centres:
        return
    charged: defaultdict[str, Counter[str]] = defaultdict(Counter)
    without_account = set()
    said = journal.get("expense_accounts")
    booked = said if isinstance(said, Mapping) else {}
    for number, currency, nanos in charge_totals.totals_by_debit(usage.duck):
        account = desired.debits[number]
        if account.kind is AccountKind.OWNER:
            charged[account.cost_centre][currency] += nanos
            if not known.of(account.cost_centre, account.project).gl_account:
                without_account.add(account.cost_centre)
    found = []
    for name, amounts in charged.items():
        centre = known.cost_centres.get(name)
        lacks = tuple(
            what
            for what, is_lacking in (
                ("a line in the file of cost centres", centre is None),
                ("an owner", centre is not None and not centre.owner),
                (
                    "a GL account",
                    name in without_account
                    and name not in booked
                    and "expense_account" not in journal,
                ),
            )
            if is_lacking
        )
        if lacks:
            found += [BareCentre(name, lacks, *amount) for amount in amounts.items() if amount[1]]
    yield from sorted(found, key=lambda one: (one.currency, -one.amount_nanos, one.cost_centre))
