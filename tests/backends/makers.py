"""How a backend is made: with Go, or by Maven; every tool's output goes to one log."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.backends.binaries import BUILDER_YAML, COLLECTOR
from tests.backends.kinds import GO_VERSION, Backend, GoBackend, LeftOut, MavenBackend

BUILDER = f"go.opentelemetry.io/collector/cmd/builder@v{COLLECTOR.version}"

# Two, so that a build leaves something of a larger machine to others; a machine of two cores gives all it has.
PARALLEL = "2"
TAIL_LINES = 30


class BuildError(Exception):
    """A backend could not be had; the text says why and what to do."""


class Maker:
    """Makes one backend in a folder for the work."""

    def __init__(self, backend: Backend, work: Path, log: Path) -> None:
        """Prepare to make a backend.

        Args:
            backend: which.
            work: an empty folder, that the caller removes.
            log: where the tools' output goes.
        """
        self.backend = backend
        self.work = work
        self.log = log
        self.result = work / "result"

    def make(self) -> Path:
        """Make it.

        Returns:
            The folder that belongs into the cache.

        Raises:
            BuildError: a tool failed; the text has the end of the log.
        """
        self.result.mkdir()
        if isinstance(self.backend, GoBackend):
            self._compile(self.backend)
        elif isinstance(self.backend, MavenBackend):
            self._fetch(self.backend)
        return self.result

    def _compile(self, backend: GoBackend) -> None:
        if backend is COLLECTOR:
            module, mode = self._generate_collector(), ["-mod=mod"]
        else:
            # The default -mod=readonly: whatever does not match go.sum is refused.
            module, mode = backend.sources[0].parent, []
            if backend.left_out:
                module = self._complete(module, backend.left_out)
        for program, package in backend.packages.items():
            output = ["-p", PARALLEL, *backend.flags, "-o", str(self.result / program), package]
            self._go(["build", *mode, *output], module)

    def _generate_collector(self) -> Path:
        """Let the Collector's builder write the Go module of the Collector; return its folder."""
        # The builder reads output_path relative to its working folder.
        began = time.monotonic()
        shutil.copy(BUILDER_YAML, self.work / "builder.yaml")
        command = ["run", "-p", PARALLEL, BUILDER, "--skip-compilation", "--config", "builder.yaml"]
        module = self.work / "build"
        # Its `go mod tidy` wants packages that only the components' tests need, and fails where one is not to be had.
        # By then everything that `go build` needs is written, save for go.sum, which -mod=mod completes.
        self._go(command, self.work, proof=module / "go.mod")
        print(f"{self.backend.name}: sources written in {time.monotonic() - began:.0f} s, compiling", flush=True)
        return module

    def _complete(self, module: Path, left_out: LeftOut) -> Path:
        """Let a module use a copy of another one that has the file which is left out of it; return its folder."""
        self._go(["mod", "download", left_out.module], module)
        found = subprocess.run(
            ["go", "list", "-m", "-f", "{{.Dir}}", left_out.module],
            cwd=module,
            env=_environment(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        copy, using = self.work / "completed", self.work / "using"
        shutil.copytree(found, copy, copy_function=shutil.copyfile)
        # Directories in Go's module cache are read-only.
        for folder in (copy, *copy.rglob("*")):
            if folder.is_dir():
                folder.chmod(0o755)
        file = copy / left_out.path
        file.parent.mkdir(parents=True)
        file.write_text(left_out.text, encoding="utf-8")
        using.mkdir()
        for name in ("go.mod", "go.sum"):
            shutil.copyfile(module / name, using / name)
        self._go(["mod", "edit", "-replace", f"{left_out.module}={copy}"], using)
        return using

    def _go(self, arguments: Sequence[str], folder: Path, proof: Path | None = None) -> None:
        advice = (
            f"Check that `go version` says {GO_VERSION} or newer and that Go can download modules (GOPROXY), then run"
            f" `make backends` again: what was compiled so far is not compiled twice."
        )
        self._run(["go", *arguments], folder, advice, environment=_environment(), proof=proof)

    def _fetch(self, backend: MavenBackend) -> None:
        shutil.copy(backend.pom, self.work / "pom.xml")
        libraries = f"-DoutputDirectory={(self.result / backend.program).parent}"
        advice = "Check that Maven can download (~/.m2/settings.xml), then run `make backends` again."
        command = ["mvn", "--batch-mode", "dependency:copy-dependencies", "-DincludeScope=runtime", libraries]
        self._run(command, self.work, advice)

    def _run(
        self,
        command: Sequence[str],
        folder: Path,
        advice: str,
        *,
        environment: dict[str, str] | None = None,
        proof: Path | None = None,
    ) -> None:
        """Run a tool with its output in the log; where there is a proof file, that file decides, not the exit code."""
        with self.log.open("a", encoding="utf-8") as output:
            output.write(f"$ {' '.join(command)}\n")
            output.flush()
            process = subprocess.run(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if proof.exists() if proof else process.returncode == 0:
            return
        tail = "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:])
        raise BuildError(
            f"{self.backend.name}: `{command[0]} {command[1]}` failed with exit code {process.returncode}."
            f" The end of {self.log}:\n{tail}\n{advice}"
        )


def _environment() -> dict[str, str]:
    # Binaries for another machine would get this machine's key; a workspace file above would hide the pins.
    environment = {name: value for name, value in os.environ.items() if name not in ("GOOS", "GOARCH")}
    environment["GOWORK"] = "off"
    return environment
