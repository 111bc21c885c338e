"""The examination: settings, connections, a canary, and what arrived of it, in this order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from otel_events.doctor.canary import send_canary
from otel_events.doctor.check import Check, Mark
from otel_events.doctor.connection import check_connection
from otel_events.doctor.readback import ReadBack, check_read_backs
from otel_events.doctor.target import Target, target_of
from otel_events.doctor.tls import check_tls
from otel_events.scrub import scrub, secrets_of
from otel_events.settings import Settings

_CONNECTION_SECONDS: Final = 5.0


def examine(settings: Settings, read_backs: Sequence[ReadBack] = (), wait: float = 10.0) -> Iterator[Check]:
    """Look at everything, and yield what was found as soon as it is. No text has a secret in it.

    Args:
        settings: How the application exports.
        read_backs: Where to look for the canary afterwards.
        wait: How long to look, in seconds.
    """
    secrets = _secrets(settings, read_backs)
    for check in _examine(settings, read_backs, wait):
        yield check._replace(seen=scrub(check.seen, secrets), change=scrub(check.change, secrets))


def _examine(settings: Settings, read_backs: Sequence[ReadBack], wait: float) -> Iterator[Check]:
    if settings.disabled:
        yield Check(Mark.FAIL, settings.signals, "settings", "nothing is exported", "Unset OTEL_SDK_DISABLED.")
        return
    reached: list[str] = []
    for target, signals in _targets(settings):
        otlp = settings.otlp(signals[0])
        timeout = min(otlp.timeout_seconds, _CONNECTION_SECONDS)
        mark = Mark.OK
        for check in check_connection(settings, signals, target, timeout):
            mark = check.mark
            yield check
        if mark is Mark.FAIL:
            yield Check(Mark.NOTE, signals, "canary", "not sent, since there is no connection")
            continue
        if otlp.tls:
            yield check_tls(settings, signals, target, timeout)
        reached += signals
    checks, flight = send_canary(settings, tuple(signal for signal in settings.signals if signal in reached))
    yield from checks
    yield from check_read_backs(settings, flight, read_backs, wait)


def _targets(settings: Settings) -> Iterator[tuple[Target, tuple[str, ...]]]:
    """Yield where to connect, with the signals that go there in the same way."""
    ways: dict[tuple[object, ...], tuple[Target, tuple[str, ...]]] = {}
    for signal in settings.signals:
        otlp = settings.otlp(signal)
        target = target_of(otlp)
        way = (target, otlp.tls, otlp.protocol, otlp.certificate, otlp.client_certificate, otlp.client_key)
        ways[way] = (target, (*ways.get(way, (target, ()))[1], signal))
    yield from ways.values()


def _secrets(settings: Settings, read_backs: Sequence[ReadBack]) -> set[str]:
    found = set[str]()
    for signal in settings.signals:
        otlp = settings.otlp(signal)
        proxy = target_of(otlp).proxy
        found |= secrets_of(otlp)
        found |= proxy.secrets if proxy is not None else set()
    for one in read_backs:
        found |= one.secrets
    if settings.policy.pseudonym_key is not None:
        found.add(settings.policy.pseudonym_key.decode(errors="replace"))
    return found
