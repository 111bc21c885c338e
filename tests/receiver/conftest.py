"""Fixtures of the receiver's tests: a running receiver, and one shared by the tests that only look at answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_events.receiver import Receiver, compiled


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """Give a receiver with an empty database, on free ports."""
    with Receiver(tmp_path / "events.db", http_port=0, grpc_port=0) as running:
        yield running


@pytest.fixture(scope="module")
def small_receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """Give a receiver with low bounds, on free ports: a request may have 20,000 bytes and 3 records."""
    database = tmp_path_factory.mktemp("receiver") / "events.db"
    with Receiver(database, http_port=0, grpc_port=0, max_body_bytes=20_000, max_records=3) as running:
        yield running


# A module's own: hypothesis does not begin anew what is a function's own.
@pytest.fixture(scope="module", params=[True, False], ids=["compiled", "python"])
def each_kind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have the tests of a module run with what is compiled and without it."""
    if request.param and not compiled.IS_COMPILED:
        pytest.skip("the extension module is not built: no C compiler was there when this was installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "IS_COMPILED", request.param)
        yield
