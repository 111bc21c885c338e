"""How long `import otel_events` takes on top of what it needs anyway."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import Final

from benchmarks.bench import ROOT

# Of the API what an application has loaded that traces or logs by it.
_SCRIPT: Final = """
import json, time
began = time.perf_counter()
import pluggy, opentelemetry.trace, opentelemetry._logs
needed = time.perf_counter()
import otel_events
print(json.dumps([needed - began, time.perf_counter() - needed]))
"""


def import_times(interpreters: int) -> dict[str, float]:
    """Import the package in fresh interpreters.

    Args:
        interpreters: How many; one more comes first, which writes the compiled files.

    Returns:
        Medians in milliseconds: ``needed_ms``, of pluggy and opentelemetry-api, and ``own_ms``, of the package on top of them.
    """
    times = [_times() for _ in range(interpreters + 1)][1:]
    needed, own = (statistics.median(column) * 1000 for column in zip(*times, strict=True))
    return {"needed_ms": needed, "own_ms": own}


def _times() -> list[float]:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    times: list[float] = json.loads(done.stdout)
    return times
