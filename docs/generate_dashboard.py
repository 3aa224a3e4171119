"""Write the dashboards for Grafana: python docs/generate_dashboard.py.

Those are manifests/monitoring/dashboard.json of routers and exporter-dashboard.json of cost and
health, made of Grafana's own types, which are generated from its schema; a test keeps them equal.
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

FOLDER = Path(__file__).parents[1] / "manifests" / "monitoring"
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
ROUTER = "deployer_router_"
ALL = "deployer_"
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


COST_NUMBERS = (
    ("Month to date", "currencyUSD", "sum({}cost_month_to_date_usd)"),
    ("Forecast of the month", "currencyUSD", "sum({}cost_forecast_usd)"),
    ("Budget", "currencyUSD", 'sum({}budget_usd{{target=""}})'),
    ("Costs that are unknown", "short", "sum({0}cost_monthly_unknown) or vector(0)"),
    ("Healthy targets", "percentunit", 'avg({}target_state{{state="healthy"}})'),
    ("Oldest look", "s", "max(time() - {}exporter_look_timestamp_seconds)"),
)
OF_TARGET = "{{deployment}} {{target}}"
COST_CURVES = (
    (
        "A month of what is live",
        "currencyUSD",
        "sum by (deployment, target) ({}cost_monthly_usd)",
        OF_TARGET,
    ),
    (
        "By component",
        "currencyUSD",
        "sum by (component) ({}cost_monthly_usd)",
        "{{component}}",
    ),
    (
        "Month to date",
        "currencyUSD",
        "sum by (deployment, target) ({}cost_month_to_date_usd)",
        OF_TARGET,
    ),
    (
        "Forecast of the month",
        "currencyUSD",
        "sum by (deployment, target) ({}cost_forecast_usd)",
        OF_TARGET,
    ),
    ("Healthy", "short", '{}target_state{{state="healthy"}}', OF_TARGET),
    ("Replicas that are ready", "short", "{}target_replicas_ready", OF_TARGET),
    ("The endpoint's answer", "s", "{}target_answer_seconds", OF_TARGET),
    ("Unknown targets", "short", '{}target_state{{state="unknown"}}', OF_TARGET),
)


def generate_dashboard() -> str:
    """Return the routers': how clients fare on top, below each target beside the others."""
    board = _open_board("deployer router", "deployer-router")
    _add_numbers(board, [(title, unit, query.format(ROUTER)) for title, unit, query in NUMBERS])
    _add_curves(
        board,
        [
            (title, unit, query.format(ROUTER), "{{target}}, release {{release}}")
            for title, unit, query in CURVES
        ],
    )
    return _encode(board)


def generate_exporter_dashboard() -> str:
    """Return the exporter's: the month on top, below cost and health of each target."""
    board = _open_board("deployer cost and health", "deployer-exporter")
    _add_numbers(board, [(name, unit, query.format(ALL)) for name, unit, query in COST_NUMBERS])
    _add_curves(
        board, [(name, unit, query.format(ALL), key) for name, unit, query, key in COST_CURVES]
    )
    return _encode(board)


def _open_board(title: str, uid: str) -> Dashboard:
    source = DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    board = Dashboard(title).uid(uid).tags(["deployer"]).refresh("10s").time("now-1h", "now")
    return board.with_variable(source)


def _add_numbers(board: Dashboard, numbers: list[tuple[str, str, str]]) -> None:
    for index, (title, unit, query) in enumerate(numbers):
        place = GridPos(h=4, w=4, x=4 * index, y=0)
        board.with_panel(_make_number(title, unit, query).grid_pos(place))


def _add_curves(board: Dashboard, curves: list[tuple[str, str, str, str]]) -> None:
    for index, (title, unit, query, legend) in enumerate(curves):
        place = GridPos(h=8, w=12, x=12 * (index % 2), y=4 + 8 * (index // 2))
        board.with_panel(_make_curves(title, unit, query, legend).grid_pos(place))


def _encode(board: Dashboard) -> str:
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build()) + "\n"


def _make_number(title: str, unit: str, query: str) -> stat.Panel:
    target = prometheus.Dataquery().expr(query).ref_id("A")
    panel = stat.Panel().title(title).unit(unit).datasource(SOURCE).with_target(target)
    panel.reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
    return panel.graph_mode(BigValueGraphMode.AREA).color_mode(BigValueColorMode.NONE)


def _make_curves(title: str, unit: str, query: str, key: str) -> timeseries.Panel:
    target = prometheus.Dataquery().expr(query).ref_id("A")
    target.legend_format(key)
    panel = timeseries.Panel().title(title).unit(unit).datasource(SOURCE).with_target(target)
    legend = VizLegendOptions().show_legend(show_legend=True).placement(LegendPlacement.BOTTOM)
    tooltip = VizTooltipOptions().mode(TooltipDisplayMode.MULTI)
    return panel.min(0).fill_opacity(10).legend(legend).tooltip(tooltip)


if __name__ == "__main__":
    for name, text in (
        ("dashboard.json", generate_dashboard()),
        ("exporter-dashboard.json", generate_exporter_dashboard()),
    ):
        (FOLDER / name).write_text(text)
        sys.stdout.write(f"wrote {FOLDER / name}\n")
