"""The file of seats: who has a seat of which plan, from one day to another, as CSV.

Its columns are `key, plan, from, to`, in any order; further columns, such as `person`, are left
alone. `key` is the person or account as usage spells its principal: rules and the owners file say
who pays. Days are half-open: `to` 2026-11-01 holds through 31 October, and an empty one has no end.

The file is taken whole or refused whole, with every mistake at once.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Final

from metering.core.csv_table import Row, read_rows, read_table
from metering.core.flat.flat_money import Written
from metering.core.flat.seats import SeatAssignment, SeatPlan
from metering.core.validity import validity_of
from metering.errors import WHOLE_FILE_REMEDY, RefusedFileError, RejectedError, Rejection, shown

SEAT_COLUMNS: Final = ("key", "plan", "from", "to")


def parse_seats(text: str, path: str, *, name: str = "seats.csv") -> tuple[SeatAssignment, ...]:
    """Return the assignments that a file of seats holds, in its order.

    Args:
        text: the whole file, decoded.
        path: the file as the user named it, for messages.
        name: what explanations call the file.

    Raises:
        RefusedFileError: a column or cell is missing, a day is not a day, or somebody has two
            seats of a plan at once; every such place is told.
    """
    table = read_table(text, SEAT_COLUMNS)
    assignments, rejections = read_rows(table, lambda row: _assignment(row, name))
    rejections += [rejection for _, rejection in doubled_seats(assignments)]
    if rejections:
        raise RefusedFileError(path, rejections)
    return tuple(assignments)


def doubled_seats(assignments: Iterable[SeatAssignment]) -> Iterator[tuple[Written, Rejection]]:
    """Yield the place and refusal of each second seat that somebody has of a plan at a time."""
    by_seat: dict[tuple[str, str], list[SeatAssignment]] = defaultdict(list)
    for one in assignments:
        by_seat[one.key, one.plan].append(one)
    for same in by_seat.values():
        for earlier, later in pairwise(sorted(same, key=_in_time)):
            if later.begins < (earlier.ends or date.max):
                first, second = sorted((earlier, later), key=_as_written)
                yield (
                    second.written,
                    Rejection(
                        second.written.line,
                        "overlapping-validity",
                        "key",
                        f"{shown(second.key)}, a seat of {shown(second.plan)}",
                        f"one at a time; {first.written} has it on the same days",
                        "end the earlier one on the day the later one begins, and give the file "
                        "again",
                    ),
                )


def unplanned_seats(
    assignments: Iterable[SeatAssignment], plans: Sequence[SeatPlan]
) -> Iterator[tuple[Written, Rejection]]:
    """Yield the place and refusal of each assignment on days on which its plan is not there."""
    covered = {name: _stretches(plans, name) for name in {plan.name for plan in plans}}
    for one in assignments:
        if one.plan not in covered:
            known = ", ".join(sorted(covered)) or "none is imported"
            expected = f"a plan of a flat-money file: {known}"
            yield (
                one.written,
                _refused(one.written.line, "unknown-plan", "plan", one.plan, expected),
            )
            continue
        # A seat without an end goes with its plan.
        if not any(
            begins <= one.begins < ends and (one.ends or ends) <= ends
            for begins, ends in covered[one.plan]
        ):
            days = "; ".join(_stretch_text(*stretch) for stretch in covered[one.plan])
            expected = f"days on which {one.plan} is there: {days}"
            found = _stretch_text(one.begins, one.ends or date.max)
            yield one.written, _refused(one.written.line, "unknown-plan", "from", found, expected)


def seats_beyond_paid(
    assignments: Iterable[SeatAssignment], plans: Iterable[SeatPlan]
) -> Iterator[tuple[Written, Rejection]]:
    """Yield, for each plan, the first assignment that is one more than the seats it paid for."""
    by_plan: dict[str, list[SeatAssignment]] = defaultdict(list)
    for one in assignments:
        by_plan[one.plan].append(one)
    for plan in plans:
        if plan.paid is None:
            continue
        until: list[date] = []
        for one in sorted(by_plan[plan.name], key=_in_time):
            begins, ends = max(one.begins, plan.begins), plan.ends or date.max
            if begins >= min(one.ends or date.max, ends):
                continue
            until = [end for end in until if end > begins]
            until.append(min(one.ends or date.max, ends))
            if len(until) > plan.paid:
                found = f"{len(until)} on {begins}"
                expected = f"no more than the {plan.paid} that {plan.written} paid for"
                yield (
                    one.written,
                    _refused(one.written.line, "more-seats-than-paid", "plan", found, expected),
                )
                break


def _assignment(row: Row, name: str) -> SeatAssignment:
    cells = row.cells
    for column in ("key", "plan", "from"):
        if not cells[column]:
            raise RejectedError(
                _refused(
                    row.line, "missing-field", column, "", "who has which seat, and since when"
                )
            )
    begins, ends = validity_of(row.line, ("from", cells["from"]), ("to", cells["to"]))
    return SeatAssignment(
        cells["key"], cells["plan"], begins or date.min, ends, Written(name, row.line)
    )


def _stretches(plans: Iterable[SeatPlan], name: str) -> list[tuple[date, date]]:
    found: list[tuple[date, date]] = []
    for plan in sorted((plan for plan in plans if plan.name == name), key=lambda plan: plan.begins):
        joins = bool(found) and found[-1][1] == plan.begins
        begins = found.pop()[0] if joins else plan.begins
        found.append((begins, plan.ends or date.max))
    return found


def _stretch_text(begins: date, ends: date) -> str:
    return f"from {begins} on" if ends == date.max else f"from {begins} to {ends}"


def _in_time(one: SeatAssignment) -> tuple[date, date]:
    return one.begins, one.ends or date.max


def _as_written(one: SeatAssignment) -> tuple[str, int]:
    return one.written.file, one.written.line


def _refused(line: int, code: str, field: str, found: str, expected: str) -> Rejection:
    return Rejection(
        line, code, field, shown(found) if found else "empty", expected, WHOLE_FILE_REMEDY
    )
