"""Over HTTP, requests arrive in a real Collector, and whatever else a server or a network may do becomes an answer."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import time
from http.client import responses
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from otel_events.direct.answers import MAX_ANSWER_BYTES, Answer, Kind
from otel_events.receiver import Receiver
from tests.backends.servers import Collector, Jaeger, VictoriaLogs
from tests.direct.faulty import (
    CUT_REQUEST,
    HANG_UP,
    NOT_HTTP,
    SILENT,
    HttpReply,
    HttpServer,
    rejecting,
    status_body,
)
from tests.direct.proxy import ForwardProxy
from tests.direct.sending import answer_of, arrived, request_of, transport
from tests.sdk.support import ROOT, TOKEN, Certificates, free_port

PROTOBUF = {"content-type": "application/x-protobuf"}
ACCEPTED = Answer(Kind.ACCEPTED, 200)
BROKEN = (HANG_UP, CUT_REQUEST, NOT_HTTP, HttpReply(body=b"\n\x00", cut_after=1))
LARGE = bytes(8 * 1024 * 1024)


def https(collector: Collector) -> str:
    return f"https://{collector.address('otlp_http')}"


# -- what is sent ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_request_arrives_in_the_collector(small_collector: Collector, compression: str) -> None:
    service = f"http-{compression}"
    body = request_of(service, "1", "2")
    assert answer_of(small_collector.http_endpoint, body=body, compression=compression) == ACCEPTED
    assert arrived(small_collector, service) == ["1", "2"]


def test_a_request_is_one_of_otlps() -> None:
    headers = {"X-Scope": "shop", "Content-Type": "text/plain"}
    with HttpServer() as server:
        for compression in ("none", "gzip"):
            assert answer_of(server.endpoint, body=b"body", headers=headers, compression=compression) == ACCEPTED
        plain, packed = server.requests
        assert (plain.path, plain.body) == (packed.path, packed.body) == ("/v1/logs", b"body")
        assert plain.headers["content-type"] == "application/x-protobuf"
        assert plain.headers["user-agent"].startswith("OTel-OTLP-Exporter-Python-otel-events/")
        assert plain.headers["x-scope"] == "shop"
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"


def test_where_the_body_ends_is_not_for_the_settings_to_say() -> None:
    with HttpServer() as server:
        answer_of(server.endpoint, body=b"body", headers={"Content-Length": "3", "Transfer-Encoding": "chunked"})
        [request] = server.requests
        assert (request.body, request.headers["content-length"]) == (b"body", "4")
        assert "transfer-encoding" not in request.headers


def test_the_endpoint_may_hold_a_path_a_query_and_credentials() -> None:
    with HttpServer() as server:
        address = server.endpoint.removeprefix("http://")
        answer_of(f"http://joe:se%40cret@{address}/base?key=1")
        [request] = server.requests
        assert request.path == "/base/v1/logs?key=1"
        assert base64.b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"joe:se@cret"
        answer_of(f"http://joe:secret@{address}", headers={"Authorization": "Bearer token"})
        assert server.requests[-1].headers["authorization"] == "Bearer token"


def test_the_connection_is_used_again() -> None:
    with HttpServer() as server, transport(server.endpoint) as http:
        server.script(HttpReply(), HttpReply(503), HttpReply(400, PROTOBUF, status_body("no")), HttpReply(204))
        for _ in range(5):
            http.send(b"")
        assert (len(server.requests), server.connections) == (5, 1)


# -- what is answered --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (HttpReply(200, PROTOBUF, b"\n\x00"), ACCEPTED),
        (HttpReply(200, PROTOBUF, rejecting(2, "too old")), Answer(Kind.PARTIAL, 200, "too old", 2)),
        (HttpReply(429, {"Retry-After": "3"}), Answer(Kind.RETRY, 429, "Too Many Requests", wait_seconds=3.0)),
        (HttpReply(502), Answer(Kind.RETRY, 502, "Bad Gateway")),
        (HttpReply(503), Answer(Kind.RETRY, 503, "Service Unavailable")),
        (HttpReply(504), Answer(Kind.RETRY, 504, "Gateway Timeout")),
        (HttpReply(400, PROTOBUF, status_body("no")), Answer(Kind.BAD_DATA, 400, "Bad Request no")),
        (HttpReply(413), Answer(Kind.BAD_DATA, 413, responses[413])),
        (HttpReply(401), Answer(Kind.HOLD, 401, "Unauthorized")),
        (HttpReply(403), Answer(Kind.HOLD, 403, "Forbidden")),
        (HttpReply(404, body=b"404 page not found\n"), Answer(Kind.HOLD, 404, "Not Found 404 page not found")),
        (HttpReply(405), Answer(Kind.HOLD, 405, "Method Not Allowed")),
        (HttpReply(500, body=b"disk is full"), Answer(Kind.HOLD, 500, "Internal Server Error disk is full")),
        (HttpReply(200, {"content-type": "text/html"}, b"<html>"), Answer(Kind.HOLD, 200, "text/html")),
    ],
)
def test_what_the_answers_call_for(reply: HttpReply, answer: Answer) -> None:
    with HttpServer() as server:
        server.script(reply)
        assert answer_of(server.endpoint) == answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    with HttpServer() as server, HttpServer() as elsewhere:
        server.script(HttpReply(status, {"location": f"{elsewhere.endpoint}/v1/logs"}))
        assert answer_of(server.endpoint) == Answer(Kind.HOLD, status, f"to {elsewhere.endpoint}/v1/logs")
        assert (len(server.requests), len(elsewhere.requests)) == (1, 0)


def test_a_long_answer_is_not_read_to_its_end() -> None:
    with HttpServer() as server, transport(server.endpoint) as http:
        server.script(*[HttpReply(status, body=LARGE, stall_after=MAX_ANSWER_BYTES + 1) for status in (200, 500)])
        assert http.send(b"") == Answer(Kind.HOLD, 200, "the answer is longer than 1048576 bytes")
        answer = http.send(b"")
        assert (answer.kind, answer.code, len(answer.detail)) == (Kind.HOLD, 500, 1000)
        assert http.send(b"") == ACCEPTED
        # What was not read makes a connection useless.
        assert server.connections == 3


def test_an_answer_that_comes_before_the_request_is_read_counts() -> None:
    with HttpServer() as server, transport(server.endpoint) as http:
        for _ in range(5):
            server.script(HttpReply(413, read_bytes=100, close=True))
            assert http.send(LARGE).kind is Kind.BAD_DATA
        assert len(server.requests) == 5


# -- what real servers answer ------------------------------------------------------------------------------------------------


def test_the_collector_refuses_what_is_too_large_or_no_request(small_collector: Collector) -> None:
    too_large = answer_of(small_collector.http_endpoint, body=LARGE)
    assert too_large == Answer(Kind.BAD_DATA, 400, "Bad Request http: request body too large")
    garbage = answer_of(small_collector.http_endpoint, body=b"garbage!")
    assert (garbage.kind, garbage.code) == (Kind.BAD_DATA, 400)
    assert "illegal wireType" in garbage.detail


def test_the_receiver_rejects_what_is_too_much(tmp_path: Path) -> None:
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0, max_records=1) as receiver:
        answer = answer_of(f"http://127.0.0.1:{receiver.http_port}", body=request_of("shop", "1", "2", "3"))
    assert (answer.kind, answer.code, answer.rejected) == (Kind.PARTIAL, 200, 2)
    assert answer.detail


def test_jaeger_takes_no_logs(jaeger: Jaeger) -> None:
    answer = answer_of(jaeger.http_endpoint, body=request_of("shop"))
    assert answer == Answer(Kind.HOLD, 404, "Not Found 404 page not found")


def test_victorialogs_takes_logs_and_refuses_garbage(victorialogs: VictoriaLogs) -> None:
    endpoint = f"{victorialogs.url}/insert/opentelemetry"
    assert answer_of(endpoint, body=request_of("direct-http")) == ACCEPTED
    answer = answer_of(endpoint, body=b"garbage!")
    assert (answer.kind, answer.code) == (Kind.BAD_DATA, 400)


def test_a_plain_request_to_a_port_with_tls_says_nothing_against_the_data(tls_collector: Collector) -> None:
    # With a body, the server may end the connection before it has read that, and so take back its words.
    answer = answer_of(f"http://{tls_collector.address('otlp_http')}", body=b"")
    assert (answer.kind, answer.code) == (Kind.HOLD, 400)
    assert "HTTPS server" in answer.detail


@pytest.mark.parametrize(("token", "answer"), [("wrong", Answer(Kind.HOLD, 401, "Unauthorized")), (TOKEN, ACCEPTED)])
def test_the_token_has_to_be_right(token_collector: Collector, token: str, answer: Answer) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    seen = answer_of(token_collector.http_endpoint, body=request_of("shop"), headers=headers)
    assert (seen.kind, seen.code) == (answer.kind, answer.code)
    assert seen.detail.startswith(answer.detail)


# -- no answer ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (HANG_UP, "Remote end closed connection"),
        (CUT_REQUEST, "Connection aborted"),
        (NOT_HTTP, "BadStatusLine"),
        (HttpReply(200, PROTOBUF, b"\n\x00", cut_after=1), "IncompleteRead"),
    ],
)
def test_a_connection_that_breaks_is_tried_again_later(reply: HttpReply, words: str) -> None:
    with HttpServer() as server:
        server.script(reply)
        answer = answer_of(server.endpoint, body=LARGE)
        assert (answer.kind, answer.code) == (Kind.RETRY, None)
        assert words in answer.detail
        assert len(server.requests) == 1


def test_a_failure_whose_words_break_off_is_that_failure_unless_it_is_in_the_words_whether_the_data_is_to_blame() -> (
    None
):
    with HttpServer() as server, transport(server.endpoint) as http:
        server.script(
            HttpReply(413, body=b"no more", cut_after=2),
            HttpReply(400, body=b"no more", cut_after=2),
            HttpReply(503, {"retry-after": "1"}, b"no", 0),
        )
        assert http.send(b"").kind is Kind.BAD_DATA
        assert http.send(b"").kind is Kind.RETRY
        assert http.send(b"") == Answer(Kind.RETRY, 503, "Service Unavailable", wait_seconds=1.0)


@pytest.mark.parametrize(
    "reply",
    [SILENT, HttpReply(body=bytes(2), stall_after=1), HttpReply(body=bytes(100), seconds_per_byte=0.1)],
    ids=["no answer", "an answer that stops", "an answer that never ends"],
)
def test_the_timeout_holds_for_all_of_it(reply: HttpReply) -> None:
    with HttpServer() as server:
        server.script(reply)
        began = time.monotonic()
        answer = answer_of(server.endpoint, timeout_seconds=0.5)
        assert 0.4 < time.monotonic() - began < 1.5
        assert (answer.kind, answer.code) == (Kind.RETRY, None)
        assert "timed out" in answer.detail


def test_a_port_on_which_nothing_listens() -> None:
    answer = answer_of(f"http://127.0.0.1:{free_port()}")
    assert (answer.kind, answer.code) == (Kind.RETRY, None)
    assert "Connection refused" in answer.detail


def test_a_host_without_an_address() -> None:
    answer = answer_of("http://nowhere.invalid:4318")
    assert (answer.kind, answer.code) == (Kind.RETRY, None)
    assert "Failed to resolve 'nowhere.invalid'" in answer.detail


def test_a_host_that_cannot_be_one_has_to_be_changed() -> None:
    assert answer_of(f"http://{'x' * 70}.example:4318").kind is Kind.HOLD


def test_a_kept_connection_that_the_server_closed_meanwhile_does_not_matter() -> None:
    with HttpServer() as server, transport(server.endpoint) as http:
        server.script(HttpReply(close=True), HttpReply(), HANG_UP)
        assert [http.send(b"") for _ in range(3)] == [ACCEPTED] * 3
        # The last request went out twice, the second time on a new connection.
        assert (len(server.requests), server.connections) == (4, 3)


def test_the_last_request_of_a_process_goes_out_although_urllib3_has_emptied_its_pools() -> None:
    script = (
        "import atexit, sys; from tests.direct.sending import make_transport; http = make_transport(sys.argv[1]); "
        # What is registered first is called last.
        "atexit.register(lambda: print(http.send(b''))); http.send(b'')"
    )
    with HttpServer() as server:
        done = subprocess.run(
            [sys.executable, "-c", script, server.endpoint], capture_output=True, text=True, check=True, timeout=60
        )
        assert (done.stdout.strip(), len(server.requests)) == (str(ACCEPTED), 2)


def test_it_is_tried_again_at_once_only_once() -> None:
    with HttpServer() as server, transport(server.endpoint) as http:
        server.script(HttpReply(), HANG_UP, HANG_UP, HANG_UP)
        assert [http.send(b"").kind for _ in range(3)] == [Kind.ACCEPTED, Kind.RETRY, Kind.RETRY]
        assert len(server.requests) == 4


def test_after_any_trouble_all_is_well_again() -> None:
    with HttpServer() as server, transport(server.endpoint, timeout_seconds=0.2) as http:
        long = HttpReply(body=LARGE)
        for reply in (*BROKEN, SILENT, long, HttpReply(500, body=b"no", cut_after=1)):
            # More often than connections are kept.
            for _ in range(3):
                server.script(reply)
                http.send(b"")
            assert http.send(b"") == ACCEPTED


# -- TLS -----------------------------------------------------------------------------------------------------------------------


def test_it_trusts_whom_the_file_says_and_follows_it(
    tls_collector: Collector, certificates: Certificates, tmp_path: Path
) -> None:
    file = tmp_path / "trusted.pem"
    shutil.copy(certificates.certificate("other"), file)
    with transport(https(tls_collector), certificate=str(file)) as http:
        answer = http.send(request_of("http-tls"))
        assert (answer.kind, answer.code) == (Kind.RETRY, None)
        assert "CERTIFICATE_VERIFY_FAILED" in answer.detail
        shutil.copy(certificates.certificate("authority"), file)
        assert http.send(request_of("http-tls")) == ACCEPTED
    assert arrived(tls_collector, "http-tls") == ["1"]


def test_without_a_file_it_trusts_whom_the_system_trusts(tls_collector: Collector) -> None:
    assert "CERTIFICATE_VERIFY_FAILED" in answer_of(https(tls_collector)).detail


def test_it_shows_its_certificate_and_follows_the_files(
    mutual_collector: Collector, certificates: Certificates, tmp_path: Path
) -> None:
    files = {"client_certificate": tmp_path / "client.crt", "client_key": tmp_path / "client.key"}
    for kind, path in zip((certificates.certificate, certificates.key), files.values(), strict=True):
        shutil.copy(kind("stranger"), path)
    arguments = {name: str(path) for name, path in files.items()}
    authority = certificates.certificate("authority")
    with transport(https(mutual_collector), certificate=authority, **arguments) as http:
        answer = http.send(request_of("http-mutual"))
        assert (answer.kind, answer.code) == (Kind.RETRY, None)
        for kind, path in zip((certificates.certificate, certificates.key), files.values(), strict=True):
            shutil.copy(kind("client"), path)
        assert http.send(request_of("http-mutual")) == ACCEPTED
    assert arrived(mutual_collector, "http-mutual") == ["1"]


def test_a_file_that_holds_no_certificate_has_to_be_changed(tls_collector: Collector, tmp_path: Path) -> None:
    file = tmp_path / "trusted.pem"
    file.write_text("garbage", encoding="utf-8")
    answer = answer_of(https(tls_collector), certificate=str(file))
    assert (answer.kind, answer.code) == (Kind.HOLD, None)
    assert "no certificate or crl found" in answer.detail


def test_a_key_with_a_password_is_not_asked_for_on_the_terminal(
    mutual_collector: Collector, certificates: Certificates, tmp_path: Path
) -> None:
    key = load_pem_private_key(Path(certificates.key("client")).read_bytes(), None)
    file = tmp_path / "client.key"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    script = (
        "import sys; from tests.direct.sending import answer_of; endpoint, certificate, key = sys.argv[1:];"
        "print(answer_of(endpoint, client_certificate=certificate, client_key=key))"
    )
    arguments = [sys.executable, "-c", script, https(mutual_collector), certificates.certificate("client"), str(file)]
    # Without a terminal it would be asked for on standard input, on which nothing comes.
    silent, other = os.pipe()
    try:
        done = subprocess.run(
            arguments, stdin=silent, start_new_session=True, capture_output=True, text=True, timeout=20.0, cwd=ROOT
        )
    finally:
        os.close(silent)
        os.close(other)
    assert "Kind.HOLD" in done.stdout
    assert "PEM lib" in done.stdout


# -- proxies ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
def test_a_request_goes_through_the_proxy(
    small_collector: Collector, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with ForwardProxy() as proxy:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        assert answer_of(small_collector.http_endpoint, body=request_of(f"http-{variable}")) == ACCEPTED
        assert proxy.requests == [f"POST {small_collector.http_endpoint}/v1/logs"]
    assert arrived(small_collector, f"http-{variable}") == ["1"]


def test_tls_goes_through_the_proxy_untouched(
    tls_collector: Collector, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ForwardProxy("joe:se@cret") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://joe:se%40cret@127.0.0.1:{proxy.port}")
        authority = certificates.certificate("authority")
        answer = answer_of(https(tls_collector), body=request_of("http-tunnel"), certificate=authority)
        assert answer == ACCEPTED
        assert proxy.requests == [f"CONNECT {tls_collector.address('otlp_http')}"]
    assert arrived(tls_collector, "http-tunnel") == ["1"]


def test_a_proxy_may_refuse(
    small_collector: Collector,
    tls_collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ForwardProxy("joe:secret") as proxy:
        for variable in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(variable, f"http://joe:planted@127.0.0.1:{proxy.port}")
        plain = answer_of(small_collector.http_endpoint)
        assert plain == Answer(Kind.HOLD, 407, "Proxy Authentication Required")
        tunnel = answer_of(https(tls_collector))
        assert (tunnel.kind, tunnel.code) == (Kind.RETRY, None)
        assert "Tunnel connection failed: 407" in tunnel.detail
        assert "planted" not in tunnel.detail


def test_some_hosts_are_reached_without_the_proxy(small_collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    assert "ProxyError" in answer_of(small_collector.http_endpoint).detail
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert answer_of(small_collector.http_endpoint, body=request_of("shop")) == ACCEPTED
