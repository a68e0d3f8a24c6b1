"""metering.toml speaks of formats by name; a name that nothing has is refused, not passed over."""

from pathlib import Path

import pytest

from metering.errors import SourceError
from metering.settings import load_settings
from metering.workflows.intake.usage_formats import usage_formats


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("roles", 'litelm-spend-logs = "metered"'),
        ("accounts", 'litelm-spend-logs = "gateway"'),
        ("detail", "litelm-spend-logs = {}"),
    ],
)
def test_a_misspelt_format_is_refused_with_the_nearest(
    tmp_path: Path, section: str, said: str
) -> None:
    path = tmp_path / "metering.toml"
    path.write_text(f"[{section}]\n{said}\n", encoding="utf-8")

    with pytest.raises(SourceError) as caught:
        usage_formats(load_settings(path))

    assert str(caught.value).startswith(
        f"metering.toml [{section}]: error[unknown-ingestor]: no ingestor is called"
        " 'litelm-spend-logs'\n    nearest:  litellm-spend-logs"
    )


def test_what_is_installed_may_be_spoken_of(tmp_path: Path) -> None:
    path = tmp_path / "metering.toml"
    path.write_text(
        '[roles]\nclaude-code-transcripts = "metered"\n[detail]\nlitellm-spend-logs = {}\n',
        encoding="utf-8",
    )

    names = {ingestor.name for ingestor in usage_formats(load_settings(path))}

    assert {"claude-code-transcripts", "litellm-spend-logs"} <= names
