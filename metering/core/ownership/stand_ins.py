"""Stand-ins: what usage says in the place of a person who is no longer kept.

After the days that `[people] keep_days` says, records no longer tell whose use they were. A
stand-in takes the person's place and names the team and project that bear the record, so that no
charge changes. No rule decides on such a record any more: who bore it bears it. Stand-ins are drawn
at random and known to the books alone, so that no source can name an owner with one.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from metering.core.ownership.attribution import (
    Assign,
    Directory,
    DirectoryEntry,
    Match,
    Owner,
    Rule,
    RuleSet,
)
from metering.core.patterns import Pattern

PREFIX: Final = "stand-in:"

_FIELD: Final = "principal"
_RULE: Final = Rule(
    0, "", (Match(_FIELD, Pattern.parse(f"glob:{PREFIX}*")),), Assign(owner_of=_FIELD)
)


def entry_of(key: str, owner: Owner, run_id: int) -> DirectoryEntry:
    """Return what a stand-in says: who bears usage that has it.

    Args:
        key: PREFIX and what tells it apart.
        owner: who bears it, without a person.
        run_id: of the run that made it.
    """
    place = f"whose use it was is no longer kept, metering audit {run_id},"
    return DirectoryEntry(0, key, "", owner.team, owner.project, owner.cost_centre, place=place)


def with_stand_ins(
    rules: RuleSet, directory: Directory, entries: Sequence[DirectoryEntry]
) -> tuple[RuleSet, Directory]:
    """Return rules and directory that ask for stand-ins before anything else."""
    return (
        RuleSet(rules.name, (_RULE, *rules.rules)),
        replace(directory, entries=(*directory.entries, *entries)),
    )
