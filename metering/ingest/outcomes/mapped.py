"""Outcomes in a layout of a house's own: tables and JSON, read as a mapping says.

A mapping is a TOML file, given with `metering outcomes ingest --mapping FILE` or kept in the
folder `mappings/` beside metering.toml, where it becomes an ingestor called `mapped-` and its name:

    name = "helpdesk"
    describes = "Helpdesk: closed cases of the week"
    export = "Reports, Closed cases, CSV"
    form = "table"                  # CSV or Parquet; "json" for JSON Lines or one array
    role = "outcome"

    [recognise]
    fields = ["case", "closed", "status"]    # all of them are in the header

    [time]
    form = "offset"                 # or utc, day, seconds, milliseconds, nanoseconds (since 1970)

    [constants]                     # what is the same in every row
    kind = "ticket"
    team = "support"

    [outcome]                       # a column of the outcome record = a field of the source
    outcome_id = "case"
    instant = "closed"              # when it was reached
    as_of = "updated"               # when the source last changed it: the latest state stands
    stage = "status"
    weight = "points"               # at most four decimals; left out, each counts as one
    workflow_key = "run"

    [stages]                        # the source's words for a stage; other rows are passed over
    validated = ["Closed", "Solved"]

    [settles]
    after_days = 7
    reversed_by = "a case that is opened again"

Without `stage` every row is validated. A negative weight is a reversal, and `reversal_of` the id of
what it takes back.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.outcomes.stages import DEFAULT_WINDOW_DAYS, WEIGHT_UNIT, OutcomeKind, Stage
from metering.errors import shown
from metering.ingest.bulk import request_logs
from metering.ingest.bulk.checks import missing, texts_without_nul
from metering.ingest.bulk.layout import Check, Layout, literal
from metering.ingest.contract import Identity, Reading, Repeat, Sample, SourceRole, Verdict
from metering.ingest.mapping.mapped_fields import (
    EXPECTED_TIME,
    TIME_FORMS,
    fields_of,
    instant_of,
    said,
)
from metering.ingest.mapping.toml_document import TomlDocument
from metering.ingest.record_names import by_names
from metering.usage.schema import OUTCOME_SCHEMA

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

PREFIX: Final = "mapped-"

TEXT_COLUMNS: Final = (
    *("outcome_id", "reference", "kind", "stage", "reversal_of", "team", "project"),
    *("workflow_key", "repository", "branch", "ticket", "trace", "session", "queue", "commit"),
    "assisted_by",
)
TIME_COLUMNS: Final = ("instant", "as_of")

_COLUMNS: Final = (*TEXT_COLUMNS, *TIME_COLUMNS, "weight")
_STAGES: Final = tuple(stage.value for stage in Stage)
_SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "recognise": ("fields",),
    "time": ("form",),
    "constants": tuple(column for column in TEXT_COLUMNS if column != "outcome_id"),
    "outcome": _COLUMNS,
    "stages": _STAGES,
    "settles": ("after_days", "reversed_by"),
}
_TOP: Final = (
    *("name", "describes", "export", "cannot_tell", "form", "role", "version"),
    *_SECTIONS,
)
_PASSED_OVER: Final = "in another state"
_WEIGHT: Final = r"-?\d{1,9}(\.\d{1,4})?"
_EXPECTED_WEIGHT: Final = "a number of at most nine digits and four decimals"


@dataclass(frozen=True, slots=True)
class OutcomeMapping:
    """One mapping, checked; see the module for what its parts mean.

    Attributes:
        columns: column of the outcome record to field of the source; "weight" among them.
        stages: the source's word to the stage; empty where it uses ours.
    """

    name: str
    describes: str
    export: str
    cannot_tell: str
    is_table: bool
    version: int
    recognised_by: tuple[str, ...]
    time_form: str
    constants: Mapping[str, str]
    columns: Mapping[str, str]
    stages: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[OutcomeKind, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the source that are looked at, sorted."""
        return tuple(sorted({*self.recognised_by, *self.columns.values()}))


class MappedOutcomes:
    """One outcome per row, as a mapping says.

    Args:
        mapping: the file, checked.
    """

    def __init__(self, mapping: OutcomeMapping) -> None:
        self.name: str = PREFIX + mapping.name
        self.version: int = mapping.version
        self.role: SourceRole = SourceRole.OUTCOME
        self.identity: Identity = Identity.EVENT
        self.repeat: Repeat = Repeat.LATEST
        self.system: str = self.name
        self.kinds: tuple[OutcomeKind, ...] = mapping.kinds
        self.describes: str = mapping.describes
        self.export: str = mapping.export
        self.cannot_tell: str = mapping.cannot_tell
        self._mapping = mapping
        self._layout = layout_of(mapping)

    def identify(self, sample: Sample) -> Verdict:
        """Match on the fields that the mapping names."""
        is_json = (sample.head or "").lstrip().startswith(("{", "["))
        if is_json == self._mapping.is_table:
            form = "a table" if self._mapping.is_table else "JSON"
            return Verdict(matches=False, because=f"its mapping is of {form}")
        because = "it has the fields that its mapping names"
        return by_names(sample, self._mapping.recognised_by, because)

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Read every row as the mapping says, and reject what it does not fit."""
        yield from reader.bulk(path, self._layout)


def mapped_outcomes(folder: Path) -> tuple[MappedOutcomes, ...]:
    """Return an ingestor for each mapping of outcomes in a folder; none if there is no folder.

    Raises:
        SourceError: `bad-mapping`.
    """
    documents = (TomlDocument.read(path, _SECTIONS) for path in sorted(folder.glob("*.toml")))
    return tuple(
        MappedOutcomes(_mapping(document))
        for document in documents
        if document.values.get("role") == SourceRole.OUTCOME
    )


def read_outcome_mapping(path: Path) -> MappedOutcomes:
    """Return the ingestor that a mapping file stands for.

    Raises:
        SourceError: `bad-mapping`.
    """
    return MappedOutcomes(_mapping(TomlDocument.read(path, _SECTIONS)))


def layout_of(mapping: OutcomeMapping) -> Layout:
    """Return the layout that a mapping stands for.

    The names of its steps begin with `m_`, which no field of a mapping does.
    """
    texts = {
        f"m_text_{column}": f"({said(source, is_table=mapping.is_table)})::VARCHAR"
        for column, source in mapping.columns.items()
    }
    times = {
        f"m_{column}": instant_of(f"m_text_{column}", mapping.time_form)
        for column in TIME_COLUMNS
        if column in mapping.columns
    }
    weight = {"m_weight": _weight("m_text_weight")} if "weight" in mapping.columns else {}
    steps = (
        texts,
        {**times, "m_stage": _stage(mapping)},
        weight,
    )
    return Layout(
        fields=fields_of(mapping.fields, is_table=mapping.is_table),
        required=mapping.recognised_by,
        steps=tuple(step for step in steps if step),
        columns=_columns(mapping),
        checks=tuple(_checks(mapping)),
        noise=f"CASE WHEN m_stage IS NULL THEN {literal(_PASSED_OVER)} END",
        schema=OUTCOME_SCHEMA,
    )


def _weight(text: str) -> str:
    units = f"({text}::DECIMAL(18, 4) * {WEIGHT_UNIT})::BIGINT"
    return (
        f"CASE WHEN nullif({text}, '') IS NULL THEN {WEIGHT_UNIT}"
        f" WHEN regexp_full_match({text}, '{_WEIGHT}') THEN {units} END"
    )


def _stage(mapping: OutcomeMapping) -> str:
    if "stage" not in mapping.columns:
        return literal(mapping.constants.get("stage", Stage.VALIDATED.value))
    if not mapping.stages:
        return f"coalesce(nullif(m_text_stage, ''), {literal(Stage.VALIDATED.value)})"
    cases = " ".join(
        f"WHEN {literal(word)} THEN {literal(stage)}" for word, stage in mapping.stages.items()
    )
    return f"CASE m_text_stage {cases} END"


def _columns(mapping: OutcomeMapping) -> dict[str, str]:
    columns = {column: literal(value) for column, value in mapping.constants.items()}
    columns |= {
        column: f"nullif(m_text_{column}, '')"
        for column in TEXT_COLUMNS
        if column in mapping.columns
    }
    columns |= {column: f"m_{column}" for column in TIME_COLUMNS if column in mapping.columns}
    columns["stage"] = "m_stage"
    columns["weight_e4"] = "m_weight" if "weight" in mapping.columns else str(WEIGHT_UNIT)
    return columns


def _checks(mapping: OutcomeMapping) -> Iterator[Check]:
    columns = mapping.columns
    expected = EXPECTED_TIME[mapping.time_form]
    yield missing(columns["outcome_id"], "the id of the outcome", "m_text_outcome_id")
    yield from request_logs.when(
        columns["instant"], "m_text_instant", "m_instant", expected=expected
    )
    if "as_of" in columns:
        yield Check(
            fails="nullif(m_text_as_of, '') IS NOT NULL AND m_as_of IS NULL",
            code="bad-instant",
            field=columns["as_of"],
            found="m_text_as_of",
            expected=expected,
        )
    if "kind" in columns:
        yield missing(columns["kind"], "what kind of outcome it is", "m_text_kind")
    if "stage" in columns:
        yield Check(
            fails=f"m_stage NOT IN ({', '.join(map(literal, _STAGES))})",
            code="unknown-value",
            field=columns["stage"],
            found="m_stage",
            expected=" or ".join(_STAGES),
        )
    if "weight" in columns:
        yield Check(
            fails="m_weight IS NULL",
            code="bad-quantity",
            field=columns["weight"],
            found="m_text_weight",
            expected=_EXPECTED_WEIGHT,
        )
    yield from texts_without_nul(
        (columns[column], f"m_text_{column}") for column in TEXT_COLUMNS if column in columns
    )


def _mapping(document: TomlDocument) -> OutcomeMapping:
    document.refuse_unknown("", document.values, _TOP)
    document.one_of("role", (SourceRole.OUTCOME.value,))
    constants, columns = document.texts("constants"), document.texts("outcome")
    stages = _words_of_stages(document)
    _refuse_missing(document, constants, columns)
    if stages and "stage" not in columns:
        raise document.refused("[stages] has words and no field", "stage in [outcome]")
    mapping = OutcomeMapping(
        name=document.name(),
        describes=document.text("describes"),
        export=document.text("export"),
        cannot_tell=document.text("cannot_tell", default=""),
        is_table=document.one_of("form", ("table", "json")) == "table",
        version=document.whole("version", document.values.get("version", 1)),
        recognised_by=document.recognised_by(),
        time_form=document.time_form(TIME_FORMS),
        constants=constants,
        columns=columns,
        stages=stages,
        kinds=_kinds(document, constants),
    )
    document.refuse_reserved(mapping.fields, is_table=mapping.is_table)
    return mapping


def _refuse_missing(
    document: TomlDocument, constants: Mapping[str, str], columns: Mapping[str, str]
) -> None:
    for column in ("outcome_id", "instant"):
        if column not in columns:
            raise document.refused(f"nothing says the {column}", f"{column} in [outcome]")
    if "kind" not in columns and "kind" not in constants:
        raise document.refused("nothing says the kind", "[outcome] or [constants] with it")
    for column in sorted(columns.keys() & constants.keys()):
        raise document.refused(f"{column} is said twice", "[outcome] or [constants], not both")
    stage = constants.get("stage", Stage.VALIDATED.value)
    if stage not in _STAGES:
        raise document.refused(f"stage is {shown(stage)}", " or ".join(_STAGES))


def _words_of_stages(document: TomlDocument) -> dict[str, str]:
    words: dict[str, str] = {}
    for stage, listed in document.section("stages").items():
        if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
            raise document.refused(f"[stages] {stage} is no list of texts", "the source's words")
        for word in map(str, listed):
            if words.setdefault(word, stage) != stage:
                raise document.refused(f"{shown(word)} stands for two stages", "one stage each")
    return words


def _kinds(document: TomlDocument, constants: Mapping[str, str]) -> tuple[OutcomeKind, ...]:
    if "kind" not in constants:
        return ()
    settles = document.section("settles")
    after_days = document.whole(
        "[settles] after_days", settles.get("after_days", DEFAULT_WINDOW_DAYS)
    )
    reversed_by = settles.get("reversed_by", "a row of negative weight")
    if not isinstance(reversed_by, str):
        raise document.refused("[settles] reversed_by is no text", "text")
    stage = Stage(constants.get("stage", Stage.VALIDATED.value))
    return (OutcomeKind(constants["kind"], stage, after_days, reversed_by),)
