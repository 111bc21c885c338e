"""The example plugin, installed by pip: the application finds it, its own event arrives, and it reacts to the others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from otel_events.receiver import Receiver
from tests.examples.running import EXAMPLES, arrived, promised_output, run_example


def _install(package: Path, target: Path) -> None:
    """Install a package without a network: what builds it has to be there, what it depends on is."""
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(package)],
        check=True,
        timeout=120,
    )


def test_the_installed_plugin_is_found_and_works(receiver: Receiver, environ: dict[str, str], tmp_path: Path) -> None:
    source = shutil.copytree(EXAMPLES / "plugin_with_event", tmp_path / "source")
    _install(source, tmp_path / "site")
    environ["PYTHONPATH"] += os.pathsep + str(tmp_path / "site")
    application = "plugin_with_event/application.py"
    assert run_example(application, environ) == promised_output(application)
    *failed, locked = arrived(receiver, 4)
    assert [event.name for event in failed] == ["login-failed"] * 3
    assert locked.name == "account-locked"
    assert locked.severity_text == "ERROR"
    assert locked.body == "alice is locked out after 3 refused sign-ins"
    assert locked.attributes["lockout.refused"] == 3
