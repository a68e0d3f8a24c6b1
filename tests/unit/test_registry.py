"""Ingestors have names of their own, and a plug-in is checked before it is trusted."""

from importlib.metadata import EntryPoint

import pytest

from metering.ingest.contract import Repeat
from metering.ingest.formats.openai_usage import OpenAiUsage
from metering.ingest.registry import BUILT_IN, PluginError, flaws, installed, with_plugins


class Acme(OpenAiUsage):
    name = "acme-logs"


class BadName(Acme):
    name = "Acme Logs"


class LongName(Acme):
    name = "a" * 61


class TextVersion(Acme):
    version = "1"  # type: ignore[assignment]


class NoVersion(Acme):
    version = 0


class FreeRole(Acme):
    role = "metered"  # type: ignore[assignment]


class NotAnIngestor:
    name = "acme-logs"
    repeat = Repeat.REJECT


def raises() -> None:
    raise ZeroDivisionError


def entry(name: str) -> EntryPoint:
    return EntryPoint("acme", f"{__name__}:{name}", "metering.ingestors")


def test_built_in_names_are_unique_and_every_one_is_an_ingestor() -> None:
    names = [ingestor.name for ingestor in BUILT_IN]

    assert len(names) == len(set(names))
    assert [flaws(ingestor) for ingestor in BUILT_IN] == [()] * len(BUILT_IN)
    assert installed()[: len(BUILT_IN)] == BUILT_IN


def test_a_plug_in_joins_after_the_built_in_ones() -> None:
    ingestors = with_plugins(BUILT_IN, [entry("Acme")])

    assert [ingestor.name for ingestor in ingestors[len(BUILT_IN) :]] == ["acme-logs"]


@pytest.mark.parametrize(
    ("plug_in", "what"),
    [
        ("BadName", "its name is 'Acme Logs', and not words in lower case with hyphens"),
        ("LongName", "and not words in lower case with hyphens"),
        ("TextVersion", "its version is no int"),
        ("NoVersion", "its version is 0, and not 1 or more"),
        ("FreeRole", "its role is no SourceRole"),
        ("NotAnIngestor", "it lacks an attribute or method of an ingestor"),
        ("OpenAiUsage", "the name 'openai-usage' is taken"),
        ("raises", "it does not load: ZeroDivisionError"),
        ("absent", "it does not load: AttributeError"),
    ],
)
def test_a_plug_in_that_is_no_ingestor_stops_everything(plug_in: str, what: str) -> None:
    with pytest.raises(PluginError) as caught:
        with_plugins(BUILT_IN, [entry(plug_in)])

    message = str(caught.value)
    assert message.startswith(f"acme = {__name__}:{plug_in}: error[bad-plug-in]: ")
    assert what in message
