"""Builds the backends of the tests from Go modules into a cache outside the checkout: `python -m tests.backends.build`.

Needs Go and nothing else: standard library only. A backend whose binary is in the cache is not built again; what is
built arrives in the cache by a rename, so that a half-built backend is never seen there.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.backends.binaries import (
    BACKENDS,
    BUILD_FLAGS,
    BUILDER_YAML,
    COLLECTOR,
    GO_VERSION,
    Backend,
    cache_root,
)

BUILDER = f"go.opentelemetry.io/collector/cmd/builder@v{COLLECTOR.version}"

# Two, so that a build leaves something of a larger machine to others; a machine of two cores gives all it has.
PARALLEL = "2"
TAIL_LINES = 30


class BuildError(Exception):
    """A backend could not be built; the text says why and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the backends that are named, or all of them.

    Args:
        arguments: the command line without the program's name; None means `sys.argv`.

    Returns:
        0 when every backend named is in the cache, 1 when one could not be built, 2 for a wrong command line.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.backends.build", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BACKENDS)}; default: all")
    parser.add_argument("--list", action="store_true", help="print name, version, path, and whether it is built")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in BACKENDS]:
        parser.error(f"no backend is called {unknown[0]!r}; there are {', '.join(BACKENDS)}")
    chosen = [BACKENDS[name] for name in options.names] or list(BACKENDS.values())
    if options.list:
        for backend in chosen:
            print(backend.name, backend.version, backend.path, "built" if backend.path.exists() else "not built")
        return 0
    try:
        build(chosen)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def build(backends: Sequence[Backend]) -> None:
    """Put the backends into the cache, one after another.

    Args:
        backends: what to build; those that are there already cost nothing.

    Raises:
        BuildError: Go is missing, or a build failed.
    """
    for backend in backends:
        if backend.path.exists():
            _say(backend, f"is built: {backend.path}")
            continue
        if shutil.which("go") is None:
            raise BuildError(
                f"{backend.name}: no `go` on PATH. Install Go {GO_VERSION} or newer, then run `make backends` again."
            )
        with _lock():
            # Another process may have built it while this one waited for the lock.
            if backend.path.exists():
                _say(backend, f"is built: {backend.path}")
            else:
                _build(backend)


def _build(backend: Backend) -> None:
    _say(backend, f"building; the first time takes about {backend.minutes} minutes on two cores")
    began = time.monotonic()
    folder = backend.path.parent
    folder.parent.mkdir(parents=True, exist_ok=True)
    log = folder.with_name(f"{folder.name}.log")
    log.unlink(missing_ok=True)
    # Work that a killed build left behind; the lock is ours, so that nobody is at it.
    for left in folder.parent.glob("building-*"):
        shutil.rmtree(left)
    work = Path(tempfile.mkdtemp(prefix="building-", dir=folder.parent))
    try:
        result = work / "result"
        result.mkdir()
        if backend is COLLECTOR:
            module = _generate_collector(work, log)
            # The builder leaves go.mod incomplete and no go.sum: -mod=mod lets `go build` complete them.
            _go(backend, ["build", "-mod=mod", *_output(backend, result)], module, log)
        else:
            # The default -mod=readonly: whatever does not match go.sum is refused.
            _go(backend, ["build", *_output(backend, result)], backend.sources[0].parent, log)
        result.rename(folder)
    finally:
        shutil.rmtree(work)
    megabytes = backend.path.stat().st_size / 1e6
    _say(backend, f"built in {time.monotonic() - began:.0f} s, {megabytes:.0f} MB: {backend.path}")


def _generate_collector(work: Path, log: Path) -> Path:
    """Let the Collector's builder write the Go module of the Collector; return its folder."""
    # The builder reads output_path relative to its working folder.
    began = time.monotonic()
    shutil.copy(BUILDER_YAML, work / "builder.yaml")
    command = ["run", "-p", PARALLEL, BUILDER, "--skip-compilation", "--config", "builder.yaml"]
    module = work / "build"
    # Its `go mod tidy` wants packages that only the components' tests need, and fails where one is not to be had.
    # By then everything that `go build` needs is written.
    _go(COLLECTOR, command, work, log, proof=module / "go.mod")
    _say(COLLECTOR, f"sources written in {time.monotonic() - began:.0f} s, compiling")
    return module


def _output(backend: Backend, folder: Path) -> list[str]:
    return ["-p", PARALLEL, *BUILD_FLAGS, "-o", str(folder / backend.program), backend.package]


def _go(backend: Backend, arguments: Sequence[str], folder: Path, log: Path, proof: Path | None = None) -> None:
    """Run Go with its output in the log; where there is a proof file, that file decides, not the exit code."""
    # Binaries for another machine would get this machine's key; a workspace file above would hide the committed pins.
    environment = {name: value for name, value in os.environ.items() if name not in ("GOOS", "GOARCH")}
    environment["GOWORK"] = "off"
    with log.open("a", encoding="utf-8") as output:
        output.write(f"$ go {' '.join(arguments)}\n")
        output.flush()
        process = subprocess.run(
            ["go", *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if proof.exists() if proof else process.returncode == 0:
        return
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:])
    raise BuildError(
        f"{backend.name}: `go {arguments[0]}` failed with exit code {process.returncode}. The end of {log}:\n{tail}\n"
        f"Check that `go version` says {GO_VERSION} or newer and that Go can download modules (GOPROXY), then run"
        f" `make backends` again: what was compiled so far is not compiled twice."
    )


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
