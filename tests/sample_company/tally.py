"""What the ledger ought to say, added up while the exports are written."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

from tests.sample_company import prices
from tests.sample_company.company import Owner

_CENT = Fraction(1, 100)
_NANOS = 1_000_000_000


class Tally:
    """The expected amounts by provider, by owner, and the usage that has no price."""

    def __init__(self) -> None:
        self.by_account: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
        self.by_owner: defaultdict[tuple[str, str, str, str], Fraction] = defaultdict(Fraction)
        # What the provider gives away: invoices name it, so that `by_account` is without it.
        self.allowances: defaultdict[tuple[str, str], Fraction] = defaultdict(Fraction)
        self.unpriced: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
        # What a provider's own cost report lists: by provider, day, model and meter.
        self.items: defaultdict[tuple[str, date, str, str], Fraction] = defaultdict(Fraction)
        self.records: dict[str, int] = {}

    def add(
        self,
        provider: str,
        model: str,
        at: datetime,
        meters: Mapping[str, int],
        *,
        owner: Owner | None,
        condition: str = "",
    ) -> Fraction:
        """Add some usage and return what it costs; usage without a price costs nothing here.

        Args:
            provider: who bills.
            model: as the export spells it.
            at: an instant of the usage.
            meters: disjoint quantities.
            owner: who bears it; None is unattributed.
            condition: as in `prices.Price`.
        """
        month = f"{at:%Y-%m}"
        amount = prices.cost(provider, model, at, meters, condition)
        if amount is None:
            for meter, quantity in meters.items():
                if quantity:
                    self.unpriced[month, provider, model, meter] += quantity
            return Fraction(0)
        where = (owner.cost_centre, owner.team, owner.project) if owner else ("", "", "")
        self.by_account[provider, month] += amount
        self.by_owner[month, *where] += amount
        for meter, quantity in meters.items():
            item = prices.cost(provider, model, at, {meter: quantity}, condition)
            self.items[provider, at.date(), model, meter] += item or Fraction(0)
        return amount

    def allow(self, provider: str, at: datetime, amount: Fraction, *, owner: Owner) -> None:
        """Take off what the provider gives away of some usage."""
        month = f"{at:%Y-%m}"
        self.allowances[provider, month] += amount
        self.by_owner[month, owner.cost_centre, owner.team, owner.project] -= amount

    def cents(self, provider: str, month: str) -> Decimal:
        """Return what a provider's invoice of a month shows, in dollars and cents.

        Raises:
            ValueError: the exact amount lies so near half a cent that the ledger, which rounds
                each posting to a nano, might show another cent.
        """
        exact = self.by_account[provider, month]
        if abs(exact / _CENT % 1 - Fraction(1, 2)) < Fraction(1, 1000):
            raise ValueError(f"{provider} {month} lies on half a cent; change a quantity")
        return Decimal(round(exact / _CENT)) / 100

    def document(self) -> dict[str, object]:
        """Return everything expected, as the JSON document that tests read."""
        return {
            "currency": "USD",
            "by_account": [
                {
                    "provider": provider,
                    "billing_account": "default",
                    "period": month,
                    **_money(amount - self.allowances[provider, month]),
                    "cents": str(self.cents(provider, month)),
                }
                for (provider, month), amount in sorted(self.by_account.items())
            ],
            "by_owner": [
                {
                    "period": month,
                    "cost_centre": cost_centre,
                    "team": team,
                    "project": project,
                    **_money(amount),
                }
                for (month, cost_centre, team, project), amount in sorted(self.by_owner.items())
            ],
            "unpriced": [
                {
                    "period": month,
                    "provider": provider,
                    "model": model,
                    "meter": meter,
                    "quantity": quantity,
                }
                for (month, provider, model, meter), quantity in sorted(self.unpriced.items())
            ],
            "records": dict(sorted(self.records.items())),
        }


def _money(amount: Fraction) -> dict[str, object]:
    return {"usd": exact_text(amount), "nanos": round(amount * _NANOS)}


def exact_text(amount: Fraction) -> str:
    """Return a fraction of a power of ten as decimal text, every digit of it."""
    digits = 0
    while (amount * 10**digits).denominator != 1:
        digits += 1
    whole, rest = divmod(int(amount * 10**digits), 10**digits)
    return f"{whole}.{rest:0{digits}d}" if digits else str(whole)


def start_of(day: date) -> datetime:
    """Return midnight UTC, the start of a daily bucket."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
