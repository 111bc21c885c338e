"""The process in which one way is measured: reads what to do from its standard input, prints what it measured, both as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.passes import Amounts, async_passes, sync_passes
from benchmarks.ways import WAYS, Opening
from benchmarks.workload import workload_of


def measure(task: dict[str, Any]) -> dict[str, float]:
    """Open a way and run its passes.

    Args:
        task: ``way``, ``endpoint``, ``service``, ``folder``, ``token``; ``amounts``; ``fields``, the arguments of the workload of
            that name, or None for the usual workload; ``threads``.
    """
    way = WAYS[task["way"]]
    workload = workload_of(task["fields"])
    opening = Opening(task["endpoint"], task["service"], Path(task["folder"]), workload, task["token"])
    opener, amounts = way.load(), Amounts(**task["amounts"])
    if way.callers:
        return asyncio.run(async_passes(lambda: opener(opening), amounts, way.callers))
    return sync_passes(lambda: opener(opening), amounts, task["threads"])


if __name__ == "__main__":
    print(json.dumps(measure(json.load(sys.stdin))))
