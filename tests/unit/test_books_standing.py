"""Where the books stand is another text after every change of them, on both databases."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from metering.books.engine import begin_read, begin_write
from metering.books.seals import chain_head
from metering.books.standing import standing
from tests.support.books_rows import a_run


def _url(books: Engine) -> str:
    return books.url.render_as_string(hide_password=False)


def test_it_is_the_revision_and_the_last_seal(any_books: Engine) -> None:
    assert standing(_url(any_books)) is None
    seen = set()
    for _ in range(2):
        with begin_write(any_books) as connection:
            a_run(connection)

        with begin_read(any_books) as connection:
            head = chain_head(connection)
        assert standing(_url(any_books)) == f"0001 {head}"
        seen.add(head)
    assert len(seen) == 2


def test_what_is_not_committed_does_not_count(any_books: Engine) -> None:
    with begin_write(any_books) as connection:
        a_run(connection)
    before = standing(_url(any_books))

    with begin_write(any_books) as connection:
        a_run(connection)
        assert standing(_url(any_books)) == before
        connection.rollback()

    assert standing(_url(any_books)) == before


def test_a_file_is_left_as_it_was_found(books: Engine) -> None:
    with begin_write(books) as connection:
        a_run(connection)
    folder = Path(books.url.database or "").parent
    before = sorted(folder.iterdir())

    standing(_url(books))

    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///{folder}/none.sqlite",
        "sqlite:///{folder}",
        "sqlite:///{folder}/text.sqlite",
        "postgresql://nobody@127.0.0.1:1/none",
        "mysql://localhost/books",
    ],
)
def test_what_cannot_be_asked_has_no_standing(tmp_path: Path, url: str) -> None:
    (tmp_path / "text.sqlite").write_text("these are no books" * 100, encoding="utf-8")

    assert standing(url.format(folder=tmp_path)) is None
    assert not (tmp_path / "none.sqlite").exists()
