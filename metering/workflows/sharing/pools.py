"""Shared cost: take a file into force, show what pools gave on, and tell what stays in them."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.books import directory as directory_book
from metering.books import ledger as ledger_book
from metering.books import rules as rule_book
from metering.books import sharing as sharing_book
from metering.books.engine import begin_write
from metering.books.migrations import open_books
from metering.books.runs import record_run
from metering.core.ledger import AccountKind, pool_account
from metering.core.money import decimal_text
from metering.core.ownership.attribution import Directory, Owner, RuleSet
from metering.core.periods import BillingPeriod
from metering.core.sharing.driver_file import parse_driver
from metering.core.sharing.sharing_file import Known, parse_sharing
from metering.core.sharing.splits import SHARE_METERS, Split, Target
from metering.workflows.posting.policy import policy_in_force
from metering.workflows.reading import no_charges, reading
from metering.workflows.text_files import read_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from metering.settings import Settings
    from metering.workflows.posting.policy import Policy
    from metering.workflows.runs import Run

_TOML: Final = re.compile(r"^[ \t]*\[\[?[ \t]*(pool|split)\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes:
        kind: "sharing" or "driver".
        name: of the file, or of the driver.
        version: now in force.
        is_new: False when this very content was in force already; nothing is changed then.
        count: pools and splits, or weights.
    """

    kind: str
    name: str
    version: int
    is_new: bool
    count: int


@dataclass(frozen=True, slots=True)
class PoolShown:
    """What became of one pool in one currency.

    Attributes:
        pool: its name.
        collected_nanos: charges it collected.
        received_nanos: shares it took from other pools.
        given_nanos: what it gave on.
    """

    pool: str
    currency: str
    collected_nanos: int
    received_nanos: int
    given_nanos: int

    @property
    def kept_nanos(self) -> int:
        """What is left in it."""
        return self.collected_nanos + self.received_nanos - self.given_nanos


@dataclass(frozen=True, slots=True)
class ShareShown:
    """One share.

    Attributes:
        pool, split: whose, and by which split of the sharing file.
        by: what the split measures.
        provider, billing_account: whose bill the cost is on.
        account: who takes the share; a mark-up has an account of its own.
        weight, total: what the account measures, and all that took a share.
        amount_nanos: of `currency`.
        corrects: the closed month that it corrects; empty for the period itself.
    """

    pool: str
    split: str
    by: str
    provider: str
    billing_account: str
    account: str
    currency: str
    weight: int
    total: int
    amount_nanos: int
    corrects: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What was shared in a period."""

    pools: tuple[PoolShown, ...]
    shares: tuple[ShareShown, ...]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something odd about shared cost.

    Attributes:
        code: stable; scripts match on it.
        where: file and line, or pool and period.
        says: the fact, as a sentence.
    """

    code: str
    where: str
    says: str


def import_file(settings: "Settings", run: "Run", path: Path) -> Imported:
    """Take a sharing file (TOML) or a driver (CSV), told apart by content, into force.

    Raises:
        RefusedFileError: something in it cannot be taken; nothing changes then.
        SourceError: it cannot be read as UTF-8 text.
    """
    file = read_text(path)
    books = open_books(settings.books_url)
    with begin_write(books) as connection:
        known = known_targets(connection)
        if path.suffix.lower() == ".toml" or _TOML.search(file.text):
            sharing = parse_sharing(file.text, str(path), known, name=path.name)
            kind, name, count = "sharing", path.name, len(sharing.pools) + len(sharing.splits)
            held = sharing_book.sharing_version(connection)
            if held.source_sha256 != file.sha256:
                run_id = _recorded(connection, run)
                sharing_book.store_sharing(connection, run_id, sharing, file.sha256)
            now = sharing_book.sharing_version(connection)
        else:
            driver = parse_driver(file.text, str(path), known, name=path.stem)
            kind, name, count = "driver", driver.name, len(driver.weights)
            held = sharing_book.driver_version(connection, name)
            if held.source_sha256 != file.sha256:
                run_id = _recorded(connection, run)
                sharing_book.store_driver(connection, run_id, driver, (path.name, file.sha256))
            now = sharing_book.driver_version(connection, name)
    return Imported(kind, name, now.version, now != held, count)


def show(settings: "Settings", period: BillingPeriod) -> Shown:
    """Return what pools collected and gave on in a period, as the ledger holds it.

    Raises:
        BookError: `no-charges`: the book holds none of that period.
    """
    with reading(settings) as connection:
        lines = tuple(ledger_book.net_lines(connection, str(period)))
    if not lines:
        raise no_charges(period)
    shared = [line for line in lines if line.meter in SHARE_METERS]
    return Shown(tuple(_pools(lines)), tuple(sorted(_shares(shared), key=_by_pool)))


def check(settings: "Settings") -> tuple[Remark, ...]:
    """Return what is odd about shared cost, from the files in force and what is posted."""
    with reading(settings) as connection:
        policy = policy_in_force(connection, settings)
        known = known_owners(policy.directory, policy.rules)
        lines = [
            line
            for line in ledger_book.net_lines(connection)
            if line.debit_kind == AccountKind.POOL.value
        ]
    return (*_unknown(policy, Known(known)), *_idle(policy, lines), *_kept(policy, lines))


def known_targets(connection: "Connection") -> Known:
    """Return what a sharing file or a driver may name."""
    directory = directory_book.directory_in_force(connection)
    rules = rule_book.rule_set_in_force(connection)
    return Known(
        known_owners(directory, rules), frozenset(sharing_book.driver_versions(connection))
    )


def known_owners(directory: Directory, rules: RuleSet) -> frozenset[Owner]:
    """Return every owner that the owners file or a rule names."""
    named = (rule.assign.owner for rule in rules.rules if rule.assign.cost_centre)
    return frozenset({*(entry.owner for entry in directory.entries), *named})


def _recorded(connection: "Connection", run: "Run") -> int:
    return record_run(connection, run.command, run.arguments, run.started_at, run.user)


def _pools(lines: Iterable[ledger_book.NetLine]) -> Iterator[PoolShown]:
    sums: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for line in lines:
        if line.debit_kind != AccountKind.POOL.value:
            continue
        found = sums[line.debit, line.currency]
        if line.meter not in SHARE_METERS:
            found[0] += line.amount_nanos
        elif pool_account(_said(line)[0]).name == line.debit:
            found[2] -= line.amount_nanos
        else:
            found[1] += line.amount_nanos
    for (name, currency), (collected, received, given) in sorted(sums.items()):
        yield PoolShown(name.partition(":")[2], currency, collected, received, given)


def _shares(lines: Iterable[ledger_book.NetLine]) -> Iterator[ShareShown]:
    grouped: defaultdict[tuple[str, str, str], list[ledger_book.NetLine]] = defaultdict(list)
    for line in lines:
        grouped[line.basis, line.charge_day, line.corrects_period or ""].append(line)
    for (_, _, corrects), group in grouped.items():
        pool, split = _said(group[0])
        giver = pool_account(pool).name
        total = -sum(line.quantity for line in group if line.debit == giver)
        for line in group:
            if line.debit != giver:
                yield ShareShown(
                    pool=pool,
                    split=split,
                    by=SHARE_METERS[line.meter].value,
                    provider=line.provider,
                    billing_account=line.billing_account,
                    account=line.debit,
                    currency=line.currency,
                    weight=line.quantity,
                    total=total,
                    amount_nanos=line.amount_nanos,
                    corrects=corrects,
                )


def _said(line: ledger_book.NetLine) -> tuple[str, str]:
    said = json.loads(line.conditions)
    return said["pool"], said["split"]


def _by_pool(share: ShareShown) -> tuple[str, ...]:
    return (
        share.corrects,
        share.pool,
        share.split,
        share.currency,
        share.provider,
        share.billing_account,
        share.account,
    )


def _unknown(policy: "Policy", known: Known) -> Iterator[Remark]:
    for split in policy.sharing.splits:
        for target, _ in split.targets:
            everybody = target == Target(is_each=True)
            if not target.pool and not everybody and not known.knows(target):
                yield Remark(
                    "unknown-target",
                    f"{policy.sharing.name}:{split.line}",
                    f"split '{split.name}' gives to {target}, which neither the owners file nor a "
                    "rule names any more",
                )


def _idle(policy: "Policy", lines: Iterable[ledger_book.NetLine]) -> Iterator[Remark]:
    used = {line.debit for line in lines}
    for pool in policy.sharing.pools:
        if pool_account(pool.name).name not in used:
            yield Remark(
                "empty-pool",
                f"{policy.sharing.name}:{pool.line}",
                f"pool '{pool.name}' collects nothing of what is posted",
            )


def _kept(policy: "Policy", lines: Iterable[ledger_book.NetLine]) -> Iterator[Remark]:
    left: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    for line in lines:
        left[line.debit, line.charge_day[:7], line.currency] += line.amount_nanos
    for (name, month, currency), nanos in sorted(left.items()):
        if nanos:
            pool = name.partition(":")[2]
            yield Remark(
                "kept-in-pool",
                f"{name} {month}",
                f"{currency} {decimal_text(nanos)} stays in it: "
                + _why(policy.sharing.splits, pool, BillingPeriod.parse(month)),
            )


def _why(splits: Iterable[Split], pool: str, period: BillingPeriod) -> str:
    for split in splits:
        if pool_account(split.pool).name == f"pool:{pool}" and split.holds_in(period):
            return f"split '{split.name}' leaves it, or finds nothing to weigh by"
    return "no split is in force for it in that month"
