"""What the company's systems of record confirm: pull requests, support cases, agent work units.

Pull requests are as `gh pr list --json` prints them, one file a repository, commits as `git log`
does, deployments as GitHub's GraphQL API answers; the rest is in metering's own layout. The traps:
a merged change that is reverted, a commit that is, a deployment that fails after it succeeded, a
case that is opened again, a reversal dated before what it reverses, a row that stands twice, a team
nobody knows, a ticket that everything is booked on, a feed that stops in September.
"""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.sample_company.chance import between, digest
from tests.sample_company.company import (
    BUSY_WITH_RESULTS,
    CATCH_ALL_TICKET,
    PERSON,
    days,
    is_workday,
)
from tests.sample_company.writing import write_text

# repository, ticket prefix, authors, one pull request every so many workdays
_REPOSITORIES = (
    ("refunds-service", "PAY", ("ana", "chidi", "emre", "goran"), 3),
    ("build-farm", "PLT", (BUSY_WITH_RESULTS, "kavya", "mei", "olga"), 2),
    ("forecasting", "DAT", ("quentin", "samir", "uma"), 4),
    ("helpdesk-bot", "SUP", ("yara", "aino", "carla"), 5),
)
# The data team moved its repository to another host and forgot the export.
_SILENT_FROM = {"forecasting": date(2026, 9, 12)}
# A change of refunds-service that is merged and taken back with GitHub's Revert button.
_REVERTED_ON, _REVERT_NUMBER = date(2026, 10, 6), 190
# The one change that is merged for the ticket that everything is booked on.
_TIDIED = date(2026, 10, 14)
# Pitch-bot has no repository and merges nothing; neither does the quieter of the heavy users.


def write_outcomes(folder: Path) -> None:
    """Write the pull requests of the half-year, newest first as the tool lists them."""
    for repository, prefix, authors, every in _REPOSITORIES:
        pulls = []
        last = _SILENT_FROM.get(repository, date.max)
        workdays = [day for day in days() if is_workday(day) and day < last]
        for number, day in enumerate(workdays[::every], start=100):
            author = authors[number % len(authors)]
            pulls.append(_pull(repository, f"{prefix}-{number - 60}", number, author, day))
        if repository == "build-farm":
            october = [day for day in workdays if day.month == 10]
            for number, day in enumerate(october, start=400):
                # One for every working day: what the heavier use of October brought.
                ticket = f"PLT-{140 + day.day}"
                pulls.append(_pull(repository, ticket, number, BUSY_WITH_RESULTS, day))
        if repository == "refunds-service":
            pulls.extend(_reverted(repository))
            pulls.append(_pull(repository, CATCH_ALL_TICKET, 195, "emre", _TIDIED, dropped=False))
        pulls.sort(key=lambda pull: str(pull["createdAt"]), reverse=True)
        text = json.dumps(pulls, indent=1, ensure_ascii=False) + "\n"
        write_text(folder / f"pull-requests-{repository}.json", text)
    write_text(folder / "commits-refunds-service.txt", _commits())
    write_text(folder / "deployments-helpdesk-bot.json", _deployments())
    write_text(folder / "support-cases.csv", _cases())
    write_text(folder / "agent-work-units.csv", _work_units())


def _reverted(repository: str) -> tuple[dict[str, object], ...]:
    number = _REVERT_NUMBER
    merged = _pull(repository, "PAY-190", number, "chidi", _REVERTED_ON, dropped=False)
    later = _REVERTED_ON + timedelta(days=3)
    revert = _pull(repository, "PAY-190", number + 1, "chidi", later, dropped=False)
    return merged, {**revert, "headRefName": f"revert-{number}-{merged['headRefName']}"}


def _commits() -> str:
    """Return the commits of refunds-service in October, newest first; one reverts another."""
    about = [
        (day, "PAY-318 Refund part of a booking")
        for day in days(date(2026, 10, 1), date(2026, 10, 31))
        if is_workday(day) and day.day % 3 == 0
    ]
    broken = _hash(about[1][0])
    commits = [
        (_hash(day), day, subject, "Co-Authored-By: Claude <noreply@anthropic.com>\n")
        for day, subject in about
    ]
    undone = date(2026, 10, 13)
    reason = f"This reverts commit {broken}.\n"
    commits.append((_hash(undone), undone, f'Revert "{about[1][1]}"', reason))
    return "".join(
        "\x1f".join(
            ("commit", "lindqvist-freight/refunds-service", name, f"{day}T16:20:00+02:00", *said)
        )
        + "\x1e\n"
        for name, day, *said in sorted(commits, key=lambda commit: commit[1], reverse=True)
    )


def _hash(day: date) -> str:
    return digest("commit", "refunds-service", day)[:40]


def _deployments() -> str:
    """Return what helpdesk-bot deployed in October; one fails an hour after it succeeded."""
    nodes = []
    for day in (date(2026, 10, 7), date(2026, 10, 14), date(2026, 10, 21)):
        statuses = [{"state": "SUCCESS", "createdAt": f"{day}T10:05:00Z"}]
        if day.day == 14:
            statuses.append({"state": "FAILURE", "createdAt": f"{day}T11:05:00Z"})
        nodes += [
            {
                "id": f"DE_{digest('deployment', environment, day)[:12]}",
                "environment": environment,
                "createdAt": f"{day}T10:00:00Z",
                "updatedAt": statuses[-1]["createdAt"],
                "commitOid": digest("deployed", day)[:40],
                "repository": {"nameWithOwner": "lindqvist-freight/helpdesk-bot"},
                "statuses": {"nodes": statuses},
            }
            for environment in ("staging", "production")
        ]
    page = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": nodes}
    answer = {"data": {"repository": {"deployments": page}}}
    return json.dumps(answer, indent=1, ensure_ascii=False) + "\n"


def _cases() -> str:
    """Return the support team's cases: solved, opened again, and in two teams' names."""
    header = ("outcome_id", "timestamp", "kind", "team", "project", "weight", "as_of")
    rows: list[tuple[str, ...]] = []
    for day in days(date(2026, 10, 1), date(2026, 10, 31)):
        for place in range(between(3, 6, "cases", day) if is_workday(day) else 1):
            solved = datetime(day.year, day.month, day.day, 8 + 2 * place, 15, tzinfo=UTC)
            at = f"{solved:%Y-%m-%dT%H:%M:%SZ}"
            number = f"CASE-{day:%m%d}{place}"
            rows.append((number, at, "ticket", "support", "triage", "1", at))
    # Opened again four days later, and solved for good; the first row stands twice.
    reopened = rows[0]
    again = "2026-10-05T09:00:00Z"
    rows += [
        reopened,
        (*reopened[:5], "0", again),
        (reopened[0], "2026-10-07T15:00:00Z", *reopened[2:5], "1", "2026-10-07T15:00:00Z"),
        ("CASE-DEPOT-1", "2026-10-09T10:00:00Z", "ticket", "depots", "", "1", ""),
    ]
    return _table(header, rows)


def _work_units() -> str:
    """Return what a vendor counts its agents to have done for helpdesk: activity, no outcome."""
    header = (
        *("outcome_id", "timestamp", "kind", "stage", "team", "project", "weight"),
        "reversal_of",
    )
    rows = [
        (
            f"AWU-{day:%Y%m%d}",
            f"{day}T23:00:00Z",
            "awu",
            "completed",
            "support",
            "helpdesk",
            str(between(80, 240, "units", day)),
            "",
        )
        for day in days(date(2026, 10, 1), date(2026, 10, 31))
        if is_workday(day)
    ]
    # Taken back an hour before it was counted: it cannot be, so it counts for nothing.
    wrong = ("AWU-FIX-1", "2026-10-12T22:00:00Z", "awu", "completed", "support", "helpdesk", "-90")
    return _table(header, [*rows, (*wrong, "AWU-20261012")])


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def _pull(
    repository: str,
    ticket: str,
    number: int,
    login: str,
    day: date,
    *,
    dropped: bool | None = None,
) -> dict[str, object]:
    about = (repository, number)
    opened = datetime(day.year, day.month, day.day, 9, 0, tzinfo=UTC)
    opened += timedelta(seconds=between(0, 25_000, "opened", *about))
    closed = opened + timedelta(hours=between(1, 30, "closed", *about))
    if dropped is None:
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
