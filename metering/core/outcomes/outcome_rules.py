"""What [outcomes] of metering.toml says: windows, keys, settlement and the work unit of the house.

    [outcomes.windows]              # days after usage within which an outcome answers for it
    forecasting = 75                # a project; or "data/forecasting", with its team
    [outcomes.keys]                 # where usage carries the keys of outcomes, besides workflow_key
    branch = "tag:branch"           # so it is, unless said otherwise; "" for not at all
    ticket = "tag:ticket"           # so it is
    trace = "tag:trace_id"
    session = "session"             # cells grow with each session: only where outcomes name them
    [outcomes.settles]              # days that an outcome of a kind must stand
    ticket = 7
    [outcomes.units]                # what one outcome of a kind counts in our own work unit
    pull_request = 1
    ticket = 0.2
    session = 1                     # each session with usage: an attempted unit
    [outcomes.values]               # what finance says one settled outcome of a kind is worth
    ticket = "EUR 12.50"
    [outcomes.review]               # what people's review of one outcome of a kind costs
    pull_request = "EUR 9.00"
    [outcomes.rework]               # what it costs to do one again that was taken back
    pull_request = "EUR 80.00"
    [outcomes.systems.jira]         # how a system of record is set up: jira, servicenow
    zone = "Europe/Berlin"          # of times that its exports write without a zone
    dates = "day-first"             # or "month-first": how it writes 3/4/2026
    done = ["Delivered"]            # resolutions by which work was done, beside the usual ones
    dropped = ["Parked"]            # resolutions by which it was not

A session leads to the branch that a coding tool's transcripts name for it, a branch to the ticket
in its name. Without a window of its own a project has the longest of the kinds of its outcomes. A
kind without a unit counts one, and a commit, which is part of a change, nothing; a vendor's unit
(`awu` and other activity) counts nothing, whatever is said.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from metering.core.money import nanos_from_decimal_text
from metering.core.outcomes.stages import (
    DEFAULT_WINDOW_DAYS,
    PARTS,
    VENDOR_UNITS,
    WEIGHT_UNIT,
    SystemWords,
    window_days,
)
from metering.errors import BookError, shown

SESSION: Final = "session"
"""The kind of what is not reported but seen in usage: a session of an agent."""

_TAG: Final = "tag:"
_SECTIONS: Final = ("windows", "keys", "settles", "units", "values", "review", "rework", "systems")
_KEYS: Final = ("branch", "session", "ticket", "trace")
_DEFAULT_KEYS: Final = {
    "workflow_key": "workflow_key",
    "branch": "tag:branch",
    "ticket": "tag:ticket",
}
_VALUE: Final = re.compile(r"([A-Z]{3}) (\d{1,9}(?:\.\d{1,9})?)", re.ASCII)
_DATES: Final = {"day-first": True, "month-first": False}
_LONGEST_DAYS: Final = 3_660
_LARGEST_UNIT: Final = 10_000


@dataclass(frozen=True, slots=True)
class OutcomeRules:
    """The rules, checked.

    Attributes:
        windows: project, or team/project, to days.
        keys: kind of key to the column of the cells that carries it.
        settles: kind to days.
        units: kind to ten-thousandths of our unit.
        values: kind to (currency, nanos): what one settled outcome is worth.
        review: kind to (currency, nanos): what people's review of one outcome costs.
        rework: kind to (currency, nanos): what it costs to do one again that was taken back.
        systems: system of record to how it is set up.
    """

    windows: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=lambda: dict(_DEFAULT_KEYS))
    settles: Mapping[str, int] = field(default_factory=dict)
    units: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    review: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    rework: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    systems: Mapping[str, SystemWords] = field(default_factory=dict)

    @property
    def tags(self) -> frozenset[str]:
        """The names of the tags that carry keys: cells must keep them."""
        columns = self.keys.values()
        return frozenset(c.removeprefix(_TAG) for c in columns if c.startswith(_TAG))

    @property
    def keeps_sessions(self) -> bool:
        """Whether cells must keep the session."""
        return SESSION in self.keys.values()

    def window(self, team: str, project: str, kinds: "frozenset[str]") -> int:
        """Return the window of a project in days.

        Args:
            team: of the project.
            project: its name.
            kinds: of the outcomes it has had.
        """
        own = self.windows.get(f"{team}/{project}", self.windows.get(project))
        if own is not None:
            return own
        return max(map(window_days, kinds - VENDOR_UNITS), default=DEFAULT_WINDOW_DAYS)

    def settles_after(self, kind: str, declared: Mapping[str, int]) -> int:
        """Return how many days an outcome must stand; `declared` is what ingestors say by kind."""
        return self.settles.get(kind, declared.get(kind, window_days(kind)))

    def unit(self, kind: str) -> int:
        """Return what one outcome counts in our unit, in ten-thousandths."""
        if kind in VENDOR_UNITS:
            return 0
        return self.units.get(kind, 0 if kind in PARTS | {SESSION} else WEIGHT_UNIT)


def checked_rules(said: Mapping[str, object]) -> OutcomeRules:
    """Return the rules that the section [outcomes] stands for.

    Raises:
        BookError: `bad-settings`; it says what nobody knows, or a value that cannot be used.
    """
    for section in said:
        if section not in _SECTIONS:
            raise _bad(section, "this section", f"one of {', '.join(_SECTIONS)}")
    keys = {
        key: _column(key, value)
        for key, value in _section(said, "keys").items()
        if _is_known(f"keys.{key}", key, _KEYS)
    }
    return OutcomeRules(
        windows=_days(said, "windows"),
        keys={key: column for key, column in {**_DEFAULT_KEYS, **keys}.items() if column},
        settles=_days(said, "settles"),
        units={
            kind: _unit(f"units.{kind}", value) for kind, value in _section(said, "units").items()
        },
        values=_amounts(said, "values"),
        review=_amounts(said, "review"),
        rework=_amounts(said, "rework"),
        systems={name: _words(name, said) for name, said in _section(said, "systems").items()},
    )


def _section(said: Mapping[str, object], name: str) -> Mapping[str, object]:
    values = said.get(name, {})
    if not isinstance(values, Mapping):
        raise _bad(name, shown(values), f"a section [outcomes.{name}]")
    return values


def _is_known(where: str, key: str, known: tuple[str, ...]) -> bool:
    if key not in known:
        raise _bad(where, "this key", f"one of {', '.join(known)}")
    return True


def _column(key: str, value: object) -> str:
    if value == "":
        return ""
    if isinstance(value, str) and (value == SESSION or value.removeprefix(_TAG) not in {"", value}):
        return value
    raise _bad(f"keys.{key}", shown(value), 'tag:NAME or "session"')


def _days(said: Mapping[str, object], name: str) -> dict[str, int]:
    days: dict[str, int] = {}
    for key, value in _section(said, name).items():
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LONGEST_DAYS:
            raise _bad(f"{name}.{key}", shown(value), "days, a whole number up to 3660")
        days[key] = value
    return days


def _unit(where: str, value: object) -> int:
    if isinstance(value, int | float) and not isinstance(value, bool):
        # The shortest text of a float is what stands in the file.
        exact = Decimal(str(value)) * WEIGHT_UNIT
        if exact == int(exact) and 0 <= exact <= _LARGEST_UNIT * WEIGHT_UNIT:
            return int(exact)
    raise _bad(where, shown(value), "a number from 0 to 10000 with at most four decimals")


def _amounts(said: Mapping[str, object], name: str) -> dict[str, tuple[str, int]]:
    return {kind: _value(f"{name}.{kind}", value) for kind, value in _section(said, name).items()}


def _value(where: str, value: object) -> tuple[str, int]:
    match = _VALUE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _bad(where, shown(value), 'a currency and an amount, such as "USD 12.50"')
    return match[1], nanos_from_decimal_text(match[2])


def _words(system: str, said: object) -> SystemWords:
    if not isinstance(said, Mapping):
        raise _bad(f"systems.{system}", shown(said), f"a section [outcomes.systems.{system}]")
    for key in said:
        _is_known(f"systems.{system}.{key}", key, ("zone", "dates", "done", "dropped"))
    zone, dates = said.get("zone"), said.get("dates")
    if zone is not None and not _is_zone(zone):
        raise _bad(f"systems.{system}.zone", shown(zone), "a zone such as Europe/Berlin")
    if dates is not None and (not isinstance(dates, str) or dates not in _DATES):
        raise _bad(f"systems.{system}.dates", shown(dates), " or ".join(_DATES))
    done, dropped = (_texts(f"systems.{system}.{key}", said, key) for key in ("done", "dropped"))
    if both := sorted(done & dropped):
        raise _bad(f"systems.{system}.dropped", shown(both[0]), "no word that is in done, too")
    return SystemWords(zone, _DATES.get(dates) if dates else None, done, dropped)


def _is_zone(zone: object) -> bool:
    try:
        return isinstance(zone, str) and bool(ZoneInfo(zone))
    except (ValueError, ZoneInfoNotFoundError):
        return False


def _texts(where: str, said: Mapping[str, object], key: str) -> frozenset[str]:
    words = said.get(key, [])
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise _bad(where, shown(words), "a list of texts")
    return frozenset(word.lower() for word in words)


def _bad(where: str, found: str, expected: str) -> BookError:
    return BookError(
        "bad-settings",
        f"metering.toml: [outcomes] {where} is {found}",
        details=(f"expected: {expected}",),
        do="correct it; nothing was computed",
    )
