"""Providers are flushed and shut down at once, each in its own time: one that hangs does not hold up the other."""

from __future__ import annotations

import threading
import time

import pytest

from otel_events.conversion.record import Converter
from otel_events.receiver import Receiver
from otel_events.sdk.opened import Opened
from otel_events.settings import resolve
from tests.backends.wait import wait_until
from tests.sdk.support import Ping, silent_server


@pytest.mark.parametrize("silent", ["LOGS", "TRACES"])
def test_a_signal_that_hangs_does_not_hold_up_the_other(receiver: Receiver, silent: str) -> None:
    others = set(threading.enumerate())
    with silent_server() as port:
        environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.http_port}",
            f"OTEL_EXPORTER_OTLP_{silent}_ENDPOINT": f"http://127.0.0.1:{port}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "3000",
        }
        settings = resolve({"signals": "logs,traces"}, environ)
        opened = Opened(settings, None, None, {})
        assert opened.logs is not None
        assert opened.spans is not None
        converter = Converter(settings.policy)
        opened.logs.emit(converter.log_record(Ping()))
        opened.spans.emit(converter.span_event(Ping()))
        began = time.monotonic()
        assert not opened.flush(1.0)
        assert 0.9 < time.monotonic() - began < 2.5
        [event] = receiver.store.events()
        assert event.signal == ("span_event" if silent == "LOGS" else "log")
        assert {watch.signal: watch.sent for watch in opened.watches} == {
            "logs": silent != "LOGS",
            "traces": silent == "LOGS",
        }
        began = time.monotonic()
        opened.shutdown(0.2)
        assert time.monotonic() - began < 1.5
    ours = ("otel-events-worker", "OtelBatch")
    wait_until(lambda: not [one for one in set(threading.enumerate()) - others if one.name.startswith(ours)], 15.0)
