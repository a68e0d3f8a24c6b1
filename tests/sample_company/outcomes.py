"""GitHub: pull requests as `gh pr list --json` prints them, one file a repository."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.sample_company.chance import between, digest
from tests.sample_company.company import BUSY_WITH_RESULTS, PERSON, days, is_workday
from tests.sample_company.writing import write_text

# repository, ticket prefix, authors, one pull request every so many workdays
_REPOSITORIES = (
    ("refunds-service", "PAY", ("ana", "chidi", "emre", "goran"), 3),
    ("build-farm", "PLT", (BUSY_WITH_RESULTS, "kavya", "mei", "olga"), 2),
    ("forecasting", "DAT", ("quentin", "samir", "uma"), 4),
    ("helpdesk-bot", "SUP", ("yara", "aino", "carla"), 5),
)
# Pitch-bot has no repository and merges nothing; neither does the quieter of the heavy users.


def write_outcomes(folder: Path) -> None:
    """Write the pull requests of the half-year, newest first as the tool lists them."""
    for repository, prefix, authors, every in _REPOSITORIES:
        pulls = []
        workdays = [day for day in days() if is_workday(day)]
        for number, day in enumerate(workdays[::every], start=100):
            author = authors[number % len(authors)]
            pulls.append(_pull(repository, f"{prefix}-{number - 60}", number, author, day))
        if repository == "build-farm":
            october = [day for day in workdays if day.month == 10]
            for number, day in enumerate(october, start=400):
                # One for every working day: what the heavier use of October brought.
                ticket = f"PLT-{140 + day.day}"
                pulls.append(_pull(repository, ticket, number, BUSY_WITH_RESULTS, day))
        pulls.sort(key=lambda pull: str(pull["createdAt"]), reverse=True)
        text = json.dumps(pulls, indent=1, ensure_ascii=False) + "\n"
        write_text(folder / f"pull-requests-{repository}.json", text)


def _pull(repository: str, ticket: str, number: int, login: str, day: date) -> dict[str, object]:
    about = (repository, number)
    opened = datetime(day.year, day.month, day.day, 9, 0, tzinfo=UTC)
    opened += timedelta(seconds=between(0, 25_000, "opened", *about))
    closed = opened + timedelta(hours=between(1, 30, "closed", *about))
    dropped = between(0, 11, "dropped", *about) == 0
    headline = f"{ticket} {_TITLES[between(0, len(_TITLES) - 1, 'title', *about)]}"
    email = f"{login}@lindqvist-freight.test"
    trailer = "Co-Authored-By: Claude <noreply@anthropic.com>"
    helped = between(0, 2, "helped", *about) > 0
    return {
        "number": number,
        "id": f"PR_kw{digest('pull', *about)[:10]}",
        "url": f"https://github.com/lindqvist-freight/{repository}/pull/{number}",
        "title": headline,
        "state": "CLOSED" if dropped else "MERGED",
        "isDraft": False,
        "author": {"login": login, "is_bot": False, "name": PERSON[login].name},
        "headRefName": f"{ticket}-{repository}",
        "baseRefName": "main",
        "createdAt": f"{opened:%Y-%m-%dT%H:%M:%SZ}",
        "mergedAt": None if dropped else f"{closed:%Y-%m-%dT%H:%M:%SZ}",
        "closedAt": f"{closed:%Y-%m-%dT%H:%M:%SZ}",
        "additions": between(4, 420, "additions", *about),
        "deletions": between(0, 160, "deletions", *about),
        "changedFiles": between(1, 14, "files", *about),
        "mergeCommit": None if dropped else {"oid": digest("merge", *about)[:40]},
        "labels": [{"name": "claude-code-assisted"}] if helped else [],
        "commits": [
            {
                "oid": digest("commit", *about)[:40],
                "messageHeadline": headline,
                "messageBody": trailer if helped else "",
                "committedDate": f"{opened - timedelta(minutes=7):%Y-%m-%dT%H:%M:%SZ}",
                "authors": [{"login": login, "email": email, "name": PERSON[login].name}],
            }
        ],
    }


_TITLES = (
    "Retry when the carrier answers 429",
    "Round surcharges once, at the end",
    "Show which depot a parcel waits in",
    "Speed up the nightly build",
    "Refuse a customs form without a weight",
    "Keep the audit trail when a booking is merged",
)
