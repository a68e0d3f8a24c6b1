"""Files that are ingested together become what they become one by one, whatever is wrong in some.

The receipts add up for each file, and the ledger is the same for any order and any division of the
files among commands.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.books.lake import live_files
from metering.settings import Settings, load_settings
from metering.usage.rows import usage_rows
from metering.workflows.explaining.explain import explain
from metering.workflows.posting.post import post
from metering.workflows.reading import reading
from tests.support.ledgers import fresh_ledger, ingest, ledger_hash, run
from tests.support.transcript_lines import answer

_METERED = '\n[roles]\nclaude-code-transcripts = "metered"\n'


ANSWERS = st.builds(
    answer,
    st.integers(1, 6),
    st.integers(1, 3),
    st.sampled_from([1, 20, 300]),
    side=st.booleans(),
    day=st.integers(1, 3),
)
OTHERS = st.sampled_from(
    [
        '{"type":"user","uuid":"q","sessionId":"s","timestamp":"2026-10-02T23:59:58.000Z"}',
        answer(9, 9, 1, side=False, day=1).replace('"input_tokens":5', '"input_tokens":-5'),
        answer(9, 9, 1, side=False, day=1)[:90],
        "",
    ]
)
FIRST = answer(7, 7, 7, side=False, day=1)
FILES = st.lists(
    st.lists(ANSWERS | OTHERS, max_size=6).map(lambda lines: "\n".join((FIRST, *lines))),
    min_size=2,
    max_size=5,
)


def ledger(name: str) -> Settings:
    home = Path(mkdtemp()) / name
    fresh_ledger(home)
    toml = home / "metering.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + _METERED, encoding="utf-8")
    return load_settings(toml)


def written(contents: Sequence[str]) -> list[Path]:
    folder = Path(mkdtemp())
    paths = [folder / f"{place}.jsonl" for place in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_text(f"{content}\n", encoding="utf-8")
    return paths


def usage(opened: Settings) -> list[tuple[object, ...]]:
    """Return the records of the lake as it stands; the receipts were held against it."""
    ledger_hash(opened)
    with reading(opened) as connection:
        files = [opened.lake / file.path for file in live_files(connection) if file.path]
    return duckdb.execute(
        f"SELECT record_key, CAST(start AS VARCHAR), output, tags, billing_account"
        f" FROM {usage_rows(files)} ORDER BY ALL"
    ).fetchall()


@settings(max_examples=5, deadline=None)
@given(contents=FILES)
def test_files_ingested_together_are_ingested_as_one_by_one(contents: list[str]) -> None:
    paths = written(contents)
    together, apart = ledger("together"), ledger("apart")

    receipts = ingest(together, *paths)
    singly = [receipt for path in reversed(paths) for receipt in ingest(apart, path)][::-1]

    assert usage(together) == usage(apart)
    assert [receipt.path for receipt in receipts] == [str(path) for path in paths]
    assert all(
        one.records_in == one.recorded + one.already_known + one.rejected for one in receipts
    )
    # Of files with the same bytes the one that is read first tells what is wrong with them.
    for content in set(contents):
        one = receipts[contents.index(content)]
        other = singly[len(contents) - 1 - contents[::-1].index(content)]
        assert (one.records_in, one.rejections, one.noise) == (
            other.records_in,
            other.rejections,
            other.noise,
        )
    assert all(receipt.known_before for receipt in ingest(together, *paths))


def test_what_came_in_many_files_is_explained_by_the_file_and_line_of_each() -> None:
    first, second = answer(1, 1, 20, side=False, day=1), answer(2, 2, 300, side=False, day=1)
    paths = written([first, f"{first}\n{second}", answer(1, 1, 400, side=False, day=1)])
    together, apart = ledger("together"), ledger("apart")
    for opened, groups in ((together, [paths]), (apart, [[path] for path in reversed(paths)])):
        for group in groups:
            ingest(opened, *group)
        post(opened, run("post"))

    assert ledger_hash(together) == ledger_hash(apart)
    explained = explain(together, "2026-10").explained
    examples = {found for one in explained for found in one.examples if one.meter == "output"}
    assert {(found.path, found.line, found.quantity) for found in examples} == {
        (str(paths[1]), 2, 300),
        (str(paths[2]), 1, 400),
    }
