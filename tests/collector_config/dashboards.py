"""Grafana's dashboards and rules as Grafana would use them: their queries, with variables filled in, put to the real servers."""

from __future__ import annotations

import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.backends.process import fetch

GRAFANA = Path(__file__).resolve().parents[2] / "collector-config" / "grafana"
NAMES = ("events", "audit", "delivery")

# As lodash and Grafana's data source for Prometheus escape what was chosen.
_REGEX_SPECIAL = re.compile(r"[\\^$.*+?()\[\]{}|]")
_PROMQL_SPECIAL = re.compile(r"[$^*{}\[\]'+?.()|]")
_VARIABLE = re.compile(r"\$(?:(?P<plain>\w+)|\{(?P<braced>\w+)(?::(?P<format>\w+))?\})")

# A panel is at most so many points wide; the width of a step follows from it.
MAX_POINTS = 600


@dataclass(frozen=True)
class Query:
    """A query of a panel.

    Attributes:
        dashboard: the file's name, without its ending.
        panel: the panel's title.
        target: the query, as the dashboard has it.
    """

    dashboard: str
    panel: str
    target: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.panel} {self.target['refId']}"


@dataclass(frozen=True)
class Chosen:
    """What the user of a dashboard has chosen.

    Attributes:
        seconds: the length of the time range, which ends at `end`.
        end: seconds since 1970.
        values: the values of variables; one that is not here has all.
        scrape_seconds: how far the data source believes samples to be apart.
    """

    seconds: int
    end: float
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    scrape_seconds: int = 1

    @property
    def step_seconds(self) -> int:
        """The width of a step, `$__interval`."""
        return max(self.scrape_seconds, self.seconds // MAX_POINTS)

    @property
    def start(self) -> float:
        """The beginning of the time range."""
        return self.end - self.seconds


def load(name: str) -> dict[str, Any]:
    """Return a dashboard."""
    content: dict[str, Any] = json.loads((GRAFANA / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
    return content


def panels(dashboard: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the panels of a dashboard, those of folded rows included, without the rows."""
    for panel in dashboard["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel


def queries() -> list[Query]:
    """Return the queries of all panels."""
    return [
        Query(name, panel["title"], target)
        for name in NAMES
        for panel in panels(load(name))
        for target in panel["targets"]
    ]


def interpolate(text: str, dashboard: Mapping[str, Any], chosen: Chosen, source: str) -> str:
    """Fill in a text's variables, as Grafana and its data sources do.

    Args:
        text: a query.
        dashboard: whose variables they are.
        chosen: their values.
        source: the data source's type, whose way of writing several values is used where the text names none.

    Raises:
        KeyError: there is no such variable.
    """
    defined = {one["name"]: one for one in dashboard["templating"]["list"]}
    built_in = {
        "__range": f"{chosen.seconds}s",
        "__interval": f"{chosen.step_seconds}s",
        "__rate_interval": f"{max(chosen.step_seconds + chosen.scrape_seconds, 4 * chosen.scrape_seconds)}s",
    }

    def value(match: re.Match[str]) -> str:
        name = match["plain"] or match["braced"]
        if name in built_in:
            return built_in[name]
        values = chosen.values.get(name)
        if values is None:
            # A variable's own value for all is used as it stands.
            return str(defined[name]["allValue"])
        if match["format"] == "regex":
            escaped = [_REGEX_SPECIAL.sub(r"\\\g<0>", one) for one in values]
        elif match["format"] is None and source == "prometheus":
            escaped = [_PROMQL_SPECIAL.sub(r"\\\\\g<0>", one.replace("\\", "\\\\\\\\")) for one in values]
        else:
            raise AssertionError(f"{match[0]}: no way of writing several values is known here")
        return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"

    return _VARIABLE.sub(value, text)


def ask(query: Query, chosen: Chosen, prometheus: str, victorialogs: str) -> list[dict[str, Any]]:
    """Put a panel's query to its server, and return rows or series.

    Args:
        query: what to ask.
        chosen: what the user has chosen.
        prometheus: the address of Prometheus.
        victorialogs: the address of VictoriaLogs.

    Returns:
        Log records as they are; series as ``{"labels": …, "values": [number…]}``.
    """
    source = query.target["datasource"]["type"]
    expr = interpolate(query.target["expr"], load(query.dashboard), chosen, source)
    if source == "prometheus":
        return ask_prometheus(expr, chosen, prometheus, instant=query.target.get("instant", False))
    return ask_victorialogs(expr, query.target["queryType"], chosen, victorialogs, query.target.get("maxLines", 1000))


def ask_prometheus(expr: str, chosen: Chosen, url: str, *, instant: bool) -> list[dict[str, Any]]:
    """Put a query to Prometheus, as its data source does."""
    if instant:
        path, form = "query", {"query": expr, "time": str(chosen.end)}
    else:
        path = "query_range"
        form = {"query": expr, "start": str(chosen.start), "end": str(chosen.end), "step": str(chosen.step_seconds)}
    answer = json.loads(fetch(f"{url}/api/v1/{path}", urllib.parse.urlencode(form).encode()))["data"]
    assert answer["resultType"] in ("vector", "matrix"), answer
    return [_series(found) for found in answer["result"]]


def ask_victorialogs(expr: str, kind: str, chosen: Chosen, url: str, limit: int = 1000) -> list[dict[str, Any]]:
    """Put a query to VictoriaLogs, as its data source does."""
    start, end = int(chosen.start), int(chosen.end)
    if kind == "instant":
        # On dashboards the plugin sorts by time, also what has none.
        form = {"query": f"{expr} | sort by (_time) desc", "start": start, "end": end, "limit": limit}
        lines = fetch(f"{url}/select/logsql/query", urllib.parse.urlencode(form).encode()).splitlines()
        return [json.loads(line) for line in lines]
    if kind == "stats":
        form = {"query": f"_time:[{start}, {end}] {expr}", "time": end}
        path = "stats_query"
    else:
        form = {"query": expr, "start": start, "end": end, "step": f"{chosen.step_seconds}s"}
        path = "stats_query_range"
    answer = json.loads(fetch(f"{url}/select/logsql/{path}", urllib.parse.urlencode(form).encode()))["data"]
    return [_series(found) for found in answer["result"]]


def _series(found: Mapping[str, Any]) -> dict[str, Any]:
    values = found["values"] if "values" in found else [found["value"]]
    return {"labels": found["metric"], "values": [float(value) for _, value in values]}
