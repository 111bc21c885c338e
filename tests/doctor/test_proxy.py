"""The proxy is the one that the exporter takes from the environment, and its password is not shown."""

from __future__ import annotations

import pytest

from otel_events.doctor.proxy import Proxy, proxy_of
from otel_events.settings import resolve
from tests.doctor.support import PLANTED

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "grpc_proxy", "no_grpc_proxy")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def found(endpoint: str, protocol: str) -> str | None:
    proxy = proxy_of(resolve({"endpoint": endpoint, "protocol": protocol}, {}).logs, "collector.example")
    return proxy and proxy.url


@pytest.mark.parametrize(
    ("protocol", "endpoint", "environ", "expected"),
    [
        ("http/protobuf", "http://collector.example", {}, None),
        ("http/protobuf", "http://collector.example", {"HTTP_PROXY": "http://p:1"}, "http://p:1"),
        ("http/protobuf", "https://collector.example", {"HTTP_PROXY": "http://p:1"}, None),
        ("http/protobuf", "https://collector.example", {"https_proxy": "p:1"}, "http://p:1"),
        ("http/protobuf", "https://collector.example", {"https_proxy": "http://p:1", "no_proxy": ".example"}, None),
        ("http/protobuf", "https://collector.example", {"grpc_proxy": "http://p:1"}, None),
        ("grpc", "http://collector.example:4317", {}, None),
        ("grpc", "http://collector.example:4317", {"http_proxy": "http://p:1"}, "http://p:1"),
        (
            "grpc",
            "http://collector.example:4317",
            {"http_proxy": "http://p:1", "grpc_proxy": "http://q:2"},
            "http://q:2",
        ),
        ("grpc", "http://collector.example:4317", {"http_proxy": "http://p:1", "no_proxy": "a, EXAMPLE"}, None),
        ("grpc", "http://collector.example:4317", {"http_proxy": "http://p:1", "no_proxy": "a,b"}, "http://p:1"),
        ("grpc", "http://collector.example:4317", {"HTTP_PROXY": "http://p:1"}, None),
    ],
)
def test_it_is_the_one_of_the_exporter(
    monkeypatch: pytest.MonkeyPatch, protocol: str, endpoint: str, environ: dict[str, str], expected: str | None
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert found(endpoint, protocol) == expected


def test_its_parts() -> None:
    proxy = Proxy(f"http://joe:{PLANTED}@proxy.example:3128/")
    assert (proxy.host, proxy.port, proxy.shown) == ("proxy.example", 3128, "http://proxy.example:3128/")
    assert PLANTED in proxy.secrets
    assert proxy.headers["Proxy-Authorization"].startswith("Basic ")
    assert Proxy("http://proxy.example").port == 80
    assert Proxy("http://proxy.example").headers == {}
