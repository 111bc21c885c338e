"""How long `import otel_events` takes on top of what it needs anyway, and how long it is until a tracker is set up."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from typing import Final

from benchmarks.bench import ROOT

# Of the API what an application has loaded that traces or logs by it. Nothing else is loaded before, not even what prints JSON.
_SCRIPT: Final = """
import time
began = time.perf_counter()
import pluggy, opentelemetry.trace, opentelemetry._logs
needed = time.perf_counter()
import otel_events
imported = time.perf_counter()
otel_events.configure(environ={})
print([needed - began, imported - needed, time.perf_counter() - needed])
"""


def import_times(interpreters: int) -> dict[str, float]:
    """Import the package in fresh interpreters.

    Args:
        interpreters: How many; one more comes first, which writes the compiled files.

    Returns:
        Medians in milliseconds: ``needed_ms``, of pluggy and opentelemetry-api; ``own_ms``, of the package on top of them;
        ``configured_ms``, of the package and of a first ``configure()``, which loads what the import has left.
    """
    times = [_times() for _ in range(interpreters + 1)][1:]
    medians = [statistics.median(column) * 1000 for column in zip(*times, strict=True)]
    return dict(zip(("needed_ms", "own_ms", "configured_ms"), medians, strict=True))


def _times() -> list[float]:
    # Where compiled files may not be written, those of changed modules would be missing, and compiling them be measured.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    times: list[float] = json.loads(done.stdout)
    return times
