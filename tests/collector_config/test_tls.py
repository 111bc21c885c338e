"""collector-tls.yaml: with the right token events arrive over TLS; with a wrong one, or in plain text, they are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.backends.servers import VictoriaLogs
from tests.backends.wait import wait_until
from tests.collector_config.node import CONFIG, Application, OneNode, stored
from tests.sdk.support import GRPC, TOKEN, Certificates, protocols

REFUSED_SECONDS = 2.0
# A process adopts the journal of those before it within half a minute.
ADOPTION_SECONDS = 60.0


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    """Give the file with the tokens."""
    path = tmp_path / "token"
    path.write_text(f"{TOKEN} of the shop\n", encoding="utf-8")
    return path


@pytest.fixture
def tls_node(
    collector_binary: Path, tmp_path: Path, backends: Mapping[str, str], certificates: Certificates, tokens: Path
) -> Iterator[OneNode]:
    """Run the Collector with collector.yaml and collector-tls.yaml."""
    environment = {
        **backends,
        "TLS_CERT_FILE": certificates.certificate("server"),
        "TLS_KEY_FILE": certificates.key("server"),
        "TOKEN_FILE": str(tokens),
    }
    with OneNode(collector_binary, tmp_path / "node", environment, [CONFIG / "collector-tls.yaml"]) as server:
        yield server


@protocols
def test_only_the_right_token_over_tls_gets_in_and_nothing_is_lost_meanwhile(
    protocol: str,
    tls_node: OneNode,
    certificates: Certificates,
    victorialogs: VictoriaLogs,
    service: str,
    tmp_path: Path,
) -> None:
    address = tls_node.address("otlp_grpc" if protocol == GRPC else "otlp_http")
    right: dict[str, Any] = {
        "endpoint": f"https://{address}",
        "protocol": protocol,
        "certificate": certificates.certificate("authority"),
        "headers": {"authorization": f"Bearer {TOKEN}"},
        "delivery": "journal",
        "journal": str(tmp_path / "journal"),
        "service_name": service,
    }
    wrongs: tuple[dict[str, Any], ...] = (
        {"headers": {"authorization": "Bearer wrong"}},
        {"headers": {}},
        {"endpoint": f"http://{address}"},
        {"certificate": certificates.certificate("other")},
    )
    for wrong in wrongs:
        with Application({**right, **wrong}, 5, shutdown_seconds=REFUSED_SECONDS) as application:
            outcome = application.finish()
        assert (outcome["sent"], outcome["lost"], outcome["dead_letters"]) == (0, 0, 0)
        assert outcome["pending"] >= 5
    assert stored(victorialogs, service) == (0, 0)

    with Application(right, 5) as application:
        wait_until(lambda: stored(victorialogs, service)[0] == 25, ADOPTION_SECONDS)
        assert application.finish()["pending"] == 0
    assert stored(victorialogs, service) == (25, 25)


def test_a_new_token_is_taken_without_a_restart(
    tls_node: OneNode, certificates: Certificates, tokens: Path, victorialogs: VictoriaLogs, service: str
) -> None:
    tokens.write_text("new-token\n", encoding="utf-8")
    wait_until(lambda: "refresh token" in tls_node.log())
    configure = {
        "endpoint": f"https://{tls_node.address('otlp_http')}",
        "certificate": certificates.certificate("authority"),
        "service_name": service,
    }
    for token, arrived in ((TOKEN, 0), ("new-token", 3)):
        headers = {"authorization": f"Bearer {token}"}
        with Application({**configure, "headers": headers}, 3, shutdown_seconds=REFUSED_SECONDS) as application:
            assert application.finish()["sent"] == arrived
    wait_until(lambda: stored(victorialogs, service) == (3, 3))
    assert TOKEN not in tls_node.log()
