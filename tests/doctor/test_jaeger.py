"""The canary's span event is found in a real Jaeger, and what is no Jaeger is told as that."""

from __future__ import annotations

import pytest

from otel_events.doctor.canary import Flight
from otel_events.doctor.jaeger import find_in_jaeger
from tests.backends.servers import Collector, Jaeger, VictoriaLogs
from tests.backends.wait import wait_until
from tests.doctor.support import arrivals, make_flight, sent
from tests.sdk.support import WebServer, free_port


def find(url: str, flight: Flight) -> object:
    return find_in_jaeger(url, flight, certificate=None, timeout=5.0)


def test_it_is_found_with_all_its_parts(jaeger: Jaeger, collector: Collector) -> None:
    _, flight = sent({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.http_endpoint})
    [arrival] = wait_until(lambda: arrivals(find_in_jaeger(jaeger.url, flight, certificate=None, timeout=5.0)))
    assert arrival.missing(flight) == []
    assert (arrival.signal, arrival.name) == ("traces", flight.name)


def test_what_is_not_there_is_not_found(jaeger: Jaeger) -> None:
    assert find(jaeger.url, make_flight(trace_id="f" * 32)) == []


def test_another_server_is_told_as_that(victorialogs: VictoriaLogs, jaeger: Jaeger) -> None:
    assert str(find(victorialogs.url, make_flight())).startswith("it answers 400: unsupported path requested")
    assert str(find(f"http://{jaeger.address('admin')}", make_flight())).startswith("it does not answer as Jaeger's")
    assert "refused" in str(find(f"http://127.0.0.1:{free_port()}", make_flight()))


@pytest.mark.parametrize("body", [b"<html></html>", b"[]", b"{}", b'{"data": 1}', b"null"])
def test_an_answer_of_another_kind_is_told_as_that(body: bytes) -> None:
    with WebServer(200, {}, body) as server:
        assert str(find(server.endpoint, make_flight())).startswith("it does not answer as Jaeger's query API does")


@pytest.mark.parametrize("body", [b'{"data": [{}]}', b'{"data": [1]}', b'{"data": [{"spans": [{"logs": [{}]}]}]}'])
def test_an_answer_of_another_form_is_told_as_that(body: bytes) -> None:
    with WebServer(200, {}, body) as server:
        assert str(find(server.endpoint, make_flight())).startswith("it answers with a trace of another form")
