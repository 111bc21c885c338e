"""The target is where the exporter connects to, with the ports that it takes where the endpoint has none."""

from __future__ import annotations

import pytest

from otel_events.doctor.proxy import Proxy
from otel_events.doctor.target import Target, target_of
from otel_events.settings import resolve


@pytest.mark.parametrize(
    ("endpoint", "protocol", "host", "port"),
    [
        ("http://collector.example:4318/base", "http/protobuf", "collector.example", 4318),
        ("http://collector.example", "http/protobuf", "collector.example", 80),
        ("https://joe:pw@collector.example", "http/protobuf", "collector.example", 443),
        ("https://[::1]:4318", "http/protobuf", "::1", 4318),
        ("http://collector.example", "grpc", "collector.example", 443),
        ("collector.example:4317", "grpc", "collector.example", 4317),
    ],
)
def test_host_and_port(endpoint: str, protocol: str, host: str, port: int) -> None:
    target = target_of(resolve({"endpoint": endpoint, "protocol": protocol}, {}).logs)
    assert (target.host, target.port) == (host, port)


def test_the_first_hop_is_the_proxy_where_there_is_one() -> None:
    assert Target("collector.example", 4318, None).first_hop == ("collector.example", 4318)
    assert Target("collector.example", 4318, Proxy("http://proxy.example:3128")).first_hop == ("proxy.example", 3128)
