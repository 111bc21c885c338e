"""The headers in a file are followed: a token that is renewed is used with the next request, and nothing that waits is lost."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import otel_events
from otel_events import EventTracker, Outcome
from otel_events.direct.answers import Answer, Kind
from otel_events.direct.followed import FollowedHeaders, state_of
from otel_events.settings import resolve
from otel_events.settings.otlp import OtlpSettings
from tests.backends.servers import COLLECTOR_YAML, Collector
from tests.backends.wait import wait_until
from tests.direct.faulty import GrpcReply, GrpcServer, HttpReply, HttpServer
from tests.direct.proxy import ForwardProxy
from tests.direct.sending import protocols, transport
from tests.sdk.support import GRPC, HTTP, Ping, warnings_in, with_token

HOLDING = "holds something else than name=value pairs, in ASCII, separated by commas or line breaks"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "headers"
    path.write_text("authorization=Bearer%20first", encoding="utf-8")
    return path


def renew(file: Path, token: str) -> None:
    """Put another file in its place, as what renews tokens does."""
    other = file.with_name("renewed")
    other.write_text(f"authorization=Bearer%20{token}\n", encoding="utf-8")
    other.replace(file)


def otlp_of(file: Path, **arguments: Any) -> OtlpSettings:
    return resolve({"headers_file": file, **arguments}, {}).logs


# -- the file ----------------------------------------------------------------------------------------------------------------


def test_it_is_read_again_once_it_has_changed(file: Path) -> None:
    followed = FollowedHeaders(otlp_of(file, headers={"x": "1"}))
    first = followed.look()
    assert first == {"x": "1", "authorization": "Bearer first"}
    assert followed.look() is first
    renew(file, "second")
    assert followed.look() == {"x": "1", "authorization": "Bearer second"}
    file.write_text("x=2", encoding="utf-8")
    assert followed.look() == {"x": "2"}


def test_what_is_there_already_when_it_is_looked_at_first_is_read(file: Path) -> None:
    otlp = otlp_of(file)
    renew(file, "second")
    assert FollowedHeaders(otlp).look() == {"authorization": "Bearer second"}


def test_a_file_that_does_not_seem_to_have_changed_is_read_where_it_is_doubted(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("otel_events.direct.followed.state_of", lambda _: (0, 0, 0))
    followed = FollowedHeaders(otlp_of(file))
    followed.look()
    renew(file, "second")
    assert followed.look() == {"authorization": "Bearer first"}
    followed.doubt()
    assert followed.look() == {"authorization": "Bearer second"}


def test_while_it_cannot_be_used_what_stood_in_it_last_is_and_that_is_said_once(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    followed = FollowedHeaders(otlp_of(file))
    followed.look()
    for spoil, wrong in (
        (lambda: file.write_text("planted", encoding="utf-8"), HOLDING),
        (lambda: file.write_text("", encoding="utf-8"), HOLDING),
        (file.unlink, "cannot be read (FileNotFoundError)"),
        (lambda: file.write_bytes(bytes(65_537)), "is longer than 64 KiB"),
    ):
        spoil()
        for _ in range(3):
            assert followed.look() == {"authorization": "Bearer first"}
            assert followed.wrong == wrong
    renew(file, "second")
    assert followed.look() == {"authorization": "Bearer second"}
    assert followed.wrong == ""
    of_it = f"the file with headers, {file}, "
    kept = ". What stood in it before is used until it is mended."
    assert warnings_in(caplog) == [
        f"{of_it}{HOLDING}{kept}",
        f"{of_it}cannot be read (FileNotFoundError){kept}",
        f"{of_it}is longer than 64 KiB{kept}",
        f"{of_it}is used again.",
    ]
    assert "planted" not in caplog.text


def test_without_a_file_there_is_nothing_to_be_looked_at() -> None:
    otlp = resolve({"headers": {"x": "1"}}, {}).logs
    followed = FollowedHeaders(otlp)
    assert not followed.renewable
    assert followed.look() is otlp.headers
    assert FollowedHeaders(replace(otlp, headers={})).look() == {}


def test_the_state_of_a_file(file: Path) -> None:
    state = state_of(str(file))
    assert state == state_of(str(file)) is not None
    renew(file, "first")
    assert state != state_of(str(file))
    file.unlink()
    assert state_of(str(file)) is None


# -- requests ------------------------------------------------------------------------------------------------------------------


def refusals(protocol: str) -> tuple[Any, Any]:
    """Return two refusals, of which the second one tells what it was sent."""
    if protocol == HTTP:
        return HttpReply(401), HttpReply(403, {"content-type": "text/plain"}, b"no Bearer first, no second")
    return GrpcReply("UNAUTHENTICATED", "no"), GrpcReply("PERMISSION_DENIED", "no Bearer first, no second")


@contextlib.contextmanager
def server_of(protocol: str) -> Iterator[HttpServer | GrpcServer]:
    with HttpServer() if protocol == HTTP else GrpcServer() as server:
        yield server


def tokens(server: HttpServer | GrpcServer) -> list[str]:
    return [request.headers["authorization"] for request in server.requests]


@protocols
def test_the_next_request_has_the_renewed_token(file: Path, protocol: str) -> None:
    with server_of(protocol) as server, transport(server.endpoint, protocol, headers_file=file) as sending:
        for token in ("first", "second", "third"):
            renew(file, token)
            for _ in range(2):
                assert sending.send(b"").kind is Kind.ACCEPTED
        assert tokens(server) == [f"Bearer {token}" for token in ("first", "second", "third") for _ in range(2)]
        if isinstance(server, HttpServer):
            assert server.connections == 3


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "GRPC_PROXY"])
def test_so_has_one_that_goes_through_a_proxy(file: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    protocol = HTTP if variable == "HTTP_PROXY" else GRPC
    with server_of(protocol) as server, ForwardProxy() as proxy:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        with transport(server.endpoint, protocol, headers_file=file) as sending:
            for token in ("first", "second"):
                renew(file, token)
                assert sending.send(b"").kind is Kind.ACCEPTED
        assert tokens(server) == ["Bearer first", "Bearer second"]
        assert proxy.requests


@protocols
def test_a_refusal_is_tried_again_soon_and_shows_no_token(file: Path, protocol: str) -> None:
    with server_of(protocol) as server, transport(server.endpoint, protocol, headers_file=file) as sending:
        server.script(*refusals(protocol))
        assert sending.send(b"").kind is Kind.RETRY
        renew(file, "second")
        answer = sending.send(b"")
        assert answer.kind is Kind.RETRY
        # The token before, too: an answer may be to a request that had it.
        assert answer.detail.endswith("no [redacted], no [redacted]")
        file.unlink()
        server.script(*refusals(protocol))
        assert sending.send(b"").detail.endswith("; the file with headers cannot be read (FileNotFoundError)")
        assert tokens(server)[-1] == "Bearer second"


@protocols
def test_without_a_file_a_refusal_is_held(protocol: str) -> None:
    with server_of(protocol) as server, transport(server.endpoint, protocol, headers={"authorization": "x"}) as sending:
        server.script(*refusals(protocol))
        assert [sending.send(b"").kind for _ in range(2)] == [Kind.HOLD, Kind.HOLD]


def test_it_wins_over_the_credentials_in_the_endpoint_while_it_names_them(file: Path) -> None:
    with HttpServer() as server:
        endpoint = server.endpoint.replace("http://", "http://joe:secret@")
        with transport(endpoint, headers_file=file) as sending:
            sending.send(b"")
            file.write_text("x=1", encoding="utf-8")
            sending.send(b"")
        assert tokens(server) == ["Bearer first", "Basic am9lOnNlY3JldA=="]


def test_what_cannot_be_reached_is_no_matter_of_the_file(file: Path) -> None:
    with transport("http://127.0.0.1:1", headers_file=file) as sending:
        answer = sending.send(b"")
    assert isinstance(answer, Answer)
    assert (answer.kind, answer.code) == (Kind.RETRY, None)


# -- the real Collector --------------------------------------------------------------------------------------------------------


def wanting(tokens: Path) -> Mapping[str, Any]:
    """Return the configuration of a Collector that wants the token in a file, which it follows."""
    return {**with_token(), "extensions": {"bearertokenauth": {"filename": str(tokens)}}}


@pytest.fixture
def guarded(collector_binary: Path, tmp_path: Path) -> Iterator[tuple[Collector, Path]]:
    """Run a Collector that wants a token, and give the file where that stands."""
    tokens = tmp_path / "tokens"
    tokens.write_text("first\n", encoding="utf-8")
    with Collector(collector_binary, tmp_path / "guarded", [COLLECTOR_YAML, wanting(tokens)]) as server:
        yield server, tokens


def numbers(collector: Collector) -> list[int]:
    return sorted(record.attributes["test.number"] for record in collector.log_records("guarded"))


def track(tracker: EventTracker, *new: int) -> None:
    for number in new:
        tracker.track(Ping(number=number))


@protocols
@pytest.mark.parametrize("delivery", ["memory", "journal"])
def test_all_that_was_tracked_while_the_token_was_renewed_arrives(
    guarded: tuple[Collector, Path],
    file: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    protocol: str,
    delivery: str,
) -> None:
    collector, tokens = guarded
    tracker = otel_events.configure(
        event_types=[Ping],
        endpoint=collector.http_endpoint if protocol == HTTP else collector.grpc_endpoint,
        protocol=protocol,
        delivery=delivery,
        journal=tmp_path / "journal",
        service_name="guarded",
        headers_file=file,
        environ={"OTEL_BLRP_SCHEDULE_DELAY": "50"},
    )
    track(tracker, 0, 1)
    wait_until(lambda: numbers(collector) == [0, 1])
    tokens.write_text("second\n", encoding="utf-8")
    # The Collector takes a moment to see that.
    tracked = 2

    def refused() -> bool:
        nonlocal tracked
        track(tracker, tracked)
        tracked += 1
        return not tracker.healthy()

    wait_until(refused)
    track(tracker, tracked, tracked + 1)
    assert "the server refuses the credentials" in str(tracker.stats()["otel"]["logs.trouble"])
    renew(file, "second")
    # Nobody asks for a flush, and no try is half a minute away.
    wait_until(lambda: numbers(collector) == list(range(tracked + 2)), 15.0)
    wait_until(tracker.healthy)
    assert tracker.shutdown(5.0) == Outcome(sent=tracked + 2, pending=0, lost=0)
    lines = warnings_in(caplog)
    assert len(lines) == 2
    assert "Look at the values in the file that OTEL_EVENTS_HEADERS_FILE names." in lines[0]
    assert "first" not in caplog.text
    assert "second" not in caplog.text
