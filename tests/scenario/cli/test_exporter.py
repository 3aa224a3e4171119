"""Cost and health as a real Prometheus sees them, through the command and as a file."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from standardwebhooks import Webhook as Judge

from tests.receiver import Receiver
from tests.scenario.prometheus import MONITORING, Prometheus, rule_test

Make = Callable[..., Any]
RULES = MONITORING / "exporter.yaml"
SECRET = "whsec_c2VjcmV0LW9mLXR3ZW50eS1ieXRlcw=="
DASHBOARD = MONITORING / "exporter-dashboard.json"
BURNING = 'deployer_slo_burning{{deployment="iris", target="aws", goal="latency", severity="{}"}}'
BUDGET = 'deployer_budget_state{{deployment="iris", basis="{}", state="{}"}}'
QUIET = {
    'deployer_target_state{deployment="iris", target="aws", state="down"}': "0x90",
    'deployer_target_state{deployment="iris", target="aws", state="unknown"}': "0x90",
    'deployer_target_state{deployment="iris", target="aws", state="degraded"}': "0x90",
    BURNING.format("page"): "0x90",
    BURNING.format("ticket"): "0x90",
    'deployer_state_unknown{deployment="iris"}': "0x90",
    'deployer_exporter_look_timestamp_seconds{deployment="iris"}': "0+60x90",
    BUDGET.format("actual", "exceeded"): "0x90",
    BUDGET.format("forecast", "exceeded"): "0x90",
    BUDGET.format("forecast", "unknown"): "0x90",
    'deployer_cost_anomaly{deployment="iris", target="aws", component="egress"}': "0x90",
    'deployer_price_book_timestamp_seconds{deployment="iris"}': "0x90",
}
TROUBLE = {
    "DeployerTargetDown": 'deployer_target_state{deployment="iris", target="aws", state="down"}',
    "DeployerTargetUnknown": (
        'deployer_target_state{deployment="iris", target="aws", state="unknown"}'
    ),
    "DeployerTargetDegraded": (
        'deployer_target_state{deployment="iris", target="aws", state="degraded"}'
    ),
    "DeployerSloBurnsFast": BURNING.format("page"),
    "DeployerSloBurns": BURNING.format("ticket"),
    "DeployerStateUnknown": 'deployer_state_unknown{deployment="iris"}',
    "DeployerBudgetExceeded": BUDGET.format("actual", "exceeded"),
    "DeployerBudgetForecast": BUDGET.format("forecast", "exceeded"),
    "DeployerBudgetUnknown": BUDGET.format("forecast", "unknown"),
    "DeployerCostAnomaly": (
        'deployer_cost_anomaly{deployment="iris", target="aws", component="egress"}'
    ),
}
LOOKED = 'deployer_exporter_look_timestamp_seconds{deployment="iris"}'
CHANGES = {alert: {series: "1x90"} for alert, series in TROUBLE.items()} | {
    "DeployerExporterGone": {LOOKED: "_x90"},
    "DeployerExporterStale": {LOOKED: "0x90"},
    "DeployerPriceBookOld": {
        'deployer_price_book_timestamp_seconds{deployment="iris"}': f"-{401 * 86400}x90"
    },
}
OWN = """\
cloud,region,kind,sku,option,tier_from_gb,unit,usd,vcpu,memory_gib,gpus,gpu_type,as_of,confidence,source,note
local,*,instance,box,on-demand,,hour,0.50,8,32,0,,2026-11-01,high,our own,
local,*,control_plane_hour,,on-demand,,hour,0,,,,,2026-11-01,high,our own,
local,*,object_storage,,on-demand,,GB-month,0.01,,,,,2026-11-01,high,our own,
local,*,object_put_1k,,on-demand,,1000 requests,0,,,,,2026-11-01,high,our own,
local,*,object_get_1k,,on-demand,,1000 requests,0,,,,,2026-11-01,high,our own,
"""


@pytest.fixture
def priced(make_deployment: Make, receiver: Receiver) -> Any:
    """Return a deployment on one target, live, above its budget from the first second on."""
    deployment = make_deployment("aws-virginia")
    (deployment.folder / "own.csv").write_text(OWN)
    deployment.write_spec(
        targets=[deployment.target(name, machine="box") for name in deployment.clusters],
        prices="own.csv",
        budget={"monthly": "0.00001 USD"},
        slo={"availability": "99.9%"},
        alerts={
            "webhooks": [{"name": "ops", "url": {"file": "url"}, "secret": {"env": "OPS_SECRET"}}],
            "files": [{"name": "log", "path": "notices.jsonl"}],
        },
    )
    (deployment.folder / "url").write_text(f"{receiver.url}\n")
    deployment.environment["OPS_SECRET"] = SECRET
    deployment.run("deploy")
    return deployment


def named_metrics(text: str) -> set[str]:
    return set(re.findall(r"(?<!:)\bdeployer_\w+", text))


def test_a_budget_that_is_spent_fires_in_a_real_prometheus_and_reaches_a_webhook_once(
    priced: Any,
    receiver: Receiver,
    watch: Callable[..., Prometheus],
    promtool: Callable[..., str],
) -> None:
    watch_the_exporter(priced, watch, promtool)
    tell_once(priced, receiver)


def tell_once(priced: Any, receiver: Receiver) -> None:
    """Two at once, and a third when both are done: one message on each channel."""
    at_once = [priced.start("report", "alerts", "--send") for _ in range(2)]
    ended = [running.finish() for running in at_once]
    assert [done.code for done in ended] == [1, 1]
    again = priced.run("report", "alerts", "--send", "-o", "json", expect=1)
    (alert,) = again.json["alerts"]
    assert alert["kind"] == "budget-exceeded"
    assert alert["channels"] == {"ops": "known", "log": "known"}
    (post,) = receiver.posts
    document = Judge(SECRET).verify(post.body, dict(post.headers))
    assert (document["id"], document["kind"]) == (alert["id"], "budget-exceeded")
    (line,) = (priced.folder / "notices.jsonl").read_text().splitlines()
    assert json.loads(line)["id"] == alert["id"]
    said = "".join(done.out + done.err for done in (*ended, again))
    assert said.count("ops: told: ") == 1
    assert SECRET not in said
    assert receiver.url not in said


def watch_the_exporter(
    priced: Any, watch: Callable[..., Prometheus], promtool: Callable[..., str]
) -> None:
    """One machine of 0.50 x 730 = 365.00 a month."""
    file = priced.folder / "iris.prom"
    priced.run("exporter", "--textfile", file)
    assert promtool("check", "metrics", given=file.read_text()) == ""
    assert [it.name for it in priced.folder.glob("iris.prom*")] == ["iris.prom"]

    running = priced.start("exporter", "--listen", "127.0.0.1:0", "--interval", "1")
    url = running.wait_for("listening on").split()[-1].removesuffix("/metrics")
    prometheus = watch(url, rules="exporter.yaml", path="/metrics")
    prometheus.until(lambda: prometheus.value('up{job="scraped"}') == 1)
    amount = 'deployer_cost_monthly_usd{component="machines"}'
    assert prometheus.value(amount) == pytest.approx(365)
    assert prometheus.value('deployer_target_state{state="healthy"}') == 1
    prometheus.until(lambda: "DeployerBudgetExceeded" in prometheus.firing())
    recorded = "deployment:deployer_cost_forecast_usd:sum"
    prometheus.until(lambda: prometheus.value(recorded) is not None)
    panels = json.loads(DASHBOARD.read_text())["panels"]
    for query in [target["expr"] for panel in panels for target in panel["targets"]]:
        assert prometheus.ask("query", query=query)["result"], query
    assert prometheus.ask("targets")["activeTargets"][0]["lastError"] == ""
    asked = named_metrics(RULES.read_text()) | named_metrics(DASHBOARD.read_text())
    assert asked - named_metrics(file.read_text()) == set()
    running.process.terminate()
    assert running.finish().code == 0


def test_each_alert_fires_in_its_trouble_and_none_without(
    tmp_path: Path, promtool: Callable[..., str]
) -> None:
    assert "19 rules found" in promtool("check", "rules", str(RULES))
    tests = [rule_test(".*", QUIET, fires=False, at="80m")]
    tests += [
        rule_test(alert, QUIET | change, fires=True, at="80m") for alert, change in CHANGES.items()
    ]
    document = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "test.yaml").write_text(json.dumps(document))
    assert "SUCCESS" in promtool("test", "rules", str(tmp_path / "test.yaml"))
    assert set(re.findall(r"alert: (\w+)", RULES.read_text())) == set(CHANGES)


def test_the_dashboard_is_what_grafanas_schema_knows() -> None:
    register_default_plugins()
    document = json.loads(DASHBOARD.read_text())
    assert json.loads(JSONEncoder().encode(Dashboard.from_json(document))) == document
