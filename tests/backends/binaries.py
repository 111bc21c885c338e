"""Which backends there are.

Standard library only: `make backends` and the fixtures use it with a bare Python, whatever else is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.backends.kinds import Backend, GoBackend, LeftOut, MavenBackend

SOURCES = Path(__file__).resolve().parent / "sources"
BUILDER_YAML = SOURCES.parents[2] / "collector-config" / "builder.yaml"


def _go_module(folder: str) -> tuple[Path, ...]:
    return (SOURCES / folder / "go.mod", SOURCES / folder / "go.sum")


COLLECTOR = GoBackend(
    "collector",
    "otelcol",
    time="4 minutes",
    packages={"otelcol": "."},
    sources=(BUILDER_YAML,),
    version_pattern=r"^  version: (\S+)$",
)
JAEGER = GoBackend(
    "jaeger",
    "jaeger-all-in-one",
    time="3 minutes",
    packages={"jaeger-all-in-one": "github.com/jaegertracing/jaeger/cmd/all-in-one"},
    sources=_go_module("jaeger"),
    version_pattern=r"^\s*github\.com/jaegertracing/jaeger v(\S+)",
)
VICTORIALOGS = GoBackend(
    "victorialogs",
    "victoria-logs",
    time="2 minutes",
    packages={"victoria-logs": "github.com/VictoriaMetrics/VictoriaLogs/app/victoria-logs"},
    sources=_go_module("victorialogs"),
    version_pattern=r"^\s*github\.com/VictoriaMetrics/VictoriaLogs v(\S+)",
)
# From the same module as VictoriaLogs, so that both are compiled from the same sources.
VMALERT = GoBackend(
    "vmalert",
    "vmalert",
    time="half a minute",
    packages={"vmalert": "github.com/VictoriaMetrics/VictoriaMetrics/app/vmalert"},
    sources=_go_module("victorialogs"),
    version_pattern=r"^\s*github\.com/VictoriaMetrics/VictoriaMetrics v(\S+)",
)
PROMETHEUS = GoBackend(
    "prometheus",
    "prometheus",
    time="4 minutes",
    packages={
        "prometheus": "github.com/prometheus/prometheus/cmd/prometheus",
        "promtool": "github.com/prometheus/prometheus/cmd/promtool",
    },
    sources=_go_module("prometheus"),
    version_pattern=r"^\s*github\.com/prometheus/prometheus v(\S+)",
    # Without the ways to find servers in dozens of clouds, which are most of what there is to compile.
    tags=("remove_all_sd",),
)
ALERTMANAGER = GoBackend(
    "alertmanager",
    "alertmanager",
    time="2 minutes",
    packages={
        "alertmanager": "github.com/prometheus/alertmanager/cmd/alertmanager",
        "amtool": "github.com/prometheus/alertmanager/cmd/amtool",
    },
    sources=_go_module("alertmanager"),
    version_pattern=r"^\s*github\.com/prometheus/alertmanager v(\S+)",
    left_out=LeftOut(
        "github.com/prometheus/alertmanager",
        "ui/app/dist/index.html",
        "<p>The Go module comes without the page; the API and amtool are here.\n",
    ),
)
KAFKA = MavenBackend(
    "kafka",
    "libs/kafka_2.13-4.3.1.jar",
    time="half a minute",
    pom=SOURCES / "kafka" / "pom.xml",
    version_pattern=r"<artifactId>kafka_2\.13</artifactId>\s*<version>([^<]+)</version>",
)
BACKENDS: Mapping[str, Backend] = {
    backend.name: backend for backend in (COLLECTOR, JAEGER, VICTORIALOGS, VMALERT, PROMETHEUS, ALERTMANAGER, KAFKA)
}
