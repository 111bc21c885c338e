"""What somebody who wants events shown here has to set."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from rich.text import Text

if TYPE_CHECKING:
    from otel_events.receiver import Receiver


def how_to_send(receiver: Receiver, token: str | None = None) -> Text:
    """Say what a program needs in its environment to send its events to a receiver.

    Args:
        receiver: The receiver, started.
        token: What senders must bring, if anything.
    """
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(receiver.host, receiver.host)  # noqa: S104 # compared
    address = f"http://[{host}]" if ":" in host else f"http://{host}"
    headers = "" if token is None else f" OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20{quote(token, safe='')}"
    return Text.assemble(
        "To send events here, start a program with\n",
        f"    OTEL_EXPORTER_OTLP_ENDPOINT={address}:{receiver.http_port}{headers}\n",
        "or, over gRPC, with\n",
        f"    OTEL_EXPORTER_OTLP_ENDPOINT={address}:{receiver.grpc_port} OTEL_EXPORTER_OTLP_PROTOCOL=grpc{headers}\n",
    )
