"""What decides prices and owners, and since when: in force now, or frozen with a closed period."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from metering.books import adjustments as adjustment_book
from metering.books import directory as directory_book
from metering.books import periods as period_book
from metering.books import rate_cards as card_book
from metering.books import rules as rule_book
from metering.books import sharing as sharing_book
from metering.books import stand_ins as stand_in_book
from metering.books.engine import begin_read, open_engine
from metering.core.closing.adjustments import Adjustment
from metering.core.findings.finding_rules import TAG, WORKFLOW_KEY, finding_rules
from metering.core.outcomes.outcome_rules import OutcomeRules, checked_rules
from metering.core.ownership.attribution import (
    RULE_FIELDS,
    TAG_PREFIX,
    Assign,
    Directory,
    DirectoryEntry,
    Match,
    Rule,
    RuleSet,
)
from metering.core.patterns import Pattern, PatternError
from metering.core.periods import BillingPeriod
from metering.core.pricing.rate_book import RateBook
from metering.core.sharing.driver_file import Driver
from metering.core.sharing.reigns import Reign, Stretch, between
from metering.core.sharing.splits import Sharing
from metering.errors import BookError, shown
from metering.workflows.flat.flat_files import flat_in_force
from metering.workflows.garbage import nothing_collected
from metering.workflows.posting.flat_charges import FlatMoney

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that decides, besides usage.

    Attributes:
        rates: the rate cards in force.
        rules, directory: who pays, on every day that no period closed before has taken.
        outcomes: which columns of usage carry the keys of outcomes, so that cells keep them.
        frozen: who pays on the days of closed periods, where others decided then.
        currency: of lines without a rate.
        promoted: ingestors whose detail stands in for metered usage.
        dividers: which detail source divides which metered usage: rules that assign its ingestor.
        sharing, drivers: how shared cost is given on.
        flat: what is charged by agreement and not by usage.
        adjustments: true-ups and outcomes of disputes.
        workflows: fields of usage that name its workflow, so that cells keep them.
        asked_tags: tags that no rule reads and somebody asks by, so that cells keep them.
        stand_ins: who bears usage of people who are no longer kept.
    """

    rates: RateBook
    rules: RuleSet
    directory: Directory
    currency: str
    promoted: frozenset[str] = frozenset()
    dividers: RuleSet = field(default_factory=RuleSet)
    sharing: Sharing = field(default_factory=Sharing)
    drivers: tuple[Driver, ...] = ()
    outcomes: OutcomeRules = field(default_factory=OutcomeRules)
    frozen: tuple[Reign, ...] = ()
    flat: FlatMoney = field(default_factory=FlatMoney)
    adjustments: tuple[Adjustment, ...] = ()
    workflows: tuple[str, ...] = (WORKFLOW_KEY,)
    asked_tags: frozenset[str] = frozenset()
    stand_ins: tuple[DirectoryEntry, ...] = ()

    @property
    def reigns(self) -> tuple[Reign, ...]:
        """Return who decides on which days: every day has one reign."""
        taken = [
            (first, end)
            for reign in self.frozen
            for first, end in reign.stretches
            if first is not None and end is not None
        ]
        now = Reign(self.rules, self.directory, between(taken), self.sharing, self.drivers)
        return tuple(reign.with_stand_ins(self.stand_ins) for reign in (*self.frozen, now))

    @property
    def shares(self) -> bool:
        """Whether cost is shared on some day."""
        return any(reign.sharing.pools for reign in self.reigns)

    @property
    def tags(self) -> tuple[str, ...]:
        """Return the tags that rules read, or that tell keys and workflows: cells keep them."""
        deciding = (*self.reigns, Reign(self.dividers, Directory()))
        read = self.outcomes.tags.union(*(reign.tags for reign in deciding))
        named = {name.removeprefix(TAG) for name in self.workflows if name.startswith(TAG)}
        return tuple(sorted(read | named | self.asked_tags))

    @property
    def unshared(self) -> "Policy":
        """The same without shared cost: everything stays with whom it was charged to first."""
        frozen = tuple(replace(reign, sharing=Sharing()) for reign in self.frozen)
        return replace(self, sharing=Sharing(), frozen=frozen)

    @property
    def teams(self) -> frozenset[str]:
        """Return the names of the teams that rules or a directory know."""
        return frozenset(
            team
            for reign in self.reigns
            for team in (
                *(rule.assign.team for rule in reign.rules.rules),
                *(entry.team for entry in reign.directory.entries),
            )
            if team
        )

    def reign_on(self, day: date) -> Reign:
        """Return the rules, the owners file and the sharing file that decide on a day."""
        return next(reign for reign in self.reigns if reign.holds_on(day))


def policy_in_force(connection: "Connection", settings: "Settings") -> Policy:
    """Return what decides prices and owners now."""
    with nothing_collected():
        return Policy(
            rates=RateBook(card_book.cards_in_force(connection)),
            rules=rule_book.rule_set_in_force(connection),
            directory=directory_book.directory_in_force(connection),
            currency=settings.currency,
            promoted=settings.promoted,
            sharing=sharing_book.sharing_in_force(connection),
            drivers=sharing_book.drivers_in_force(connection),
            flat=flat_in_force(connection),
            dividers=_dividers(settings),
            adjustments=adjustment_book.adjustments_in_force(connection),
            frozen=_frozen(connection, settings),
            outcomes=checked_rules(settings.outcomes),
            workflows=finding_rules(settings.findings).workflows,
            stand_ins=stand_in_book.stand_ins(connection),
        )


def _dividers(settings: "Settings") -> RuleSet:
    """Return which detail source divides which metered usage, as rules that assign the source.

    Raises:
        BookError: `bad-settings`; a field or pattern of [detail] cannot be used.
    """
    rules = []
    for position, (ingestor, patterns) in enumerate(settings.dividers.items(), start=1):
        match = []
        for name, written in patterns.items():
            try:
                match.append(Match(name, Pattern.parse(written)))
            except PatternError as error:
                raise _bad_detail(ingestor, f"{name} is {shown(written)}: {error}") from error
            if name not in RULE_FIELDS and not name.startswith(TAG_PREFIX):
                raise _bad_detail(ingestor, f"{shown(name)} is no field of usage")
        rules.append(Rule(position, ingestor, tuple(match), Assign(cost_centre=ingestor)))
    return RuleSet("metering.toml", tuple(rules))


def _bad_detail(ingestor: str, what: str) -> BookError:
    return BookError(
        "bad-settings",
        f"metering.toml: [detail] {ingestor}: {what}",
        details=(f"known:    {', '.join(RULE_FIELDS)}, tag:NAME",),
    )


def _frozen(connection: "Connection", settings: "Settings") -> tuple[Reign, ...]:
    """Return who pays in closed periods, where that is not as the files in force now say."""
    now = _versions(connection)
    stretches: dict[tuple[str, ...], list[Stretch]] = {}
    runs: dict[tuple[str, ...], int] = {}
    books = open_engine(settings.books_url)
    for name, run_id in period_book.owners_of_closed(connection).items():
        with begin_read(books, as_of=run_id) as then:
            versions = _versions(then)
        if versions != now:
            period = BillingPeriod.parse(name)
            stretches.setdefault(versions, []).append((period.first_day, period.end_day))
            runs[versions] = run_id
    reigns = []
    for versions, days in stretches.items():
        with begin_read(books, as_of=runs[versions]) as then:
            reigns.append(
                Reign(
                    rule_book.rule_set_in_force(then),
                    directory_book.directory_in_force(then),
                    tuple(days),
                    sharing_book.sharing_in_force(then),
                    sharing_book.drivers_in_force(then),
                )
            )
    return tuple(reigns)


def _versions(connection: "Connection") -> tuple[str, ...]:
    drivers = sharing_book.driver_versions(connection)
    return (
        rule_book.rule_set_version(connection).source_sha256,
        directory_book.directory_version(connection).source_sha256,
        sharing_book.sharing_version(connection).source_sha256,
        *(f"{name} {version.source_sha256}" for name, version in drivers.items()),
    )
