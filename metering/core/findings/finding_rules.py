"""What [findings] of metering.toml says: how usage names its workflow, and what is worth reading.

    [findings]
    workflows = ["workflow_key", "tag:job", "tag:agent"]   # the first that says something tells
    budget = 20            # how many findings a reviewer reads
    least_usd = 100        # no finding of less money is listed
    least_share = 0.005    # nor of less than this share of all spend

A workflow is a pipeline, an agent or a feature that goes on being used. Without the setting it is
what sources put into `workflow_key`; the other figures are those that stand without theirs.

Source of the figures: token-maxing, section 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from metering.errors import BookError, shown

WORKFLOW_KEY: Final = "workflow_key"
TAG: Final = "tag:"
REVIEWER_BUDGET: Final = 20
LEAST_USD: Final = 100
LEAST_SHARE: Final = Fraction(5, 1000)
_KEYS: Final = ("workflows", "budget", "least_usd", "least_share")
_MOST: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class FindingRules:
    """What a house sets.

    Attributes:
        workflows: fields of usage that name its workflow, the one that is asked first first.
        budget: how many findings a reviewer reads.
        least_usd: no finding of less money is listed.
        least_share: nor of less than this share of all spend, 0 to 1.
    """

    workflows: tuple[str, ...] = (WORKFLOW_KEY,)
    budget: int = REVIEWER_BUDGET
    least_usd: int = LEAST_USD
    least_share: Fraction = LEAST_SHARE


def finding_rules(said: Mapping[str, object]) -> FindingRules:
    """Return the rules that the section [findings] stands for.

    Raises:
        BookError: `bad-settings`; it says what nobody knows, or a value that cannot be used.
    """
    for key in said:
        if key not in _KEYS:
            raise _bad(key, "unknown", f"one of {', '.join(_KEYS)}")
    return FindingRules(
        workflows=_workflows(said.get("workflows", [WORKFLOW_KEY])),
        budget=_whole("budget", said.get("budget", REVIEWER_BUDGET), least=1),
        least_usd=_whole("least_usd", said.get("least_usd", LEAST_USD), least=0),
        least_share=_share(said["least_share"]) if "least_share" in said else LEAST_SHARE,
    )


def _workflows(fields: object) -> tuple[str, ...]:
    if not isinstance(fields, list) or not fields:
        raise _bad("workflows", shown(fields), "a list of fields that is not empty")
    for field in fields:
        if field != WORKFLOW_KEY and not _is_tag(field):
            raise _bad("workflows", shown(field), f"{WORKFLOW_KEY} or {TAG}NAME")
    return tuple(dict.fromkeys(fields))


def _is_tag(field: object) -> bool:
    return isinstance(field, str) and field.startswith(TAG) and field != TAG


def _whole(key: str, value: object, *, least: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= _MOST:
        return value
    raise _bad(key, shown(value), f"a whole number, {least} or more")


def _share(value: object) -> Fraction:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        # The shortest text of a float is what stands in the file.
        return Fraction(str(value))
    raise _bad("least_share", shown(value), "a share from 0 to 1, such as 0.005")


def _bad(where: str, found: str, expected: str) -> BookError:
    return BookError(
        "bad-settings",
        f"metering.toml: [findings] {where} is {found}",
        details=(f"expected: {expected}",),
    )
