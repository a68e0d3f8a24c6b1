"""Every view of the lines has the same total, to the nano."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metering.errors import LedgerError
from metering.reporting.frames import frame_of, summed
from tests.support.reporting_specimen import lines_of

_VIEWS = [
    view
    for size in (1, 2, 3)
    for view in combinations(("cost_centre", "team", "project", "provider", "model", "meter"), size)
]
names = st.sampled_from(["a", "b", "\N{SNOWMAN}", ""]) | st.none()
rows: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "cost_centre": names,
        "team": names,
        "project": names,
        "model": names,
        "provider": st.sampled_from(["openai", "anthropic"]),
        "meter": st.sampled_from(["output", "cache_read"]),
        "amount_nanos": st.integers(-(2**55), 2**55),
        "quantity": st.integers(0, 2**55),
        "list_nanos": st.integers(0, 2**55) | st.none(),
    }
)


@settings(max_examples=60)
@given(st.lists(rows, min_size=1, max_size=12), st.sampled_from(_VIEWS))
def test_every_view_adds_up_to_the_control_total(
    given_rows: list[dict[str, Any]], by: tuple[str, ...]
) -> None:
    lines = lines_of(*given_rows)
    total = lines.control_totals()["USD"]

    view = summed(frame_of(lines), by, total=total)

    assert sum(int(nanos) for nanos in view["amount_nanos"]) == total
    assert sum(int(quantity) for quantity in view["quantity"]) == sum(
        row["quantity"] for row in given_rows
    )


def test_a_view_that_misses_the_control_total_is_our_defect() -> None:
    frame = frame_of(lines_of({"amount_nanos": 10}))

    with pytest.raises(LedgerError, match="team adds up to 10 nanos, the book to 11"):
        summed(frame, ("team",), total=11)


def test_an_owner_without_a_project_is_a_row_of_its_own() -> None:
    lines = lines_of(
        {"project": "P", "amount_nanos": 1},
        {"project": None, "amount_nanos": 2},
        {"project": "P", "amount_nanos": 4},
    )

    view = summed(frame_of(lines), ("project",), total=7)

    assert [int(nanos) for nanos in view["amount_nanos"]] == [5, 2]
    assert view["project"].tolist()[0] == "P"
    assert view["project"].isna().tolist() == [False, True]
