"""``otel-events doctor`` shows settings and checks as text or JSON, exits 0, 1 or 2, and needs the base install only."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_events.cli.main import main
from otel_events.receiver import Receiver
from otel_events.version import VERSION
from tests.backends.servers import Collector, Jaeger, VictoriaLogs
from tests.sdk.support import ROOT, free_port

PLANTED = "planted-4711-secret"


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0) as running:
        yield running


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, nobody_trusted: None) -> None:
    # The command sets it for its process, which here is that of the tests.
    monkeypatch.setenv("GRPC_VERBOSITY", "NONE")


def test_settings_and_checks_are_shown(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint = f"http://127.0.0.1:{receiver.http_port}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"otel-events doctor {VERSION}"
    rows = [line.split() for line in lines]
    assert ["logs.endpoint", f"{endpoint}/v1/logs", "OTEL_EXPORTER_OTLP_ENDPOINT"] in rows
    assert ["signals", "logs", "default"] in rows
    checks = lines[lines.index("checks") + 1 : -2]
    assert [line.split()[:3] for line in checks] == [["ok", "logs", "connection"], ["ok", "logs", "canary"]]
    assert lines[-1] == "all is fine"
    assert receiver.store.count() == 1


def test_a_finding_is_one_line_with_what_to_change_and_the_exit_code_is_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    assert main(["doctor"]) == 1
    captured = capsys.readouterr()
    [line] = [line for line in captured.out.splitlines() if line.startswith("  FAIL")]
    assert line.split("connection", 1)[1].strip() == (
        f"127.0.0.1:{port}: nothing listens there. Start a collector, or set OTEL_EXPORTER_OTLP_ENDPOINT to where one is."
    )
    assert captured.out.splitlines()[-1] == "to be changed: 1"
    assert captured.err == ""


def test_one_json_document(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{receiver.http_port}")
    assert main(["doctor", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["version"], document["fine"]) == (VERSION, True)
    assert {"name": "signals", "value": "logs", "source": "default"} in document["settings"]
    assert [check["what"] for check in document["checks"]] == ["connection", "canary"]
    assert document["checks"][1] == {
        "mark": "ok",
        "signals": ["logs"],
        "what": "canary",
        "seen": document["checks"][1]["seen"],
        "change": None,
        "hop": None,
    }


def test_a_finding_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    assert main(["doctor", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["fine"] is False
    connection = document["checks"][0]
    assert (connection["mark"], connection["hop"]) == ("FAIL", "application → collector")


def test_what_arrived_is_read_back(
    collector: Collector,
    jaeger: Jaeger,
    victorialogs: VictoriaLogs,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http_endpoint)
    monkeypatch.setenv("OTEL_EVENTS_SIGNALS", "logs,traces")
    places = [f"jaeger={jaeger.url}", f"victorialogs={victorialogs.url}", f"file={collector.logs_file}"]
    assert main(["doctor", *[word for place in places for word in ("--read-back", place)]]) == 0
    out = capsys.readouterr().out
    assert f"{jaeger.url}: name, attributes and trace link arrived" in out
    assert f"{victorialogs.url}: name, body, attributes and trace link arrived" in out
    assert f"{collector.logs_file}: name, body, attributes and trace link arrived" in out


def test_a_standard_variable_that_is_ignored_is_a_finding(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{receiver.http_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization {PLANTED}")
    assert main(["doctor"]) == 1
    captured = capsys.readouterr()
    assert "OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' is not" in captured.out
    assert "OTEL_EXPORTER_OTLP_HEADERS: the value given (not shown) is not" in captured.out
    assert PLANTED not in captured.out + captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--read-back", f"jaeger=http://joe:{PLANTED}@host:notaport"],
        ["--read-back", f"http://joe:{PLANTED}@host"],
        ["--wait", "-1"],
        ["--wait", "nan"],
        ["--wait", "1e9"],
        ["--wait", "soon"],
        ["--no-such-option"],
    ],
)
def test_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["doctor", *arguments])
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert "usage: " in captured.err
    assert PLANTED not in captured.out + captured.err


def test_a_bad_setting_of_the_projects_own_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EVENTS_PSEUDONYM_KEY", PLANTED[:15])
    assert main(["doctor"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("otel-events doctor: OTEL_EVENTS_PSEUDONYM_KEY: the value given (not shown) is not")
    assert PLANTED[:15] not in captured.out + captured.err


def test_settings_show_no_secret(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://joe:{PLANTED}@127.0.0.1:{free_port()}/?key={PLANTED}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"authorization=Bearer%20{PLANTED}")
    monkeypatch.setenv("OTEL_EVENTS_PSEUDONYM_KEY", PLANTED)
    for arguments in ([], ["--json"]):
        assert main(["doctor", *arguments]) == 1
        captured = capsys.readouterr()
        assert PLANTED not in captured.out + captured.err
        assert "authorization=" in captured.out


def run_alone(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, in which nothing but the base install can be imported."""
    script = """
import sys
class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("rich", "starlette", "uvicorn", "datasette", "trustme", "pytest"):
            raise ModuleNotFoundError(f"{name} is not installed", name=name)
sys.meta_path.insert(0, Without())
from otel_events.cli.main import main
sys.exit(main(["doctor", *sys.argv[1:]]))
"""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        timeout=60.0,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environ},
        check=False,
        text=True,
        encoding="utf-8",
    )


def test_the_base_install_is_enough(receiver: Receiver) -> None:
    done = run_alone(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{receiver.http_port}", PYTHONWARNINGS="error")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "all is fine"


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_stderr_stays_quiet_over_tls_troubles(tls_collector: Collector, protocol: str) -> None:
    port = "otlp_grpc" if protocol == "grpc" else "otlp_http"
    done = run_alone(
        OTEL_EXPORTER_OTLP_ENDPOINT=f"https://{tls_collector.address(port)}", OTEL_EXPORTER_OTLP_PROTOCOL=protocol
    )
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[lines.index("checks") + 1 : -2]] == ["ok", "FAIL", "FAIL"]


def test_a_terminal_without_unicode_is_no_hindrance(receiver: Receiver) -> None:
    done = run_alone(
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{receiver.http_port}",
        OTEL_EXPORTER_OTLP_HEADERS="x-key=value",
        PYTHONIOENCODING="ascii",
    )
    assert done.returncode == 0, done.stderr
    assert "x-key=?" in done.stdout
