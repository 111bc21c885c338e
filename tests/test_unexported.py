"""What is said of delivery goes to every log but those that are exported."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogRecordExporter, SimpleLogRecordProcessor

import otel_events
from otel_events import DeliveryError, Login, flush_on_return
from otel_events.unexported import fail, warn
from tests.backends.wait import wait_until
from tests.direct.faulty import HttpReply, HttpServer

LOGGER = logging.getLogger("otel_events")


class Lines(logging.Handler):
    """An ordinary handler, of a level."""

    def __init__(self, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Broken(logging.Handler):
    """One that raises, which logging itself leaves to whoever writes a line."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def handle(self, record: logging.LogRecord) -> bool:
        self.asked += 1
        raise RuntimeError("no disk for logs")


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


@pytest.mark.parametrize("beside", ["exporters", "others"])
def test_what_a_handler_or_a_filter_raises_reaches_nobody_who_says_something(
    beside: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if beside == "exporters":
        request.getfixturevalue("exported")
    broken = Broken()
    LOGGER.addHandler(broken)
    try:
        warn("one")
        fail("two", ValueError("why"))
    finally:
        LOGGER.removeHandler(broken)
    assert broken.asked == 2

    def refuse(record: logging.LogRecord) -> bool:
        raise RuntimeError("no filter")

    monkeypatch.setattr(LOGGER, "filters", [refuse])
    warn("three")
    fail("four", ValueError("why"))


def test_an_ordinary_record_says_where_it_was_made(caplog: pytest.LogCaptureFixture) -> None:
    warn("here")
    [record] = caplog.records
    assert (record.name, record.levelname, record.filename) == ("otel_events", "WARNING", "test_unexported.py")


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


def test_an_error_is_shown_with_its_traceback(exported: InMemoryLogRecordExporter, others: dict[str, Lines]) -> None:
    shown: list[logging.LogRecord] = []
    others["own"].handle = shown.append  # type: ignore[assignment, method-assign]
    try:
        raise ValueError("why")
    except ValueError as error:
        warn("what", error)
    [record] = shown
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)
    assert record.exc_info[2] is not None
    assert exported.get_finished_logs() == ()


def test_what_waits_on_return_and_what_a_plugin_could_not_keep_is_not_exported(
    exported: InMemoryLogRecordExporter, others: dict[str, Lines]
) -> None:
    class Full:
        @otel_events.hookimpl
        def track_event(self, event: object) -> None:
            raise DeliveryError("no room.")

        @otel_events.hookimpl
        def flush(self, timeout: float) -> otel_events.Outcome:
            return otel_events.Outcome(0, 3, 0)

    tracker = otel_events.EventTracker([Login])
    tracker.register(Full(), "full")
    with pytest.raises(DeliveryError, match="no room"):
        tracker.track(Login())
    flush_on_return(tracker)(lambda: None)()
    refused, waiting = others["own"].lines
    assert refused == "plugin 'full' raised a DeliveryError: no room. Further ones are counted in stats()."
    assert waiting == (
        "events of flush_on_return: 3 were still waiting after 2 s. They go on waiting, and are lost if the process ends first. "
        "Said once, until a flush leaves nothing; stats() counts."
    )
    assert exported.get_finished_logs() == ()
