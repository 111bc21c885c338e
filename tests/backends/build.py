"""Puts the backends of the tests into a cache outside the checkout: `python -m tests.backends.build`.

Standard library only. Most are built with Go, Kafka is fetched by Maven. What is in the
cache is left alone; what is new arrives there by a rename, so that half a backend is never seen.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.backends.binaries import BACKENDS
from tests.backends.kinds import Backend, cache_root
from tests.backends.makers import BuildError, Maker


def main(arguments: Sequence[str] | None = None) -> int:
    """Get the backends that are named, or all of them.

    Args:
        arguments: the command line without the program's name; None means `sys.argv`.

    Returns:
        0 when every backend named is in the cache, 1 when one could not be had, 2 for a wrong command line.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.backends.build", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BACKENDS)}; default: all")
    parser.add_argument("--list", action="store_true", help="print name, version, path, and whether it is built")
    parser.add_argument(
        "--available", action="store_true", help="leave out those whose tools are not on PATH, instead of failing"
    )
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in BACKENDS]:
        parser.error(f"no backend is called {unknown[0]!r}; there are {', '.join(BACKENDS)}")
    chosen = [BACKENDS[name] for name in options.names] or list(BACKENDS.values())
    if options.list:
        for backend in chosen:
            print(backend.name, backend.version, backend.path, "built" if backend.path.exists() else "not built")
        return 0
    try:
        build(chosen, available=options.available)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def build(backends: Sequence[Backend], *, available: bool = False) -> None:
    """Put the backends into the cache, one after another.

    Args:
        backends: which; those that are there already cost nothing.
        available: whether to leave out those whose tools are not on PATH, and say so, instead of failing.

    Raises:
        BuildError: a tool is missing, or failed.
    """
    for backend in backends:
        if backend.path.exists():
            _say(backend, f"is built: {backend.path}")
            continue
        if missing := [tool for tool in backend.tools if shutil.which(tool) is None]:
            remedy = (
                f"no `{missing[0]}` on PATH. To have it, {backend.tools[missing[0]]}; then run `make backends` again."
            )
            if not available:
                raise BuildError(f"{backend.name}: {remedy}")
            _say(backend, f"left out, and its tests are skipped: {remedy}")
            continue
        with _lock():
            # Another process may have built it while this one waited for the lock.
            if backend.path.exists():
                _say(backend, f"is built: {backend.path}")
            else:
                _build(backend)


def _build(backend: Backend) -> None:
    _say(backend, f"building; the first time takes about {backend.time} on two cores")
    began = time.monotonic()
    folder = backend.folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = folder.with_name(f"{folder.name}.log")
    log.unlink(missing_ok=True)
    # Work that a killed build left behind; the lock is ours, so that nobody is at it.
    for left in folder.parent.glob("building-*"):
        shutil.rmtree(left)
    work = Path(tempfile.mkdtemp(prefix="building-", dir=folder.parent))
    try:
        result = Maker(backend, work, log).make()
        result.rename(folder)
    finally:
        shutil.rmtree(work)
    megabytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    _say(backend, f"built in {time.monotonic() - began:.0f} s, {megabytes:.0f} MB: {backend.path}")


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """Hold the cache's build lock: one build at a time, whoever asks. It goes with the process that holds it."""
    path = cache_root() / "build.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another build to end (it holds {path})", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _say(backend: Backend, text: str) -> None:
    print(f"{backend.name} {backend.version}: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
