"""The canary's log record is found in a real VictoriaLogs by whatever of it arrived, and what is none is told as that."""

from __future__ import annotations

import pytest

from otel_events.doctor.canary import Flight
from otel_events.doctor.victorialogs import find_in_victorialogs
from tests.backends.servers import Collector, Jaeger, VictoriaLogs
from tests.backends.wait import wait_until
from tests.doctor.support import arrivals, make_flight, sent
from tests.sdk.support import WebServer, free_port


def find(url: str, flight: Flight) -> object:
    return find_in_victorialogs(url, flight, certificate=None, timeout=5.0)


def test_it_is_found_with_all_its_parts(victorialogs: VictoriaLogs, collector: Collector) -> None:
    _, flight = sent({"OTEL_EXPORTER_OTLP_ENDPOINT": collector.http_endpoint})
    [arrival] = wait_until(
        lambda: arrivals(find_in_victorialogs(victorialogs.url, flight, certificate=None, timeout=5.0))
    )
    assert arrival.missing(flight) == []
    assert (arrival.signal, arrival.name, arrival.body) == ("logs", flight.name, flight.body)


def test_what_is_not_there_is_not_found(victorialogs: VictoriaLogs) -> None:
    assert find(victorialogs.url, make_flight(canary="0" * 16, trace_id="f" * 32)) == []


def test_another_server_is_told_as_that(jaeger: Jaeger) -> None:
    assert str(find(jaeger.url, make_flight())).startswith("it does not answer as VictoriaLogs does")
    assert "refused" in str(find(f"http://127.0.0.1:{free_port()}", make_flight()))


@pytest.mark.parametrize("body", [b"<html></html>", b"[]", b"1", b'{"_msg": "x"}\n{'])
def test_an_answer_of_another_kind_is_told_as_that(body: bytes) -> None:
    with WebServer(200, {}, body) as server:
        assert str(find(server.endpoint, make_flight())).startswith("it does not answer as VictoriaLogs does")
