"""strace, with which a test sees what a process asks of the system."""

from __future__ import annotations

import os
import shutil

import pytest


def require_strace() -> str:
    """Return the program; without it the test is skipped, or fails where REQUIRE_BACKENDS=1 is set."""
    strace = shutil.which("strace")
    if strace is None:
        reason = "strace is not installed, so what a process asks of the system cannot be seen"
        if os.environ.get("REQUIRE_BACKENDS") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return strace
