"""Answers of backends are bounded in size and time, or come line by line; redirects are not followed, and errors are words."""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from otel_events.exceptions import VerificationError
from otel_events.verification import fetch as module
from otel_events.verification.fetch import Answer, fetch, fetch_lines, is_usable
from tests.sdk.support import Certificates, WebServer, free_port, silent_server


def get(base: str, path: str = "/x", form: bytes | None = None, **more: str) -> Answer:
    return fetch(base, path, form, certificate=more.get("certificate"), timeout=1.0)


def test_an_answer_is_read() -> None:
    with WebServer(200, {}, b'{"a": [1]}') as server:
        answer = get(f"{server.endpoint}/base/", "/x")
        assert (answer.problem, answer.json()) == (None, {"a": [1]})
        assert server.requests[0][0] == "/base/x"


def test_a_form_is_posted() -> None:
    with WebServer(200) as server:
        get(server.endpoint, form=b"query=x")
        assert server.requests[0][1]["Content-Type"] == "application/x-www-form-urlencoded"


def test_user_name_and_password_are_sent_as_credentials_and_not_in_the_url() -> None:
    with WebServer(200) as server:
        get(server.endpoint.replace("//", "//joe:pa%40ss@"))
        path, headers = server.requests[0]
    assert path == "/x"
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"joe:pa@ss"
    assert "@" not in headers["Host"]


@pytest.mark.parametrize("status", [301, 302, 307])
def test_a_redirect_is_not_followed(status: int) -> None:
    with WebServer(200) as other, WebServer(status, {"location": other.endpoint}) as server:
        assert get(server.endpoint).problem == f"it answers {status}: without a word"
        assert other.requests == []


def test_an_error_is_told_in_the_words_of_the_server_bounded() -> None:
    with WebServer(400, {}, b"bad\nquery " + b"x" * 100_000) as server:
        problem = get(server.endpoint).problem
    assert problem is not None
    assert problem.startswith("it answers 400: bad query xxx")
    assert len(problem) < 300


def test_a_long_answer_is_refused() -> None:
    with WebServer(200, {}, b"x" * 5_000_000) as server:
        assert get(server.endpoint).problem == "it answers more than 4194304 bytes"


def test_nothing_listens() -> None:
    problem = get(f"http://127.0.0.1:{free_port()}").problem
    assert problem is not None
    assert "refused" in problem


def test_a_server_that_never_answers() -> None:
    with silent_server() as port:
        began = time.monotonic()
        problem = get(f"http://127.0.0.1:{port}").problem
        assert time.monotonic() - began < 3.0
    assert problem is not None
    assert "timed out" in problem


@contextlib.contextmanager
def server_that_sends(answer: bytes, and_on: bytes = b"") -> Iterator[str]:
    """Give the URL of a server that sends an answer to one request; then something again and again, or its end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over = threading.Event()

        def serve() -> None:
            with listener.accept()[0] as client, contextlib.suppress(OSError), client.makefile("rb") as request:
                request.readline()
                headers = http.client.parse_headers(request)
                # A connection that is closed with something unread is reset, and what was sent may be lost.
                request.read(int(headers.get("content-length", 0)))
                client.sendall(answer)
                while and_on and not over.wait(0.1):
                    client.sendall(and_on)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


def test_an_answer_that_does_not_end() -> None:
    began = time.monotonic()
    with server_that_sends(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b"x") as base:
        assert get(base).problem == "TimeoutError: the answer does not end"
    assert time.monotonic() - began < 4.0


def test_what_is_no_http() -> None:
    with server_that_sends(b"\x00\x00\x06\x04 not http\r\n\r\n") as base:
        problem = get(base).problem
    assert problem is not None
    assert "BadStatusLine" in problem
    assert problem.isprintable()


def test_what_is_no_json_is_none() -> None:
    assert Answer(200, "{").json() is None
    assert Answer(200, "[" * 100_000).json() is None


def test_the_authority_of_the_collector_is_trusted_as_well(certificates: Certificates) -> None:
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate("server"), certificates.key("server"))
    with WebServer(200, {}, b"{}") as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        base = server.endpoint.replace("http", "https")
        assert get(base, certificate=certificates.certificate("authority")).problem is None
        problem = get(base).problem
        assert problem is not None
        assert "certificate verify failed" in problem
        problem = get(base, certificate=__file__).problem
        assert problem is not None
        assert problem.startswith("SSLError")


def lines(base: str) -> list[bytes]:
    return list(fetch_lines(base, "/x", b"query=x", timeout=1.0))


def test_an_answer_of_any_length_comes_in_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_ANSWER_BYTES", 1000)
    written = [b"%d" % number * 100 for number in range(3000)]
    for end in (b"", b"\n"):
        with WebServer(200, {}, b"\n".join(written) + end) as server:
            assert lines(server.endpoint) == written
            assert server.requests[0][1]["Content-Type"] == "application/x-www-form-urlencoded"
    with WebServer(200) as server:
        assert lines(server.endpoint) == []


def test_lines_come_before_the_answer_has_ended() -> None:
    with server_that_sends(b"HTTP/1.1 200 OK\r\n\r\none\ntwo\nthr", b"ee\n") as base:
        answer = fetch_lines(base, "/x", b"", timeout=1.0)
        assert [next(answer) for _ in range(4)] == [b"one", b"two", b"three", b"ee"]
        answer.close()  # type: ignore[attr-defined] # it is a generator


@pytest.mark.parametrize(
    ("answer", "and_on", "problem"),
    [
        (b"HTTP/1.1 400 Bad\r\n\r\nbad\x1b[1m query", b"", r"it answers 400: bad\?\[1m query"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\none\n", b"", "^the answer breaks off before its end$"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n",
            b"",
            "^the answer breaks off before its end$",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\none\n",
            b"",
            "^the answer breaks off before its end$",
        ),
        (b"HTTP/1.1 200 OK\r\n\r\none\n", b"x", "TimeoutError: the answer does not go on"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5_000_000, b"", "a line of the answer has more than 4194304 bytes"),
        (b"no http", b"", "BadStatusLine"),
    ],
)
def test_lines_that_do_not_come_to_their_end(answer: bytes, and_on: bytes, problem: str) -> None:
    with server_that_sends(answer, and_on) as base, pytest.raises(VerificationError, match=problem):
        lines(base)


def test_lines_of_a_server_that_is_not_there_or_says_nothing() -> None:
    with pytest.raises(VerificationError, match="refused"):
        lines(f"http://127.0.0.1:{free_port()}")
    with silent_server() as port, pytest.raises(VerificationError, match="timed out"):
        lines(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("url", ["http://x", "https://joe:secret@host:9428/base", "http://[::1]:1"])
def test_what_is_the_url_of_a_server(url: str) -> None:
    assert is_usable(url)


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://x", "http://", "http://x:0", "http://x:port", "http://x y", "http://x\n", "http://[::1", "//x"],
)
def test_what_is_not(url: str) -> None:
    assert not is_usable(url)
