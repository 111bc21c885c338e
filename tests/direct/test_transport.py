"""A transport belongs to one process, follows its files, keeps secrets and instrumentation out, and answers whatever happens."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry import context, trace
from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY, _SUPPRESS_INSTRUMENTATION_KEY
from opentelemetry.trace import NonRecordingSpan, SpanContext

from otel_events.direct.answers import Answer, Kind
from otel_events.direct.transport import Transport, proxy_for
from otel_events.settings import resolve
from otel_events.settings.otlp import OtlpSettings
from tests.direct.faulty import GrpcServer, HttpServer
from tests.direct.sending import protocols, transport
from tests.sdk.support import HTTP, run_script


class Noted(Transport[str]):
    """A transport whose connections are the texts of the certificate's file, and whose answers a test gives."""

    def __init__(self, otlp: OtlpSettings, answer: Callable[[str], Answer]) -> None:
        super().__init__(otlp)
        self.opened: list[str] = []
        self.closed: list[str] = []
        self._answer = answer

    def _open(self, headers: Mapping[str, str]) -> str:
        text = Path(self._otlp.certificate).read_text(encoding="utf-8") if self._otlp.certificate else "plain"
        if text == "broken":
            raise ValueError("no certificate")
        self.opened.append(text)
        return text

    def _close(self, connection: str) -> None:
        self.closed.append(connection)

    def _exchange(self, connection: str, body: bytes) -> Answer:
        return self._answer(connection)


def otlp_of(endpoint: str = "https://127.0.0.1:4318", **headers: str) -> OtlpSettings:
    return resolve({"endpoint": endpoint, "headers": headers}, {}).logs


def detail_of(otlp: OtlpSettings, detail: str) -> str:
    return Noted(otlp, lambda _: Answer(Kind.HOLD, 500, detail)).send(b"").detail


# -- files -----------------------------------------------------------------------------------------------------------------


def test_what_stands_in_the_files_is_read_again_once_they_change(tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    file.write_text("first", encoding="utf-8")
    noted = Noted(replace(otlp_of(), certificate=str(file)), lambda connection: Answer(Kind.HOLD, None, connection))
    assert [noted.send(b"").detail for _ in range(3)] == ["first"] * 3
    file.write_text("second", encoding="utf-8")
    assert [noted.send(b"").detail for _ in range(3)] == ["second"] * 3
    other = tmp_path / "other.pem"
    other.write_text("third", encoding="utf-8")
    other.replace(file)
    assert noted.send(b"").detail == "third"
    noted.close()
    assert noted.opened == noted.closed == ["first", "second", "third"]


def test_until_they_can_be_used_what_was_there_before_is(tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    noted = Noted(replace(otlp_of(), certificate=str(file)), lambda connection: Answer(Kind.HOLD, None, connection))
    assert noted.send(b"").detail.startswith("FileNotFoundError")
    file.write_text("first", encoding="utf-8")
    assert noted.send(b"").detail == "first"
    file.write_text("broken", encoding="utf-8")
    assert noted.send(b"").detail == "first"
    file.unlink()
    assert noted.send(b"").detail == "first"
    file.write_text("second", encoding="utf-8")
    assert noted.send(b"").detail == "second"
    assert noted.closed == ["first"]


def test_without_tls_the_files_do_not_matter(tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    file.write_text("first", encoding="utf-8")
    otlp = replace(otlp_of("http://127.0.0.1:4318"), certificate=str(file))
    noted = Noted(otlp, lambda _: Answer(Kind.ACCEPTED, 200))
    noted.send(b"")
    file.write_text("second", encoding="utf-8")
    noted.send(b"")
    assert noted.opened == ["first"]


def test_after_close_a_new_connection_is_made() -> None:
    noted = Noted(otlp_of(), lambda _: Answer(Kind.ACCEPTED, 200))
    noted.close()
    for _ in range(2):
        assert noted.send(b"") == Answer(Kind.ACCEPTED, 200)
        noted.close()
        noted.close()
    assert noted.opened == noted.closed == ["plain", "plain"]


# -- words -----------------------------------------------------------------------------------------------------------------


def test_the_unexpected_is_an_answer() -> None:
    def fail(_: str) -> Answer:
        raise LookupError("of all things")

    assert Noted(otlp_of(), fail).send(b"") == Answer(Kind.HOLD, None, "LookupError: of all things")


def test_no_secret_is_in_the_words() -> None:
    otlp = otlp_of("https://joe:planted-1@127.0.0.1/?key=planted-2", authorization="Bearer planted-3")
    words = detail_of(otlp, "for joe:planted-1 with planted-2 and Bearer planted-3, that is planted-3, no")
    assert "planted" not in words
    assert words.endswith(", no")
    # What a client makes of user name and password.
    assert detail_of(otlp_of("https://joe:planted@127.0.0.1"), "am9lOnBsYW50ZWQ=") == "[redacted]"


def test_no_secret_of_the_proxy_is_in_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://joe:planted@127.0.0.1:3128")
    assert "planted" not in detail_of(otlp_of(), "cannot reach http://joe:planted@127.0.0.1:3128")


def test_the_words_are_one_bounded_line_that_can_be_shown() -> None:
    assert detail_of(otlp_of(), "a\r\nb\t\x1b[31m c\u202e") == "a b ?[31m c?"
    assert len(detail_of(otlp_of(), "x" * 100_000)) == 1000


# -- instrumentation ---------------------------------------------------------------------------------------------------------


def suppressed() -> bool:
    keys = (_SUPPRESS_INSTRUMENTATION_KEY, _SUPPRESS_HTTP_INSTRUMENTATION_KEY)
    return all(context.get_value(key) for key in keys)


def test_instrumentation_is_suppressed_while_sending_and_no_longer() -> None:
    seen: list[tuple[bool, bool]] = []

    def look(_: str) -> Answer:
        seen.append((suppressed(), trace.get_current_span().get_span_context().is_valid))
        return Answer(Kind.ACCEPTED, 200)

    span = NonRecordingSpan(SpanContext(1, 1, is_remote=False))
    with trace.use_span(span):
        Noted(otlp_of(), look).send(b"")
        assert trace.get_current_span() is span
        assert not suppressed()
    assert seen == [(True, False)]


# -- processes -----------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def server_of(protocol: str) -> Iterator[HttpServer | GrpcServer]:
    with HttpServer() if protocol == HTTP else GrpcServer() as server:
        yield server


@protocols
def test_a_transport_belongs_to_the_process_that_made_it(protocol: str) -> None:
    with server_of(protocol) as server:
        done = run_script(
            """
            import gc
            from tests.direct.sending import make_transport

            transport = make_transport(*sys.argv[1:])
            print(transport.send(b"parent").kind.name, flush=True)
            pid = os.fork()
            if pid == 0:
                transport.close()
                try:
                    transport.send(b"of the parent's, in the child")
                except RuntimeError as error:
                    print(error, flush=True)
                del transport
                gc.collect()
                own = make_transport(*sys.argv[1:])
                print(own.send(b"child").kind.name, flush=True)
                own.close()
                sys.exit()
            assert os.waitpid(pid, 0)[1] == 0
            print(transport.send(b"parent again").kind.name, flush=True)
            transport.close()
            """,
            server.endpoint,
            protocol,
        )
        assert done.returncode == 0, done.stderr
        first, refused, *others = done.stdout.splitlines()
        assert [first, *others] == ["ACCEPTED"] * 3
        assert refused.startswith("A transport made by process ")
        assert refused.endswith("After a fork, make a new one.")
        assert [request.body for request in server.requests] == [b"parent", b"child", b"parent again"]
        if isinstance(server, HttpServer):
            assert server.connections == 2


@protocols
def test_threads_share_a_transport(protocol: str) -> None:
    with server_of(protocol) as server, transport(server.endpoint, protocol) as shared, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(shared.send, [str(number).encode() for number in range(80)]))
        assert {answer.kind for answer in answers} == {Kind.ACCEPTED}
        assert sorted(int(request.body) for request in server.requests) == list(range(80))
        if isinstance(server, HttpServer):
            assert server.connections < 80  # two are kept; as many as there are threads may be open


# -- proxies -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_the_environment_names_the_proxy(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "proxy.example:3128")
    assert proxy_for("collector.example:4318", ["https", "all"]) == "http://proxy.example:3128"
    monkeypatch.setenv(variable, "https://joe:secret@proxy.example")
    assert proxy_for("collector.example:4318", ["https", "all"]) == "https://joe:secret@proxy.example"
    assert proxy_for("collector.example:4318", ["http"]) is None


@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize(
    "value", ["collector.example", "elsewhere, .example", "example", "collector.example:4318", "*"]
)
def test_the_environment_names_hosts_without_a_proxy(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv(variable, value)
    assert proxy_for("collector.example:4318", ["https"]) is None
    monkeypatch.setenv(variable, "elsewhere.example")
    assert proxy_for("collector.example:4318", ["https"]) is not None


def test_the_first_kind_of_proxy_that_is_named_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://last.example")
    monkeypatch.setenv("HTTP_PROXY", "")
    assert proxy_for("collector.example", ["grpc", "http", "all"]) == "http://last.example"
    monkeypatch.setenv("HTTP_PROXY", "http://second.example")
    monkeypatch.setenv("GRPC_PROXY", "http://first.example")
    assert proxy_for("collector.example", ["grpc", "http", "all"]) == "http://first.example"
