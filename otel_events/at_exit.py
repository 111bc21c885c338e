"""Having something done when this process ends."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable


def call_at_exit(function: Callable[[], None]) -> None:
    """Have a function called when this process ends, also where it is a child made by ``multiprocessing``.

    Such a child ends without ``atexit``, but runs ``multiprocessing``'s own finalizers.
    """
    atexit.register(function)
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, function, exitpriority=10)


def cancel_at_exit(function: Callable[[], None]) -> None:
    """Have it not called any more by ``atexit``; ``multiprocessing`` still calls it, so it has to know that it is done."""
    atexit.unregister(function)
