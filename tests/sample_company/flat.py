"""What Lindqvist Freight agreed to pay whatever it uses, and who has its seats.

The expected shares are worked out here a second time: a seat and day costs its part of the month.
"""

import csv
import io
from collections import defaultdict
from datetime import date
from fractions import Fraction

from tests.sample_company.company import MOVES, PEOPLE, Owner, month_days, owner_of_person

SEATS, SEAT_PRICE = 24, Fraction(19)
MONTH = "2026-10"
UNUSED = Owner("shared", "seats")
# DeepSeek takes money beforehand: 60 dollars of credit for 50.
CREDIT_BOUGHT, CREDIT_PAID, CREDIT_WORTH = "2026-09", Fraction(50), Fraction(60)
# With a seat all month are the first 21 of the company; one joins, one leaves, three are unused.
_WITH_A_SEAT = 21
_JOINS, _JOIN_DAY = "wanda", date(2026, 10, 12)
_LEAVES, _LEAVE_DAY = "liam", date(2026, 10, 20)

FLAT_TOML = """\
# What is paid whatever is used. Amounts are text, days are half-open.

[[seats]]
name = "copilot-business"
provider = "github"
billing_account = "default"
currency = "USD"
fee = "19.00"
each = "month"
paid = 24
from = 2026-10-01
unused = { cost_centre = "CC-9000", team = "shared", project = "seats" }

# DeepSeek takes money beforehand; what usage costs is drawn from it.
[[prepaid]]
name = "deepseek-2026-09"
provider = "deepseek"
billing_account = "default"
currency = "USD"
credit = "60.00"
paid = "50.00"
bought = 2026-09-01
expires = 2027-09-01
owner = { cost_centre = "CC-9000", team = "shared", project = "credit" }

# A year's promise to Anthropic; what falls short of it is owed on its last day.
[[commitment]]
name = "anthropic-2026"
provider = "anthropic"
billing_account = "default"
currency = "USD"
amount = "60000.00"
from = 2026-05-01
to = 2027-05-01
owner = { cost_centre = "CC-9000", team = "shared", project = "commitment" }
"""


def seats_csv() -> str:
    """Return who has a seat, one row to a stretch of days, `to` exclusive."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("key", "person", "plan", "from", "to"))
    for login, first, end in _assignments():
        person = next(person for person in PEOPLE if person.login == login)
        row = (person.gateway_user, person.name, "copilot-business", first, end or "")
        writer.writerow(row)
    return out.getvalue()


def flat_rows() -> list[dict[str, object]]:
    """Return what flat money is charged, by account and owner: what the ledger must reach."""
    days = month_days(MONTH)
    sums: defaultdict[Owner, Fraction] = defaultdict(Fraction)
    for day in days:
        holders = [
            login
            for login, first, end in _assignments()
            if first <= day and (end is None or day < end)
        ]
        for login in holders:
            sums[owner_of_person(login, day)] += SEAT_PRICE / len(days)
        sums[UNUSED] += (SEATS - len(holders)) * SEAT_PRICE / len(days)
    return [
        {
            "provider": "github",
            "billing_account": "default",
            "period": MONTH,
            "cost_centre": owner.cost_centre,
            "team": owner.team,
            "project": owner.project,
            "usd": f"{round(sums[owner] * 10**9) / 10**9:.9f}",
            "nanos": round(sums[owner] * 10**9),
        }
        for owner in sorted(sums, key=lambda owner: (owner.cost_centre, owner.project))
    ]


def _assignments() -> list[tuple[str, date, date | None]]:
    first = date(2026, 10, 1)
    people = [person.login for person in PEOPLE[:_WITH_A_SEAT]]
    if MOVES not in people or _LEAVES not in people or _JOINS in people:
        raise ValueError("the people with a seat are not those that the README tells of")
    rows = [(login, first, _LEAVE_DAY if login == _LEAVES else None) for login in people]
    return [*rows, (_JOINS, _JOIN_DAY, None)]
