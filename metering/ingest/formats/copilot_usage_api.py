"""Pages of GitHub's billing usage API: what Copilot cost an entity in a month or on a day.

Items name models and SKUs, and neither users nor days: GitHub's own totals, to hold the billing
reports against. Nothing of it is charged. A page that was asked for a part of the entity (one user,
model, product or cost centre) is refused: as a total it would be wrong.

Source: source formats note, section 2.3, read 2026-11-21; GitHub, "Billing usage" endpoints.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from metering.core.meters import Meter
from metering.errors import SourceError, SourceRef
from metering.ingest.contract import Identity, Reading, Repeat, Sample, Slice, SourceRole, Verdict
from metering.ingest.marks import by_keys
from metering.ingest.shapes.buckets import Span
from metering.ingest.shapes.pages import Row, RowPage, read_row_pages, rows_as_records
from metering.ingest.shapes.records import given, metered, readings, reported
from metering.ingest.values.exact_decimals import amount, nanos, require_product
from metering.ingest.values.fields import FieldRefused, Fields

if TYPE_CHECKING:
    from metering.ingest.readers import Reader

_SCOPE: Final = "costs"
_LIST: Final = "usageItems"
_ENTITIES: Final = ("enterprise", "organization", "user")
_FILTERS: Final = ("model", "product", "costCenter", "costCenterId")
_DECEMBER: Final = 12
_ONE_DAY: Final = timedelta(days=1)
_AGAIN: Final = "ask for a whole entity and a month or a day, and save each answer as it comes"


class CopilotUsageApi:
    """One record per item."""

    name = "copilot-usage-api"
    version = 1
    role = SourceRole.COST
    identity = Identity.SNAPSHOT
    repeat = Repeat.REJECT
    describes = (
        "GitHub billing usage API: what Copilot cost by model, in a month or on a day (JSON)"
    )
    export = "GET /organizations/{org}/settings/billing/ai_credit/usage?year=…&month=…"
    cannot_tell = "users; days, unless one is asked for"

    def identify(self, sample: Sample) -> Verdict:
        """Match on the members of a page and its items."""
        marks = ("timePeriod", _LIST, "grossQuantity", "netAmount")
        return by_keys(sample, marks, {}, "its pages list usage that GitHub billed")

    def read(self, path: Path, reader: "Reader") -> Iterator[Reading]:
        """Yield what each model cost, then the periods that the pages are of."""
        asked = [_asked_for(page, str(path)) for page in read_row_pages(path, reader, _LIST)]
        asked.sort(key=lambda one: one.first)
        for earlier, later in pairwise(asked):
            if later.first < earlier.end:
                raise _unusable(str(path), "repeated-bucket", f"two pages cover {later.first}")
        records = (rows_as_records(one.rows, one.cells_of) for one in asked)
        yield from readings(chain.from_iterable(records), {})
        for one in asked:
            last = one.end - _ONE_DAY
            yield Slice(_SCOPE, f"width={one.width}", one.first.isoformat(), last.isoformat())


@dataclass(frozen=True, slots=True)
class _Asked:
    """A page, and what it was asked for.

    Attributes:
        first: first day of its period.
        end: first day after it.
        organization: None for another entity.
        rows: its items.
    """

    first: date
    end: date
    organization: str | None
    rows: tuple[Row, ...]

    @property
    def width(self) -> str:
        """Return day or month."""
        return "day" if self.end - self.first == _ONE_DAY else "month"

    def cells_of(self, row: Row) -> Mapping[str, object]:
        """Return the cells of one of its items."""
        start, end = (datetime.combine(day, time(), UTC) for day in (self.first, self.end))
        item = row.fields
        for kind in ("gross", "net"):
            require_product(
                item,
                quantity_name=f"{kind}Quantity",
                price_name="pricePerUnit",
                cost_name=f"{kind}Amount",
            )
        billed = nanos(amount(item, "netAmount"))
        return {
            **Span(start, end).cells(),
            "provider": "github",
            "platform": "github-copilot",
            "product": "copilot",
            "model_raw": item.text_if_any("model"),
            "workspace": self.organization,
            "tags": given({"sku": item.text("sku"), "unit_type": item.text_if_any("unitType")}),
            # Of two answers for one period the one that says more is the later.
            **metered({Meter.BILLED_NANOS: max(billed, 0)}),
            **reported(billed, "USD", "billed"),
        }


def _asked_for(page: RowPage, path: str) -> _Asked:
    """Return a page with the period it is of.

    Raises:
        SourceError: `partial-pull` for a page of a part of the entity; `bad-page` for one whose
            period is neither a month nor a day.
    """
    filters = [name for name in _FILTERS if page.members.get(name)]
    entities = [name for name in _ENTITIES if page.members.get(name)]
    if filters or len(entities) > 1:
        asked = ", ".join((*entities, *filters))
        raise _unusable(path, "partial-pull", f"a page was asked for a part: {asked}")
    try:
        fields = Fields(page.members)
        organization = fields.text_if_any("organization")
        period = fields.part("timePeriod")
        year, month = period.whole_number("year"), period.whole_number("month")
        day = period.whole_number_if_any("day")
        first = date(year, month, day or 1)
    except FieldRefused as refusal:
        raise _unusable(path, "bad-page", f"{refusal.field} is {refusal.found}") from refusal
    except (ValueError, OverflowError) as error:
        raise _unusable(path, "bad-page", "timePeriod is no month and no day") from error
    if not date(2000, 1, 1) <= first < date(2100, 1, 1):
        raise _unusable(path, "bad-page", f"timePeriod begins on {first}")
    end = date(year + month // _DECEMBER, month % _DECEMBER + 1, 1)
    return _Asked(first, end if day is None else first + _ONE_DAY, organization, page.rows)


def _unusable(path: str, code: str, what: str) -> SourceError:
    return SourceError(SourceRef(path), code, what, do=_AGAIN)
