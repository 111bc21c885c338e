"""What a real VictoriaLogs holds is read, however much; what is none, or ends early, is told as that."""

from __future__ import annotations

import json

import pytest

from otel_events.direct.checkpoint import encode_checkpoint
from otel_events.direct.envelope import Envelope
from otel_events.direct.http import HttpTransport
from otel_events.exceptions import VerificationError
from otel_events.settings import resolve
from otel_events.verification.record import Record, checkpoint_of, place_of
from otel_events.verification.victorialogs import VictoriaLogs
from tests.backends import servers
from tests.backends.wait import wait_until
from tests.receiver.support import keyed, log_record, logs_request
from tests.sdk.support import WebServer, free_port
from tests.verification.support import FINE, track, uid_of

SECRET = "planted-4711-secret"


def read(url: str, service: str | None = None) -> list[Record]:
    return list(VictoriaLogs(url, service).records())


def send(server: servers.VictoriaLogs, request: bytes) -> None:
    transport = HttpTransport(resolve({}, {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": server.logs_endpoint}).logs)
    assert transport.send(request).code == 200
    transport.close()


def test_what_it_holds(victorialogs: servers.VictoriaLogs) -> None:
    service = 'it\'s "verified" \\ here'
    track(2500, service, endpoint=f"{victorialogs.url}/insert/opentelemetry")
    found = wait_until(lambda: len(records := read(victorialogs.url, service)) >= 2500 and records)
    places = [place_of(record.uid) for record in found or () if record.uid]
    assert sorted(place[1] for place in places if place) == list(range(2500))
    assert {record.service for record in found or ()} == {service}
    assert len({record.instance for record in found or ()}) == 1


def test_checkpoints_and_other_records(victorialogs: servers.VictoriaLogs) -> None:
    resource = {"service.name": "verified records", "service.instance.id": "i" * 1000}
    named = log_record(uid_of(0), event_name="otel_events.checkpoint")
    request = logs_request(
        named, log_record(uid_of(0)), log_record(), resource=[keyed(*pair) for pair in resource.items()]
    )
    other = logs_request(log_record(uid_of(1)), resource=[keyed("service.name", "verified records")])
    other.resource_logs[0].scope_logs[0].scope.name = "other"
    for body in (
        Envelope(resource).wrap([encode_checkpoint(FINE._replace(dropped={"queue_full": 3}), 10**18)]),
        request.SerializeToString(),
        other.SerializeToString(),
    ):
        send(victorialogs, body)

    found = wait_until(lambda: len(records := read(victorialogs.url, "verified records")) >= 4 and records) or []
    [checkpoint] = [record for record in found if record.checkpoint is not None]
    assert checkpoint_of(checkpoint.checkpoint or {}) == FINE._replace(dropped={"queue_full": 3})
    event = Record("verified records", "i" * 256, uid_of(0))
    assert sorted(record for record in found if record is not checkpoint) == [event._replace(uid=""), event, event]
    assert found[0] in read(victorialogs.url)


def test_another_server_is_told_as_that(jaeger: servers.Jaeger) -> None:
    with pytest.raises(VerificationError, match=r"it answers 404|does not answer as VictoriaLogs does"):
        read(jaeger.url)
    with pytest.raises(VerificationError, match="refused"):
        read(f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize("body", [b"<html></html>", b"[]", b"1", b'{"event_name": "x"}\n{', b"[" * 100_000, b"\xff"])
def test_an_answer_of_another_kind_is_told_as_that(body: bytes) -> None:
    with WebServer(200, {}, body) as server, pytest.raises(VerificationError, match="does not answer as VictoriaLogs"):
        read(server.endpoint)


def test_fields_of_another_type_are_texts() -> None:
    body = json.dumps({"log.record.uid": 7, "service.name": ["x"], "event_name": None}).encode()
    with WebServer(200, {}, body + b"\n\n") as server:
        assert read(server.endpoint) == [Record("['x']", "", "7")]


def test_no_password_is_shown() -> None:
    with WebServer(400, {}, f"bad {SECRET}".encode()) as server:
        source = VictoriaLogs(server.endpoint.replace("//", f"//joe:{SECRET}@"))
        with pytest.raises(VerificationError) as caught:
            list(source.records())
    assert SECRET not in str(caught.value) + source.where
    assert str(caught.value).startswith(f"{server.endpoint}: it answers 400: bad [redacted]")
