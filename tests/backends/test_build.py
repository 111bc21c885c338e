"""`make backends` builds each backend once, whoever asks, and says plainly what is missing; shown without its tools."""

from __future__ import annotations

import dataclasses
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backends import build, kinds
from tests.backends.binaries import ALERTMANAGER, BACKENDS, BUILDER_YAML, COLLECTOR, JAEGER, KAFKA
from tests.backends.fixtures import require_binary
from tests.backends.kinds import GO_VERSION, Backend, GoBackend, LeftOut, cache_root
from tests.backends.wait import wait_until

ROOT = Path(__file__).resolve().parents[2]

# Stands for the compiler, which takes minutes: notes its call, waits until it may go on, writes the file after -o.
GO_THAT_BUILDS = """#!/bin/sh
echo "$PWD $*" >> "$CALLS"
read -r line < "$GATE"
while [ "$1" != -o ]; do shift; done
echo binary > "$2"
"""
GO_THAT_COMPLETES = """#!/bin/sh
case "$1 $2" in
"mod download") ;;
"list -m") echo "$MODULE" ;;
"mod edit") echo "$3 $4" > replaced ;;
build*)
    cat replaced "${PWD%/using}/completed/page/index.html" > "$CALLS"
    while [ "$1" != -o ]; do shift; done
    echo binary > "$2"
    ;;
esac
"""
TOOL_THAT_FAILS = """#!/bin/sh
echo "missing entry for module"
exit 7
"""
MAVEN = """#!/bin/sh
for argument; do
    case "$argument" in
    -DoutputDirectory=*) mkdir -p "${argument#*=}" && cp pom.xml "${argument#*=}/kafka_2.13-4.3.1.jar" ;;
    esac
done
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a cache of its own, and a PATH with nothing but the tools of a shell."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("BACKENDS_CACHE", str(folder))
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("cat", "cp", "mkdir"):
        (tools / name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(tools))
    return folder


def install(tmp_path: Path, tool: str, script: str) -> None:
    program = tmp_path / "bin" / tool
    program.write_text(script)
    program.chmod(0o755)


def go_backend(source: Path) -> GoBackend:
    return GoBackend(
        "server",
        "server",
        time="a minute",
        packages={"server": "example.org/server"},
        sources=(source,),
        version_pattern=r"server v(\S+)",
    )


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
    backend = go_backend(source)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    key = backend.key
    assert re.fullmatch(r"1\.2\.3-[0-9a-f]{12}-linux-amd64", key)
    assert backend.key == key

    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert backend.key == key.replace("amd64", "arm64")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert dataclasses.replace(backend, packages={"server": "example.org/other"}).key != key
    assert dataclasses.replace(backend, tags=("netgo",)).key != key
    assert dataclasses.replace(backend, left_out=LeftOut("example.org/other", "page", "text")).key != key
    monkeypatch.setattr(kinds, "BUILD_FLAGS", ("-trimpath",))
    assert backend.key != key
    monkeypatch.undo()
    source.write_text("require example.org/server v1.2.3\nrequire example.org/other v1.0.0\n")
    assert backend.key != key


def test_a_definition_without_a_version_is_an_error(tmp_path: Path) -> None:
    source = tmp_path / "go.mod"
    source.touch()
    backend = go_backend(source)
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
        f"{name} {backend.version} {backend.path} {'built' if backend is JAEGER else 'not built'}"
        for name, backend in BACKENDS.items()
    ]
    assert build.main(["--list", "jaeger"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"jaeger {JAEGER.version} {JAEGER.path} built"]


def test_an_unknown_name_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        build.main(["loki"])
    assert f"no backend is called 'loki'; there are {', '.join(BACKENDS)}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "there", "error"),
    [
        ("collector", (), f"collector: no `go` on PATH. To have it, install Go {GO_VERSION} or newer"),
        ("kafka", (), "kafka: no `mvn` on PATH. To have it, install Maven"),
        ("kafka", ("mvn",), "kafka: no `java` on PATH. To have it, install Java 17 or newer"),
    ],
)
def test_a_missing_tool_is_named_with_how_it_comes(
    name: str, there: tuple[str, ...], error: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for tool in there:
        install(tmp_path, tool, TOOL_THAT_FAILS)
    assert build.main([name]) == 1
    assert error in capsys.readouterr().err


def test_those_whose_tools_are_missing_can_be_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for tool in ("mvn", "java"):
        install(tmp_path, tool, MAVEN)
    assert build.main(["--available"]) == 0
    output = capsys.readouterr().out
    assert output.count("left out, and its tests are skipped: no `go` on PATH") == len(BACKENDS) - 1
    assert KAFKA.path.exists()


def test_what_is_in_the_cache_needs_no_tools(capsys: pytest.CaptureFixture[str]) -> None:
    for backend in BACKENDS.values():
        pretend_built(backend)
    assert build.main([]) == 0
    assert capsys.readouterr().out.count("is built") == len(BACKENDS)


@pytest.mark.parametrize("name", BACKENDS)
def test_a_failing_build_shows_what_the_tool_said_and_leaves_nothing_half_built(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for tool in BACKENDS[name].tools:
        install(tmp_path, tool, TOOL_THAT_FAILS)
    assert build.main([name]) == 1
    error = capsys.readouterr().err
    assert "failed with exit code 7" in error
    assert "missing entry for module" in error
    assert "run `make backends` again" in error
    backend = BACKENDS[name]
    assert [path.name for path in backend.folder.parent.iterdir()] == [f"{backend.key}.log"]


def test_two_builds_at_once_build_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "go", GO_THAT_BUILDS)
    gate, calls = tmp_path / "gate", tmp_path / "calls"
    os.mkfifo(gate)
    monkeypatch.setenv("GATE", str(gate))
    monkeypatch.setenv("CALLS", str(calls))
    left = JAEGER.folder.parent / "building-killed"
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
    assert call.startswith(f"{ROOT / 'tests' / 'backends' / 'sources' / 'jaeger'} build -p 2 -trimpath ")
    assert JAEGER.path.read_text() == "binary\n"
    assert not left.exists()
    assert "built in" in outputs[0].read_text()
    assert "built in" not in outputs[1].read_text()


def test_a_file_that_a_module_leaves_out_is_added_to_a_copy_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, calls = tmp_path / "module", tmp_path / "calls"
    module.mkdir()
    (module / "server.go").write_text("package server\n")
    module.chmod(0o555)
    monkeypatch.setenv("MODULE", str(module))
    monkeypatch.setenv("CALLS", str(calls))
    install(tmp_path, "go", GO_THAT_COMPLETES)
    left_out = LeftOut("example.org/other", "page/index.html", "the page\n")
    backend = dataclasses.replace(ALERTMANAGER, packages={"alertmanager": "example.org/server"}, left_out=left_out)
    build.build([backend])
    replaced, page = calls.read_text().splitlines()
    assert replaced.startswith("-replace example.org/other=")
    assert page == "the page"
    assert backend.path.read_text() == "binary\n"
    assert [path.name for path in module.iterdir()] == ["server.go"]


def test_a_missing_binary_skips_or_fails_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUIRE_BACKENDS", raising=False)
    text = f"jaeger .* is not built .*: install Go {re.escape(GO_VERSION)} or newer; then run `make backends`"
    with pytest.raises(pytest.skip.Exception, match=text):
        require_binary(JAEGER)
    monkeypatch.setenv("REQUIRE_BACKENDS", "1")
    with pytest.raises(pytest.fail.Exception, match=text):
        require_binary(JAEGER)
    pretend_built(JAEGER)
    assert require_binary(JAEGER) == JAEGER.path
