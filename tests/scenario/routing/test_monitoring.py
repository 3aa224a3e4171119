"""What the router counts, read by a real Prometheus: scraped, queried, and alerted on."""

import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.scenario.prometheus import MONITORING, Prometheus, rule_test

if TYPE_CHECKING:
    from tests.scenario.routing.conftest import Cast

ALERTS = MONITORING / "alerts.yaml"
DASHBOARD = MONITORING / "dashboard.json"


def dashboard_queries() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def named_metrics(text: str) -> set[str]:
    return set(re.findall(r"deployer_router_\w+", text))


def test_a_real_prometheus_scrapes_the_router_and_pages_when_nothing_is_usable(
    cast: "Cast", watch: Callable[[str], Prometheus]
) -> None:
    cast.start_router("--fast", *cast.given_backends)
    prometheus = watch(cast.url)
    prometheus.until(lambda: prometheus.value('up{job="scraped"}') == 1)
    assert prometheus.firing() == []
    cast.load(seconds=2, fault=lambda: cast.set_mode(2, "500"))
    total = cast.page("/-/status")["counters"]["requests"]
    prometheus.until(lambda: prometheus.value("deployer_router_requests_total") == total)
    targets = 'sum(deployer_router_responses_total{release="0",target=~"t."})'
    assert prometheus.value(targets) == total
    assert prometheus.value('deployer_router_backend_up{target="t2"}') == 0
    assert prometheus.value('deployer_router_ejections_total{target="t2"}') == 1
    assert prometheus.value("deployer_router_request_duration_seconds_count") == total
    assert (prometheus.value("process_resident_memory_bytes") or 0.0) > 1e6
    for query in dashboard_queries():
        assert prometheus.ask("query", query=query.replace("$__rate_interval", "1m"))["result"]
    for backend in cast.backends:
        backend.kill()
    prometheus.until(lambda: "DeployerRouterNothingUsable" in prometheus.firing())
    assert prometheus.ask("targets")["activeTargets"][0]["lastError"] == ""


def test_the_metrics_are_named_by_convention_and_all_that_is_asked_for_is_there(
    cast: "Cast", promtool: Callable[..., str]
) -> None:
    cast.start_router("--fast", *cast.given_backends)
    cast.load(seconds=0, fault=lambda: None)
    with urllib.request.urlopen(f"{cast.url}/-/metrics", timeout=5) as answer:  # noqa: S310 - http only
        text = answer.read().decode()
    assert promtool("check", "metrics", given=text) == ""
    asked = named_metrics(ALERTS.read_text()) | named_metrics(DASHBOARD.read_text())
    assert asked - named_metrics(text) == set()


BACKEND = '{instance="r", target="aws", release="3"}'
QUIET = {
    f"deployer_router_backend_up{BACKEND}": "1x30",
    f"deployer_router_backend_weight{BACKEND}": "60x30",
    f"deployer_router_ejections_total{BACKEND}": "0x30",
    f"deployer_router_backend_midstream_aborts_total{BACKEND}": "0x30",
    'deployer_router_requests_total{instance="r"}': "0+600x30",
    'deployer_router_answers_total{instance="r", code="200"}': "0+600x30",
    'deployer_router_answers_total{instance="r", code="502"}': "0+1x30",
    'deployer_router_panic{instance="r"}': "0x30",
    'deployer_router_retry_budget{instance="r"}': "3x30",
    'deployer_router_queue_length{instance="r"}': "0x30",
    'deployer_router_routes_age_seconds{instance="r"}': "1x30",
}
TROUBLE = {
    "DeployerRouterNothingUsable": {'deployer_router_panic{instance="r"}': "1x30"},
    "DeployerRouterErrors": {'deployer_router_answers_total{instance="r", code="502"}': "0+12x30"},
    "DeployerRouterTargetDown": {f"deployer_router_backend_up{BACKEND}": "0x30"},
    "DeployerRouterTargetFlaps": {f"deployer_router_ejections_total{BACKEND}": "0+1x30"},
    "DeployerRouterRetryBudgetSpent": {'deployer_router_retry_budget{instance="r"}': "0.5x30"},
    "DeployerRouterFull": {'deployer_router_queue_length{instance="r"}': "5x30"},
    "DeployerRouterAnswersCutShort": {
        f"deployer_router_backend_midstream_aborts_total{BACKEND}": "0+1x30"
    },
    "DeployerRouterRoutesOld": {
        'deployer_router_routes_age_seconds{instance="r"}': " ".join(["NaN"] * 31)
    },
    "DeployerRouterGone": {'deployer_router_requests_total{instance="r"}': "_x30"},
}


def test_each_alert_fires_in_its_trouble_and_none_without(
    tmp_path: Path, promtool: Callable[..., str]
) -> None:
    assert "9 rules found" in promtool("check", "rules", str(ALERTS))
    tests = [rule_test(alert, QUIET, fires=False) for alert in TROUBLE]
    tests += [rule_test(a, QUIET | change, fires=True) for a, change in TROUBLE.items()]
    file = tmp_path / "test.yaml"
    document = {"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests}
    file.write_text(json.dumps(document))
    assert "SUCCESS" in promtool("test", "rules", str(file))
    assert set(re.findall(r"alert: (\w+)", ALERTS.read_text())) == set(TROUBLE)


def test_the_dashboard_is_what_grafanas_schema_knows() -> None:
    register_default_plugins()
    document = json.loads(DASHBOARD.read_text())
    assert json.loads(JSONEncoder().encode(Dashboard.from_json(document))) == document
    document["panels"][0]["titel"] = "misspelt"
    assert json.loads(JSONEncoder().encode(Dashboard.from_json(document))) != document
