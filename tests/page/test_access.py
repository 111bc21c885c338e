"""Who may look at the page: which hosts, origins and tokens pass, and that every answer is one no other page can use."""

from __future__ import annotations

import http.cookiejar
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from otel_events.exceptions import ReceiverError
from otel_events.page import Access
from otel_events.page.access import HEADERS
from tests.page.support import Running, running

TOKEN = "0123456789abcdef0123"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("open")) as site:
        yield site


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("guarded"), Access(token=TOKEN)) as site:
        yield site


@pytest.mark.parametrize(
    ("host", "header", "admitted"),
    [
        ("127.0.0.1", "127.0.0.1:4319", True),
        ("127.0.0.1", "localhost:4319", True),
        ("127.0.0.1", "LOCALHOST:4319", True),
        ("127.0.0.1", "[::1]:4319", True),
        ("127.0.0.1", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.1:4318", False),
        ("127.0.0.1", "127.0.0.1:", False),
        ("127.0.0.1", "evil.example:4319", False),
        ("127.0.0.1", "127.0.0.1.evil.example:4319", False),
        ("127.0.0.1", "192.168.0.7:4319", False),
        ("127.0.0.1", "", False),
        ("127.0.0.1", "[::1", False),
        ("127.0.0.1", "127.0.0.1:99999999999999", False),
        ("127.0.0.1", "events.example", True),
        ("127.0.0.1", "events.example:443", True),
        ("127.0.0.1", "other.example:444", True),
        ("127.0.0.1", "other.example:443", False),
        ("192.168.0.7", "192.168.0.7:4319", True),
        ("192.168.0.7", "192.168.0.8:4319", False),
        ("0.0.0.0", "192.168.0.8:4319", True),
        ("0.0.0.0", "evil.example:4319", False),
        ("::", "[2001:db8::1]:4319", True),
    ],
)
def test_only_these_hosts_are_ours(host: str, header: str, admitted: bool) -> None:
    access = Access(host=host, token=TOKEN, allowed_hosts=["Events.example", "other.example:444"])
    assert access.admits_host(header, 4319) == admitted


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"host": "0.0.0.0"}, "may be reached from other machines"),
        ({"host": "localhost"}, "give the address to listen on as numbers"),
        ({"token": "short"}, "has 5 characters"),
    ],
)
def test_what_is_not_safe_has_to_be_said(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(ReceiverError, match=message):
        Access(**arguments)  # type: ignore[arg-type]
    assert Access(host="0.0.0.0", no_auth=True).token is None
    assert TOKEN not in repr(Access(token=TOKEN))


@pytest.mark.parametrize("path", ["/", "/api/status", "/static/main.js", "/api/nope", "/nope"])
@pytest.mark.parametrize("host", [None, "evil.example"])
def test_every_answer_has_the_headers(site: Running, path: str, host: str | None) -> None:
    headers = site.get(path, {} if host is None else {"Host": host}).headers
    for name, value in HEADERS.items():
        expected = {"no-cache", "no-store"} if name == "Cache-Control" else {value}
        assert headers[name.lower()] in expected
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/status", {}, 200),
        ("/api/status", {"Host": "evil.example"}, 403),
        ("/api/status", {"Origin": "http://evil.example"}, 403),
        ("/api/status", {"Origin": "null"}, 403),
        ("/api/status", {"Sec-Fetch-Site": "same-origin"}, 200),
        ("/api/status", {"Sec-Fetch-Site": "none"}, 200),
        ("/api/status", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("/api/status", {"Sec-Fetch-Site": "same-site"}, 403),
        (
            "/api/status",
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
            403,
        ),
        ("/", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200),
        ("/", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403),
        ("/", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403),
    ],
)
def test_requests_for_other_pages_are_refused(site: Running, path: str, headers: dict[str, str], status: int) -> None:
    assert site.get(path, headers).status == status


def test_our_own_origin_passes(site: Running) -> None:
    assert site.get("/api/status", {"Origin": site.page.url.rstrip("/")}).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_nothing_can_be_changed(site: Running, method: str) -> None:
    answer = site.get("/api/events", {}, method)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    assert site.get("/api/events", {}, "HEAD").status == 200


@pytest.mark.parametrize("path", ["/", "/api/status", "/api/live", "/static/main.js", "/nope"])
def test_without_the_token_there_is_nothing(guarded: Running, path: str) -> None:
    answer = guarded.get(path)
    assert answer.status == 401
    assert TOKEN.encode() not in answer.body
    for headers in (
        {"Authorization": "Bearer no"},
        {"Authorization": TOKEN},
        {"Cookie": f"otel-events-{guarded.page.port}={TOKEN}"},
    ):
        assert guarded.get(path, headers).status == 401


def test_a_program_sends_the_token_as_bearer(guarded: Running) -> None:
    assert guarded.get("/api/status", {"Authorization": f"Bearer {TOKEN}"}).status == 200


def test_a_browser_exchanges_it_for_a_cookie(guarded: Running) -> None:
    answer = guarded.get("/", token=TOKEN, q="name:a b")
    assert (answer.status, answer.headers["location"]) == (303, "/?q=name%3Aa+b")
    cookie = answer.headers["set-cookie"]
    assert TOKEN not in cookie
    assert "httponly" in cookie.lower()
    assert "samesite=strict" in cookie.lower()
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with browser.open(guarded.page.url_with_token) as page:
        assert page.url == guarded.page.url
    with browser.open(f"{guarded.page.url}api/status") as status:
        assert status.status == 200


def test_a_wrong_token_is_refused(guarded: Running) -> None:
    for token in ("", "wrong", TOKEN + "x", "\u00e9"):
        answer = guarded.get("/", token=token)
        assert answer.status == 401
        assert "set-cookie" not in answer.headers
    assert guarded.get("/api/status", token=TOKEN).status == 401


def test_addresses(guarded: Running, site: Running) -> None:
    assert guarded.page.url_with_token == f"http://127.0.0.1:{guarded.page.port}/?token={TOKEN}"
    assert site.page.url_with_token == site.page.url
