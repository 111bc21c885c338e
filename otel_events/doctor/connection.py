"""Looking at the connection to a collector: its name, and whether something listens."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from otel_events.diagnosis import Seen, diagnose
from otel_events.doctor.check import TO_COLLECTOR, Check, Mark
from otel_events.doctor.target import Target
from otel_events.settings import Settings

_MAX_ADDRESSES: Final = 4

Address = tuple[socket.AddressFamily, Any]


def check_connection(settings: Settings, signals: tuple[str, ...], target: Target, timeout: float) -> Iterator[Check]:
    """Resolve the name and connect; the last check is the first that fails.

    Args:
        settings: How the signals are exported.
        signals: Those that go there.
        target: Where to.
        timeout: Seconds for the name, and again for the connection.
    """
    host, port = target.first_hop
    if target.proxy is not None:
        yield Check(
            Mark.NOTE, signals, "proxy", f"the exporter goes through {target.proxy.shown} (from the environment)"
        )
    began = time.monotonic()
    found = _resolve(host, port, timeout)
    if isinstance(found, str):
        yield _failed(settings, signals, "name", f"{host}: ", Seen(None, found))
        return
    if not _is_address(host):
        names = ", ".join(str(address[0]) for _, address in found[:_MAX_ADDRESSES])
        yield Check(Mark.OK, signals, "name", f"{host} is {names} ({_milliseconds(began)} ms)")
    began = time.monotonic()
    problems = []
    for family, address in found[:_MAX_ADDRESSES]:
        left = timeout - (time.monotonic() - began)
        try:
            with socket.socket(family, socket.SOCK_STREAM) as connection:
                connection.settimeout(max(left, 0.1))
                connection.connect(address)
        except OSError as error:
            problems.append(f"{type(error).__name__}: {error}")
        else:
            yield Check(
                Mark.OK, signals, "connection", f"{_shown(address)} accepts connections ({_milliseconds(began)} ms)"
            )
            return
    yield _failed(settings, signals, "connection", f"{host}:{port}: ", Seen(None, "; ".join(problems)))


def _resolve(host: str, port: int, timeout: float) -> list[Address] | str:
    """Return addresses, or why there are none. The system's resolver keeps no time, so it works in a thread."""
    result: list[list[Address] | str] = []

    def resolve() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            result.append([(family, address) for family, _, _, _, address in found])
        except (OSError, UnicodeError) as error:
            result.append(f"getaddrinfo: {error}")

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(timeout)
    return result[0] if result else f"getaddrinfo: no answer within {timeout:g} s"


def _failed(settings: Settings, signals: tuple[str, ...], what: str, beginning: str, seen: Seen) -> Check:
    diagnosis = diagnose(signals[0], settings.otlp(signals[0]), seen)
    return Check(Mark.FAIL, signals, what, beginning + diagnosis.cause, diagnosis.cure, TO_COLLECTOR)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _shown(address: Any) -> str:
    return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"


def _milliseconds(began: float) -> str:
    return f"{1000 * (time.monotonic() - began):.0f}"
