"""``otel-events demo``: all thirteen built-in event types arrive over OTLP, from a real Datasette, and nothing stays behind."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import pytest

from otel_events import BUILTIN_EVENTS
from tests.backends.wait import wait_until

DEADLINE_SECONDS = 120.0
NAMES = {cls.name for cls in BUILTIN_EVENTS}


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Give an environment in which temporary folders are this test's."""
    (tmp_path / "temporary").mkdir()
    return {**os.environ, "TMPDIR": str(tmp_path / "temporary"), "PYTHONUTF8": "1"}


def nothing_stays(tmp_path: Path, *urls: str) -> None:
    assert list((tmp_path / "temporary").iterdir()) == []
    for url in urls:
        parts = urlsplit(url)
        with socket.socket() as client:
            assert client.connect_ex((str(parts.hostname), int(parts.port or 0))) != 0, f"{url} still answers"


def run(environ: Mapping[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "otel_events", "demo", *options]
    return subprocess.run(command, capture_output=True, text=True, env=environ, timeout=DEADLINE_SECONDS)


@pytest.mark.parametrize("signals", ["logs", "traces", "logs,traces"])
def test_every_built_in_event_type_arrives(environ: dict[str, str], tmp_path: Path, signals: str) -> None:
    done = run(environ, "--json", "--signals", signals)
    assert done.returncode == 0, done.stderr
    [line] = done.stdout.splitlines()
    numbers = json.loads(line)
    assert set(numbers["by_name"]) == NAMES
    assert len(NAMES) == 13
    assert numbers["missing"] == []
    assert numbers["tracked"] == numbers["arrived"] == sum(numbers["by_name"].values()) == 14
    assert 0 < numbers["median_ms"] <= numbers["worst_ms"] < 30_000
    nothing_stays(tmp_path, numbers["datasette"], numbers["page"], numbers["otlp_http"], numbers["otlp_grpc"])


def test_a_day_in_a_shop_is_replayed(environ: dict[str, str], tmp_path: Path) -> None:
    done = run(environ, "--json", "--replay", "0.5")
    assert done.returncode == 0, done.stderr
    numbers = json.loads(done.stdout)
    assert numbers["tracked"] == numbers["arrived"] > 400
    assert "» a day in a shop, in 0.5 seconds" in done.stderr
    assert re.search(r" update-row carol @shop  carol updated a row of shop/", done.stderr)
    nothing_stays(tmp_path, numbers["page"])


def test_it_shows_what_is_done_and_what_arrives(environ: dict[str, str], tmp_path: Path) -> None:
    done = run(environ)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert re.fullmatch(
        r"Starting a Datasette\. Its events go to an OTLP receiver, http://127\.0\.0\.1:\d+\.", lines[0]
    )
    assert re.fullmatch(r"They are shown here, and on the page at http://127\.0\.0\.1:\d+/", lines[1])
    steps = [number for number, line in enumerate(lines) if line.startswith("» ")]
    assert len(steps) == 13
    for number in steps:  # each event right below what made it
        assert re.match(r"\d\d:\d\d:\d\d\.\d\d\d (INFO |WARN ) [a-z-]+ .*@datasette-demo", lines[number + 1])
    for name in NAMES:
        assert re.search(rf"^   {2 if name == 'alter-table' else 1}  {name}$", done.stdout, re.MULTILINE)
    assert "14 of 14 events arrived. Built-in event types seen: 13 of 13.\n" in done.stdout
    assert re.search(r"[\d.]+ ms \(median\), [\d.]+ ms \(worst\)\. Batches leave every 100 ms here\.$", done.stdout)
    assert "dstok_" not in done.stdout
    assert "?token=" not in done.stdout
    nothing_stays(tmp_path)


def test_a_type_that_is_missing_is_a_finding(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\nos.environ['OTEL_EVENTS_EXCLUDE'] = 'login-failed'")
    path = os.pathsep.join([str(tmp_path), environ.get("PYTHONPATH", "")])
    done = run({**environ, "PYTHONPATH": path}, "--json")
    assert done.returncode == 1
    numbers = json.loads(done.stdout)
    assert numbers["missing"] == ["login-failed"]
    assert numbers["tracked"] == numbers["arrived"] == 13
    assert "Built-in event types seen: 12 of 13; missing: login-failed.\n" in done.stderr
    assert "Datasette said:\n" in done.stderr
    assert "Uvicorn running on" in done.stderr
    nothing_stays(tmp_path, numbers["datasette"])


class Running:
    """A demo that is running; its lines can be waited for."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._streams = {"stdout": self._follow(process.stdout), "stderr": self._follow(process.stderr)}

    def until(self, text: str, stream: str = "stderr") -> str:
        """Wait for a line with a text."""
        while True:
            line = self._streams[stream].get(timeout=DEADLINE_SECONDS)
            assert line is not None, f"{stream} ended before {text!r}"
            if text in line:
                return line

    def rest(self, stream: str = "stderr") -> str:
        return "".join(iter(lambda: self._streams[stream].get(timeout=DEADLINE_SECONDS) or "", ""))

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)

    @staticmethod
    def _follow(stream: IO[str] | None) -> queue.Queue[str | None]:
        assert stream is not None
        lines: queue.Queue[str | None] = queue.Queue()

        def follow() -> None:
            with stream:
                for line in stream:
                    lines.put(line)
            lines.put(None)

        threading.Thread(target=follow, daemon=True).start()
        return lines


@contextmanager
def running(environ: Mapping[str, str], *options: str) -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, "-m", "otel_events", "demo", "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
    )
    try:
        yield Running(process)
    finally:
        process.terminate()  # never killed: that would leave its Datasette behind
        process.wait(DEADLINE_SECONDS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_kept_running_it_shows_more_events_until_it_is_told_to_end(
    environ: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    with running(environ, "--keep") as demo:
        numbers: dict[str, Any] = json.loads(demo.until("{", "stdout"))
        assert Path(numbers["database"]).exists()
        said = demo.until("Datasette goes on at ")
        wrong = re.search(r"; (http\S+token=wrong) there makes another event, shown here\.", said)
        assert wrong is not None
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(wrong[1], timeout=30)
        with refused.value:
            assert refused.value.code == 403
        assert "login-failed" in demo.until("sign-in refused")
        with urllib.request.urlopen(f"{numbers['page']}api/events?q=name:login-failed") as answer:
            assert len(json.load(answer)["events"]) == 2
        assert demo.end(number) == 0
        assert demo.rest("stdout") == ""
    nothing_stays(tmp_path, numbers["datasette"], numbers["page"], numbers["otlp_http"], numbers["otlp_grpc"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["Starting a Datasette", "» a stranger", "» it updates a row"])
def test_ended_early_it_leaves_nothing_behind(
    environ: dict[str, str], tmp_path: Path, number: signal.Signals, moment: str
) -> None:
    with running(environ) as demo:
        endpoint = re.search(r"http://127\.0\.0\.1:\d+", demo.until("Starting a Datasette"))
        assert endpoint is not None
        if moment not in endpoint.string:
            demo.until(moment)
        assert demo.end(number) == 1
        assert demo.rest().endswith("Ended before the day was over.\n")
        assert demo.rest("stdout") == ""
    nothing_stays(tmp_path, endpoint[0])


@pytest.mark.skipif(os.name == "nt", reason="process groups are of POSIX")
def test_ctrl_c_in_a_terminal_which_datasette_gets_too_ends_both(environ: dict[str, str], tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "otel_events", "demo", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ,
        start_new_session=True,
    )
    demo = Running(process)
    demo.until("» root signs in")
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(DEADLINE_SECONDS) == 1
    assert demo.rest().endswith("Ended before the day was over.\n")
    wait_until(lambda: not group_exists(process.pid))
    nothing_stays(tmp_path)


def group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_unknown_signals_are_wrong_usage(environ: dict[str, str]) -> None:
    done = run(environ, "--signals", "metrics")
    assert (done.returncode, done.stdout) == (2, "")
    assert "'metrics'" in done.stderr
