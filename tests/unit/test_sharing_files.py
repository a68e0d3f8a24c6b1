"""Sharing files and drivers are taken whole or refused with every place named."""

from datetime import date
from functools import partial
from pathlib import Path

import pytest

from metering.core.ownership.attribution import Match, Owner
from metering.core.patterns import Pattern
from metering.core.periods import BillingPeriod
from metering.core.sharing.driver_file import parse_driver
from metering.core.sharing.sharing_file import Known, parse_sharing
from metering.core.sharing.splits import By, Target
from metering.errors import RefusedFileError

ERRORS = Path(__file__).parent.parent / "errors"
KNOWN = Known(
    frozenset({Owner("CC-1", "Search", "Ranker"), Owner("CC-2", "Support", "Desk")}),
    frozenset({"requests"}),
)
POOL = '[[pool]]\nname = "platform"\nmatch = { team = "shared" }\n'


def _split(said: str) -> str:
    return f'{POOL}[[split]]\nname = "s"\npool = "platform"\n{said}\n'


@pytest.mark.parametrize(
    "source",
    sorted([*ERRORS.glob("*/sharing.toml"), *ERRORS.glob("*/driver.csv")]),
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_a_refused_file_is_told_place_by_place(source: Path, pytestconfig: pytest.Config) -> None:
    text = source.read_text(encoding="utf-8")

    parse = partial(parse_driver, name="driver") if source.suffix == ".csv" else parse_sharing

    with pytest.raises(RefusedFileError) as caught:
        parse(text, source.name, KNOWN)

    expected = source.with_name(source.name + ".expected")
    if pytestconfig.getoption("--update-golden"):
        expected.write_text(f"{caught.value}\n", encoding="utf-8")
    assert f"{caught.value}\n" == expected.read_text(encoding="utf-8")
    assert f"error[{source.parent.name}]" in str(caught.value)


def test_pools_and_splits_are_what_the_file_says() -> None:
    text = """
[[pool]]
name = "platform"
match = [{ team = "shared", project = "glob:*-keys" }, { model = "re2:.*embed.*" }]
to = 2027-01-01

[[split]]
name = "by requests"
pool = "platform"
by = "driver"
driver = "requests"
markup = -2.5
to = 2026-11-01

[[split]]
name = "fixed"
pool = "platform"
by = "fixed"
shares = { "CC-1/Search" = 33.3333, "CC-2" = 60 }
from = 2026-11-01
"""

    sharing = parse_sharing(text, "sharing.toml", KNOWN)

    (pool,) = sharing.pools
    assert (pool.line, pool.valid_from, pool.valid_to) == (2, None, date(2027, 1, 1))
    assert pool.matches == (
        (
            Match("team", Pattern.parse("shared")),
            Match("project", Pattern.parse("glob:*-keys")),
        ),
        (Match("model", Pattern.parse("re2:.*embed.*")),),
    )
    driven, fixed = sharing.splits
    assert (driven.by, driven.driver, driven.markup) == (By.DRIVER, "requests", -25_000)
    assert fixed.targets == ((Target("CC-1", "Search"), 333_333), (Target("CC-2"), 600_000))
    assert driven.holds_in(BillingPeriod(2026, 10))
    assert not driven.holds_in(BillingPeriod(2026, 11))
    assert fixed.holds_in(BillingPeriod(2026, 11))


@pytest.mark.parametrize(
    "text", ["CC-1", "CC-1/Search", "CC%2F1/A+B/x y", "CC-1/*", "CC-1/Search/*", "*", "pool:a%2Fb"]
)
def test_a_target_is_written_as_it_is_read(text: str) -> None:
    assert str(Target.parse(text)) == text


@pytest.mark.parametrize("text", ["", "/", "CC//x", "CC/*/x", "a/b/c/d", "pool:", "CC/ /*/"])
def test_what_names_nobody_is_no_target(text: str) -> None:
    with pytest.raises(ValueError, match="names no cost centre"):
        Target.parse(text)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ('by = "weight"', "bad-value"),
        ('by = "even"\ndriver = "requests"', "unknown-field"),
        ('by = "even"\nshares = { "CC-1" = 3 }', "unknown-field"),
        ('by = "fixed"', "missing-field"),
        ('by = "fixed"\nshares = { "CC-1" = 0 }', "bad-value"),
        ('by = "fixed"\nshares = { "CC-1" = 0.00001 }', "bad-value"),
        ('by = "fixed"\nshares = { "CC-1" = nan }', "bad-value"),
        ('by = "fixed"\nshares = { "CC-1" = 1e999999999 }', "bad-value"),
        ('by = "fixed"\nshares = { "CC-1" = true }', "bad-value"),
        ('by = "fixed"\nshares = { "CC-1/*" = 10 }', "bad-value"),
        ('by = "spend"\namong = ["pool:platform"]', "bad-value"),
        ('by = "even"\namong = []', "bad-value"),
        ('by = "even"\namong = [7]', "bad-value"),
        ('by = "even"\namong = ["pool:platform"]', "split-cycle"),
        ('by = "even"\nmarkup = -100', "bad-value"),
        ('by = "even"\nfrom = 2026-10-01\nto = 2026-10-01', "empty-validity"),
        ('by = "even"\nweights = 3', "unknown-field"),
    ],
)
def test_a_split_that_cannot_be_is_refused(said: str, code: str) -> None:
    with pytest.raises(RefusedFileError) as caught:
        parse_sharing(_split(said), "f", KNOWN)

    assert caught.value.code == code


def test_every_mistake_is_told_at_once() -> None:
    text = _split('by = "even"\namong = ["CC-9"]') + "[[pool]]\nname = 3\nmatch = 4\n"

    with pytest.raises(RefusedFileError) as caught:
        parse_sharing(text, "f", KNOWN)

    assert [(one.line, one.code) for one in caught.value.rejections] == [
        (8, "unknown-target"),
        (11, "missing-field"),
    ]


def test_a_driver_has_weights_by_month() -> None:
    text = "period,target,weight\n2026-10,CC-1/Search,0\n2026-10,CC-2,7\n2026-11,CC-2,9\n"

    driver = parse_driver(text, "requests.csv", KNOWN, name="requests")

    assert driver.of(BillingPeriod(2026, 10)) == {Target("CC-1", "Search"): 0, Target("CC-2"): 7}
    assert driver.of(BillingPeriod(2026, 12)) == {}
