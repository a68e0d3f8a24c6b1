"""Lines that hold many records: a list within a list within the object on the line.

Telemetry is written that way: resource, scope, span. A record's line must be known all the same,
and counting lines while parsing would take one core instead of all. So each row says its place
among the rows of its line, from 0 on: the row at place 0 begins a line, and how many of those come
before is the line. A list that is empty or missing gives one row without the elements below it, so
that no line disappears.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

PLACE: Final = "place"
ABOVE: Final = "{0}"


@dataclass(frozen=True, slots=True)
class Level:
    """One list to take apart.

    Attributes:
        name: what an element of it is called in the steps of the layout.
        elements: the list, as an expression in which `ABOVE` is an element of the level above; for
            the first level, over the fields of the line.
        steps: named expressions over an element, worked out once for all the rows below it.
    """

    name: str
    elements: str
    steps: Mapping[str, str] = field(default_factory=dict)


def unfolded(source: str, levels: Sequence[Level]) -> str:
    """Return the query that gives one row for each element of the innermost list, with its place.

    Args:
        source: a query whose rows are lines.
        levels: outermost first.
    """
    query = f"SELECT *, 0::BIGINT AS {PLACE} FROM ({source})"  # noqa: S608 - our own names
    above = ""
    for depth, level in enumerate(levels):
        elements = level.elements.replace(ABOVE, above)
        below = levels[depth + 1 :]
        passed = _rows(below, f"list_slice({elements}, 1, nth - 1)") if below else "nth - 1"
        # Of two lists taken apart together the shorter one goes on with nulls. To put a null into
        # an empty list instead, or to look at no elements, would copy all that lies below.
        query = (
            f"SELECT * EXCLUDE (nth) REPLACE ({PLACE}"  # noqa: S608
            f" + CASE WHEN nth > 1 THEN {passed} ELSE 0 END AS {PLACE}) FROM ("
            f"SELECT *, unnest({elements}) AS {level.name},"
            f" unnest(range(1, 1 + greatest(coalesce(len({elements}), 0), 1))) AS nth"
            f" FROM ({query}))"
        )
        if level.steps:
            named = ", ".join(f"{expression} AS {step}" for step, expression in level.steps.items())
            query = f"SELECT *, {named} FROM ({query})"  # noqa: S608
        above = level.name
    return query


def _rows(below: Sequence[Level], elements: str) -> str:
    """Return an expression for how many rows the elements of a list unfold to."""
    variable = f"one_{len(below)}"
    inner = below[0].elements.replace(ABOVE, variable)
    rows = _rows(below[1:], inner) if below[1:] else f"len({inner})"
    each = f"greatest(coalesce({rows}, 0), 1)"
    return f"coalesce(list_sum(list_transform({elements}, lambda {variable}: {each})), 0)::BIGINT"
