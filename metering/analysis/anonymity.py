"""Of how few people nothing is shown.

No page breaks a figure down by people, but into groups that are merged until each is large enough
and that add up to the whole; so there is nothing that could be worked out by subtraction.

Source: token-maxing, section 2.5.
"""

from typing import Final

FEWEST_PEOPLE: Final = 5
"""Below so many people a figure of theirs, their number too, is not shown (k)."""
