"""The wheel has the package and nothing else, and works where nothing of the checkout is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import otel_events
from tests.loaded import LOADED

ROOT = Path(__file__).parents[1]
MODULES = {
    "otel_events/stamps",
    *(f"otel_events/direct/{name}" for name in ("intake", "journal/pairs", "receipt", "ring", "way")),
    "otel_events/receiver/fast",
}


def run(command: list[str], folder: Path, **added: str) -> str:
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | added
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environ, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def build(folder: Path, **environ: str) -> Path:
    """Build the wheel in a copy of the sources: extension modules are compiled beside them."""
    sources = folder / "sources"
    shutil.copytree(ROOT / "otel_events", sources / "otel_events", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources / name)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(sources)]
    run(command, folder, **environ)
    [wheel] = folder.glob("*.whl")
    return wheel


@pytest.mark.parametrize("compiler", ["", "false"], ids=["compiled", "without-compiler"])
def test_the_wheel_works_in_an_empty_environment(tmp_path: Path, compiler: str) -> None:
    """Into it go the wheel and, by reference, the dependencies that are installed here."""
    wheel = build(tmp_path, **{"CC": compiler} if compiler else {})
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "otel_events/py.typed" in names
    compiled = {name.split(".")[0] for name in names if name.endswith((".so", ".pyd"))}
    if compiler:
        assert wheel.name.endswith("-py3-none-any.whl")
    assert compiled == (set() if compiler or not shutil.which("cc") else MODULES)
    assert not any(name.endswith(".c") for name in names)
    assert {name.split("/")[0] for name in names} == {"otel_events", f"otel_events-{otel_events.__version__}.dist-info"}

    venv.create(tmp_path / "venv", with_pip=False)
    scripts = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    its_python = scripts / ("python.exe" if os.name == "nt" else "python")
    run(
        [sys.executable, "-m", "pip", "--python", str(its_python), "install", "--no-deps", "--no-index", str(wheel)],
        tmp_path,
    )

    def its(*command: str) -> str:
        return run([str(its_python), *command], tmp_path)

    site = Path(its("-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    here = Path(pytest.__file__).parents[1]
    (site / "dependencies.pth").write_text(f"{here}\n")
    assert Path(its("-c", "import otel_events; print(otel_events.__file__)")).is_relative_to(site)
    assert its("-c", f"import otel_events; {LOADED}") == "[]"
    is_compiled = its("-c", "from otel_events.direct.compiled import IS_COMPILED; print(IS_COMPILED)")
    assert is_compiled == str(bool(compiled))
    assert run([str(scripts / "otel-events"), "--version"], tmp_path) == f"otel-events {otel_events.__version__}"
    assert "demo" in its("-m", "otel_events", "--help")
