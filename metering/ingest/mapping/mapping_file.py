"""Mapping files: what a table or JSON Lines of a house's own means, in words instead of a module.

A mapping is a TOML file in the folder `mappings/` beside metering.toml; each one becomes an
ingestor of its own, called `mapped-` and its name:

    name = "acme-gateway"
    describes = "Acme gateway: nightly dump of requests"
    export = "the job nightly-dump writes it to the share"
    cannot_tell = "cached tokens"   # may be left out, like repeat and version
    form = "table"                  # CSV or Parquet; "json" for JSON Lines
    role = "detail"                 # metered: charged; detail: divides; cost: only compared
    identity = "event"              # or "snapshot": an import replaces the days of the file
    repeat = "reject"               # or "largest": of two with one id the larger counts
    version = 1                     # raise it when the same bytes would give other records

    [recognise]
    fields = ["request_id", "prompt", "model_id"]   # all of them are in the header

    [time]
    form = "offset"                 # or utc, day, seconds, milliseconds, nanoseconds (since 1970)

    [constants]                     # what is the same in every record
    provider = "openai"
    platform = "openai-api"
    product = "api"
    grain = "request"               # or minute, hour, day, range

    [usage]                         # a column of the usage record = a field of the source
    event_id = "request_id"
    start = "time"
    model_raw = "model_id"
    api_key = "key"

    [meters]                        # disjoint: what is counted inside another is subtracted
    input_uncached = "prompt - cached"
    cache_read = "cached"
    output = "completion"

    [tags]
    project = "project"

    [cost]                          # what the source says it cost
    amount = "price"
    currency = "USD"
    per_unit = 1                    # 100 where amounts are in cents
    kind = "estimate"               # or billed, list

    [check]
    total = "total"                 # the sum of all tokens
    quantity = "units"              # with unit_price: their product is the cost
    unit_price = "unit_price"

A mapping of outcomes says `role = "outcome"` and is described in `outcomes.mapped`.

With `form = "json"` a dot leads into an object: "usage.prompt". A mapping that says a thing twice,
or one that nobody knows, is refused: no file is read with half of a meaning.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from metering.core.meters import TOKEN_METERS, Meter
from metering.errors import shown
from metering.ingest.contract import Identity, Repeat, SourceRole
from metering.ingest.mapping.mapped_fields import TIME_FORMS
from metering.ingest.mapping.toml_document import TomlDocument
from metering.usage.columns import CONDITION_COLUMNS, IDENTITY_COLUMNS

GRAINS: Final = ("request", "minute", "hour", "day", "range")
TEXT_COLUMNS: Final = (
    *("event_id", "grain", "provider", "platform", "billing_account", "product", "model_raw"),
    *(column for column in CONDITION_COLUMNS if column != "conditions"),
    *IDENTITY_COLUMNS,
    "session",
)
TIME_COLUMNS: Final = ("start", "end")
COUNT_COLUMNS: Final = ("requests", "failed_requests", "distinct_prompts", "reasoning")

_NEEDED: Final = ("provider", "platform", "product", "grain")
_ROLES: Final = ("metered", "detail", "cost")
_REPEATS: Final = (Repeat.REJECT.value, Repeat.LARGEST.value)
_KINDS: Final = ("billed", "list", "estimate")
_PER_UNIT: Final = (1, 100)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_TERMS: Final = re.compile(r" ([+-]) ")
_METERS: Final = tuple(meter.value for meter in Meter if meter is not Meter.BILLED_NANOS)
_SECTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "recognise": ("fields",),
    "time": ("form",),
    "constants": TEXT_COLUMNS,
    "usage": (*TEXT_COLUMNS, *TIME_COLUMNS, *COUNT_COLUMNS),
    "meters": _METERS,
    "tags": (),
    "cost": ("amount", "currency", "per_unit", "kind"),
    "check": ("total", "quantity", "unit_price"),
}
_TOP: Final = (
    *("name", "describes", "export", "cannot_tell"),
    *("form", "role", "identity", "repeat", "version"),
    *_SECTIONS,
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What the source says a record cost.

    Attributes:
        amount: the field.
        currency: code of three capitals.
        per_unit: how many of what is written make one unit of the currency; 100 for cents.
        kind: billed, list or estimate.
    """

    amount: str
    currency: str
    per_unit: int
    kind: str


@dataclass(frozen=True, slots=True)
class MappingFile:
    """One mapping, checked; see the module for what its parts mean.

    Attributes:
        meters: by meter: fields that are added and subtracted, each with its sign, the first "+".
        total: the field that holds the sum of all tokens, or "".
        price: the fields of a quantity and of its unit price, or two empty texts.
    """

    name: str
    describes: str
    export: str
    cannot_tell: str
    is_table: bool
    role: SourceRole
    identity: Identity
    repeat: Repeat
    version: int
    recognised_by: tuple[str, ...]
    time_form: str
    constants: Mapping[str, str]
    usage: Mapping[str, str]
    meters: Mapping[str, tuple[tuple[str, str], ...]]
    tags: Mapping[str, str]
    cost: Cost | None
    total: str
    price: tuple[str, str]

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the source that are looked at, sorted."""
        named = (
            *self.recognised_by,
            *self.usage.values(),
            *self.tags.values(),
            *(field for terms in self.meters.values() for _, field in terms),
            *((self.cost.amount,) if self.cost else ()),
            self.total,
            *self.price,
        )
        return tuple(sorted({field for field in named if field}))

    @property
    def token_meters(self) -> tuple[str, ...]:
        """The meters that are columns of a usage record."""
        return tuple(meter.value for meter in TOKEN_METERS if meter.value in self.meters)


def read_mappings(folder: Path) -> tuple[MappingFile, ...]:
    """Return the mappings of usage in a folder by name; none if there is no such folder.

    Raises:
        SourceError: `bad-mapping`; a file cannot be read, or says what nobody knows.
    """
    documents = (TomlDocument.read(path, _SECTIONS) for path in sorted(folder.glob("*.toml")))
    return tuple(
        _Checked(document).mapping()
        for document in documents
        if document.values.get("role") != SourceRole.OUTCOME
    )


@dataclass(frozen=True, slots=True)
class _Checked:
    """A document whose parts are checked as they are asked for."""

    document: TomlDocument

    def mapping(self) -> MappingFile:
        document = self.document
        document.refuse_unknown("", document.values, _TOP)
        mapping = MappingFile(
            name=document.name(),
            describes=document.text("describes"),
            export=document.text("export"),
            cannot_tell=document.text("cannot_tell", default=""),
            is_table=document.one_of("form", ("table", "json")) == "table",
            role=SourceRole(document.one_of("role", _ROLES)),
            identity=Identity(document.one_of("identity", tuple(Identity))),
            repeat=Repeat(document.one_of("repeat", _REPEATS, default=Repeat.REJECT.value)),
            version=document.whole("version", document.values.get("version", 1)),
            recognised_by=document.recognised_by(),
            time_form=document.time_form(TIME_FORMS),
            constants=document.texts("constants"),
            usage=document.texts("usage"),
            meters={meter: _terms(said) for meter, said in document.texts("meters").items()},
            tags=document.texts("tags"),
            cost=self._cost(),
            total=document.texts("check").get("total", ""),
            price=self._price(),
        )
        self._refuse_missing(mapping)
        self._refuse_twice(mapping)
        return mapping

    def _refuse_missing(self, mapping: MappingFile) -> None:
        refused = self.document.refused
        for column in _NEEDED:
            if column not in mapping.usage and column not in mapping.constants:
                raise refused(f"nothing says the {column}", "[usage] or [constants] with it")
        if "start" not in mapping.usage:
            raise refused("nothing says when it was", "start in [usage]")
        if not mapping.meters and mapping.cost is None:
            raise refused("it maps neither a meter nor a cost", "[meters] or [cost]")
        if mapping.identity is Identity.EVENT and "event_id" not in mapping.usage:
            raise refused("its events have no id", "event_id in [usage], or a snapshot")
        grain = mapping.constants.get("grain", GRAINS[0])
        if grain not in GRAINS:
            raise refused(f"grain is {shown(grain)}", " or ".join(GRAINS))

    def _refuse_twice(self, mapping: MappingFile) -> None:
        for column in sorted(mapping.usage.keys() & mapping.constants.keys()):
            raise self.document.refused(
                f"{column} is said twice", "[usage] or [constants], not both"
            )
        self.document.refuse_reserved(mapping.fields, is_table=mapping.is_table)

    def _cost(self) -> Cost | None:
        refused = self.document.refused
        section = dict(self.document.section("cost"))
        if not section:
            return None
        per_unit = self.document.whole("[cost] per_unit", section.pop("per_unit", 1))
        if per_unit not in _PER_UNIT:
            raise refused(f"[cost] per_unit is {per_unit}", "1, or 100 for cents")
        said = {key: str(value) for key, value in section.items()}
        if not said.get("amount"):
            raise refused("[cost] has no amount", "the field that holds it")
        if not _CURRENCY.fullmatch(said.get("currency", "")):
            raise refused("[cost] has no currency", "a code of three capitals, such as USD")
        if said.get("kind") not in _KINDS:
            raise refused(f"[cost] kind is {shown(said.get('kind'))}", " or ".join(_KINDS))
        return Cost(said["amount"], said["currency"], per_unit, said["kind"])

    def _price(self) -> tuple[str, str]:
        check = self.document.texts("check")
        fields = (check.get("quantity", ""), check.get("unit_price", ""))
        if bool(fields[0]) != bool(fields[1]) or (fields[0] and not self.document.section("cost")):
            raise self.document.refused(
                "[check] has a quantity or a unit price alone", "both of them, and a [cost]"
            )
        return fields


def _terms(said: str) -> tuple[tuple[str, str], ...]:
    first, *rest = _TERMS.split(said)
    return (("+", first), *zip(rest[::2], rest[1::2], strict=True))
