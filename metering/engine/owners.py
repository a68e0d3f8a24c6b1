"""Who bears usage, as the engine joins it: of the answers of all field sets the least rank wins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from metering.engine.given import give_table

if TYPE_CHECKING:
    import duckdb

NO_OWNER: Final = -1
_OWNER_BITS: Final = 32

Values = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class OwnerAnswers:
    """Who bears usage, as far as one set of fields can tell.

    Attributes:
        fields: columns of the cells the set looks at.
        values: distinct values of those columns.
        answers: (index into values, first day or None, end day or None, rank, owner number); the
            least rank over all sets wins.
    """

    fields: tuple[str, ...]
    values: Sequence[Values]
    answers: Sequence[tuple[int, date | None, date | None, int, int]]


def owner_joins(
    connection: "duckdb.DuckDBPyConnection",
    owners: Sequence[OwnerAnswers],
    *,
    kind: str = "owner",
) -> tuple[str, str]:
    """Return joins to a source `c` that has a `day`, and the expression of a row's owner number.

    The least rank of all field sets wins; NO_OWNER where none has an answer. The joined tables are
    named after `kind`, and replace those of the same.
    """
    # Rank and owner travel as one number, so that the least of all sets is one function call.
    joins, codes = [], []
    for number, found in enumerate(owners):
        if not found.answers:
            continue
        name = f"{kind}_{number}"
        types = {f"f{place}": "VARCHAR" for place in range(len(found.fields))}
        give_table(
            connection,
            name,
            {**types, "from_day": "DATE", "to_day": "DATE", "code": "BIGINT"},
            [
                (
                    *found.values[at],
                    begin or date.min,
                    end or date.max,
                    (rank << _OWNER_BITS) + owner,
                )
                for at, begin, end, rank, owner in found.answers
            ],
        )
        on = [
            *(
                f'c."{field}" IS NOT DISTINCT FROM {name}.f{place}'
                for place, field in enumerate(found.fields)
            ),
            f"c.day >= {name}.from_day",
            f"c.day < {name}.to_day",
        ]
        joins.append(f"LEFT JOIN {name} ON {' AND '.join(on)}")
        codes.append(f"{name}.code")
    code = f"least({', '.join(codes)})" if len(codes) > 1 else (codes[0] if codes else "NULL")
    owner = f"CASE WHEN {code} IS NULL THEN {NO_OWNER} ELSE {code} & {2**_OWNER_BITS - 1} END"
    return "\n".join(joins), owner
