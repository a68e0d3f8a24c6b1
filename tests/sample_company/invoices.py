"""The providers' invoices: what they charge for the usage, and what they add and take off."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

from tests.sample_company.company import MONTHS
from tests.sample_company.flat import (
    CREDIT_BOUGHT,
    CREDIT_PAID,
    CREDIT_WORTH,
    SEAT_PRICE,
    SEATS,
)
from tests.sample_company.tally import Tally
from tests.sample_company.writing import write_text

_COLUMNS = (
    "invoice_id",
    "provider",
    "billing_account",
    "period",
    "category",
    "description",
    "amount",
    "currency",
    "invoice_total",
    "booking_currency",
    "booking_amount",
    "fx_rate",
    "fx_date",
)
_PREFIX = {
    "openai": "OAI",
    "anthropic": "ANT",
    "aws": "EUINDE26",
    "google": "GCP",
    "deepseek": "DSK",
}
_WHAT = {
    "openai": "API usage",
    "anthropic": "Claude API usage",
    "aws": "Amazon Bedrock usage",
    "google": "Gemini API usage",
    "deepseek": "API usage",
}
_CENT = Decimal("0.01")
_CREDIT = Decimal("-150.00")
_EURO_RATE, _EURO_DAY = Decimal("0.8640"), "2026-11-04"
_VAT = Decimal("0.19")
_SESSION_PRICE = Decimal("0.03")
_IMAGE_PRICE = Decimal("0.042")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of an invoice; `euro_rate` is set when it is booked in EUR."""

    category: str
    description: str
    amount: Decimal
    euro_rate: Decimal | None = None


def write_invoices(folder: Path, tally: Tally) -> None:
    """Write one file a month with the invoices of that month."""
    for number, month in enumerate(MONTHS, start=1):
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for provider, prefix in _PREFIX.items():
            lines = _lines(provider, month, tally)
            writer.writerows(_rows(f"{prefix}-{1000 + number}", provider, month, lines))
        if month == "2026-10":
            price = Decimal(SEAT_PRICE.numerator)
            seats = f"Copilot Business, {SEATS} seats at USD {price:.2f}"
            lines = [_Line("seats", seats, SEATS * price)]
            writer.writerows(_rows("GH-1006", "github", month, lines))
        write_text(folder / f"invoices-{month}.csv", out.getvalue())


def _lines(provider: str, month: str, tally: Tally) -> list[_Line]:
    usage = tally.cents(provider, month)
    lines = [_Line("usage", _WHAT[provider], usage)]
    if provider == "openai" and month == "2026-06":
        lines.extend(_without_rates(month, tally))
    if provider == "openai" and month == "2026-10":
        lines.append(_Line("credit", "Service credit for the incident of 9 October", _CREDIT))
        vat = ((usage + _CREDIT) * _VAT).quantize(_CENT, ROUND_HALF_EVEN)
        lines.append(_Line("tax", "VAT 19 %", vat))
    if provider == "deepseek" and month >= CREDIT_BOUGHT:
        lines.append(_Line("credit", "Paid from credit", -usage))
    if provider == "deepseek" and month == CREDIT_BOUGHT:
        worth = f"Credit bought, worth USD {CREDIT_WORTH.numerator}.00"
        lines.append(_Line("commitment", worth, Decimal(CREDIT_PAID.numerator)))
    if provider == "anthropic" and month == "2026-10":
        lines = [replace(line, euro_rate=_EURO_RATE) for line in lines]
    return lines


def _without_rates(month: str, tally: Tally) -> list[_Line]:
    # The vector stores stayed below a gigabyte: priced like any other, then taken off.
    free = tally.allowances["openai", month]
    sessions = tally.unpriced[month, "openai", "", "code_interpreter_session"]
    images = tally.unpriced[month, "openai", "gpt-image-1", "image"]
    return [
        _Line("usage", f"Code interpreter, {sessions} sessions", sessions * _SESSION_PRICE),
        _Line(
            "usage",
            f"Image generation, {images} images",
            (images * _IMAGE_PRICE).quantize(_CENT, ROUND_HALF_EVEN),
        ),
        _Line("discount", "Vector stores, first gigabyte free", -Decimal(round(free * 100)) / 100),
    ]


def _rows(
    invoice_id: str, provider: str, month: str, lines: list[_Line]
) -> Iterator[tuple[str, ...]]:
    total = sum((line.amount for line in lines), Decimal(0))
    for line in lines:
        booked = ("", "", "", "")
        if line.euro_rate is not None:
            euros = (line.amount * line.euro_rate).quantize(_CENT, ROUND_HALF_EVEN)
            booked = ("EUR", str(euros), str(line.euro_rate), _EURO_DAY)
        yield (
            invoice_id,
            provider,
            "default",
            month,
            line.category,
            line.description,
            f"{line.amount:.2f}",
            "USD",
            f"{total:.2f}",
            *booked,
        )
