"""Write the dashboard for Grafana: python docs/generate_dashboard.py.

That is manifests/monitoring/dashboard.json, made of Grafana's own types, which are generated from
its schema; a test keeps the file equal.
"""

import sys
from pathlib import Path

from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.builders.common import (
    ReduceDataOptions,
    VizLegendOptions,
    VizTooltipOptions,
)
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    LegendPlacement,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef, GridPos

TARGET = Path(__file__).parents[1] / "manifests" / "monitoring" / "dashboard.json"
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
ROUTER = "deployer_router_"
OF_BACKEND = "sum by (target, release)"
NUMBERS = (
    ("Requests", "reqps", "sum(rate({}requests_total[$__rate_interval]))"),
    (
        "Errors",
        "percentunit",
        (
            '(sum(rate({0}answers_total{{code=~"5.."}}[$__rate_interval])) or vector(0))'
            " / sum(rate({0}answers_total[$__rate_interval]))"
        ),
    ),
    (
        "p99",
        "s",
        (
            "histogram_quantile(0.99, "
            "sum by (le) (rate({}request_duration_seconds_bucket[$__rate_interval])))"
        ),
    ),
    ("Targets in use", "short", "sum({}backend_up)"),
    ("Retries left", "short", "min({}retry_budget)"),
    ("Oldest routes", "s", "max({}routes_age_seconds)"),
)
CURVES = (
    ("Share of new requests", "percentunit", "avg by (target, release) ({}backend_share)"),
    ("Attempts", "reqps", OF_BACKEND + " (rate({}backend_attempts_total[$__rate_interval]))"),
    (
        "Failed attempts",
        "reqps",
        OF_BACKEND + " (rate({}backend_failures_total[$__rate_interval]))",
    ),
    (
        "First byte, p99",
        "s",
        (
            "histogram_quantile(0.99, sum by (le, target, release) "
            "(rate({}first_byte_seconds_bucket[$__rate_interval])))"
        ),
    ),
    ("In flight", "short", OF_BACKEND + " ({}backend_in_flight)"),
    ("Retries", "reqps", OF_BACKEND + " (rate({}backend_retries_total[$__rate_interval]))"),
    ("Ejections", "short", OF_BACKEND + " (increase({}ejections_total[$__rate_interval]))"),
    (
        "Answers cut short",
        "short",
        OF_BACKEND + " (increase({}backend_midstream_aborts_total[$__rate_interval]))",
    ),
)


def generate_dashboard() -> str:
    """Return the dashboard: how clients fare on top, below each target beside the others."""
    board = (
        Dashboard("deployer router")
        .uid("deployer-router")
        .tags(["deployer"])
        .refresh("10s")
        .time("now-1h", "now")
        .with_variable(DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for index, (title, unit, query) in enumerate(NUMBERS):
        place = GridPos(h=4, w=4, x=4 * index, y=0)
        board.with_panel(_make_number(title, unit, query).grid_pos(place))
    for index, (title, unit, query) in enumerate(CURVES):
        place = GridPos(h=8, w=12, x=12 * (index % 2), y=4 + 8 * (index // 2))
        board.with_panel(_make_curves(title, unit, query).grid_pos(place))
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build()) + "\n"


def _make_number(title: str, unit: str, query: str) -> stat.Panel:
    target = prometheus.Dataquery().expr(query.format(ROUTER)).ref_id("A")
    panel = stat.Panel().title(title).unit(unit).datasource(SOURCE).with_target(target)
    panel.reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
    return panel.graph_mode(BigValueGraphMode.AREA).color_mode(BigValueColorMode.NONE)


def _make_curves(title: str, unit: str, query: str) -> timeseries.Panel:
    target = prometheus.Dataquery().expr(query.format(ROUTER)).ref_id("A")
    target.legend_format("{{target}}, release {{release}}")
    panel = timeseries.Panel().title(title).unit(unit).datasource(SOURCE).with_target(target)
    legend = VizLegendOptions().show_legend(show_legend=True).placement(LegendPlacement.BOTTOM)
    tooltip = VizTooltipOptions().mode(TooltipDisplayMode.MULTI)
    return panel.min(0).fill_opacity(10).legend(legend).tooltip(tooltip)


if __name__ == "__main__":
    TARGET.write_text(generate_dashboard())
    sys.stdout.write(f"wrote {TARGET}\n")
