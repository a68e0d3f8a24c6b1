"""metering.toml is taken as it is meant, or refused with the section, the key and what it takes."""

from pathlib import Path

import pytest

from metering.errors import BookError
from metering.settings import load_settings


def refusal(folder: Path, content: bytes) -> str:
    path = folder / "metering.toml"
    path.write_bytes(content)
    with pytest.raises(BookError) as caught:
        load_settings(path)
    assert caught.value.code == "bad-settings"
    return str(caught.value).replace(str(path), "metering.toml").partition(": ")[2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("books = 3", "metering.toml: [books] is not a table"),
        ("[books]\nurl = 3", "[books] url is '3'\n    expected: text, in quotes"),
        ("[usage]\nlocation = true", "[usage] location is 'True'\n    expected: text, in quotes"),
        ("[report]\nlogo = 1", "[report] logo is '1'\n    expected: text, in quotes"),
        ("[accounts]\nopenai-usage = 1", "[accounts] openai-usage is '1'"),
        ("[close]\ntolerance = 0.05", "[close] tolerance is '0.05'\n    expected: text"),
        ('[engine]\nthreads = "two"', "[engine] threads is 'two'\n    expected: a whole number"),
        ("[engine]\nthreads = -1", "[engine] threads is '-1'\n    expected: a whole number"),
        (
            '[engine]\nmemory_limit = "lots"',
            "[engine] memory_limit is 'lots'\n    expected: a size",
        ),
        ('[roles]\nfocus = "metred"', "[roles] focus is 'metred'\n    expected: 'metered' or"),
        ('[people]\nreveal_by = "ana"', "[people] reveal_by is 'ana'\n    expected: [\"ACCOUNT\""),
        (
            '[exports]\ntogether = "aws-cur"',
            "[exports] together is 'aws-cur'\n    expected: [\"FORMAT\"",
        ),
        ("[exports]\nin_order = [1]", "[exports] in_order is '[1]'\n    expected: [\"FORMAT\""),
        ("[people]\ncolumns = { person = 1 }", "[people] columns is "),
        ("[people]\nkeep_days = 0", "[people] keep_days is '0'\n    expected: a whole number, 1"),
        (
            "[people]\nkeep_days = 9999999",
            "keep_days is '9999999'\n    expected: a whole number, 1",
        ),
        ("[people]\nfewest = true", "[people] fewest is 'True'\n    expected: a whole number, 1"),
        ("[books", "metering.toml is not readable TOML: "),
    ],
)
def test_what_is_not_meant_so_is_refused(content: str, said: str, tmp_path: Path) -> None:
    assert said in refusal(tmp_path, content.encode())


@pytest.mark.parametrize(
    "value",
    [pytest.param("[" * 10_000, id="lists"), pytest.param("9" * 5_000, id="number")],
)
def test_what_no_reader_of_toml_can_hold_is_refused(value: str, tmp_path: Path) -> None:
    said = refusal(tmp_path, f"[roles]\nfocus = {value}".encode())

    assert said.startswith("metering.toml is not readable TOML: ")


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    assert "byte 1 is not UTF-8" in refusal(tmp_path, b"#\xff")


@pytest.mark.parametrize(
    ("variable", "said"),
    [("METERING_ENGINE_THREADS", "two"), ("METERING_ENGINE_MEMORY_LIMIT", "lots")],
)
def test_what_the_environment_says_is_checked_alike(
    variable: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, said)

    assert f"is '{said}'" in refusal(tmp_path, b"")


@pytest.mark.parametrize("size", ["4GB", "512 MiB", "1.5gb", "250000000B"])
def test_a_size_of_memory_is_taken_as_the_engine_takes_it(size: str, tmp_path: Path) -> None:
    path = tmp_path / "metering.toml"
    path.write_text(f'[engine]\nmemory_limit = "{size}"\nthreads = 2\n', encoding="utf-8")

    settings = load_settings(path)

    assert (settings.memory_limit, settings.threads) == (size, 2)


@pytest.mark.parametrize("below", ["team=search", "a/provider=openai/b"])
def test_a_lake_is_in_no_folder_that_tells_a_column(below: str, tmp_path: Path) -> None:
    home = tmp_path / below
    home.mkdir(parents=True)
    (home / "metering.toml").touch()

    with pytest.raises(BookError, match="would be taken for a column of its files") as caught:
        load_settings(home / "metering.toml")

    assert caught.value.code == "bad-settings"
    (home / "metering.toml").write_text(f'[usage]\nlocation = "{tmp_path}/lake"', encoding="utf-8")
    assert load_settings(home / "metering.toml").lake == tmp_path / "lake"
