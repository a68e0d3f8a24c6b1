"""Of how few people nothing is shown.

A figure that rests on fewer than k people is not shown, nor is what would tell it by subtraction:
where a total stands beside its parts, the hidden parts are two or more and of k people or more
together (complementary suppression). Usage of single people is broken down into groups that are
merged until each is large enough and that add up to the whole, so that nothing is hidden there.

Source: token-maxing, section 2.5.
"""

from collections.abc import Hashable, Mapping
from typing import Final, TypeVar

FEWEST_PEOPLE: Final = 5
"""Below so many people a figure of theirs, their number too, is not shown (k)."""

_Name = TypeVar("_Name", bound=Hashable)


def hidden(people: Mapping[_Name, int], k: int = FEWEST_PEOPLE) -> frozenset[_Name]:
    """Return which parts of a whole are not shown, if the whole is.

    Args:
        people: part -> how many people it rests on; parts of nobody tell of nobody.
        k: the fewest people that a figure may rest on.

    Returns:
        Every part of fewer than k people and, if they alone could be worked out from the whole,
        the smallest of the others until they cannot; all of them if that never is so.
    """
    some = {name: count for name, count in people.items() if count > 0}
    gone = [name for name, count in some.items() if count < k]
    if not gone:
        return frozenset()
    spare = sorted((name for name in some if name not in gone), key=lambda name: some[name])
    while spare and (len(gone) == 1 or sum(some[name] for name in gone) < k):
        gone.append(spare.pop(0))
    return frozenset(gone)


def tells_of_few(whole: int, part: int, k: int = FEWEST_PEOPLE) -> bool:
    """Say whether a whole less a part of it rests on some people, and on fewer than k."""
    return 0 < whole - part < k
