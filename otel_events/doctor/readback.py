"""Reading a canary back from where the collector sends it, and naming the hop that lost it or a part of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from otel_events.doctor.arrival import Arrival
from otel_events.doctor.canary import Flight
from otel_events.doctor.check import BEHIND_COLLECTOR, TO_BACKEND, WITHIN_COLLECTOR, Check, Mark
from otel_events.doctor.jaeger import find_in_jaeger
from otel_events.doctor.otlp_file import find_in_file
from otel_events.doctor.victorialogs import find_in_victorialogs
from otel_events.scrub import secrets_in_url, shown_url
from otel_events.settings import Settings
from otel_events.verification.fetch import is_usable

_POLL_SECONDS: Final = 0.25
_REQUEST_SECONDS: Final = 5.0

_HOLDS: Final = {"jaeger": ("traces",), "victorialogs": ("logs",), "file": ("logs", "traces")}


class ReadBack(NamedTuple):
    """Where to look for the canary.

    Args:
        kind: ``jaeger``, ``victorialogs`` or ``file``.
        where: Its URL, or the file's path.
    """

    kind: str
    where: str

    @classmethod
    def parse(cls, text: str) -> ReadBack:
        """Read ``jaeger=URL``, ``victorialogs=URL`` or ``file=PATH``.

        Raises:
            ValueError: It is none of those; the text says what is expected.
        """
        kind, _, where = text.partition("=")
        if kind not in _HOLDS or not where:
            raise ValueError(f"{shown_url(text)!r} is not jaeger=URL, victorialogs=URL or file=PATH")
        if kind != "file" and not is_usable(where):
            raise ValueError(f"{kind}={shown_url(where)}: expected a URL that begins with http:// or https://")
        return cls(kind, where)

    @property
    def shown(self) -> str:
        """Its place, fit to be shown."""
        return self.where if self.kind == "file" else shown_url(self.where)

    @property
    def secrets(self) -> frozenset[str]:
        """What must not be shown of it."""
        return frozenset() if self.kind == "file" else secrets_in_url(self.where)

    def look(self, settings: Settings, flight: Flight, timeout: float) -> list[Arrival] | str:
        """Return what arrived there, or why one cannot look."""
        if self.kind == "file":
            return find_in_file(Path(self.where), flight)
        find, signal = (find_in_jaeger, "traces") if self.kind == "jaeger" else (find_in_victorialogs, "logs")
        return find(self.where, flight, certificate=settings.otlp(signal).certificate, timeout=timeout)


def check_read_backs(
    settings: Settings, flight: Flight, read_backs: Sequence[ReadBack], wait: float
) -> Iterator[Check]:
    """Look for the canary until all of it is there, or the time is up.

    Args:
        settings: What was sent, and where.
        flight: The canary.
        read_backs: Where to look.
        wait: Seconds, for all places together.
    """
    began = time.monotonic()
    open_ones = [one for one in read_backs if set(_HOLDS[one.kind]) & set(flight.accepted)]
    found = {one: list[Arrival]() for one in open_ones}
    problems: dict[ReadBack, str] = {}
    waiting = list(open_ones)
    while waiting:
        late = time.monotonic() - began >= wait
        for one in waiting:
            left = max(wait - (time.monotonic() - began), 1.0)
            result = one.look(settings, flight, min(left, _REQUEST_SECONDS))
            if isinstance(result, str):
                problems[one] = result
            else:
                problems.pop(one, None)
                found[one] = [arrival for arrival in result if arrival.signal in flight.accepted]
        waiting = [] if late else [one for one in waiting if not found[one]]
        if waiting:
            time.sleep(min(_POLL_SECONDS, max(wait - (time.monotonic() - began), 0.0)))
    judge = _Judge(settings, flight, {one: found[one] for one in found if one not in problems}, wait)
    for one in read_backs:
        if one in problems:
            seen = f"{one.shown}: {problems[one]}"
            yield Check(Mark.FAIL, _HOLDS[one.kind], one.kind, seen, "Look at the place given to --read-back.")
        elif one not in found:
            yield judge.not_sent(one)
        else:
            yield from judge.judge(one)


class _Judge:
    """Says of each place what arrived, and which hop lost the rest."""

    def __init__(self, settings: Settings, flight: Flight, found: dict[ReadBack, list[Arrival]], wait: float) -> None:
        self._settings = settings
        self._flight = flight
        self._found = found
        self._wait = wait
        self._files = [arrivals for one, arrivals in found.items() if one.kind == "file"]

    def not_sent(self, one: ReadBack) -> Check:
        signals = _HOLDS[one.kind]
        if not set(signals) & set(self._settings.signals):
            seen = f"{one.shown}: nothing was sent that {one.kind} holds, which is {' and '.join(signals)}"
            return Check(Mark.FAIL, signals, one.kind, seen, "Set OTEL_EVENTS_SIGNALS=logs,traces.")
        seen = f"{one.shown}: not looked there, since the canary was lost between the application and the collector"
        return Check(Mark.NOTE, signals, one.kind, seen)

    def judge(self, one: ReadBack) -> Iterator[Check]:
        arrivals = self._found[one]
        if not arrivals:
            signals = tuple(signal for signal in _HOLDS[one.kind] if signal in self._flight.accepted)
            yield self._lost(one, signals, f"{one.shown}: not there after {self._wait:g} s", None)
            return
        for signal in _HOLDS[one.kind]:
            of_signal = [arrival for arrival in arrivals if arrival.signal == signal]
            if of_signal:
                yield self._of(one, signal, of_signal)

    def _of(self, one: ReadBack, signal: str, arrivals: list[Arrival]) -> Check:
        missing = arrivals[0].missing(self._flight)
        if missing:
            return self._lost(one, (signal,), f"{one.shown}: without {' and '.join(missing)}", set(missing))
        parts = "name, body, attributes" if signal == "logs" else "name, attributes"
        times = f", {len(arrivals)} times" if len(arrivals) > 1 else ""
        return Check(Mark.OK, (signal,), one.kind, f"{one.shown}: {parts} and trace link arrived{times}")

    def _lost(self, one: ReadBack, signals: tuple[str, ...], seen: str, missing: set[str] | None) -> Check:
        """Name the hop that lost the canary, or these parts of it."""
        endpoint = self._settings.otlp(signals[0]).shown_endpoint
        pipelines = " and ".join(signals)
        lost = Check(
            Mark.FAIL,
            signals,
            one.kind,
            f"{seen}; lost within the collector at {endpoint}, which accepted it",
            f"Look at the processors and exporters of its pipeline for {pipelines}.",
            WITHIN_COLLECTOR,
        )
        written = [arrival for arrivals in self._files for arrival in arrivals if arrival.signal == signals[0]]
        # A file with the canary on another signal is not the one that would hold this.
        if one.kind == "file" or (not written and [] in self._files):
            return lost
        if not written:
            return lost._replace(
                seen=f"{seen}; lost behind {endpoint}, which accepted it",
                change=f"Look at the collector's pipeline for {pipelines} and its exporter to {one.kind}; with "
                f"--read-back file=PATH, the file of a file exporter, doctor tells which.",
                hop=BEHIND_COLLECTOR,
            )
        if missing is not None and missing & set(written[0].missing(self._flight)):
            return lost
        return lost._replace(
            seen=f"{seen}; lost between the collector, which wrote it to its file, and {one.kind}",
            change=f"Look at the collector's exporter to {one.kind}, at its log, and at what {one.kind} keeps.",
            hop=TO_BACKEND,
        )
