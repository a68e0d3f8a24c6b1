"""The sharing file: pools of shared cost and how they are given on, as TOML.

    [[pool]]
    name = "platform"
    match = [{ team = "shared" }, { model = "glob:text-embedding-*" }]

    [[split]]
    name = "platform by tokens"
    pool = "platform"
    by = "tokens"
    among = ["CC-4100/payments", "CC-4300/*"]
    markup = 2.5
    from = 2026-05-01

`by` is even, fixed, spend, tokens, headcount or driver. `among` names who takes part, everybody
(`["*"]`) by default; a fixed split has `shares = { "CC-4100" = 60, "pool:rest" = 40 }` instead,
in per cent, and one by driver `driver = "NAME"`, whose file names them. `from` and `to` are first
days of months, half-open, and may be left out. Splits are taken in the order of the file.

The file is taken whole or refused whole, with every mistake at once.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from metering.core.ownership.attribution import Match, Owner
from metering.core.sharing.splits import POOL_FIELDS, WHOLE, By, Pool, Sharing, Split, Target
from metering.core.toml_tables import (
    Place,
    day_text_in,
    pattern_in,
    read_toml,
    tables,
    text_in,
    unknown_keys,
)
from metering.core.validity import validity_of
from metering.errors import WHOLE_FILE_REMEDY, RefusedFileError, RejectedError, Rejection, shown

_POOL_KEYS: Final = ("name", "match", "from", "to")
_SPLIT_KEYS: Final = ("name", "pool", "by", "among", "shares", "driver", "markup", "from", "to")
_NAMED_BY: Final = {By.FIXED: "shares", By.DRIVER: "driver"}
_MEASURED: Final = frozenset({By.SPEND, By.TOKENS, By.HEADCOUNT})
_PER_CENT: Final = WHOLE // 100
_TARGETS: Final = "COST_CENTRE[/TEAM[/PROJECT]], COST_CENTRE/*, * or pool:NAME"


@dataclass(frozen=True, slots=True)
class Known:
    """What the books know that a sharing file may name.

    Attributes:
        owners: that the owners file and the rules name.
        drivers: names of imported drivers.
    """

    owners: Collection[Owner] = ()
    drivers: Collection[str] = ()

    def knows(self, target: Target) -> bool:
        """Return whether some known owner is the target, or below it."""
        return any(target.covers(owner) for owner in self.owners)


def parse_sharing(text: str, path: str, known: Known, *, name: str = "sharing.toml") -> Sharing:
    """Return the pools and splits that a sharing file holds, in order.

    Args:
        text: the whole file, decoded.
        path: the file as the user named it, for messages.
        known: what it may name.
        name: what explanations call the file.

    Raises:
        RefusedFileError: every mistake, by line; see the codes below.
    """
    document, text = read_toml(text, path)
    rejections = list(unknown_keys(document, ("pool", "split"), Place(text, 1)))
    pools: list[Pool] = []
    for place, table in tables(document, text, "pool"):
        try:
            pool = _pool(table, place)
            _refuse_second(pool.name, pools, place)
            pools.append(pool)
        except RejectedError as error:
            rejections.append(error.rejection)
    splits: list[tuple[Split, Place]] = []
    for place, table in tables(document, text, "split"):
        try:
            split = _split(table, place)
            _refuse_second(split.name, [one for one, _ in splits], place)
            _refuse_unknown(split, [pool.name for pool in pools], known, place)
            splits.append((split, place))
        except RejectedError as error:
            rejections.append(error.rejection)
    rejections += _out_of_order(splits)
    rejections += _overlaps(splits)
    if rejections:
        raise RefusedFileError(path, rejections)
    return Sharing(name, tuple(pools), tuple(split for split, _ in splits))


def _pool(table: Mapping[str, object], place: Place) -> Pool:
    for rejection in unknown_keys(table, _POOL_KEYS, place):
        raise RejectedError(rejection)
    start, end = _months(table, place)
    written = table.get("match")
    listed = written if isinstance(written, list) else [written]
    alternatives = [one for one in listed if isinstance(one, Mapping) and one]
    if len(alternatives) != len(listed) or not listed:
        expected = "what it collects: { FIELD = PATTERN, … }, or a list of such"
        found = "missing" if written is None else shown(written)
        raise place.refused("missing-field", "match", found, expected)
    return Pool(
        line=place.line,
        name=text_in(table, "name", place),
        matches=tuple(
            tuple(_condition(one, field, place) for field in one) for one in alternatives
        ),
        valid_from=start,
        valid_to=end,
    )


def _condition(table: Mapping[str, object], field: str, place: Place) -> Match:
    if field not in POOL_FIELDS:
        expected = f"one of {', '.join(POOL_FIELDS)}"
        raise place.refused("unknown-field", field, "no field of a charge", expected)
    return Match(field, pattern_in(table, field, place))


def _split(table: Mapping[str, object], place: Place) -> Split:
    for rejection in unknown_keys(table, _SPLIT_KEYS, place):
        raise RejectedError(rejection)
    start, end = _months(table, place)
    said = text_in(table, "by", place)
    if said not in frozenset(By):
        raise place.refused("bad-value", "by", shown(said), f"one of {', '.join(By)}")
    by = By(said)
    named_by = _NAMED_BY.get(by, "among")
    for key in ("among", "shares", "driver"):
        if key in table and key != named_by:
            expected = f"{named_by}, since the split is by {by.value}"
            raise place.refused("unknown-field", key, "there", expected)
    return Split(
        line=place.line,
        name=text_in(table, "name", place),
        pool=text_in(table, "pool", place),
        by=by,
        targets=_targets(table, by, place),
        driver=text_in(table, "driver", place) if by is By.DRIVER else "",
        markup=_parts(table["markup"], "markup", place) if "markup" in table else 0,
        valid_from=start,
        valid_to=end,
    )


def _targets(table: Mapping[str, object], by: By, place: Place) -> tuple[tuple[Target, int], ...]:
    if by is By.DRIVER:
        return ()
    if by is By.FIXED:
        shares = table.get("shares")
        if not isinstance(shares, Mapping) or not shares:
            expected = "shares in per cent: { TARGET = 60, … }"
            raise place.refused("missing-field", "shares", "missing", expected)
        found = [(_target(k, by, k, place), _parts(v, k, place)) for k, v in shares.items()]
        _refuse_more_than_whole([parts for _, parts in found], place)
    else:
        among = table.get("among", ["*"])
        if not isinstance(among, list) or not among:
            raise place.refused("bad-value", "among", shown(among), "a list of targets")
        found = [(_target(one, by, "among", place), 1) for one in among]
    for at, (target, _) in enumerate(found):
        for other, _ in found[:at]:
            if target == other or (by in _MEASURED and _overlap(target, other)):
                expected = f"targets that have nothing in common; {shown(other)} is there too"
                key = "shares" if by is By.FIXED else "among"
                raise place.refused("overlapping-targets", key, shown(target), expected)
    return tuple(found)


def _target(written: object, by: By, key: str, place: Place) -> Target:
    try:
        target = Target.parse(str(written) if isinstance(written, str) else "")
    except ValueError as error:
        raise place.refused("bad-value", key, shown(written), _TARGETS) from error
    if target.is_each and by is By.FIXED:
        expected = "one owner or pool: a fixed share is somebody's"
        raise place.refused("bad-value", key, shown(written), expected)
    if target.pool and by in _MEASURED:
        expected = f"an owner: a pool has no {by.value} of its own"
        raise place.refused("bad-value", key, shown(written), expected)
    return target


def _overlap(target: Target, other: Target) -> bool:
    return any(
        one.covers(Owner(two.cost_centre, two.team, two.project))
        for one, two in ((target, other), (other, target))
    )


def _parts(written: object, key: str, place: Place) -> int:
    """Return a percentage as parts of `WHOLE`."""
    lowest, highest = (-100, 1000) if key == "markup" else (0, 100)
    number = Decimal(written) if isinstance(written, int | Decimal) else None
    if (
        number is None
        or isinstance(written, bool)
        or not number.is_finite()
        or not lowest < number <= highest
        or number * _PER_CENT % 1
    ):
        expected = f"per cent above {lowest}, up to {highest}, with at most four decimals"
        raise place.refused("bad-value", key, shown(written), expected)
    return int(number * _PER_CENT)


def _refuse_more_than_whole(parts: Sequence[int], place: Place) -> None:
    if sum(parts) > WHOLE:
        found = f"{Decimal(sum(parts)) / _PER_CENT} per cent"
        expected = "100 per cent at most; what is missing stays in the pool"
        raise place.refused("shares-above-100", "shares", found, expected)


def _months(table: Mapping[str, object], place: Place) -> tuple[date | None, date | None]:
    days = validity_of(
        place.line_of("from"),
        ("from", day_text_in(table, "from", place)),
        ("to", day_text_in(table, "to", place)),
    )
    for key, day in zip(("from", "to"), days, strict=True):
        if day is not None and day.day != 1:
            expected = "the first day of a month: what is shared is shared by the month"
            raise place.refused("bad-date", key, shown(day), expected)
    return days


def _refuse_second(name: str, earlier: Sequence[Pool | Split], place: Place) -> None:
    for other in earlier:
        if other.name == name:
            expected = f"a name of its own; the one of line {other.line} has it"
            raise place.refused("duplicate-name", "name", shown(name), expected)


def _refuse_unknown(split: Split, pools: Sequence[str], known: Known, place: Place) -> None:
    if split.pool not in pools:
        expected = f"a pool of this file: {', '.join(pools) or 'there is none'}"
        raise place.refused("unknown-pool", "pool", shown(split.pool), expected)
    if split.driver and split.driver not in known.drivers:
        expected = "an imported driver: " + (", ".join(sorted(known.drivers)) or "there is none")
        raise place.refused("unknown-driver", "driver", shown(split.driver), expected)
    for target, _ in split.targets:
        is_everybody = target == Target(is_each=True)
        if not is_everybody and not (target.pool in pools if target.pool else known.knows(target)):
            expected = "an owner that the owners file or a rule names, or a pool of this file"
            key = "shares" if split.by is By.FIXED else "among"
            raise place.refused("unknown-target", key, shown(target), expected)


def _out_of_order(splits: Sequence[tuple[Split, Place]]) -> Iterator[Rejection]:
    """Yield the splits that give to a pool whose own split comes before them, or to themselves."""
    gives: defaultdict[str, set[str]] = defaultdict(set)
    for split, _ in splits:
        gives[split.pool].update(target.pool for target, _ in split.targets if target.pool)
    for at, (split, place) in enumerate(splits):
        for target, _ in split.targets:
            for other, _ in splits[: at + 1]:
                if not target.pool or other.pool != target.pool or not _meet(split, other):
                    continue
                if split.pool in _reached(target.pool, gives):
                    expected = f"no way back: {shown(target)} gives on to this pool"
                    code = "split-cycle"
                else:
                    expected = f"a place before line {other.line}, where {shown(target)} gives on"
                    code = "split-order"
                key = "shares" if split.by is By.FIXED else "among"
                yield place.refused(code, key, shown(target), expected).rejection
                break


def _reached(pool: str, gives: Mapping[str, set[str]]) -> set[str]:
    reached, to_go = {pool}, [pool]
    while to_go:
        for below in gives.get(to_go.pop(), set()) - reached:
            reached.add(below)
            to_go.append(below)
    return reached


def _overlaps(splits: Sequence[tuple[Split, Place]]) -> Iterator[Rejection]:
    for at, (split, place) in enumerate(splits):
        for other, _ in splits[:at]:
            if other.pool == split.pool and _meet(split, other):
                yield Rejection(
                    place.line,
                    "overlapping-validity",
                    "pool",
                    shown(split.pool),
                    f"months that the split of line {other.line} does not hold in",
                    WHOLE_FILE_REMEDY,
                )
                break


def _meet(one: Split, other: Split) -> bool:
    return (one.valid_from or date.min) < (other.valid_to or date.max) and (
        other.valid_from or date.min
    ) < (one.valid_to or date.max)
