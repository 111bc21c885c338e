"""Answers of backends are bounded in size and time, redirects are not followed, and errors are words."""

from __future__ import annotations

import base64
import socket
import threading
import time

import pytest

from otel_events.doctor.fetch import Answer, fetch
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


def test_an_answer_that_does_not_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        over = threading.Event()

        def trickle() -> None:
            with listener.accept()[0] as client:
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
                while not over.wait(0.1):
                    try:
                        client.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=trickle)
        thread.start()
        began = time.monotonic()
        problem = get(f"http://127.0.0.1:{listener.getsockname()[1]}").problem
        assert time.monotonic() - began < 4.0
        over.set()
        thread.join()
    assert problem == "TimeoutError: the answer does not end"


def test_what_is_no_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with listener.accept()[0] as client:
                client.recv(65536)
                client.sendall(b"\x00\x00\x06\x04 not http\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        problem = get(f"http://127.0.0.1:{listener.getsockname()[1]}").problem
        thread.join()
    assert problem is not None
    assert "BadStatusLine" in problem


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
