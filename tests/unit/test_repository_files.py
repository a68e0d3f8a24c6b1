"""Who owns a repository: CODEOWNERS as GitHub reads it, and GitHub's list of teams."""

import json

import pytest

from metering.core.ownership.repository_files import (
    is_codeowners,
    is_team_list,
    parse_codeowners,
    parse_team_list,
)
from metering.errors import RefusedFileError


def owned(text: str) -> dict[str, str]:
    rows = parse_codeowners(text, "CODEOWNERS", "acme/shop", name="CODEOWNERS").rows
    return {row["path"]: row["team"] for row in rows}


def test_the_last_pattern_of_a_folder_decides() -> None:
    text = "/api/ @acme/pay\n/api/v1/ @acme/pay\n* @acme/core  # all\n/web/ @acme/web @ana\n"

    assert owned(text) == {"": "core", "web": "web"}


@pytest.mark.parametrize(
    ("pattern", "folder"),
    [
        ("*", ""),
        ("/**", ""),
        ("/services/api/", "services/api"),
        ("services/api", "services/api"),
        ("/docs/**", "docs"),
        ("*.py", None),
        ("docs/", None),
        ("/docs/*.md", None),
        ("/a[b]/", None),
    ],
)
def test_a_pattern_counts_when_it_names_a_folder(pattern: str, folder: str | None) -> None:
    assert owned(f"{pattern} @acme/pay\n") == ({} if folder is None else {folder: "pay"})


def test_what_says_nothing_about_a_team_is_left_out_with_its_line() -> None:
    text = "# owners\n\n[Section]\n*.py @acme/pay\n/web/ @ana\n/api/ @acme/pay\n"

    file = parse_codeowners(text, "CODEOWNERS", "acme/shop", name="CODEOWNERS")

    assert file.left_out == (
        "CODEOWNERS:4 *.py names files, not a folder",
        "CODEOWNERS:5 /web/ names no team",
    )
    assert [(row.line, row["repository"], row["path"]) for row in file.rows] == [
        (6, "acme/shop", "api")
    ]
    assert file.scope == "acme/shop"


def test_two_teams_of_one_folder_are_refused_with_the_line() -> None:
    with pytest.raises(RefusedFileError) as caught:
        owned("* @acme/core\n/api/ @acme/pay @acme/web\n")

    assert str(caught.value).startswith("CODEOWNERS:2: error[two-owners]: '/api/' is")


@pytest.mark.parametrize("repository", ["", "shop", "acme/shop/api"])
def test_whose_file_it_is_must_be_said(repository: str) -> None:
    with pytest.raises(RefusedFileError) as caught:
        parse_codeowners("* @acme/core\n", "CODEOWNERS", repository, name="CODEOWNERS")

    assert caught.value.code == "missing-repository"


def test_a_team_has_the_repositories_it_administers() -> None:
    teams = [
        {
            "slug": slug,
            "repositories": {
                "edges": [
                    {"permission": "ADMIN", "node": {"nameWithOwner": f"acme/{slug}-app"}},
                    {"permission": "READ", "node": {"nameWithOwner": "acme/shared"}},
                ]
            },
        }
        for slug in ("pay", "web")
    ]
    text = "".join(json.dumps(team) + "\n" for team in teams)

    assert is_team_list(text)
    rows = parse_team_list(text, "teams.jsonl", name="teams.jsonl").rows
    assert [(row.line, row["repository"], row["team"]) for row in rows] == [
        (1, "acme/pay-app", "pay"),
        (2, "acme/web-app", "web"),
    ]


def test_codeowners_is_known_by_its_name() -> None:
    assert is_codeowners("CODEOWNERS", "* @acme/core\n")
    assert not is_codeowners("owners.csv", "* @acme/core\n")
