"""Keep the collector of cycles away while many objects are made that all live on.

Python looks for garbage whenever many objects came into being, and ten thousand rates make it go
through all that the program holds, more than once: that takes as long as reading them. What is no
longer referred to is freed at once all the same; only cycles wait.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_collected() -> Iterator[None]:
    """Look for no cycles meanwhile; afterwards the collector is as it was."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
