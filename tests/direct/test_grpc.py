"""Over gRPC, requests arrive in a real Collector, and whatever else a server or a network may do becomes an answer."""

from __future__ import annotations

import base64
import contextlib
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from otel_events.direct.answers import Answer, Kind
from otel_events.receiver import Receiver
from tests.backends.servers import Collector, Jaeger
from tests.backends.wait import wait_until
from tests.direct.faulty import GRPC_SILENT, GrpcReply, GrpcServer, HttpServer, rejecting, status_with_retry_info
from tests.direct.proxy import ForwardProxy
from tests.direct.sending import answer_of, arrived, make_transport, request_of, transport
from tests.sdk.support import GRPC, TOKEN, Certificates, closing_server, free_port, silent_server

ACCEPTED = Answer(Kind.ACCEPTED, "OK")
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def secure(collector: Collector) -> str:
    return f"https://{collector.address('otlp_grpc')}"


# -- what is sent ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_request_arrives_in_the_collector(small_collector: Collector, compression: str) -> None:
    service = f"grpc-{compression}"
    body = request_of(service, "1", "2")
    assert answer_of(small_collector.grpc_endpoint, GRPC, body, compression=compression) == ACCEPTED
    assert arrived(small_collector, service) == ["1", "2"]


def test_a_request_is_one_of_otlps() -> None:
    with GrpcServer() as server:
        assert answer_of(server.endpoint, GRPC, b"body", headers={"X-Scope": "shop"}) == ACCEPTED
        [request] = server.requests
        assert (request.path, request.body) == (LOGS, b"body")
        assert request.headers["user-agent"].startswith("OTel-OTLP-Exporter-Python-otel-events/")
        assert request.headers["x-scope"] == "shop"
        assert answer_of(server.endpoint, GRPC, signal="traces") == ACCEPTED
        assert server.requests[-1].path == TRACES


def test_the_endpoint_may_lack_a_scheme_and_hold_credentials() -> None:
    with GrpcServer() as server:
        address = server.endpoint.removeprefix("http://")
        assert answer_of(address, GRPC, insecure=True) == ACCEPTED
        assert answer_of(f"http://joe:se%40cret@{address}", GRPC) == ACCEPTED
        authorization = server.requests[-1].headers["authorization"]
        assert base64.b64decode(authorization.removeprefix("Basic ")) == b"joe:se@cret"


def test_how_large_a_request_may_be_is_for_the_server_to_say() -> None:
    with GrpcServer(max_bytes=32 * 1024 * 1024) as server:
        assert answer_of(server.endpoint, GRPC, bytes(16 * 1024 * 1024)) == ACCEPTED


# -- what is answered --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (GrpcReply(body=b"\n\x00"), ACCEPTED),
        (GrpcReply(body=rejecting(2, "too old")), Answer(Kind.PARTIAL, "OK", "too old", 2)),
        (GrpcReply("UNAVAILABLE", "busy"), Answer(Kind.RETRY, "UNAVAILABLE", "busy")),
        (
            GrpcReply("UNAVAILABLE", "busy", trailers=status_with_retry_info(1.5)),
            Answer(Kind.RETRY, "UNAVAILABLE", "busy", wait_seconds=1.5),
        ),
        (
            GrpcReply("RESOURCE_EXHAUSTED", "slow down", trailers=status_with_retry_info(0.25)),
            Answer(Kind.RETRY, "RESOURCE_EXHAUSTED", "slow down", wait_seconds=0.25),
        ),
        (GrpcReply("RESOURCE_EXHAUSTED", "quota"), Answer(Kind.HOLD, "RESOURCE_EXHAUSTED", "quota")),
        (GrpcReply("ABORTED", "again"), Answer(Kind.RETRY, "ABORTED", "again")),
        (GrpcReply("CANCELLED", "again"), Answer(Kind.RETRY, "CANCELLED", "again")),
        (GrpcReply("DEADLINE_EXCEEDED", "late"), Answer(Kind.RETRY, "DEADLINE_EXCEEDED", "late")),
        (GrpcReply("OUT_OF_RANGE", "again"), Answer(Kind.RETRY, "OUT_OF_RANGE", "again")),
        (GrpcReply("DATA_LOSS", "again"), Answer(Kind.RETRY, "DATA_LOSS", "again")),
        (GrpcReply("INVALID_ARGUMENT", "no"), Answer(Kind.BAD_DATA, "INVALID_ARGUMENT", "no")),
        (GrpcReply("UNAUTHENTICATED", "who"), Answer(Kind.HOLD, "UNAUTHENTICATED", "who")),
        (GrpcReply("PERMISSION_DENIED", "no"), Answer(Kind.HOLD, "PERMISSION_DENIED", "no")),
        (GrpcReply("UNIMPLEMENTED", "what"), Answer(Kind.HOLD, "UNIMPLEMENTED", "what")),
        (GrpcReply("INTERNAL", "oops"), Answer(Kind.HOLD, "INTERNAL", "oops")),
        (GrpcReply("UNKNOWN", "oops"), Answer(Kind.HOLD, "UNKNOWN", "oops")),
    ],
)
def test_what_the_answers_call_for(reply: GrpcReply, answer: Answer) -> None:
    with GrpcServer() as server:
        server.script(reply)
        assert answer_of(server.endpoint, GRPC) == answer
        assert len(server.requests) == 1


def test_a_long_answer_is_not_read() -> None:
    with GrpcServer() as server, transport(server.endpoint, GRPC) as grpc:
        server.script(GrpcReply(body=bytes(2 * 1024 * 1024)))
        answer = grpc.send(b"")
        assert (answer.kind, answer.code) == (Kind.HOLD, None)
        assert "CLIENT: Received message larger than max (2097152 vs. 1048576)" in answer.detail
        assert grpc.send(b"") == ACCEPTED


# -- what real servers answer ------------------------------------------------------------------------------------------------


def test_the_collector_refuses_what_is_too_large_or_no_request(small_collector: Collector) -> None:
    too_large = answer_of(small_collector.grpc_endpoint, GRPC, bytes(2 * 1024 * 1024))
    words = "grpc: received message larger than max (2097152 vs. 1048576)"
    assert too_large == Answer(Kind.BAD_DATA, "RESOURCE_EXHAUSTED", words)
    garbage = answer_of(small_collector.grpc_endpoint, GRPC, b"garbage!")
    assert (garbage.kind, garbage.code) == (Kind.BAD_DATA, "INTERNAL")
    assert "error unmarshalling request" in garbage.detail


def test_the_receiver_rejects_what_is_too_much(tmp_path: Path) -> None:
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0, max_records=1) as receiver:
        answer = answer_of(f"http://127.0.0.1:{receiver.grpc_port}", GRPC, request_of("shop", "1", "2", "3"))
    assert (answer.kind, answer.code, answer.rejected) == (Kind.PARTIAL, "OK", 2)
    assert answer.detail


def test_jaeger_takes_no_logs(jaeger: Jaeger) -> None:
    answer = answer_of(jaeger.grpc_endpoint, GRPC, request_of("shop"))
    words = "unknown service opentelemetry.proto.collector.logs.v1.LogsService"
    assert answer == Answer(Kind.HOLD, "UNIMPLEMENTED", words)


@pytest.mark.parametrize(
    ("token", "answer"), [("wrong", Answer(Kind.HOLD, "UNAUTHENTICATED")), (TOKEN, ACCEPTED)], ids=["wrong", "right"]
)
def test_the_token_has_to_be_right(token_collector: Collector, token: str, answer: Answer) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    seen = answer_of(token_collector.grpc_endpoint, GRPC, request_of("shop"), headers=headers)
    assert (seen.kind, seen.code) == (answer.kind, answer.code)


# -- no answer ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["nothing", "another protocol", "a server that closes", "no TLS"])
def test_a_port_that_is_no_server_for_it(what: str) -> None:
    with HttpServer() as http, closing_server() as closing, GrpcServer() as plain:
        endpoint = {
            "nothing": f"http://127.0.0.1:{free_port()}",
            "another protocol": http.endpoint,
            "a server that closes": f"http://127.0.0.1:{closing}",
            "no TLS": plain.endpoint.replace("http://", "https://"),
        }[what]
        answer = answer_of(endpoint, GRPC)
        assert (answer.kind, answer.code) == (Kind.RETRY, None)
        assert answer.detail.startswith("failed to connect to all addresses")


def test_a_host_without_an_address() -> None:
    answer = answer_of("http://nowhere.invalid:4317", GRPC)
    assert (answer.kind, answer.code) == (Kind.RETRY, None)
    assert "nowhere.invalid" in answer.detail


def test_the_timeout_holds() -> None:
    with GrpcServer() as server, silent_server() as port:
        server.script(GRPC_SILENT)
        for endpoint in (server.endpoint, f"http://127.0.0.1:{port}"):
            began = time.monotonic()
            answer = answer_of(endpoint, GRPC, timeout_seconds=0.5)
            assert 0.4 < time.monotonic() - began < 1.5
            assert (answer.kind, answer.code) == (Kind.RETRY, "DEADLINE_EXCEEDED")


def test_a_header_that_cannot_be_sent_has_to_be_changed() -> None:
    with GrpcServer() as server:
        # Names with this ending are for bytes.
        answer = answer_of(server.endpoint, GRPC, headers={"x-bin": "planted"})
        assert answer.kind is Kind.HOLD
        assert server.requests == []


def test_a_server_that_comes_back_is_found_without_long_waits() -> None:
    with GrpcServer() as server:
        endpoint = server.endpoint
        grpc = make_transport(endpoint, GRPC)
        assert grpc.send(b"") == ACCEPTED
    with contextlib.closing(grpc):
        # By default it would not be looked for during the next second, and longer each time.
        wait_until(lambda: [grpc.send(b"").kind for _ in range(20)] == [Kind.RETRY] * 20, 0.0)
        with GrpcServer(int(endpoint.rpartition(":")[2])):
            wait_until(lambda: grpc.send(b"") == ACCEPTED, 0.7)


def test_a_connection_that_leads_nowhere_any_more_is_given_up(
    small_collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ForwardProxy() as network:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{network.port}")
        with transport(small_collector.grpc_endpoint, GRPC, timeout_seconds=1.0) as grpc:
            assert grpc.send(request_of("grpc-lost", "1")) == ACCEPTED
            network.freeze()
            assert grpc.send(request_of("grpc-lost", "2")).code == "DEADLINE_EXCEEDED"
            assert grpc.send(request_of("grpc-lost", "2")) == ACCEPTED
    assert arrived(small_collector, "grpc-lost") == ["1", "2"]


def test_a_request_under_way_when_the_connection_is_closed_is_tried_again_later() -> None:
    with GrpcServer() as server, transport(server.endpoint, GRPC) as grpc, ThreadPoolExecutor(1) as pool:
        server.script(GRPC_SILENT)
        sending = pool.submit(grpc.send, b"")
        wait_until(lambda: server.requests)
        grpc.close()
        assert sending.result(5.0).kind is Kind.RETRY
        assert grpc.send(b"") == ACCEPTED


def test_threads_may_close_the_connection_at_any_time() -> None:
    with GrpcServer() as server, transport(server.endpoint, GRPC) as grpc, ThreadPoolExecutor(4) as pool:
        sending = [pool.submit(grpc.send, b"") for _ in range(200)]
        while not all(future.done() for future in sending):
            grpc.close()
        assert {future.result().kind for future in sending} <= {Kind.ACCEPTED, Kind.RETRY}


# -- TLS -----------------------------------------------------------------------------------------------------------------------


def test_it_trusts_whom_the_file_says_and_follows_it(
    tls_collector: Collector, certificates: Certificates, tmp_path: Path
) -> None:
    file = tmp_path / "trusted.pem"
    shutil.copy(certificates.certificate("other"), file)
    with transport(secure(tls_collector), GRPC, certificate=str(file)) as grpc:
        answer = grpc.send(request_of("grpc-tls"))
        assert (answer.kind, answer.code) == (Kind.RETRY, None)
        assert "CERTIFICATE_VERIFY_FAILED" in answer.detail
        shutil.copy(certificates.certificate("authority"), file)
        assert grpc.send(request_of("grpc-tls")) == ACCEPTED
    assert arrived(tls_collector, "grpc-tls") == ["1"]


def test_it_shows_its_certificate_and_follows_the_files(
    mutual_collector: Collector, certificates: Certificates, tmp_path: Path
) -> None:
    files = {"client_certificate": tmp_path / "client.crt", "client_key": tmp_path / "client.key"}
    for kind, path in zip((certificates.certificate, certificates.key), files.values(), strict=True):
        shutil.copy(kind("stranger"), path)
    arguments = {name: str(path) for name, path in files.items()}
    authority = certificates.certificate("authority")
    with transport(secure(mutual_collector), GRPC, certificate=authority, **arguments) as grpc:
        answer = grpc.send(request_of("grpc-mutual"))
        assert (answer.kind, answer.code) == (Kind.RETRY, None)
        for kind, path in zip((certificates.certificate, certificates.key), files.values(), strict=True):
            shutil.copy(kind("client"), path)
        assert grpc.send(request_of("grpc-mutual")) == ACCEPTED
    assert arrived(mutual_collector, "grpc-mutual") == ["1"]


def test_one_file_may_hold_both_certificate_and_key(
    mutual_collector: Collector, certificates: Certificates, tmp_path: Path
) -> None:
    file = tmp_path / "client.pem"
    pieces = (certificates.certificate("client"), certificates.key("client"))
    file.write_bytes(b"".join(Path(piece).read_bytes() for piece in pieces))
    authority = certificates.certificate("authority")
    answer = answer_of(secure(mutual_collector), GRPC, certificate=authority, client_certificate=str(file))
    assert answer == ACCEPTED


def test_a_file_that_is_gone_has_to_come_back(
    tls_collector: Collector, certificates: Certificates, tmp_path: Path
) -> None:
    file = tmp_path / "trusted.pem"
    shutil.copy(certificates.certificate("authority"), file)
    with transport(secure(tls_collector), GRPC, certificate=str(file)) as grpc:
        file.unlink()
        answer = grpc.send(b"")
        assert (answer.kind, answer.code) == (Kind.HOLD, None)
        assert answer.detail.startswith("FileNotFoundError")
        shutil.copy(certificates.certificate("authority"), file)
        assert grpc.send(b"") == ACCEPTED


# -- proxies ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "GRPC_PROXY"])
def test_a_request_goes_through_the_proxy(
    small_collector: Collector, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with ForwardProxy("joe:secret") as proxy:
        monkeypatch.setenv(variable, f"http://joe:secret@127.0.0.1:{proxy.port}")
        service = f"grpc-{variable}"
        assert answer_of(small_collector.grpc_endpoint, GRPC, request_of(service)) == ACCEPTED
        assert proxy.requests == [f"CONNECT {small_collector.address('otlp_grpc')}"]
    assert arrived(small_collector, service) == ["1"]


def test_a_proxy_may_refuse(small_collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    with ForwardProxy("joe:secret") as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://joe:planted@127.0.0.1:{proxy.port}")
        answer = answer_of(small_collector.grpc_endpoint, GRPC)
        assert (answer.kind, answer.code) == (Kind.RETRY, None)
        assert "HTTP proxy returned response code 407" in answer.detail
        assert "planted" not in answer.detail


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy"])
def test_some_hosts_are_reached_without_the_proxy(
    small_collector: Collector, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port()}")
    # To gRPC itself, the name in capitals says nothing.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert answer_of(small_collector.grpc_endpoint, GRPC, request_of("shop")) == ACCEPTED
