import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deployer.routing.engines.envoy.render import (
    CDS,
    EDS,
    LDS,
    render_bootstrap,
    render_envoy,
    render_files,
    version_of,
)
from deployer.routing.engines.place import Place
from deployer.routing.plane import Orders

MakeOrders = Callable[..., Orders]
A, B = "a=http://10.0.0.1:80,weight=60", "b=http://10.0.0.2:80,weight=40"
PLACE = Place("127.0.0.1", 8080, ca_file="/ca.pem")


def cluster_of(orders: Orders) -> Any:
    return json.loads(render_envoy(orders, PLACE))["static_resources"]["clusters"][0]


def routes_of(orders: Orders) -> Any:
    (listener,) = json.loads(render_envoy(orders, PLACE))["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return manager["route_config"]["virtual_hosts"][0]["routes"]


def test_nothing_is_left_to_defaults_that_break_three_endpoints(make_orders: MakeOrders) -> None:
    cluster = cluster_of(make_orders(A, B))
    assert cluster["common_lb_config"] == {"healthy_panic_threshold": {"value": 1}}
    assert cluster["close_connections_on_host_health_failure"] is True
    assert cluster["ignore_health_on_host_removal"] is True
    (probe,) = cluster["health_checks"]
    assert probe["no_traffic_interval"] == probe["interval"] == "5s"
    outliers = cluster["outlier_detection"]
    assert outliers["successful_active_health_check_uneject_host"] is False
    assert outliers["max_ejection_percent"] == 99
    assert (outliers["base_ejection_time"], outliers["max_ejection_time"]) == ("5s", "300s")
    budget = cluster["circuit_breakers"]["thresholds"][0]["retry_budget"]
    assert budget == {"budget_percent": {"value": 20}, "min_retry_concurrency": 3}


def test_a_stream_has_no_total_timeout_and_every_other_one_is_set(make_orders: MakeOrders) -> None:
    route = routes_of(make_orders(A))[-1]["route"]
    assert (route["timeout"], route["idle_timeout"]) == ("0s", "60s")
    retries = route["retry_policy"]
    assert retries["per_try_timeout"] == "60s"
    assert retries["host_selection_retry_max_attempts"] == 25


def test_only_what_may_run_twice_is_sent_again_after_it_was_sent(make_orders: MakeOrders) -> None:
    def retry_on(orders: Orders) -> list[str]:
        passed_on = [r["route"] for r in routes_of(orders) if "route" in r]
        return [route["retry_policy"]["retry_on"] for route in passed_on]

    before = "connect-failure,refused-stream,reset-before-request"
    assert retry_on(make_orders(A)) == [f"{before},reset", before]  # GET and HEAD; all others
    assert retry_on(make_orders(A, idempotent=True)) == [f"{before},reset"]


def test_weights_tiers_and_names_are_the_backends(make_orders: MakeOrders) -> None:
    assignment = cluster_of(make_orders(A, B, tiers=(0, 3)))["load_assignment"]
    assert assignment["policy"] == {"overprovisioning_factor": 140}
    first, second = assignment["endpoints"]
    assert (first["priority"], second["priority"]) == (0, 1)  # Envoy wants no gaps
    (endpoint,) = first["lb_endpoints"]
    assert endpoint["load_balancing_weight"] == 60
    assert endpoint["endpoint"]["hostname"] == "10.0.0.1:80"
    assert (
        "retry_priority" in routes_of(make_orders(A, B, tiers=(0, 3)))[-1]["route"]["retry_policy"]
    )


def test_weight_0_is_drained_and_still_probed(make_orders: MakeOrders) -> None:
    assignment = cluster_of(make_orders("a=http://10.0.0.1:80,weight=0"))["load_assignment"]
    (endpoint,) = assignment["endpoints"][0]["lb_endpoints"]
    assert endpoint["health_status"] == "DRAINING"


def test_https_is_verified_by_name(make_orders: MakeOrders) -> None:
    cluster = cluster_of(make_orders(A, "b=https://x.example:8443"))
    (match,) = cluster["transport_socket_matches"]
    context = match["transport_socket"]["typed_config"]
    assert (context["sni"], context["auto_sni_san_validation"]) == ("x.example", True)
    assert match["match"] == {"tls": "x.example:8443"}


@pytest.mark.parametrize(("by_load", "policy"), [(False, "ROUND_ROBIN"), (True, "LEAST_REQUEST")])
def test_load_has_a_say_when_it_is_asked_to(
    make_orders: MakeOrders, by_load: bool, policy: str
) -> None:
    assert cluster_of(make_orders(A, by_load=by_load))["lb_policy"] == policy


def test_a_changed_weight_changes_the_file_of_endpoints_alone(
    make_orders: MakeOrders, tmp_path: Path
) -> None:
    place = Place("127.0.0.1", 1, tmp_path)
    before = render_files(make_orders(A, B), place)
    after = render_files(make_orders(A, B.replace("40", "10")), place)
    changed = {name for name in before if version_of(before[name]) != version_of(after[name])}
    assert list(before) == [EDS, CDS, LDS]
    assert changed == {EDS}


def test_the_bootstrap_never_changes(tmp_path: Path) -> None:
    place = Place("127.0.0.1", 1, tmp_path)
    bootstrap = json.loads(render_bootstrap(place))
    assert bootstrap["admin"]["address"]["pipe"]["mode"] == 0o600
    assert [c["name"] for c in bootstrap["static_resources"]["clusters"]] == ["admin", "control"]
