"""Under Datasette an event has its request, its actor and its outcome, refusals become events, and no token goes along."""

from __future__ import annotations

import json

import httpx
import pytest
from datasette.events import LogoutEvent

from otel_events.receiver import Receiver
from tests.integrations.datasette_host import endpoint, get, received, started

pytestmark = pytest.mark.usefixtures("datasette_plugins")


@pytest.mark.asyncio
async def test_the_request_is_on_every_event_and_no_other_header_is(receiver: Receiver) -> None:
    datasette = await started({"endpoint": endpoint(receiver)})
    headers = {
        "User-Agent": "Browser/1.0",
        "X-Request-ID": "r-1",
        "X-Forwarded-For": "198.51.100.1",
        "Cookie": "a=hidden-1",
        "Referer": "http://hidden-2/",
        "Authorization": "Basic hidden-3",
    }
    await get(datasette, "/-/report?q=hidden-4", headers)
    made, failed, logout = await received(datasette, receiver)
    request = {
        "client.address": "192.0.2.7",
        "user_agent.original": "Browser/1.0",
        "http.request.method": "GET",
        "url.path": "/-/report",
        "http.request.header.x-request-id": "r-1",
    }
    for event, rest in (
        # Whether another plugin's event is a success is not known; where one says so itself, that stands.
        (made, {"tests.report": "sales"}),
        (failed, {"event.outcome": "failure"}),
        (logout, {"event.outcome": "success"}),
    ):
        assert event.attributes == {**request, **rest, "log.record.uid": event.uid}
    assert "hidden" not in json.dumps([dict(event.attributes) for event in (made, failed, logout)])


@pytest.mark.asyncio
async def test_a_request_through_datasette_client_belongs_to_the_one_that_made_it(receiver: Receiver) -> None:
    datasette = await started({"endpoint": endpoint(receiver), "include": "report-made"})
    assert (await get(datasette, "/-/reports")).text == "made"
    await datasette.client.get("/-/report")
    within, outside = await received(datasette, receiver)
    assert within.attributes["client.address"] == "192.0.2.7"
    assert within.attributes["url.path"] == "/-/reports"
    assert outside.attributes == {"log.record.uid": outside.uid, "tests.report": "sales"}


@pytest.mark.asyncio
async def test_an_api_tokens_kind_and_end_are_kept_and_other_secrets_are_not(receiver: Receiver) -> None:
    datasette = await started({"endpoint": endpoint(receiver), "keep_keys": ["actor.session_cookie"]})
    actor = {
        "id": "root",
        "token": "dstok",
        "token_expires": 1_800_000_000,
        "session_cookie": "kept",
        "password": "hidden",
    }
    await datasette.track_event(LogoutEvent(actor=actor))
    [event] = await received(datasette, receiver)
    assert event.attributes == {
        "log.record.uid": event.uid,
        "user.id": "root",
        "actor.token": "dstok",
        "actor.token_expires": 1_800_000_000,
        "actor.session_cookie": "kept",
        "actor.password": "[redacted]",
        "event.outcome": "success",
    }


@pytest.mark.asyncio
async def test_a_refused_page_is_permission_denied(receiver: Receiver) -> None:
    datasette = await started({"endpoint": endpoint(receiver)})
    for headers in ({}, {"Accept": "application/json"}):
        answer = await get(datasette, "/-/permissions?hidden=1", headers)
        assert answer.status_code == 403
        assert "permissions-debug" in answer.text
    await get(datasette, "/-/create-token")
    named, again, unnamed = await received(datasette, receiver)
    expected = {
        "datasette.action": "permissions-debug",
        "datasette.resource": "/-/permissions",
        "event.reason": "permissions-debug",
        "event.outcome": "failure",
        "url.path": "/-/permissions",
    }
    assert {key: named.attributes.get(key) for key in expected} == expected
    assert (named.name, named.severity_text) == ("permission-denied", "WARN")
    assert named.body == "anonymous was refused /-/permissions: permissions-debug"
    assert "user.id" not in named.attributes
    assert again.body == named.body
    assert "datasette.action" not in unnamed.attributes
    assert unnamed.attributes["event.reason"] == "You must be logged in to create a token"
    assert "hidden" not in json.dumps(dict(named.attributes))


@pytest.mark.asyncio
@pytest.mark.parametrize("base_url", ["/", "/data/"])
async def test_a_refused_sign_in_is_login_failed_without_the_token(base_url: str, receiver: Receiver) -> None:
    datasette = await started({"endpoint": endpoint(receiver)}, base_url=base_url)
    path, right = f"{base_url}-/auth-token", datasette._root_token
    assert (await get(datasette, f"{path}?token=wrong-guess")).status_code == 403
    assert (await get(datasette, f"{path}?token={right}")).status_code == 302
    assert (await get(datasette, f"{path}?token={right}")).status_code == 403
    events = await received(datasette, receiver)
    assert [event.name for event in events] == ["login-failed", "login", "login-failed"]
    reasons = [event.attributes.get("event.reason") for event in events]
    assert reasons == ["Invalid token", None, "Root token has already been used"]
    assert events[0].attributes == {
        "log.record.uid": events[0].uid,
        "client.address": "192.0.2.7",
        "user_agent.original": f"python-httpx/{httpx.__version__}",
        "http.request.method": "GET",
        "url.path": path,
        "event.reason": "Invalid token",
        "event.outcome": "failure",
    }
    everything = json.dumps([(event.body, dict(event.attributes)) for event in events])
    assert "wrong-guess" not in everything
    assert right not in everything


@pytest.mark.asyncio
async def test_refusals_of_which_datasette_tells_no_plugin_are_not_seen(receiver: Receiver) -> None:
    datasette = await started({"endpoint": endpoint(receiver)})
    write = await get(datasette, "/_memory/-/create", {"Content-Type": "application/json"}, "POST")
    token = await get(datasette, "/-/report", {"Authorization": "Bearer dstok_forged"})
    elsewhere = await get(datasette, "/-/logout", {"Origin": "https://elsewhere.example"}, "POST")
    assert [answer.status_code for answer in (write, token, elsewhere)] == [403, 401, 403]
    await datasette.track_event(LogoutEvent(actor=None))
    assert [event.name for event in await received(datasette, receiver)] == ["logout"]


@pytest.mark.asyncio
async def test_an_event_is_in_the_trace_of_the_caller(receiver: Receiver) -> None:
    datasette = await started({"endpoint": endpoint(receiver), "include": "report-made"})
    await get(datasette, "/-/report", {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
    [event] = await received(datasette, receiver)
    assert event.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
