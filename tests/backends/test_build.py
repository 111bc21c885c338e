"""`make backends` builds each backend once, whoever asks, and says plainly what is missing; shown without Go."""

from __future__ import annotations

import dataclasses
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backends import binaries, build
from tests.backends.binaries import (
    BACKENDS,
    BUILDER_YAML,
    COLLECTOR,
    GO_VERSION,
    JAEGER,
    VICTORIALOGS,
    Backend,
    cache_root,
)
from tests.backends.fixtures import require_binary
from tests.backends.wait import wait_until

ROOT = Path(__file__).resolve().parents[2]

# Stands for the compiler, which takes minutes: notes its call, waits until it may go on, writes the file after -o.
GO_THAT_BUILDS = """#!/bin/sh
echo "$PWD $*" >> "$CALLS"
read -r line < "$GATE"
while [ "$1" != -o ]; do shift; done
echo binary > "$2"
"""
GO_THAT_FAILS = """#!/bin/sh
echo "missing go.sum entry for module"
exit 7
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a cache of its own, and a PATH without Go."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("BACKENDS_CACHE", str(folder))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return folder


def install_go(tmp_path: Path, script: str) -> None:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(script)
    go.chmod(0o755)


def pretend_built(backend: Backend) -> None:
    backend.path.parent.mkdir(parents=True)
    backend.path.touch()


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    assert cache_root() == cache
    monkeypatch.delenv("BACKENDS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_root() == Path("/somewhere/otel-events/backends")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/a")
    assert cache_root() == Path("/home/a/.cache/otel-events/backends")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_root() == Path("/home/a/.cache/otel-events/backends")


def test_the_key_holds_the_version_and_changes_with_what_defines_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "go.mod"
    source.write_text("require example.org/server v1.2.3\n")
    backend = Backend("server", "server", "example.org/server", (source,), r"server v(\S+)", minutes=1)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    key = backend.key
    assert re.fullmatch(r"1\.2\.3-[0-9a-f]{12}-linux-amd64", key)
    assert backend.key == key

    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert backend.key == key.replace("amd64", "arm64")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert dataclasses.replace(backend, package="example.org/other").key != key
    monkeypatch.setattr(binaries, "BUILD_FLAGS", ("-trimpath",))
    assert backend.key != key
    monkeypatch.undo()
    source.write_text("require example.org/server v1.2.3\nrequire example.org/other v1.0.0\n")
    assert backend.key != key


def test_a_definition_without_a_version_is_an_error(tmp_path: Path) -> None:
    source = tmp_path / "go.mod"
    source.touch()
    backend = Backend("server", "server", "example.org/server", (source,), r"server v(\S+)", minutes=1)
    with pytest.raises(ValueError, match="no version found"):
        _ = backend.version


def test_every_component_of_the_collector_has_the_version_of_the_collector() -> None:
    lines = re.findall(r"- gomod: (\S+) v(\S+)$", BUILDER_YAML.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) > 20
    assert {version for module, version in lines if "/confmap/provider/" not in module} == {COLLECTOR.version}


def test_the_list_says_what_is_built(capsys: pytest.CaptureFixture[str]) -> None:
    pretend_built(JAEGER)
    assert build.main(["--list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"collector {COLLECTOR.version} {COLLECTOR.path} not built",
        f"jaeger {JAEGER.version} {JAEGER.path} built",
        f"victorialogs {VICTORIALOGS.version} {VICTORIALOGS.path} not built",
    ]
    assert build.main(["--list", "jaeger"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"jaeger {JAEGER.version} {JAEGER.path} built"]


def test_an_unknown_name_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        build.main(["loki"])
    assert "no backend is called 'loki'; there are collector, jaeger, victorialogs" in capsys.readouterr().err


def test_without_go_it_says_which_version_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main([]) == 1
    assert f"collector: no `go` on PATH. Install Go {GO_VERSION} or newer" in capsys.readouterr().err


def test_what_is_in_the_cache_needs_no_go(capsys: pytest.CaptureFixture[str]) -> None:
    for backend in BACKENDS.values():
        pretend_built(backend)
    assert build.main([]) == 0
    assert capsys.readouterr().out.count("is built") == 3


@pytest.mark.parametrize("name", BACKENDS)
def test_a_failing_build_shows_what_go_said_and_leaves_nothing_half_built(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install_go(tmp_path, GO_THAT_FAILS)
    assert build.main([name]) == 1
    error = capsys.readouterr().err
    assert "failed with exit code 7" in error
    assert "missing go.sum entry for module" in error
    assert "run `make backends` again" in error
    backend = BACKENDS[name]
    assert [path.name for path in backend.path.parents[1].iterdir()] == [f"{backend.key}.log"]


def test_two_builds_at_once_build_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_go(tmp_path, GO_THAT_BUILDS)
    gate, calls = tmp_path / "gate", tmp_path / "calls"
    os.mkfifo(gate)
    monkeypatch.setenv("GATE", str(gate))
    monkeypatch.setenv("CALLS", str(calls))
    left = JAEGER.path.parents[1] / "building-killed"
    left.mkdir(parents=True)
    command = [sys.executable, "-m", "tests.backends.build", "jaeger"]
    outputs = [tmp_path / "first", tmp_path / "second"]
    with (
        outputs[0].open("wb") as first_output,
        outputs[1].open("wb") as second_output,
        subprocess.Popen(command, cwd=ROOT, stdout=first_output) as first,
    ):
        wait_until(calls.exists)
        with subprocess.Popen(command, cwd=ROOT, stdout=second_output) as second:
            try:
                wait_until(lambda: "waiting for another build to end" in outputs[1].read_text())
            finally:
                gate.write_text("go on\n")
        assert (first.wait(10), second.wait(10)) == (0, 0)
    [call] = calls.read_text().splitlines()
    assert call.startswith(f"{ROOT / 'tests' / 'backends' / 'jaeger'} build -p 2 -trimpath ")
    assert JAEGER.path.read_text() == "binary\n"
    assert not left.exists()
    assert "built in" in outputs[0].read_text()
    assert "built in" not in outputs[1].read_text()


def test_a_missing_binary_skips_or_fails_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUIRE_BACKENDS", raising=False)
    text = f"jaeger .* is not built .*: install Go {re.escape(GO_VERSION)} or newer and run `make backends`"
    with pytest.raises(pytest.skip.Exception, match=text):
        require_binary(JAEGER)
    monkeypatch.setenv("REQUIRE_BACKENDS", "1")
    with pytest.raises(pytest.fail.Exception, match=text):
        require_binary(JAEGER)
    pretend_built(JAEGER)
    assert require_binary(JAEGER) == JAEGER.path
