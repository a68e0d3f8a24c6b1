"""Long work shows a bar on a terminal, and not a byte anywhere else."""

import io

import pytest

from metering.cli.progress import counted_off, working


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_counts_what_comes_and_is_gone_when_all_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = _Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")

    assert list(counted_off(range(3), "reading", 3)) == [0, 1, 2]

    shown = terminal.getvalue()
    assert "reading" in shown
    assert "3/3" in shown
    # The last thing said is to clear the line.
    assert shown.endswith("\x1b[2K")


def test_a_pipe_sees_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with working("posting"):
        assert list(counted_off("ab", "reading", 2)) == ["a", "b"]

    assert capfd.readouterr() == ("", "")


def test_a_mistake_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", _Terminal())

    with pytest.raises(KeyError), working("posting"):
        raise KeyError
