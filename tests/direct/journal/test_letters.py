"""Dead letters are found wherever they are, go back among what is to be sent as they were told, and are dropped for good."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from otel_events.direct.envelope import Envelope
from otel_events.direct.journal.directory import JournalDirectory
from otel_events.direct.journal.file import DeadLetter
from otel_events.direct.journal.letters import Letters
from otel_events.exceptions import JournalError
from tests.direct.journal.support import event, leave


@pytest.fixture
def directory(tmp_path: Path) -> JournalDirectory:
    directory = JournalDirectory(tmp_path / "journal", 10**6)
    directory.prepare()
    return directory


def events(request: ExportLogsServiceRequest) -> tuple[str, list[str]]:
    """Return the service and the names of the events in a request."""
    [logs] = request.resource_logs
    [service] = [pair.value.string_value for pair in logs.resource.attributes]
    return service, [record.event_name for record in logs.scope_logs[0].log_records]


def told(directory: JournalDirectory) -> dict[str, tuple[str, list[str]]]:
    return {found.id: events(found.request()) for found in Letters(directory)}


def to_be_sent(directory: JournalDirectory) -> list[tuple[str, list[str]]]:
    """Return what the files that nobody owns hold, as it would be sent."""
    sent = []
    for file in directory.orphans():
        bodies = [group.body for group in file.read(0, 100, 10**6)]
        if bodies:
            request = Envelope.of_request(file.request).wrap(bodies)
            sent.append(events(ExportLogsServiceRequest.FromString(request)))
        directory.release(file)
    return sorted(sent)


def test_they_are_found_in_every_file(directory: JournalDirectory) -> None:
    first = leave(directory, "shop", "waits", dead=[f"dead-{number}" for number in range(25)])
    mine = directory.create(Envelope({"service.name": "mine"}).wrap(()))
    mine.add_dead_letters([DeadLetter(0, Envelope({"service.name": "mine"}).wrap([event("d")]), 1, "why", 1, True)])

    key = first.stem.rpartition("-")[2]
    found = list(Letters(directory))
    assert [one.id for one in found[:25]] == [f"{key}-{number}" for number in range(1, 26)]
    assert [events(one.request()) for one in found[:25]] == [("shop", [f"dead-{number}"]) for number in range(25)]
    assert [(one.path, one.owned) for one in (found[0], found[-1])] == [(first, False), (mine.path, True)]
    assert found[-1].letter.possibly_delivered
    directory.release(mine)


def test_all_go_back_as_they_were_told(directory: JournalDirectory) -> None:
    leave(directory, "shop", "waits", dead=["a", "b"])
    leave(directory, "bank", dead=["c"])
    assert Letters(directory).retry() == (3, [])
    assert told(directory) == {}
    assert to_be_sent(directory) == [("bank", ["c"]), ("shop", ["a", "b"]), ("shop", ["waits"])]


def test_some_go_back_also_those_of_a_live_process(directory: JournalDirectory) -> None:
    mine = directory.create(Envelope({"service.name": "mine"}).wrap(()))
    envelope = Envelope({"service.name": "mine"})
    mine.add_dead_letters([DeadLetter(0, envelope.wrap([event(name)]), 1, "why", 1, True) for name in "abc"])
    key = mine.path.stem.rpartition("-")[2]

    assert Letters(directory).retry([f"{key}-2"]) == (1, [])
    assert told(directory) == {f"{key}-1": ("mine", ["a"]), f"{key}-3": ("mine", ["c"])}
    assert to_be_sent(directory) == [("mine", ["b"])]
    mine.refresh()
    assert mine.dead_letters == 2
    directory.release(mine)


def test_what_cannot_be_taken_apart_stays(directory: JournalDirectory) -> None:
    file = directory.create(b"request")
    file.add_dead_letters([DeadLetter(0, request, 1, "why", 1, True) for request in (b"\xff garbage", b"")])
    directory.release(file)
    ids = [one.id for one in Letters(directory)]
    assert Letters(directory).retry() == (0, ids)
    assert [len(one.request().resource_logs) for one in Letters(directory)] == [0, 0]
    assert to_be_sent(directory) == []


def test_some_are_dropped(directory: JournalDirectory) -> None:
    path = leave(directory, "shop", "waits", dead=["a", "b", "c"])
    key = path.stem.rpartition("-")[2]
    assert Letters(directory).drop([f"{key}-1", f"{key}-3", f"{key}-3"]) == 2
    assert told(directory) == {f"{key}-2": ("shop", ["b"])}
    assert to_be_sent(directory) == [("shop", ["waits"])]


@pytest.mark.parametrize("do", [Letters.retry, Letters.drop])
def test_an_id_that_there_is_not_stops_all_of_it(
    directory: JournalDirectory, do: Callable[[Letters, list[str]], object]
) -> None:
    path = leave(directory, "shop", dead=["a"])
    known = f"{path.stem.rpartition('-')[2]}-1"
    with pytest.raises(JournalError, match=r"there is no dead letter nonsense, other-7 in .*dead-letters` lists them"):
        do(Letters(directory), [known, "other-7", "nonsense"])
    assert list(told(directory)) == [known]


def test_a_file_that_cannot_be_opened_does_not_hide_the_others(directory: JournalDirectory) -> None:
    (directory.path / "0.journal").write_bytes(b"garbage " * 1000)
    leave(directory, "shop", dead=["a"])
    letters = Letters(directory)
    assert [events(one.request()) for one in letters] == [("shop", ["a"])]
    assert letters.problems == [f"the journal {directory.path / '0.journal'} is damaged: file is not a database."]
    assert letters.retry() == (1, [])
    assert len(letters.problems) == 1


def test_a_directory_that_is_not_there_has_none(directory: JournalDirectory) -> None:
    letters = Letters(JournalDirectory(directory.path / "nowhere", 0))
    assert list(letters) == []
    assert letters.retry() == (0, [])
