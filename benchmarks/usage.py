"""What this process has used."""

from __future__ import annotations

import resource
from pathlib import Path

from tests.peak import peak_kib


def cpu_seconds() -> float:
    """Return the CPU time of this process, its threads included, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_mib() -> float:
    """Return the most memory that was resident, in MiB."""
    return peak_kib() / 1024


def resident_mib() -> float:
    """Return the memory that is resident now, in MiB; 0.0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0.0
    return int(statm.read_text(encoding="ascii").split()[1]) * resource.getpagesize() / 1024 / 1024
