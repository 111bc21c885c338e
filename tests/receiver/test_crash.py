"""What was answered is there after the process was killed, once each, and can be searched when the file is opened again."""

from __future__ import annotations

import http.client
import sqlite3
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest

from otel_events.receiver import Store
from tests.backends.wait import wait_until
from tests.receiver.process import ReceiverProcess
from tests.receiver.support import PROTOBUF, log_record, logs_request, query

SENDERS = 4
BEFORE_THE_KILL = 120

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    database = tmp_path / "events.db"
    answered: list[str] = []
    process = ReceiverProcess(database)

    def send(sender: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", process.http_port, timeout=30)
        # It closes itself where there is no answer, but not where a request can no longer be sent.
        with closing(connection), suppress(OSError, http.client.HTTPException):
            for number in range(100_000):
                uids = [f"{sender}-{number}-{place}" for place in range(5)]
                body = logs_request(*(log_record(uid) for uid in uids)).SerializeToString()
                connection.request("POST", "/v1/logs", body, {"Content-Type": PROTOBUF})
                response = connection.getresponse()
                response.read()
                assert response.status == 200
                answered.extend(uids)

    senders = [threading.Thread(target=send, args=(sender,)) for sender in range(SENDERS)]
    for thread in senders:
        thread.start()
    wait_until(lambda: len(answered) >= BEFORE_THE_KILL, 60.0)
    process.kill()
    for thread in senders:
        thread.join(60.0)

    with closing(Store(database)) as store:
        wait_until(lambda: store.indexed_id == store.newest_id)
        stored = [uid for (uid,) in query(database, "SELECT uid FROM events")]
    assert len(answered) >= BEFORE_THE_KILL
    assert set(answered) <= set(stored)
    assert len(set(stored)) == len(stored)
    assert len(stored) % 5 == 0, "a request is stored as a whole or not at all"
    assert query(database, "SELECT count(*) FROM search_docsize") == [(len(stored),)]
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
