"""Kinds of panels: a number, lines over time, a ranking, a table, whole log records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import bargauge, common, dashboard, logs, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from page import audit_of, trace_of
from queries import PROMETHEUS, VICTORIALOGS, LogsQuery

MAX_ROWS, MAX_RECORDS = 200, 500
NO_EVENTS = "No events in this time range"

Panel = Builder[models.Panel]
Query = Builder[Dataquery]


def number(
    title: str, description: str, query: Query, *, unit: str = "short", bad_from: float | None = None,
    no_value: str = NO_EVENTS, width: int = 4,
) -> Panel:  # fmt: skip
    """Make a panel that shows one number.

    Args:
        title: What it is.
        description: What it means, and where it comes from.
        query: Gives one value, or values of which the last counts.
        unit: As Grafana calls it.
        bad_from: From where on the number is red.
        no_value: Shown where there is none.
        width: In columns, of 24.
    """
    return (
        stat.Panel()
        .title(title).description(description).datasource(source(query))
        .unit(unit).no_value(no_value).height(4).span(width)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .graph_mode(common_models.BigValueGraphMode.NONE)
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
        .thresholds(thresholds(bad_from))
        .with_target(query)
    )  # fmt: skip


def over_time(
    title: str, description: str, *queries: Query, unit: str = "short", no_value: str = NO_EVENTS,
    stacked: bool = False, bars: bool = False, width: int = 12, height: int = 8,
) -> Panel:  # fmt: skip
    """Make a panel with lines, or bars, over time; arguments as for `number`.

    Args:
        title: What it is.
        description: What it means, and where it comes from.
        queries: Give the series.
        unit: As Grafana calls it.
        no_value: Shown where there is none.
        stacked: Whether series stand on one another.
        bars: Whether values are those of intervals, not of moments.
        width: In columns, of 24.
        height: In rows.
    """
    panel = (
        timeseries.Panel()
        .title(title).description(description).datasource(source(queries[0]))
        .unit(unit).no_value(no_value).min(0).height(height).span(width)
        .fill_opacity(60 if bars else 15 if stacked else 0).line_width(1)
        .draw_style(common_models.GraphDrawStyle.BARS if bars else common_models.GraphDrawStyle.LINE)
        .stacking(common.StackingConfig().mode(
            common_models.StackingMode.NORMAL if stacked else common_models.StackingMode.NONE).group("A"))
        .legend(common.VizLegendOptions().display_mode(common_models.LegendDisplayMode.TABLE).show_legend(True)
            .placement(common_models.LegendPlacement.RIGHT).calcs(["sum"] if bars else ["lastNotNull", "max"]))
        .tooltip(common.VizTooltipOptions().mode(common_models.TooltipDisplayMode.MULTI)
            .sort(common_models.SortOrder.DESCENDING))
    )  # fmt: skip
    for query in queries:
        panel.with_target(query)
    return panel


def ranking(
    title: str, description: str, query: LogsQuery, *, link: models.DashboardLink | None = None, width: int = 8
) -> Panel:
    """Make a panel with a bar a series, the longest first; arguments as for `number`.

    Args:
        title: What it is.
        description: What it means, and where it comes from.
        query: Gives one value a series, sorted.
        link: Where a click on a bar leads.
        width: In columns, of 24.
    """
    panel = (
        bargauge.Panel()
        .title(title).description(description).datasource(VICTORIALOGS)
        .unit("short").no_value(NO_EVENTS).min(0).height(8).span(width)
        .orientation(common_models.VizOrientation.HORIZONTAL)
        .display_mode(common_models.BarGaugeDisplayMode.BASIC)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.FIXED).fixed_color("blue"))
        .with_target(query)
    )  # fmt: skip
    if link is not None:
        panel.data_links([_Link(link)])
    return panel


def rows(
    title: str, description: str, query: str, columns: Mapping[str, str], *, timed: bool = False,
    numbers: Sequence[str] = (), times: Sequence[str] = (), red: Sequence[str] = (), sort: str | None = None,
    no_value: str = NO_EVENTS, width: int = 24, height: int = 9,
) -> Panel:  # fmt: skip
    """Make a table from log records, or from what pipes make of them.

    The columns ``actor`` and ``trace_id`` are links: to the Audit dashboard of that actor, and to the trace.

    Args:
        title: What it is.
        description: What it means, and where it comes from.
        query: LogsQL; gives the columns.
        columns: Fields in their order, with what they are called.
        timed: Whether the records' time stands before them.
        numbers: Fields that are numbers.
        times: Fields that are times.
        red: Of the numbers, those that are red from 1 on.
        sort: The field to sort by, the greatest first; None sorts by time.
        no_value: Shown where there is none.
        width: In columns, of 24.
        height: In rows.
    """
    order = {"Time": 0} if timed else {}
    order |= {name: place for place, name in enumerate(columns, len(order))}
    kinds = {**dict.fromkeys(numbers, "number"), **dict.fromkeys(times, "time")}
    conversions = [{"targetField": name, "destinationType": kind} for name, kind in kinds.items()]
    panel = (
        table.Panel()
        .title(title).description(description).datasource(VICTORIALOGS).no_value(no_value).height(height).span(width)
        .filterable(True)
        .with_target(LogsQuery(query, "instant", max_lines=MAX_ROWS))
        # The plugin gives the fields of a record as one JSON object.
        .with_transformation(models.DataTransformerConfig(
            "extractFields", options={"source": "labels", "format": "json", "replace": True, "keepTime": timed}))
        .sort_by([common.TableSortByFieldState().display_name(columns[sort] if sort else "Time").desc(True)])
    )  # fmt: skip
    if conversions:
        convert = {"fields": {}, "conversions": conversions}
        panel.with_transformation(models.DataTransformerConfig("convertFieldType", options=convert))
    organize = {"excludeByName": {}, "indexByName": order, "renameByName": dict(columns)}
    panel.with_transformation(models.DataTransformerConfig("organize", options=organize))
    if "actor" in columns:
        panel.override_by_name(
            columns["actor"], [models.DynamicConfigValue("links", [audit_of("${__value.raw:percentencode}")])]
        )
    if "trace_id" in columns:
        panel.override_by_name(columns["trace_id"], [models.DynamicConfigValue("links", [trace_of("${__value.raw}")])])
    for name in red:
        panel.override_by_name(
            columns[name],
            [
                models.DynamicConfigValue("thresholds", thresholds(1).build()),
                models.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
            ],
        )
    return panel


def records(title: str, description: str, query: str, *, height: int = 12) -> Panel:
    """Make a panel with whole log records, newest first.

    Args:
        title: What it is.
        description: What it means, and where it comes from.
        query: LogsQL.
        height: In rows.
    """
    return (
        logs.Panel()
        .title(title).description(description).datasource(VICTORIALOGS).no_value(NO_EVENTS).height(height).span(24)
        .show_time(True).wrap_log_message(True).enable_log_details(True)
        .sort_order(common_models.LogsSortOrder.DESCENDING).dedup_strategy(common_models.LogsDedupStrategy.NONE)
        .with_target(LogsQuery(query, "instant", max_lines=MAX_RECORDS))
    )  # fmt: skip


def source(query: Query) -> models.DataSourceRef:
    """Return whom a query asks."""
    return VICTORIALOGS if isinstance(query, LogsQuery) else PROMETHEUS


def thresholds(bad_from: float | None) -> dashboard.ThresholdsConfig:
    """Return where a number is red: from `bad_from` on, or nowhere."""
    steps = [models.Threshold(value=None, color="text")]
    if bad_from is not None:
        steps.append(models.Threshold(value=bad_from, color="red"))
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


class _Link(Builder[models.DashboardLink]):
    def __init__(self, link: models.DashboardLink) -> None:
        self._link = link

    def build(self) -> models.DashboardLink:
        return self._link
