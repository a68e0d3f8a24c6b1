"""The file of flat money: seats, credit paid beforehand, commitments and capacity, as TOML.

One table for each agreement; amounts are decimal text, days are half-open:

    [[seats]]
    name = "copilot-business"
    provider = "github"
    billing_account = "default"
    currency = "USD"
    fee = "19.00"               # of one seat
    each = "month"              # or "year", which is paid beforehand
    paid = 24                   # bought; left out: as many as are assigned, at least `minimum`
    release = "term"            # a seat given back is paid for until the month ends; or "day"
    from = 2026-10-01
    to = 2027-10-01             # left out: on
    unused = { cost_centre = "CC-9000", team = "shared", project = "seats" }

    [[prepaid]]
    name = "deepseek-2026-09"
    provider = "deepseek"
    billing_account = "default"
    currency = "USD"
    credit = "60.00"            # what it is worth
    paid = "50.00"              # what it cost; left out: what it is worth
    fee = "0.80"                # left out: none
    bought = 2026-09-01
    expires = 2027-09-01        # the first day it pays for nothing; left out: never
    owner = { cost_centre = "CC-9000" }

    [[commitment]]
    name = "anthropic-2026"
    provider = "anthropic"
    billing_account = "default"
    currency = "USD"
    amount = "60000.00"         # over the whole time
    from = 2026-05-01
    to = 2027-05-01
    owner = { cost_centre = "CC-9000" }

    [[capacity]]
    name = "llama-cluster"
    currency = "USD"
    from = 2026-10-01
    bought = "216000.00"        # written off over life_months
    life_months = 36
    lease = "5400.00"           # a month
    people = "3100.00"          # a month
    watts = 5600                # drawn on average; with pue and kwh
    pue = "1.3"
    kwh = "0.14"
    units = 100                 # provisioned units; with unit_hour
    unit_hour = "1.00"
    bills = { provider = "azure", billing_account = "default" }     # left out: nobody, our own
    serves = { provider = "own", platform = "own-capacity", models = ["llama-3.3-70b"] }
    tokens_per_second = 12000
    api_price = "0.60"          # a million tokens, bought elsewhere
    idle = { cost_centre = "CC-9000", team = "shared", project = "idle" }

The file is taken whole or refused whole, with every mistake at once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Final

from metering.core.flat.capacity import Capacity, Costs, Served
from metering.core.flat.flat_fields import FlatTable
from metering.core.flat.flat_money import Written
from metering.core.flat.prepaid import Commitment, CreditBlock
from metering.core.flat.proration import months_later
from metering.core.flat.seats import Release, SeatPlan, SeatTerm
from metering.core.toml_tables import Place, read_toml, tables, unknown_keys
from metering.errors import RefusedFileError, RejectedError, Rejection, shown

Agreement = SeatPlan | CreditBlock | Commitment | Capacity

_MONTHS_A_YEAR: Final = 12
_SEATS: Final = (
    *("name", "provider", "billing_account", "currency", "fee", "each", "paid", "minimum"),
    *("release", "from", "to", "unused"),
)
_PREPAID: Final = (
    *("name", "provider", "billing_account", "currency", "credit", "paid", "fee", "bought"),
    *("expires", "owner"),
)
_COMMITMENT: Final = (
    *("name", "provider", "billing_account", "currency", "amount", "from", "to", "owner"),
)
_CAPACITY: Final = (
    *("name", "currency", "from", "to", "bought", "life_months", "lease", "people", "watts"),
    *("pue", "kwh", "units", "unit_hour", "bills", "serves", "tokens_per_second", "api_price"),
    "idle",
)
_COSTS: Final = (
    ("bought", "life_months"),
    ("watts", "kwh"),
    ("units", "unit_hour"),
)
"""Keys that say something together and nothing alone."""


@dataclass(frozen=True, slots=True)
class Agreements:
    """What flat-money files agree to.

    Attributes:
        seats, blocks, commitments, capacities: in the order of the files.
    """

    seats: tuple[SeatPlan, ...] = ()
    blocks: tuple[CreditBlock, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    capacities: tuple[Capacity, ...] = ()

    def __add__(self, other: "Agreements") -> "Agreements":
        return Agreements(
            self.seats + other.seats,
            self.blocks + other.blocks,
            self.commitments + other.commitments,
            self.capacities + other.capacities,
        )

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Agreement]:
        yield from self.seats
        yield from self.blocks
        yield from self.commitments
        yield from self.capacities


def parse_flat(text: str, path: str, *, name: str = "flat.toml") -> Agreements:
    """Return what a flat-money file agrees to.

    Args:
        text: the whole file, decoded.
        path: the file as the user named it, for messages.
        name: what explanations call the file.

    Raises:
        RefusedFileError: it is not TOML, an amount, a day or an owner cannot be used, or two
            agreements contradict each other; every such place is told.
    """
    document, text = read_toml(text, path)
    rejections = list(unknown_keys(document, tuple(_READERS), Place(text, 1)))
    found: dict[str, list[Agreement]] = {}
    for kind, (keys, reader) in _READERS.items():
        for place, table in tables(document, text, kind):
            refused = list(unknown_keys(table, keys, place))
            rejections += refused
            try:
                if not refused:
                    written = Written(name, place.line)
                    found.setdefault(kind, []).append(reader(FlatTable(table, place), written))
            except RejectedError as error:
                rejections.append(error.rejection)
    agreements = _agreements(found)
    rejections += [rejection for _, rejection in contradictions(agreements)]
    if rejections:
        raise RefusedFileError(path, rejections)
    return agreements


def contradictions(agreements: Agreements) -> Iterator[tuple[Written, Rejection]]:
    """Yield where two agreements hold at once and cannot: a name, or usage, that both claim.

    Args:
        agreements: of one file, or of several together.

    Returns:
        The place of the later one, and the refusal of it.
    """
    by_name: dict[str, list[Agreement]] = defaultdict(list)
    for agreement in agreements:
        by_name[agreement.name].append(agreement)
    for namesakes in by_name.values():
        for one, other in combinations(namesakes, 2):
            if _share_an_account(one, other) or (type(one) is type(other) and _meet(one, other)):
                yield _contradiction(one, other, "name", one.name, "a name of its own")
    for one, other in combinations(agreements.capacities, 2):
        if one.name != other.name and _meet(one, other) and one.served.meets(other.served):
            yield _contradiction(one, other, "serves", "usage", "usage that no other one serves")


def _agreements(found: Mapping[str, Iterable[Agreement]]) -> Agreements:
    everything = [one for kind in found.values() for one in kind]
    return Agreements(
        tuple(one for one in everything if isinstance(one, SeatPlan)),
        tuple(one for one in everything if isinstance(one, CreditBlock)),
        tuple(one for one in everything if isinstance(one, Commitment)),
        tuple(one for one in everything if isinstance(one, Capacity)),
    )


def _share_an_account(one: Agreement, other: Agreement) -> bool:
    # Both would stand on `prepaid:<name>`; rows of one yearly plan follow each other there.
    kinds = {type(one), type(other)}
    return CreditBlock in kinds and kinds <= {CreditBlock, SeatPlan}


def _meet(one: Agreement, other: Agreement) -> bool:
    (begins, ends), (since, until) = _days_of(one), _days_of(other)
    return begins < until and since < ends


def _days_of(one: Agreement) -> tuple[date, date]:
    if isinstance(one, CreditBlock):
        return one.bought, one.expires or date.max
    return one.begins, one.ends or date.max


def _contradiction(
    one: Agreement, other: Agreement, key: str, found: str, expected: str
) -> tuple[Written, Rejection]:
    first, second = sorted((one, other), key=lambda found: (found.written.file, found.written.line))
    where = (
        f"line {first.written.line}"
        if first.written.file == second.written.file
        else str(first.written)
    )
    return second.written, Rejection(
        second.written.line,
        "overlapping-agreement",
        key,
        f"{shown(found)}, from {_days_of(second)[0]} on",
        f"{expected}; {where} has it on the same days",
        "end the earlier one on the day the later one begins, and give the file again",
    )


def _seats(table: FlatTable, written: Written) -> SeatPlan:
    begins, ends = table.days("from", "to")
    term = table.choice("each", SeatTerm, SeatTerm.MONTH)
    yearly = term is SeatTerm.YEAR
    if yearly and ends is not None:
        months = (ends.year - begins.year) * _MONTHS_A_YEAR + ends.month - begins.month
        if months % _MONTHS_A_YEAR or months_later(begins, months) != ends:
            expected = f"whole years after {begins}, since each of them is paid beforehand"
            raise table.refused("empty-validity", "to", expected)
    paid, minimum = table.whole("paid"), table.whole("minimum")
    if paid is not None and minimum is not None:
        raise table.refused("bad-value", "minimum", "nothing beside paid, which says how many")
    release = table.choice("release", Release, Release.TERM if yearly else Release.DAY)
    if yearly and release is Release.DAY:
        raise table.refused("bad-value", "release", "term, since a year is paid beforehand")
    return SeatPlan(
        **_payee(table),
        fee_nanos=table.amount("fee"),
        term=term,
        begins=begins,
        ends=ends,
        unused=table.owner("unused"),
        paid=paid,
        minimum=minimum or 0,
        release=release,
        written=written,
    )


def _prepaid(table: FlatTable, written: Written) -> CreditBlock:
    credit = table.amount("credit")
    if not credit:
        raise table.refused("bad-amount", "credit", "an amount above 0")
    paid = table.amount_or("paid", credit)
    if paid > credit:
        expected = "no more than it is worth; what is paid on top is its fee"
        raise table.refused("bad-amount", "paid", expected)
    bought, expires = table.days("bought", "expires")
    return CreditBlock(
        **_payee(table),
        credit_nanos=credit,
        paid_nanos=paid,
        fee_nanos=table.amount_or("fee", 0),
        bought=bought,
        expires=expires,
        owner=table.owner("owner"),
        written=written,
    )


def _commitment(table: FlatTable, written: Written) -> Commitment:
    begins, ends = table.days("from", "to")
    if ends is None:
        raise table.place.refused("missing-field", "to", "missing", "the day after its last one")
    return Commitment(
        **_payee(table),
        amount_nanos=table.amount("amount"),
        begins=begins,
        ends=ends,
        owner=table.owner("owner"),
        written=written,
    )


def _capacity(table: FlatTable, written: Written) -> Capacity:
    for pair in _COSTS:
        given = [key for key in pair if table.has(key)]
        if len(given) == 1:
            (missing,) = set(pair) - set(given)
            expected = f"it beside {given[0]}"
            raise table.place.refused("missing-field", missing, "missing", expected)
    begins, ends = table.days("from", "to")
    bills = table.below("bills", ("provider", "billing_account")) if table.has("bills") else None
    serves = table.below("serves", ("provider", "platform", "billing_account", "models"))
    return Capacity(
        name=table.text("name"),
        currency=table.currency("currency"),
        begins=begins,
        ends=ends,
        costs=Costs(
            bought_nanos=table.amount_or("bought", 0),
            life_months=table.whole("life_months") or 0,
            lease_nanos=table.amount_or("lease", 0),
            people_nanos=table.amount_or("people", 0),
            watts=table.whole("watts") or 0,
            pue=table.ratio_or_one("pue"),
            kwh_nanos=table.amount_or("kwh", 0),
            units=table.whole("units") or 0,
            unit_hour_nanos=table.amount_or("unit_hour", 0),
        ),
        served=Served(
            serves.text("provider"),
            serves.text("platform"),
            serves.text("billing_account") if serves.has("billing_account") else "",
            serves.texts("models"),
        ),
        idle=table.owner("idle"),
        provider=bills.text("provider") if bills else "",
        billing_account=bills.text("billing_account") if bills else "",
        tokens_per_second=table.whole("tokens_per_second"),
        api_nanos=table.amount("api_price") if table.has("api_price") else None,
        written=written,
    )


def _payee(table: FlatTable) -> dict[str, str]:
    return {
        "name": table.text("name"),
        "provider": table.text("provider"),
        "billing_account": table.text("billing_account"),
        "currency": table.currency("currency"),
    }


_READERS: Final[Mapping[str, tuple[Sequence[str], Callable[[FlatTable, Written], Agreement]]]] = {
    "seats": (_SEATS, _seats),
    "prepaid": (_PREPAID, _prepaid),
    "commitment": (_COMMITMENT, _commitment),
    "capacity": (_CAPACITY, _capacity),
}
