"""What [economics] of metering.toml says: what only the company knows of its own spend.

    [economics]
    services = ["platform/build-farm"]        # projects whose requests services make, not people
    frontier = ["claude-opus-*", "gpt-5-pro"] # the dear models, by model or provider/model
    one_off = ["data/backfill"]               # work that will not come again
    seat = "USD 39.00"                        # a month's seat that usage is compared with
    [economics.classes]                       # what a project is for, where we know better
    "data/forecasting" = "production"
    [economics.references]                    # the cheapest model that would do the work of another
    "claude-opus-5" = "claude-sonnet-5"
    [economics.explorations."growth/pitch-bot"]
    cap = "USD 5000"                          # the most that may be spent
    from = 2026-08-01
    review = 2026-12-01                       # when it is decided whether it goes on
    [economics.costs."support/helpdesk-bot"]  # a month, beside what the books charge;
    services = "USD 800"                      # review and rework stand under [outcomes]
    platform = "USD 300"
    [[economics.incentives]]                  # what told people to use more, and since when
    name = "leaderboard"
    day = 2026-09-01
    days = 28                                 # compared before and after
    [[economics.scenarios]]                   # priced in every review, as `metering whatif` does
    name = "half of it on Sonnet"
    route = ["claude-opus-5=claude-sonnet-5@50%"]
    price_change = []
    cache_rate = []
    batch = []
    list_prices = false

A project is written "team/project". Everything may be left out; the review then says what it cannot
tell without it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from typing import Final

from metering.core.money import nanos_from_decimal_text
from metering.errors import BookError, shown

CLASSES: Final = ("production", "growing", "exploring", "showcase", "unknown")
DEFAULT_DAYS: Final = 28

_KEYS: Final = (
    *("services", "frontier", "one_off", "seat", "classes", "references", "explorations"),
    *("costs", "incentives", "scenarios"),
)
_COSTS: Final = ("platform", "services")
_LISTS: Final = ("route", "price_change", "cache_rate", "batch")
_MONEY: Final = re.compile(r"([A-Z]{3}) (\d{1,9}(?:\.\d{1,9})?)", re.ASCII)
_LONGEST_DAYS: Final = 366

Money = tuple[str, int]
"""Currency and nanos."""


@dataclass(frozen=True, slots=True)
class Exploration:
    """A declared bet: the most that may be spent, and when it is looked at again.

    Attributes:
        cap: for all of it.
        begins: the day from which its spend counts; None for as long as there is any.
    """

    cap: Money
    review: date
    begins: date | None = None


@dataclass(frozen=True, slots=True)
class Incentive:
    """Something that told people to use more.

    Attributes:
        day: its first day.
        days: how many are compared on either side of it.
    """

    name: str
    day: date
    days: int = DEFAULT_DAYS


@dataclass(frozen=True, slots=True)
class NamedScenario:
    """What a review prices again; each list as the option of `metering whatif` takes it."""

    name: str
    route: tuple[str, ...] = ()
    price_change: tuple[str, ...] = ()
    cache_rate: tuple[str, ...] = ()
    batch: tuple[str, ...] = ()
    list_prices: bool = False


@dataclass(frozen=True, slots=True)
class EconomicsRules:
    """The rules, checked; empty where nothing is said.

    Attributes:
        costs: project to kind of cost (platform, services) to money a month.
        seat: of one person and month.
    """

    services: frozenset[str] = frozenset()
    frontier: tuple[str, ...] = ()
    one_off: frozenset[str] = frozenset()
    seat: Money | None = None
    classes: Mapping[str, str] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)
    explorations: Mapping[str, Exploration] = field(default_factory=dict)
    costs: Mapping[str, Mapping[str, Money]] = field(default_factory=dict)
    incentives: tuple[Incentive, ...] = ()
    scenarios: tuple[NamedScenario, ...] = ()

    def is_frontier(self, provider: str, model: str) -> bool:
        """Say whether a model is one of the dear ones."""
        names = (model, f"{provider}/{model}")
        return any(fnmatchcase(name, pattern) for pattern in self.frontier for name in names)


def checked_economics(said: Mapping[str, object]) -> EconomicsRules:
    """Return the rules that the section [economics] stands for.

    Raises:
        BookError: `bad-settings`; it says what nobody knows, or a value that cannot be used.
    """
    for key in said:
        _require_known(key, key, _KEYS)
    return EconomicsRules(
        services=frozenset(_words(said, "services")),
        frontier=_words(said, "frontier"),
        one_off=frozenset(_words(said, "one_off")),
        seat=_money("seat", said["seat"]) if "seat" in said else None,
        classes={name: _class(f"classes.{name}", value) for name, value in _table(said, "classes")},
        references={
            name: _word(f"references.{name}", value) for name, value in _table(said, "references")
        },
        explorations={
            name: _exploration(f"explorations.{name}", value)
            for name, value in _table(said, "explorations")
        },
        costs={name: _costs(f"costs.{name}", value) for name, value in _table(said, "costs")},
        incentives=tuple(_incentive(where, row) for where, row in _rows(said, "incentives")),
        scenarios=tuple(_scenario(where, row) for where, row in _rows(said, "scenarios")),
    )


def _exploration(where: str, said: object) -> Exploration:
    row = _checked(where, said, ("cap", "from", "review"))
    begins = _day(f"{where}.from", row["from"]) if "from" in row else None
    return Exploration(
        cap=_money(f"{where}.cap", row.get("cap")),
        review=_day(f"{where}.review", row.get("review")),
        begins=begins,
    )


def _costs(where: str, said: object) -> dict[str, Money]:
    row = _checked(where, said, _COSTS)
    return {kind: _money(f"{where}.{kind}", value) for kind, value in row.items()}


def _incentive(where: str, said: Mapping[str, object]) -> Incentive:
    row = _checked(where, said, ("name", "day", "days"))
    days = row.get("days", DEFAULT_DAYS)
    if not isinstance(days, int) or isinstance(days, bool) or not 0 < days <= _LONGEST_DAYS:
        raise _bad(f"{where}.days", shown(days), f"whole days, 1 to {_LONGEST_DAYS}")
    return Incentive(
        _word(f"{where}.name", row.get("name")), _day(f"{where}.day", row.get("day")), days
    )


def _scenario(where: str, said: Mapping[str, object]) -> NamedScenario:
    row = _checked(where, said, ("name", *_LISTS, "list_prices"))
    listed = row.get("list_prices", False)
    if not isinstance(listed, bool):
        raise _bad(f"{where}.list_prices", shown(listed), "true or false")
    given = {name: _words(row, name, where) for name in _LISTS}
    if not listed and not any(given.values()):
        raise _bad(where, "a scenario in which nothing is different", f"one of {', '.join(_LISTS)}")
    return NamedScenario(_word(f"{where}.name", row.get("name")), **given, list_prices=listed)


def _class(where: str, said: object) -> str:
    if said not in CLASSES:
        raise _bad(where, shown(said), f"one of {', '.join(CLASSES)}")
    return str(said)


def _table(said: Mapping[str, object], name: str) -> list[tuple[str, object]]:
    values = said.get(name, {})
    if not isinstance(values, Mapping):
        raise _bad(name, shown(values), f"a section [economics.{name}]")
    return list(values.items())


def _rows(said: Mapping[str, object], name: str) -> list[tuple[str, Mapping[str, object]]]:
    values = said.get(name, [])
    if not isinstance(values, Sequence) or not all(isinstance(one, Mapping) for one in values):
        raise _bad(name, shown(values), f"sections [[economics.{name}]]")
    return [(f"{name}[{at}]", one) for at, one in enumerate(values, start=1)]


def _checked(where: str, said: object, known: Sequence[str]) -> Mapping[str, object]:
    if not isinstance(said, Mapping):
        raise _bad(where, shown(said), f"a section with {', '.join(known)}")
    for key in said:
        _require_known(f"{where}.{key}", key, known)
    return said


def _require_known(where: str, key: str, known: Sequence[str]) -> None:
    if key not in known:
        raise _bad(where, "this key", f"one of {', '.join(known)}")


def _words(said: Mapping[str, object], name: str, where: str = "") -> tuple[str, ...]:
    values = said.get(name, [])
    if not isinstance(values, list) or not all(isinstance(one, str) and one for one in values):
        raise _bad(f"{where}.{name}" if where else name, shown(values), "a list of names")
    return tuple(values)


def _word(where: str, said: object) -> str:
    if not isinstance(said, str) or not said:
        raise _bad(where, shown(said) if said is not None else "nothing", "a name")
    return said


def _day(where: str, said: object) -> date:
    if not isinstance(said, date):
        raise _bad(where, shown(said) if said is not None else "nothing", "a day, like 2026-12-01")
    return said


def _money(where: str, said: object) -> Money:
    found = _MONEY.fullmatch(said) if isinstance(said, str) else None
    if found is None:
        told = shown(said) if said is not None else "nothing"
        raise _bad(where, told, 'currency and amount, like "USD 12.50"')
    return found[1], nanos_from_decimal_text(found[2])


def _bad(where: str, found: str, expected: str) -> BookError:
    return BookError(
        "bad-settings",
        f"metering.toml: [economics] {where} is {found}",
        details=(f"expected: {expected}",),
    )
