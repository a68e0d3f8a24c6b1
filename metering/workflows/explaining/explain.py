"""Explain: from an amount back to rule, rate or agreement, price source, file and line."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metering.books import ledger as ledger_book
from metering.workflows.explaining.charge_explained import ChargeTracer, Explained
from metering.workflows.explaining.references import lines_of
from metering.workflows.reading import reading

if TYPE_CHECKING:
    from metering.settings import Settings


@dataclass(frozen=True, slots=True)
class Explanation:
    """An amount, taken apart.

    Attributes:
        reference: as given.
        amounts: nanos by currency, of all charges.
        charges: how many charges it consists of.
        explained: the largest of them.
    """

    reference: str
    amounts: Mapping[str, int]
    charges: int
    explained: tuple[Explained, ...]


def explain(
    settings: "Settings",
    reference: str,
    *,
    charges: int = 5,
    records: int = 3,
    as_of: str | None = None,
) -> Explanation:
    """Take an amount apart.

    Args:
        settings: where the books and the lake are.
        reference: a cell of a report or a posting, see `workflows.explaining.references`.
        charges: how many of its charges to follow to their sources, the largest first.
        records: how many usage records to show for each.
        as_of: a run or a moment, see `workflows.reading`; None for now.

    Raises:
        BookError: `unknown-reference`; nothing in the ledger answers to it.
    """
    with reading(settings, as_of=as_of) as connection:
        lines = lines_of(connection, reference)
        grouped: dict[tuple[str, str, str], list[ledger_book.NetLine]] = defaultdict(list)
        for line in lines:
            grouped[line.debit, line.basis, line.currency].append(line)
        ordered = sorted(
            grouped.values(), key=lambda group: (-abs(_sum(group)), group[0].debit, group[0].basis)
        )
        amounts: dict[str, int] = defaultdict(int)
        for line in lines:
            amounts[line.currency] += line.amount_nanos
        tracer = ChargeTracer(connection, settings, records)
        return Explanation(
            reference,
            dict(sorted(amounts.items())),
            len(ordered),
            tuple(tracer.explained(group) for group in ordered[:charges]),
        )


def _sum(lines: Iterable[ledger_book.NetLine]) -> int:
    return sum(line.amount_nanos for line in lines)
