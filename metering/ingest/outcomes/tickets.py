"""What systems of tickets have in common: one ticket is one outcome, while it stands resolved.

A ticket that is open, or was closed without being solved, is told with a weight of nothing: it says
"no longer" of one that was resolved before and opened again, which the engine takes back on the day
of the change. No ticket is counted as attempted or completed: people open them, too.

Times that name no zone are those of the house, and words for a resolution are, too: both are
settings, [outcomes.systems.NAME], and what nobody explained is refused and never guessed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from metering.core.outcomes.stages import WEIGHT_UNIT, OutcomeKind, Stage, SystemWords
from metering.errors import shown
from metering.ingest.values.fields import FieldRefused, Fields

KIND: Final = "ticket"

_OFFSET: Final = re.compile(r"(.*T.*[+-]\d\d)(\d\d)", re.ASCII)
_ZONE: Final = re.compile(r".*\d([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_DAY_FIRST: Final = ("%d/%m/%Y", "%d/%m/%y", "%d.%m.%Y", "%d-%m-%Y")
_MONTH_FIRST: Final = ("%m/%d/%Y", "%m/%d/%y", "%m-%d-%Y")
_PLAIN_DAYS: Final = ("%Y-%m-%d", "%d/%b/%y", "%d/%b/%Y", "%d %b %Y")
_TIMES: Final = ("%H:%M:%S", "%H:%M", "%I:%M %p", "%I:%M:%S %p", "%H:%M:%S.%f")
_NUMERIC: Final = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4} .*", re.ASCII)
_EARLIEST: Final = 2000
_LATEST: Final = 2100


def resolved_tickets(reversed_by: str) -> tuple[OutcomeKind, ...]:
    """Return what a system of tickets gives; `reversed_by` says how it shows what is undone."""
    return (OutcomeKind(KIND, Stage.VALIDATED, settles_after_days=7, reversed_by=reversed_by),)


@dataclass(frozen=True, slots=True)
class TicketWords:
    """How tickets of one system are to be read.

    Attributes:
        system: its name in metering.toml.
        done: resolutions by which work was done; in small letters.
        dropped: resolutions by which it was not.
        zone: of times that name none; None: such times are refused.
        is_day_first: how 3/4/2026 is meant; None: such days are refused.
    """

    system: str
    done: frozenset[str]
    dropped: frozenset[str]
    zone: str | None = None
    is_day_first: bool | None = None

    def saying(self, words: SystemWords) -> "TicketWords":
        """Return them with what the house says."""
        return replace(
            self,
            done=self.done - words.dropped | words.done,
            dropped=self.dropped - words.done | words.dropped,
            zone=words.zone,
            is_day_first=words.is_day_first,
        )

    def is_done(self, ticket: Fields, name: str, resolution: str) -> bool:
        """Return whether a resolution says that work was done.

        Raises:
            FieldRefused: `unknown-value`; nobody has said what it means.
        """
        word = resolution.lower()
        if word in self.done or word in self.dropped:
            return word in self.done
        raise FieldRefused(
            "unknown-value",
            ticket.within + name,
            shown(resolution),
            "a resolution that says whether work was done",
            f"name it in done or dropped of [outcomes.systems.{self.system}] in metering.toml, and"
            " ingest the file again",
        )

    def instant(self, ticket: Fields, name: str, *, is_utc: bool = False) -> datetime:
        """Return an instant that a system wrote, in whichever of its forms.

        An hour that a change of clocks repeats is taken for the first of the two.

        Args:
            ticket: its fields.
            name: of the one that holds the instant.
            is_utc: whether a time that names no zone is of UTC.

        Raises:
            FieldRefused: `missing-field`; `naive-timestamp` where nobody has said the zone;
                `ambiguous-date` where month and day cannot be told apart; `bad-instant`.
        """
        text = ticket.required(name)
        if not isinstance(text, str) or _ZONE.fullmatch(text):
            return _with_colon(ticket, name).instant(name)
        local = self._local(ticket, name, text.strip())
        if is_utc:
            return local.replace(tzinfo=UTC)
        if self.zone is None:
            raise FieldRefused(
                "naive-timestamp",
                ticket.within + name,
                shown(text),
                "an instant with its zone, or the zone of the house",
                f"say zone under [outcomes.systems.{self.system}] in metering.toml, and ingest the"
                " file again",
            )
        return local.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)

    def _local(self, ticket: Fields, name: str, text: str) -> datetime:
        days: tuple[str, ...] = _PLAIN_DAYS
        if _NUMERIC.fullmatch(text):
            if self.is_day_first is None:
                raise FieldRefused(
                    "ambiguous-date",
                    ticket.within + name,
                    shown(text),
                    "a day whose month can be told",
                    f"say dates under [outcomes.systems.{self.system}] in metering.toml, and ingest"
                    " the file again",
                )
            days = _DAY_FIRST if self.is_day_first else _MONTH_FIRST
        plain = text.replace("T", " ", 1) if text[:4].isdigit() else text
        for form in (f"{day} {time}" for day in days for time in _TIMES):
            try:
                local = datetime.strptime(plain, form)  # noqa: DTZ007 - the caller knows its zone
            except ValueError:
                continue
            if _EARLIEST <= local.year < _LATEST:
                return local
        raise ticket.refused("bad-instant", name, "a day and a time, such as 2026-09-21 09:05")


def state_of(as_of: datetime | None, instant: datetime, *, is_done: bool) -> Mapping[str, object]:
    """Return the cells of one state of a ticket.

    Args:
        as_of: when the system last changed it.
        instant: when it was resolved; of one that is not, when it changed.
        is_done: whether it stands resolved.
    """
    return {
        "kind": KIND,
        "stage": Stage.VALIDATED.value,
        "instant": instant,
        "as_of": as_of,
        "weight_e4": WEIGHT_UNIT if is_done else 0,
    }


def _with_colon(ticket: Fields, name: str) -> Fields:
    """Return fields of which an offset `+0200` is spelled `+02:00`."""
    text = ticket.values[name]
    match = _OFFSET.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return ticket
    return replace(ticket, values={**ticket.values, name: f"{match[1]}:{match[2]}"})
