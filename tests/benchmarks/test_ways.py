"""Every way can be opened by the name of a function, and a process loads no library but the one that it measures."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.ways import WAYS


@pytest.mark.parametrize("name", WAYS)
def test_its_opener_is_there(name: str) -> None:
    assert callable(WAYS[name].load())


def test_no_library_is_loaded_before_a_way_is_opened() -> None:
    libraries = "('otel_events', 'opentelemetry', 'logfire', 'datasette')"
    script = f"import sys, benchmarks.child; print([name for name in sys.modules if name.startswith({libraries})])"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)

    assert done.stdout == "[]\n"
