"""Mapping files: what a table or JSON Lines of a house's own means, in words instead of a module.

A mapping is a TOML file in the folder `mappings/` beside metering.toml; each one becomes an
ingestor of its own, called `mapped-` and its name:

    name = "acme-gateway"
    describes = "Acme gateway: nightly dump of requests"
    export = "the job nightly-dump writes it to the share"
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

With `form = "json"` a dot leads into an object: "usage.prompt". A mapping that says a thing twice,
or one that nobody knows, is refused: no file is read with half of a meaning.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from metering.core.meters import TOKEN_METERS, Meter
from metering.errors import SourceError, SourceRef, shown
from metering.ingest.contract import Identity, Repeat, SourceRole
from metering.usage.schema import CONDITION_COLUMNS, IDENTITY_COLUMNS

TIME_FORMS: Final = ("offset", "utc", "day", "seconds", "milliseconds", "nanoseconds")
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
_KINDS: Final = ("billed", "list", "estimate")
_PER_UNIT: Final = (1, 100)
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_TERMS: Final = re.compile(r" ([+-]) ")
_LONGEST_NAME: Final = 40
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
    *("name", "describes", "export", "form", "role", "identity", "repeat", "version"),
    *_SECTIONS,
)
# What rows are called while they are read.
_RESERVED: Final = ("m_", "line_", "refused_by", "shared_key", "place", "snapshot", "stands_for")
_REMEDY: Final = "correct the mapping; until then no file is read"


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
    """Return the mappings of a folder in order of their names; none if there is no such folder.

    Raises:
        SourceError: `bad-mapping`; a file cannot be read, or says what nobody knows.
    """
    return tuple(read_mapping(path) for path in sorted(folder.glob("*.toml")))


def read_mapping(path: Path) -> MappingFile:
    """Return one mapping, checked.

    Raises:
        SourceError: as `read_mappings`.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _refused(path, f"it is not readable TOML: {error}") from error
    return _Checked(path, document).mapping()


def _refused(path: Path, what: str, expected: str = "") -> SourceError:
    details = (f"expected: {expected}",) if expected else ()
    return SourceError(SourceRef(str(path)), "bad-mapping", what, details=details, do=_REMEDY)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A document whose parts are checked as they are asked for."""

    path: Path
    document: Mapping[str, object]

    def mapping(self) -> MappingFile:
        self._refuse_unknown("", self.document, _TOP)
        mapping = MappingFile(
            name=self._name(),
            describes=self._text("describes"),
            export=self._text("export"),
            is_table=self._one_of("form", ("table", "json")) == "table",
            role=SourceRole(self._one_of("role", _ROLES)),
            identity=Identity(self._one_of("identity", tuple(Identity))),
            repeat=Repeat(self._one_of("repeat", tuple(Repeat), default=Repeat.REJECT.value)),
            version=self._whole("version", self.document.get("version", 1)),
            recognised_by=self._recognised_by(),
            time_form=self._time_form(),
            constants=self._texts("constants"),
            usage=self._texts("usage"),
            meters={meter: _terms(said) for meter, said in self._texts("meters").items()},
            tags=self._texts("tags"),
            cost=self._cost(),
            total=self._texts("check").get("total", ""),
            price=self._price(),
        )
        self._refuse_missing(mapping)
        self._refuse_twice(mapping)
        return mapping

    def _refuse_missing(self, mapping: MappingFile) -> None:
        for column in _NEEDED:
            if column not in mapping.usage and column not in mapping.constants:
                raise self._refused(f"nothing says the {column}", "[usage] or [constants] with it")
        if "start" not in mapping.usage:
            raise self._refused("nothing says when it was", "start in [usage]")
        if not mapping.meters and mapping.cost is None:
            raise self._refused("it maps neither a meter nor a cost", "[meters] or [cost]")
        if mapping.identity is Identity.EVENT and "event_id" not in mapping.usage:
            raise self._refused("its events have no id", "event_id in [usage], or a snapshot")
        grain = mapping.constants.get("grain", GRAINS[0])
        if grain not in GRAINS:
            raise self._refused(f"grain is {shown(grain)}", " or ".join(GRAINS))

    def _refuse_twice(self, mapping: MappingFile) -> None:
        for column in sorted(mapping.usage.keys() & mapping.constants.keys()):
            raise self._refused(f"{column} is said twice", "[usage] or [constants], not both")
        for field in mapping.fields:
            if field.lower().startswith(_RESERVED) or not field.isprintable():
                raise self._refused(f"the field {shown(field)} is reserved", "another name")
            if not mapping.is_table and any(
                other.startswith(f"{field}.") for other in mapping.fields
            ):
                raise self._refused(f"{shown(field)} is a field and an object", "one of the two")

    def _name(self) -> str:
        name = self._text("name")
        if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
            raise self._refused(f"name is {shown(name)}", "words in small letters with hyphens")
        return name

    def _recognised_by(self) -> tuple[str, ...]:
        fields = self._section("recognise").get("fields")
        if not isinstance(fields, list) or not fields:
            raise self._refused("nothing says how it is recognised", "fields in [recognise]")
        if not all(isinstance(one, str) and one for one in fields):
            raise self._refused("[recognise] fields is no list of texts", "names of fields")
        return tuple(str(one) for one in fields)

    def _time_form(self) -> str:
        form = self._section("time").get("form", TIME_FORMS[0])
        if form not in TIME_FORMS:
            raise self._refused(f"[time] form is {shown(form)}", " or ".join(TIME_FORMS))
        return str(form)

    def _cost(self) -> Cost | None:
        section = dict(self._section("cost"))
        if not section:
            return None
        per_unit = self._whole("[cost] per_unit", section.pop("per_unit", 1))
        if per_unit not in _PER_UNIT:
            raise self._refused(f"[cost] per_unit is {per_unit}", "1, or 100 for cents")
        said = {key: str(value) for key, value in section.items()}
        if not said.get("amount"):
            raise self._refused("[cost] has no amount", "the field that holds it")
        if not _CURRENCY.fullmatch(said.get("currency", "")):
            raise self._refused("[cost] has no currency", "a code of three capitals, such as USD")
        if said.get("kind") not in _KINDS:
            raise self._refused(f"[cost] kind is {shown(said.get('kind'))}", " or ".join(_KINDS))
        return Cost(said["amount"], said["currency"], per_unit, said["kind"])

    def _price(self) -> tuple[str, str]:
        check = self._texts("check")
        fields = (check.get("quantity", ""), check.get("unit_price", ""))
        if bool(fields[0]) != bool(fields[1]) or (fields[0] and not self._section("cost")):
            raise self._refused(
                "[check] has a quantity or a unit price alone", "both of them, and a [cost]"
            )
        return fields

    def _texts(self, section: str) -> dict[str, str]:
        values = self._section(section)
        for key, value in values.items():
            if not isinstance(value, str) or not value:
                raise self._refused(f"[{section}] {key} is {shown(value)}", "text")
        return {key: str(value) for key, value in values.items()}

    def _section(self, section: str) -> Mapping[str, object]:
        values = self.document.get(section, {})
        if not isinstance(values, dict):
            raise self._refused(f"{section} is no section", f"[{section}]")
        self._refuse_unknown(section, values, _SECTIONS[section])
        return values

    def _refuse_unknown(
        self, section: str, values: Mapping[str, object], known: tuple[str, ...]
    ) -> None:
        for key in values:
            if known and key not in known:
                where = f"[{section}] has" if section else "there is"
                raise self._refused(f"{where} no {shown(key)}", ", ".join(known))

    def _text(self, key: str) -> str:
        value = self.document.get(key)
        if not isinstance(value, str) or not value:
            raise self._refused(f"{key} is left out", "text")
        return value

    def _one_of(self, key: str, known: tuple[str, ...], *, default: str | None = None) -> str:
        value = self.document.get(key, default)
        if value not in known:
            raise self._refused(f"{key} is {shown(value)}", " or ".join(known))
        return str(value)

    def _whole(self, key: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self._refused(f"{key} is {shown(value)}", "a whole number, 1 or more")
        return value

    def _refused(self, what: str, expected: str) -> SourceError:
        return _refused(self.path, what, expected)


def _terms(said: str) -> tuple[tuple[str, str], ...]:
    first, *rest = _TERMS.split(said)
    return (("+", first), *zip(rest[::2], rest[1::2], strict=True))
