"""The memory of a process is its own, not that of the process that started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.peak import peak_kib

LARGE_KIB = 200 * 1024

STARTS_ANOTHER = f"""
import subprocess, sys
from tests.peak import peak_kib
large = b"x" * ({LARGE_KIB} * 1024)
print(peak_kib(), flush=True)
subprocess.run([sys.executable, "-c", "from tests.peak import peak_kib; print(peak_kib())"], check=True)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells")
def test_a_small_program_that_a_large_one_starts_is_small() -> None:
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", STARTS_ANOTHER], cwd=root, capture_output=True, check=True, text=True, timeout=60
    )
    large, small = map(int, done.stdout.split())
    assert large > LARGE_KIB
    assert 0 < small < LARGE_KIB / 2


def test_that_of_another_process_is_told_until_it_has_ended() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert (peak_kib(process.pid) > 0) == Path("/proc/self/status").exists()
    process.communicate(b"\n", timeout=60)
    assert peak_kib(process.pid) == 0
