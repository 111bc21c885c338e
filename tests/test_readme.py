"""The first screen of README.md is so: its first program, run, shows in the receiver what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from otel_events.cli.render import event_text
from otel_events.receiver import Receiver

README = Path(__file__).parents[1] / "README.md"


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None, f"README.md has no block of {language}"
    return found[1]


def test_the_first_program_shows_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text(block("python"), encoding="utf-8")
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0) as receiver:
        environ = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.http_port}"}
        subprocess.run([sys.executable, "-W", "error", "first.py"], check=True, cwd=tmp_path, env=environ, timeout=60)
    shown = "\n".join(event_text(event).plain for event in receiver.store.events()) + "\n"

    assert re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "12:00:00.000", shown) == block("console")


def test_the_last_three_lines_of_it_are_all_that_is_needed() -> None:
    statements = [line for line in block("python").splitlines() if line.startswith("tracker")]

    assert statements == block("python").splitlines()[-3:]
    assert block("python").count("tracker") == len(statements)
