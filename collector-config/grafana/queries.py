"""Where data comes from: data sources, queries, and what they have in common."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard, prometheus
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import dashboard as models

PROMETHEUS = models.DataSourceRef("prometheus", "prometheus")
VICTORIALOGS = models.DataSourceRef("victoriametrics-logs-datasource", "victorialogs")
JAEGER = models.DataSourceRef("jaeger", "jaeger")

# A stream selector's expressions match whole values. Grafana writes the regular expressions, whose backslashes stay as they
# are between backticks.
SERVICE = '"service.name"=~`${service:regex}`'
CHECKPOINT = "otel_events.checkpoint"
IS_EVENT = f'event_name=~`.+`,event_name!="{CHECKPOINT}"'
OF_ACTOR = "(user.id:~`^(${actor:regex})$` or user.hash:~`^(${actor:regex})$`)"
ACTOR = "coalesce(user.id, user.hash) as actor"


class LogsQuery(Builder[Dataquery]):
    """A query of the VictoriaLogs plugin, for which the SDK has no type.

    Args:
        expr: LogsQL.
        kind: ``instant`` for rows, ``stats`` for one value a series, ``statsRange`` for values over time.
        legend: What a series is called, with labels as ``{{label}}``.
        max_lines: The most rows.
    """

    def __init__(self, expr: str, kind: str, *, legend: str | None = None, max_lines: int | None = None) -> None:
        self._json: dict[str, object] = {
            "datasource": VICTORIALOGS,
            "editorMode": "code",
            "expr": expr,
            "queryType": kind,
            "refId": "A",
        }
        if legend is not None:
            self._json["legendFormat"] = legend
        if max_lines is not None:
            self._json["maxLines"] = max_lines

    def build(self) -> Dataquery:
        """Return the query as it stands in a dashboard."""
        return _LogsTarget(self._json)


class _LogsTarget(Dataquery):
    def __init__(self, content: dict[str, object]) -> None:
        self._content = content

    def to_json(self) -> dict[str, object]:
        return self._content


def metrics(expr: str, legend: str = "", *, letter: str = "A", instant: bool = False) -> prometheus.Dataquery:
    """Make a query in PromQL.

    Args:
        expr: The query.
        legend: What a series is called, with labels as ``{{label}}``.
        letter: What the query is called, within its panel.
        instant: Whether it is of one moment, the end of the time range.
    """
    query = prometheus.Dataquery().expr(expr).legend_format(legend).datasource(PROMETHEUS).ref_id(letter)
    return query.instant() if instant else query.range()


def services() -> Builder[models.VariableModel]:
    """Make the variable for applications that send events."""
    return variable(
        "service", "Service", "Applications, by service.name", "label_values(otel_events_total, service_name)", ".*"
    )


def actors(among: str) -> Builder[models.VariableModel]:
    """Make the variable for actors.

    Args:
        among: A selector's labels, that says of which events.
    """
    what = "Who did it: user.id, or its pseudonym user.hash. Others than those listed can be typed"
    return variable("actor", "Actor", what, f"label_values(otel_events_by_actor_total{{{among}}}, user_id)", ".*")


def variable(
    name: str, label: str, description: str, query: str, all_value: str, part: str = ""
) -> Builder[models.VariableModel]:
    """Make a variable with the values of a label in Prometheus, of which several may be chosen, and others typed.

    Args:
        name: What it is called in queries.
        label: What it is called on the page.
        description: What it chooses.
        query: ``label_values(…)``.
        all_value: The regular expression for all values.
        part: A regular expression between slashes, whose group is what is taken of a value.
    """
    return (
        dashboard.QueryVariable(name)
        .label(label).description(description).datasource(PROMETHEUS)
        .query({"qryType": 1, "query": query, "refId": name})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True).include_all(True).all_value(all_value).regex(part).allow_custom_value(True)
        .current(models.VariableOption(text="All", value="$__all", selected=True))
    )  # fmt: skip
