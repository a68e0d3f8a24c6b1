"""Formats of a house's own, read as a mapping file says: tables and JSON Lines, relationally.

What the mapping leaves open is strict: a count is a whole number, an amount a decimal, a time in
the form that is said, a meter never negative. A record that counts nothing is rejected.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.ingest.bulk import request_logs
from metering.ingest.bulk import tags as bulk_tags
from metering.ingest.bulk.checks import AMOUNT, missing, price, texts_without_nul
from metering.ingest.bulk.layout import Check, Layout, Shared, Snapshot, literal, nanos
from metering.ingest.bulk.numbers import approximate
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.mapping.mapped_fields import EXPECTED_TIME, fields_of, instant_of, said
from metering.ingest.mapping.mapping_file import (
    COUNT_COLUMNS,
    GRAINS,
    TEXT_COLUMNS,
    TIME_COLUMNS,
    MappingFile,
    read_mappings,
)
from metering.ingest.record_names import by_names

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

PREFIX: Final = "mapped-"

_PROMPT: Final = ("input_uncached", "cache_read", "cache_write_")


def mapped(folder: Path) -> tuple["Mapped", ...]:
    """Return an ingestor for each mapping file of a folder.

    Raises:
        SourceError: `bad-mapping`.
    """
    return tuple(Mapped(mapping) for mapping in read_mappings(folder))


class Mapped:
    """One record per row, as a mapping file says.

    Args:
        mapping: the file, checked.
    """

    def __init__(self, mapping: MappingFile) -> None:
        self.name: str = PREFIX + mapping.name
        self.version: int = mapping.version
        self.role: SourceRole = mapping.role
        self.identity: Identity = mapping.identity
        self.repeat: Repeat = mapping.repeat
        self.describes: str = mapping.describes
        self.export: str = mapping.export
        self.cannot_tell: str = mapping.cannot_tell
        self._mapping = mapping
        self._layout = layout_of(mapping)

    def identify(self, sample: Sample) -> Verdict:
        """Match on the fields that the mapping names."""
        is_json = (sample.head or "").lstrip().startswith(("{", "["))
        if is_json == self._mapping.is_table:
            form = "a table" if self._mapping.is_table else "JSON Lines"
            return Verdict(matches=False, because=f"its mapping is of {form}")
        because = "it has the fields that its mapping names"
        return by_names(sample, self._mapping.recognised_by, because)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every row as the mapping says, and reject what it does not fit."""
        yield from reader.bulk(path, self._layout)


def layout_of(mapping: MappingFile) -> Layout:
    """Return the layout that a mapping stands for.

    The names of its steps begin with `m_`, which no field of a mapping does.
    """
    counts = _counts(mapping)
    steps = (
        {f"m_text_{column}": _said(mapping, field) for column, field in _texts(mapping).items()},
        {
            f"m_{column}": instant_of(f"m_text_{column}", mapping.time_form)
            for column in _times(mapping)
        },
        *request_logs.counted(counts),
        {"m_amount_text": _said(mapping, mapping.cost.amount)} if mapping.cost else {},
        {"m_amount_nanos": _nanos(mapping.cost.per_unit)} if mapping.cost else {},
        {f"m_meter_{meter}": _sum(mapping, meter) for meter in mapping.meters},
    )
    return Layout(
        fields=fields_of(mapping.fields, is_table=mapping.is_table),
        required=mapping.recognised_by if mapping.is_table else (),
        steps=tuple(step for step in steps if step),
        columns=_columns(mapping),
        shared=_shared(mapping),
        checks=tuple(_checks(mapping, counts)),
        snapshot=_snapshot(mapping),
    )


def _said(mapping: MappingFile, field: str) -> str:
    return said(field, is_table=mapping.is_table)


def _texts(mapping: MappingFile) -> Mapping[str, str]:
    return {column: field for column, field in mapping.usage.items() if column not in COUNT_COLUMNS}


def _times(mapping: MappingFile) -> tuple[str, ...]:
    return tuple(column for column in TIME_COLUMNS if column in mapping.usage)


def _counts(mapping: MappingFile) -> dict[str, tuple[str, str]]:
    """Return every field that holds a count, under a name of its own."""
    fields = {
        *(field for terms in mapping.meters.values() for _, field in terms),
        *(field for column, field in mapping.usage.items() if column in COUNT_COLUMNS),
        *((mapping.total,) if mapping.total else ()),
    }
    return {
        _count_of(field): (field, f"nullif({_said(mapping, field)}, '')")
        for field in sorted(fields)
    }


def _count_of(field: str) -> str:
    return "m_of_" + "".join(c if c.isascii() and c.isalnum() else f"_{ord(c)}_" for c in field)


def _sum(mapping: MappingFile, meter: str) -> str:
    (_, first), *rest = mapping.meters[meter]
    added = "".join(f" {sign} coalesce({_count_of(field)}_count, 0)" for sign, field in rest)
    return f"{_count_of(first)}_count{added}"


def _nanos(per_unit: int) -> str:
    if per_unit == 1:
        return nanos("m_amount_text")
    # Cents are made units before they are rounded, so that they are rounded once.
    units = "try_cast(m_amount_text AS DECIMAL(34, 22)) * 0.01::DECIMAL(3, 2)"
    return (
        f"CASE WHEN {nanos('m_amount_text')} IS NOT NULL"
        f" THEN (round_even({units}, 9) * 1000000000)::BIGINT END"
    )


def _columns(mapping: MappingFile) -> dict[str, str]:
    columns = {column: literal(value) for column, value in mapping.constants.items()}
    columns |= {
        column: f"nullif(m_text_{column}, '')" for column in TEXT_COLUMNS if column in mapping.usage
    }
    columns |= {column: f"m_{column}" for column in _times(mapping)}
    columns |= {
        column: f"{_count_of(field)}_count"
        for column, field in mapping.usage.items()
        if column in COUNT_COLUMNS
    }
    columns.setdefault("requests", f"CASE WHEN ({columns['grain']}) = 'request' THEN 1 END")
    columns |= {meter: f"m_meter_{meter}" for meter in mapping.token_meters}
    prompt = [meter for meter in mapping.token_meters if meter.startswith(_PROMPT)]
    if prompt:
        whole = " + ".join(f"coalesce(m_meter_{meter}, 0)" for meter in prompt)
        columns["prompt_tokens"] = f"CASE WHEN ({columns['grain']}) = 'request' THEN {whole} END"
    others = [meter for meter in mapping.meters if meter not in mapping.token_meters]
    if others:
        entries = ", ".join(f"{{'name': '{meter}', 'value': m_meter_{meter}}}" for meter in others)
        kept = f"list_filter([{entries}], lambda entry: entry.value > 0)"
        columns["other_meters"] = f"CASE WHEN len({kept}) > 0 THEN map_from_entries({kept}) END"
    if mapping.cost:
        columns["reported_nanos"] = "m_amount_nanos"
        for column, value in (("currency", mapping.cost.currency), ("kind", mapping.cost.kind)):
            columns[f"reported_{column}"] = (
                f"CASE WHEN m_amount_nanos IS NOT NULL THEN {literal(value)} END"
            )
    return columns


def _shared(mapping: MappingFile) -> tuple[Shared, ...]:
    if not mapping.tags:
        return ()
    parts = {tag: f"m_tag_{at}" for at, tag in enumerate(mapping.tags)}
    tags = Shared(
        parts={part: _said(mapping, mapping.tags[tag]) for tag, part in parts.items()},
        steps=(),
        columns={"tags": bulk_tags.merged(bulk_tags.given(parts))},
    )
    return (tags,)


def _snapshot(mapping: MappingFile) -> Snapshot | None:
    if mapping.identity is not Identity.SNAPSHOT:
        return None
    signature = literal(f"mapping={mapping.name}")
    return Snapshot(scope="'*'", day="strftime(m_start, '%Y-%m-%d')", signature=signature)


def _checks(mapping: MappingFile, counts: Mapping[str, tuple[str, str]]) -> Iterator[Check]:
    usage = mapping.usage
    if mapping.identity is Identity.EVENT:
        yield missing(usage["event_id"], "the id that makes a repeat known", "m_text_event_id")
    expected = EXPECTED_TIME[mapping.time_form]
    yield from request_logs.when(usage["start"], "m_text_start", "m_start", expected=expected)
    if "end" in usage:
        yield request_logs.not_before(usage["end"], "m_text_end", "m_end", "m_start")
    for column in ("provider", "platform", "product", "grain"):
        if column in usage:
            yield missing(usage[column], f"the {column}", f"m_text_{column}")
    if "grain" in usage:
        yield Check(
            fails=f"m_text_grain NOT IN ({', '.join(map(literal, GRAINS))})",
            code="unknown-value",
            field=usage["grain"],
            found="m_text_grain",
            expected=" or ".join(GRAINS),
        )
    texts = (*_texts(mapping).values(), *mapping.tags.values())
    yield from texts_without_nul((field, _said(mapping, field)) for field in texts)
    yield from request_logs.count_checks(counts, request_logs.COUNT)
    yield from _meter_checks(mapping)
    yield from _cost_checks(mapping)


def _meter_checks(mapping: MappingFile) -> Iterator[Check]:
    for meter, terms in mapping.meters.items():
        yield Check(
            fails=f"m_meter_{meter} < 0",
            code="tokens-do-not-add-up",
            field=terms[0][1],
            found=f"{_count_of(terms[0][1])}_text",
            expected="at least what is subtracted from it",
        )
    if mapping.total:
        parts = " + ".join(f"coalesce(m_meter_{meter}, 0)" for meter in mapping.token_meters)
        yield request_logs.total_check(
            mapping.total,
            _count_of(mapping.total),
            parts or "0",
            "the sum of the tokens it is mapped to",
        )
    counted = [f"m_meter_{meter}" for meter in mapping.meters]
    counted += ["m_amount_nanos", "nullif(m_amount_text, '')::VARCHAR"] if mapping.cost else []
    nothing = " AND ".join(f"{count} IS NULL" for count in counted)
    named = [terms[0][1] for terms in mapping.meters.values()]
    named += [mapping.cost.amount] if mapping.cost else []
    yield Check(
        fails=nothing,
        code="missing-field",
        field=named[0],
        found="'nothing'",
        expected="a quantity or a cost: a record that counts nothing is none",
        quotes=False,
    )


def _cost_checks(mapping: MappingFile) -> Iterator[Check]:
    if mapping.cost is None:
        return
    yield Check(
        fails="nullif(m_amount_text, '') IS NOT NULL AND m_amount_nanos IS NULL",
        code="bad-amount",
        field=mapping.cost.amount,
        found="m_amount_text",
        expected=f"{AMOUNT}, 0 or more",
    )
    if mapping.price[0]:
        quantity, unit_price = (approximate(_said(mapping, field)) for field in mapping.price)
        yield price(
            mapping.cost.amount,
            "m_amount_text",
            f"({quantity}) * ({unit_price})",
            f"{mapping.price[0]} times {mapping.price[1]}",
        )
