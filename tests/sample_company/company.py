"""Who works at Lindqvist Freight, on what, with which keys, and which cost centre pays."""

import csv
import io
from dataclasses import dataclass
from datetime import date, timedelta

from tests.sample_company.chance import digest

FIRST_DAY = date(2026, 5, 1)
LAST_DAY = date(2026, 10, 31)
MONTHS = ("2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10")

COST_CENTRES = {
    "payments": "CC-4100",
    "platform": "CC-4200",
    "data": "CC-4300",
    "support": "CC-4400",
    "growth": "CC-4500",
    "shared": "CC-9000",
}
PROJECTS = {
    "payments": ("refunds", "ledger-api"),
    "platform": ("build-farm", "search-index"),
    "data": ("forecasting", "lakehouse"),
    "support": ("helpdesk", "triage"),
    "growth": ("campaigns", "translations"),
}
_NAMES = {
    "payments": (
        "Ana Marek, Bo Lund, Chidi Okafor, Dana Weiss, Emre Kaya, Farah Aziz, Goran Ilic, Hana Sato"
    ),
    "platform": (
        "Ines Prado, Jonas Berg, Kavya Rao, Liam Doyle, "
        "Mei Lin, Nils Holm, Olga Petrova, Pavel Novak"
    ),
    "data": (
        "Quentin Roy, Rosa Vidal, Samir Haddad, Tomas Vrba, "
        "Uma Nair, Viktor Dahl, Wanda Zielak, Xin Zhao"
    ),
    "support": (
        "Yara Costa, Zoltan Nagy, Aino Laine, Bruno Alves, "
        "Carla Ricci, Diego Luna, Elif Demir, Finn Ode"
    ),
    "growth": (
        "Greta Moss, Hugo Silva, Iris Blom, Jakub Wolny, "
        "Kira Stahl, Leo Marchetti, Maja Lind, Noor Said"
    ),
}
# Tomas and Ines are the two heavy users of October: both work on long tasks through the gateway.
BUSY_WITH_RESULTS = "ines"
# A ticket that a team books everything on: more days than one piece of work takes.
CATCH_ALL_TICKET = "PAY-1"
BUSY_WITHOUT_RESULTS = "tomas"
# Ana changes team in the middle of a month; her keys go with her.
MOVES = "ana"
MOVE_DAY = date(2026, 10, 16)


@dataclass(frozen=True, slots=True)
class Owner:
    """Who bears a cost.

    Attributes:
        team: people.
        project: what the work is for.
    """

    team: str
    project: str

    @property
    def cost_centre(self) -> str:
        """The code finance books it to."""
        return COST_CENTRES[self.team]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account at the gateway.

    Attributes:
        login: name in the gateway (after `u-`) and on GitHub.
        name: full name.
        owner: team and project on the first day.
    """

    login: str
    name: str
    owner: Owner

    @property
    def gateway_user(self) -> str:
        """The user id that the gateway writes into its logs."""
        return f"u-{self.login}"

    @property
    def gateway_key(self) -> str:
        """The hashed key that the gateway writes into its logs."""
        return digest("gateway key", self.login)


def _staff() -> tuple[Person, ...]:
    people = []
    for team, names in _NAMES.items():
        for place, name in enumerate(names.split(", ")):
            owner = Owner(team, PROJECTS[team][place % 2])
            people.append(Person(name.split()[0].lower(), name, owner))
    return tuple(people)


PEOPLE = _staff()
PERSON = {person.login: person for person in PEOPLE}

SHARED_SEARCH = Owner("shared", "search-index")
SHARED_CODE = Owner("shared", "claude-code")
PITCH_BOT = Owner("growth", "pitch-bot")
AFTER_THE_MOVE = Owner("platform", "build-farm")

# Keys of services; a key that is in no table here has no owner, on purpose.
SERVICE_KEYS = {
    # OpenAI
    "key_ledger_api": Owner("payments", "ledger-api"),
    "key_refunds": Owner("payments", "refunds"),
    "key_helpdesk": Owner("support", "helpdesk"),
    "key_triage": Owner("support", "triage"),
    "key_campaigns": Owner("growth", "campaigns"),
    "key_forecasting": Owner("data", "forecasting"),
    "key_search_index": SHARED_SEARCH,
    # Anthropic
    "apikey_01Refunds": Owner("payments", "refunds"),
    "apikey_01BuildFarm": Owner("platform", "build-farm"),
    "apikey_01Forecasting": Owner("data", "forecasting"),
    "apikey_01ClaudeCode": SHARED_CODE,
    "apikey_01PitchBot": PITCH_BOT,
    # the gateway
    digest("gateway key", "lakehouse"): Owner("data", "lakehouse"),
    digest("gateway key", "pitch-bot"): PITCH_BOT,
}
# Usage that the provider reports by project alone, without a key.
WORKSPACES = {"proj_data": Owner("data", "forecasting")}
# Repositories, so that what is merged in them finds its owner; usage does not name them.
REPOSITORIES = {
    "lindqvist-freight/refunds-service": Owner("payments", "refunds"),
    "lindqvist-freight/build-farm": Owner("platform", "build-farm"),
    "lindqvist-freight/forecasting": Owner("data", "forecasting"),
    "lindqvist-freight/helpdesk-bot": Owner("support", "helpdesk"),
}
ANA_OPENAI_KEY = "key_ana_marek"
# These two are in no owners file: a rule finds their owner.
SUPPORT_WORKSPACE = "wrkspc_01Support"
HELPDESK_BY_RULE = Owner("support", "helpdesk")
TRANSLATIONS_BY_RULE = Owner("growth", "translations")


def owner_of_person(login: str, day: date) -> Owner:
    """Return who bears what a person uses on a day."""
    if login == MOVES and day >= MOVE_DAY:
        return AFTER_THE_MOVE
    return PERSON[login].owner


def days(first: date = FIRST_DAY, last: date = LAST_DAY) -> tuple[date, ...]:
    """Return every day from `first` to `last`, both inclusive."""
    return tuple(first + timedelta(days=step) for step in range((last - first).days + 1))


def month_days(month: str) -> tuple[date, ...]:
    """Return the days of one month, "2026-05"."""
    return tuple(day for day in days() if f"{day:%Y-%m}" == month)


def is_workday(day: date) -> bool:
    """Whether a day is a Monday to a Friday."""
    return day.weekday() < 5


def owners_csv() -> str:
    """Return the owners file: one row per key and stretch of time, `valid_to` exclusive."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("key", "person", "team", "project", "cost_centre", "valid_from", "valid_to"))
    for key, owner in (*SERVICE_KEYS.items(), *WORKSPACES.items()):
        writer.writerow((key, "", *_columns(owner), "2026-01-01", ""))
    for key, person in ((ANA_OPENAI_KEY, PERSON[MOVES]), *((p.gateway_user, p) for p in PEOPLE)):
        moves = person.login == MOVES
        until = MOVE_DAY.isoformat() if moves else ""
        writer.writerow((key, person.name, *_columns(person.owner), "2026-01-01", until))
        if moves:
            writer.writerow((key, person.name, *_columns(AFTER_THE_MOVE), MOVE_DAY, ""))
    for repository, owner in REPOSITORIES.items():
        writer.writerow((repository, "", *_columns(owner), "2026-01-01", ""))
    return out.getvalue()


def _columns(owner: Owner) -> tuple[str, str, str]:
    return owner.team, owner.project, owner.cost_centre
