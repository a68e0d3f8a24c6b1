"""The collector of cycles is kept away, and comes back as it was."""

import gc
from collections.abc import Iterator

import pytest

from metering.workflows.garbage import nothing_collected


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    was_enabled = gc.isenabled()
    yield
    (gc.enable if was_enabled else gc.disable)()


def test_no_cycle_is_looked_for_inside_and_the_collector_comes_back() -> None:
    gc.enable()

    with nothing_collected():
        inside = gc.isenabled()

    assert (inside, gc.isenabled()) == (False, True)


def test_the_collector_comes_back_after_an_error() -> None:
    gc.enable()

    with pytest.raises(ValueError, match="broken"), nothing_collected():
        raise ValueError("broken")

    assert gc.isenabled()


def test_an_outer_stretch_outlives_an_inner_one() -> None:
    gc.enable()

    with nothing_collected():
        with nothing_collected():
            pass
        between = gc.isenabled()

    assert not between


def test_a_collector_that_was_switched_off_stays_so() -> None:
    gc.disable()

    with nothing_collected():
        pass

    assert not gc.isenabled()
