"""Waiting for something outside this process to become true, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.05
SHOWN_CHARACTERS = 2_000


def wait_until(check: Callable[[], T], timeout: float = 10.0) -> T:
    """Call a check again and again until what it returns is true.

    Args:
        check: the condition; what it raises goes to the caller at once.
        timeout: seconds to wait at most. The check runs at least once, and once more at the deadline.

    Returns:
        The first true value that the check returned.

    Raises:
        TimeoutError: the check never returned a true value; the text shows its last one.
    """
    deadline = time.monotonic() + timeout
    while True:
        late = time.monotonic() >= deadline
        value = check()
        if value:
            return value
        if late:
            shown = repr(value)[:SHOWN_CHARACTERS]
            raise TimeoutError(f"not true within {timeout:g} s; the last value was {shown}")
        time.sleep(max(0.0, min(POLL_SECONDS, deadline - time.monotonic())))
