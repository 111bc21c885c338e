"""What docs/sql.md shows is so: its queries give what it says, and Datasette takes our configuration."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from datasette.app import Datasette

from otel_events.receiver import Store
from otel_events.receiver.tables import CREATE
from tests.blocks import Block, blocks_of
from tests.receiver.rows import event, span
from tests.receiver.support import TRACE_ID

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
CONFIG = ROOT / "otel_events" / "receiver" / "datasette.yaml"

HOUR_NS = 3600 * 10**9
MONDAY_NS = 1_772_409_600 * 10**9
"""2026-03-02T00:00:00Z"""


def blocks() -> list[tuple[Block, Block]]:
    """Give each SQL block with the block behind it."""
    all_blocks = blocks_of(PAGE)
    return [(block, following) for block, following in itertools.pairwise(all_blocks) if block.info == "sql"]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file of a small shop."""
    path = tmp_path_factory.mktemp("sql") / "otel-events.db"
    day = 24 * HOUR_NS

    def login(number: int, actor: str, at: int) -> Any:
        return made(f"login-{number}", "login", actor, at, f"{actor} logged in", {})

    def order(number: int, actor: str, at: int, total: float) -> Any:
        attributes = {"shop.order_id": f"o-{number}", "shop.total": total}
        return made(f"order-{number}", "order-placed", actor, at, f"{actor} placed o-{number} for {total}", attributes)

    def made(uid: str, name: str, actor: str, at: int, body: str, attributes: dict[str, Any], **fields: Any) -> Any:
        text = json.dumps({"log.record.uid": uid, "user.id": actor, **attributes})
        given = {"severity_number": 9, "service": "shop", "body": body, "attributes": text, **fields}
        return event(uid, name=name, actor=actor, time_ns=MONDAY_NS + at, **given)

    with closing(Store(path)) as store:
        store.add(
            [
                login(1, "alice", 8 * HOUR_NS),
                order(1, "alice", 9 * HOUR_NS, 10.5),
                login(2, "bob", 9 * HOUR_NS),
                order(2, "bob", day + 9 * HOUR_NS, 5.0),
                made(
                    "refused", "order-refused", "bob", day + 10 * HOUR_NS, "bob was refused o-5",
                    {"shop.order_id": "o-5", "shop.total": 250.0, "shop.reason": "no stock"},
                    severity_number=13, trace_id=TRACE_ID,
                ),
                login(3, "alice", 7 * day + 8 * HOUR_NS),
                order(3, "alice", 7 * day + 9 * HOUR_NS, 20.0),
                order(4, "alice", 8 * day + 9 * HOUR_NS, 30.0),
                event("c", name="otel_events.checkpoint", time_ns=MONDAY_NS),
            ],
            [span(name="POST /orders", status="error")],
        )  # fmt: skip
    return path


@pytest.mark.parametrize(("block", "following"), blocks(), ids=lambda block: str(block.line))
def test_a_query_gives_what_the_page_says(database: Path, block: Block, following: Block) -> None:
    assert (following.info, following.follows_directly) == ("text", True), "each query is followed by what it gives"
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        cursor = connection.execute(block.code)
        lines = ["|".join(column for column, *_ in cursor.description), *("|".join(map(str, row)) for row in cursor)]
    assert "\n".join(lines) + "\n" == following.code


def test_the_page_names_every_table_view_and_column() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in CREATE:
            connection.execute(statement)
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'")]
        columns = [name for (name,) in connection.execute("SELECT name FROM pragma_table_xinfo('events')")]
    assert [name for name in (*names, "events", "spans", "search", *columns) if f"`{name}`" not in PAGE] == []


def test_datasette_searches_and_runs_our_queries(database: Path) -> None:
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    queries = config["databases"]["otel-events"]["queries"]
    parameters = {"of_actor": "?actor=alice", "with_attribute": "?key=shop.reason&value=no+stock"}

    async def ask() -> tuple[dict[str, int], Any]:
        datasette = Datasette([str(database)], config=config)
        await datasette.invoke_startup()
        found = {}
        for name in queries:
            response = await datasette.client.get(f"/otel-events/{name}.json{parameters.get(name, '')}")
            found[name] = len(response.json()["rows"])
        searched = await datasette.client.get("/otel-events/events.json?_search=order-placed+alice&_shape=array")
        return found, searched.json()

    found, searched = asyncio.run(ask())
    assert found == {"newest": 8, "per_day": 7, "of_actor": 5, "with_attribute": 1}
    assert sorted(row["uid"] for row in searched) == ["order-1", "order-3", "order-4"]
