"""Trouble is said at once and seldom while it goes on, boundedly when it comes and goes, and never by way of an exporter."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogRecordExporter, SimpleLogRecordProcessor

import otel_events
from otel_events import Login
from otel_events.direct.notices import AGAIN_SECONDS, MAX_LINES, Notices, warn
from tests.backends.wait import wait_until
from tests.direct.faulty import HttpReply, HttpServer

LOGGER = logging.getLogger("otel_events")


class Desk:
    """Notices with a clock that the test turns."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.now = 1000.0
        self.notices = Notices(lambda: "7 wait", lambda: self.now)
        self._caplog = caplog

    def said(self) -> list[str]:
        """Return the lines since the last time."""
        lines = [record.getMessage() for record in self._caplog.records]
        self._caplog.clear()
        return lines


@pytest.fixture
def desk(caplog: pytest.LogCaptureFixture) -> Desk:
    caplog.set_level(logging.WARNING, "otel_events")
    return Desk(caplog)


def test_trouble_is_said_once_and_again_with_the_counts_when_it_goes_on(desk: Desk) -> None:
    for _ in range(100):
        desk.notices.trouble("disk", "The disk is full.")
        desk.now += (AGAIN_SECONDS - 1) / 100
    assert desk.said() == ["The disk is full. Said once, and again while it lasts; stats() counts what is lost."]
    desk.now += 2
    for _ in range(3):
        desk.notices.trouble("disk", "The disk is still full.")
    assert desk.said() == ["The disk is still full. This goes on: 7 wait."]
    desk.now += AGAIN_SECONDS
    desk.notices.trouble("disk", "The disk is full.")
    assert len(desk.said()) == 1


def test_after_it_is_over_it_is_new(desk: Desk) -> None:
    desk.notices.trouble("disk", "Full.")
    desk.notices.trouble("server", "Down.")
    desk.said()
    desk.notices.over("The disk has room.", "disk")
    desk.notices.trouble("disk", "Full.")
    desk.notices.trouble("server", "Down.")
    assert [line.partition(".")[0] for line in desk.said()] == ["The disk has room", "Full"]
    desk.notices.over("All is well.")
    desk.notices.trouble("disk", "Full.")
    desk.notices.trouble("server", "Down.")
    assert len(desk.said()) == 3


def test_what_comes_and_goes_is_bounded(desk: Desk) -> None:
    for _ in range(100):
        desk.notices.trouble("disk", "Full.")
        desk.notices.over("Well.")
    assert len(desk.said()) == MAX_LINES
    desk.now += AGAIN_SECONDS
    desk.notices.trouble("disk", "Full.")
    assert len(desk.said()) == 1


def test_many_threads_say_it_once(desk: Desk) -> None:
    threads = [threading.Thread(target=desk.notices.trouble, args=("disk", "Full.")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(desk.said()) == 1


# -- past exporters ----------------------------------------------------------------------------------------------------


class Lines(logging.Handler):
    """An ordinary handler, of a level."""

    def __init__(self, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Derived(LoggingHandler):
    """An application's own class over the SDK's."""


@pytest.fixture
def exported() -> Iterator[InMemoryLogRecordExporter]:
    """Have the SDK's handler, and one that is derived from it, on the root logger, and give what they export."""
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    with pytest.warns(DeprecationWarning, match="LoggingHandler"):
        handlers = [cls(logger_provider=provider) for cls in (LoggingHandler, Derived)]
    for handler in handlers:
        logging.getLogger().addHandler(handler)
    yield exporter
    for handler in handlers:
        logging.getLogger().removeHandler(handler)
    provider.shutdown()


@pytest.fixture
def others() -> Iterator[dict[str, Lines]]:
    """Have ordinary handlers on the loggers, by what they are to show."""
    handlers = {"own": Lines(), "errors": Lines(logging.ERROR), "root": Lines()}
    LOGGER.addHandler(handlers["own"])
    LOGGER.addHandler(handlers["errors"])
    logging.getLogger().addHandler(handlers["root"])
    yield handlers
    LOGGER.removeHandler(handlers["own"])
    LOGGER.removeHandler(handlers["errors"])
    logging.getLogger().removeHandler(handlers["root"])


def test_it_goes_to_every_handler_but_those_that_export(
    exported: InMemoryLogRecordExporter, others: dict[str, Lines], caplog: pytest.LogCaptureFixture
) -> None:
    LOGGER.warning("another line")
    assert len(exported.get_finished_logs()) == 2
    warn("100% of the %s")
    assert len(exported.get_finished_logs()) == 2
    assert {name: handler.lines for name, handler in others.items()} == {
        "own": ["another line", "100% of the %s"],
        "errors": [],
        "root": ["another line", "100% of the %s"],
    }
    assert [record.getMessage() for record in caplog.records] == ["another line", "100% of the %s"]


@pytest.mark.usefixtures("exported")
def test_levels_and_filters_of_the_logger_hold(others: dict[str, Lines], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOGGER, "filters", [lambda record: "secret" not in record.getMessage()])
    warn("a secret")
    LOGGER.setLevel(logging.ERROR)
    warn("too low")
    LOGGER.setLevel(logging.NOTSET)
    with monkeypatch.context() as patched:
        patched.setattr(LOGGER, "propagate", False)
        warn("not to the root")
    assert (others["own"].lines, others["root"].lines) == (["not to the root"], [])


@pytest.mark.usefixtures("exported")
def test_where_only_exporters_listen_it_goes_to_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    with monkeypatch.context() as patched:
        patched.setattr(root, "handlers", [one for one in root.handlers if isinstance(one, LoggingHandler)])
        warn("nobody else hears")
    assert capsys.readouterr().err == "nobody else hears\n"


def test_an_ordinary_record_says_where_it_was_made(caplog: pytest.LogCaptureFixture) -> None:
    warn("here")
    [record] = caplog.records
    assert (record.name, record.levelname, record.filename) == ("otel_events", "WARNING", "test_notices.py")


def test_a_failing_export_is_not_fed_with_lines_about_it(others: dict[str, Lines]) -> None:
    """The application's own logs and the events go to one collector, which is down."""
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    with HttpServer() as server:
        server.default = HttpReply(401)
        provider = LoggerProvider(shutdown_on_exit=False)
        exporter = OTLPLogExporter(endpoint=f"{server.endpoint}/v1/logs")
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter, schedule_delay_millis=20))
        with pytest.warns(DeprecationWarning, match="LoggingHandler"):
            handler = LoggingHandler(logger_provider=provider)
        LOGGER.addHandler(handler)
        try:
            tracker = otel_events.configure(
                event_types=[Login],
                pipeline="direct",
                endpoint=server.endpoint,
                environ={"OTEL_BLRP_SCHEDULE_DELAY": "20"},
            )
            tracker.track(Login())
            wait_until(lambda: others["own"].lines)
            assert provider.force_flush()
            tracker.shutdown(0.2)
        finally:
            LOGGER.removeHandler(handler)
            provider.shutdown()
        assert "do not arrive" in others["own"].lines[0]
        assert all(b"do not arrive" not in request.body for request in server.requests)
