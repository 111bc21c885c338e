"""How much memory a process has had, for what tests and benchmarks measure."""

from __future__ import annotations

import contextlib
import re
import resource
from pathlib import Path


def peak_kib(pid: int | None = None) -> int:
    """Return the most memory that was resident since a process began its program, in KiB.

    Args:
        pid: The process; None for this one.

    Returns:
        0 of another process where the system does not tell: it has ended, or this is not Linux.
    """
    # Linux keeps in ru_maxrss what the process that forked this one had; VmHWM begins anew with the program.
    status = Path(f"/proc/{'self' if pid is None else pid}/status")
    with contextlib.suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"))
        if found is not None:
            return int(found[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if pid is None else 0
