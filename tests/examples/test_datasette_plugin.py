"""The event of the example plugin arrives with its fields, and without the one that is to be dropped."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from otel_events.integrations.datasette_day import run_datasette
from otel_events.receiver import Receiver

EXAMPLE = Path(__file__).parents[2] / "examples" / "datasette_plugin"


def test_its_event_arrives(tmp_path: Path) -> None:
    with Receiver(tmp_path / "received.db", http_port=0, grpc_port=0) as receiver:
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.http_port}"}
        with (
            run_datasette(tmp_path, settings, ["--plugins-dir", str(EXAMPLE / "plugins")]) as datasette,
            urllib.request.urlopen(f"{datasette.url}/-/send-report?to=alice@example.org") as answer,
        ):
            assert json.load(answer) == {"sent": 2}
        [event] = receiver.store.events()
    assert event.name == "report-sent"
    assert event.service == "datasette"
    assert event.severity_text == "INFO2"
    assert event.body == "anonymous sent the report customers (2 rows)"
    assert {key: value for key, value in event.attributes.items() if key.startswith("reports.")} == {
        "reports.report": "customers",
        "reports.num_rows": 2,
    }
    assert event.attributes["url.path"] == "/-/send-report"
    assert "alice" not in json.dumps([event.body, dict(event.attributes)])
