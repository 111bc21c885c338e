"""The example with an audit trail: both events arrive, one of them by way of the journal."""

from __future__ import annotations

from pathlib import Path

from otel_events.receiver import Receiver
from tests.examples.running import arrived, promised_output, run_example


def test_its_events_arrive(receiver: Receiver, environ: dict[str, str], tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    environ = {**environ, "OTEL_EVENTS_JOURNAL": str(journal)}
    assert run_example("audit_trail.py", environ) == promised_output("audit_trail.py")
    granted, shown = sorted(arrived(receiver, 2), key=lambda event: str(event.name))
    assert (granted.name, granted.attributes["shop.to"], granted.actor) == ("permission-granted", "bob", "alice")
    assert shown.name == "permissions-shown"
    assert journal.is_dir()
    assert list(journal.iterdir()) == []
