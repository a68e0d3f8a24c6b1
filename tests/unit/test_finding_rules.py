"""[findings] of metering.toml: which fields of usage name the workflow, what is worth reading."""

from fractions import Fraction

import pytest

from metering.core.findings.finding_rules import FindingRules, finding_rules
from metering.errors import BookError


def test_without_the_section_the_figures_of_the_specification_stand() -> None:
    assert finding_rules({}) == FindingRules(("workflow_key",), 20, 100, Fraction(1, 200))


def test_each_field_is_asked_once_and_a_share_is_what_stands_in_the_file() -> None:
    said = {"workflows": ["tag:job", "workflow_key", "tag:job"], "least_share": 0.1, "budget": 5}

    assert finding_rules(said) == FindingRules(("tag:job", "workflow_key"), 5, 100, Fraction(1, 10))


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"workflows": []}, "workflows is '[]'"),
        ({"workflows": "tag:job"}, "workflows is 'tag:job'"),
        ({"workflows": ["tag:"]}, "workflows is 'tag:'"),
        ({"workflows": ["principal"]}, "workflows is 'principal'"),
        ({"budget": 0}, "budget is '0'"),
        ({"budget": True}, "budget is 'True'"),
        ({"least_usd": 1.5}, "least_usd is '1.5'"),
        ({"least_share": 5}, "least_share is '5'"),
        ({"people": 20}, "people is unknown"),
    ],
)
def test_what_cannot_be_used_is_refused(said: dict[str, object], found: str) -> None:
    with pytest.raises(BookError) as refused:
        finding_rules(said)

    assert refused.value.code == "bad-settings"
    assert found in str(refused.value)
