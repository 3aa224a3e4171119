"""Envoy's cluster of our backends: who they are, and how their health is judged. Pure.

What Envoy's defaults would do to three endpoints in three clouds, and what is said instead: a
tenth of them may be ejected, which is none (``max_ejection_percent``); with most of them down,
requests go to the dead, too (``healthy_panic_threshold``); a probe that passes ends an ejection
(``successful_active_health_check_uneject_host``); without traffic there is a probe a minute
(``no_traffic_interval``); one that hangs keeps its requests
(``close_connections_on_host_health_failure``); and one that is taken out stays in while its probes
pass (``ignore_health_on_host_removal``).
"""

from collections.abc import Iterable

from deployer.routing.admission import QUEUE_LENGTH
from deployer.routing.engines.place import Place
from deployer.routing.plane import Endpoint, Orders
from deployer.values import Json

__all__ = ["MEMBERS", "make_assignment", "make_cluster", "make_pipe", "seconds", "typed"]

MEMBERS = "members"
"""The cluster that holds the backends."""

_SWEEP_SECONDS = 5.0
_POOL_IDLE_SECONDS = 4.0  # less than servers keep idle connections open, so that we close first
_LEAST_SECONDS = 0.1
_NO_LIMIT = 1_000_000
_OVERPROVISIONING = 140
_ALL_BUT_ONE = 99
"""Envoy ejects another host only while that leaves at most this percentage ejected: for fewer than
a hundred that is all but one, and unlike the exact share it never makes a new cluster."""
_REPLAY_LIMIT = 1 << 20
_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def make_cluster(orders: Orders, place: Place) -> Json:
    """Return the cluster without its endpoints."""
    conduct = orders.conduct
    start = {"slow_start_window": seconds(conduct.rules.slow_start_seconds)}
    start_config = {"slow_start_config": {**start, "min_weight_percent": {"value": 10}}}
    balance = (
        {"lb_policy": "LEAST_REQUEST", "least_request_lb_config": start_config}
        if conduct.by_load
        else {"lb_policy": "ROUND_ROBIN", "round_robin_lb_config": start_config}
    )
    return {
        "name": MEMBERS,
        "connect_timeout": seconds(conduct.timeouts.connect),
        **balance,
        "common_lb_config": {"healthy_panic_threshold": {"value": _panic_percent(orders)}},
        "close_connections_on_host_health_failure": True,
        "ignore_health_on_host_removal": True,
        "per_connection_buffer_limit_bytes": _REPLAY_LIMIT,
        "health_checks": [_probe(orders)],
        "outlier_detection": _outliers(orders),
        "circuit_breakers": _limits(orders),
        "typed_extension_protocol_options": {_OPTIONS: _protocol()},
        "transport_socket_matches": [
            _tls(endpoint, place) for endpoint in orders.reachable if endpoint.tls
        ],
    }


def make_assignment(orders: Orders) -> Json:
    """Return the endpoints, by tier; Envoy wants priorities without gaps."""
    tiers = sorted({endpoint.backend.tier for endpoint in orders.reachable})
    return {
        "cluster_name": MEMBERS,
        "policy": {"overprovisioning_factor": _OVERPROVISIONING},
        "endpoints": [
            {
                "priority": priority,
                "lb_endpoints": list(_of_tier(orders.reachable, tier)),
            }
            for priority, tier in enumerate(tiers)
        ],
    }


def make_pipe(name: str, path: str) -> Json:
    """Return a cluster of one: a Unix socket on this machine."""
    address = {"pipe": {"path": path}}
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "2s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }


def typed(kind: str, /, **fields: Json) -> Json:
    """Return a message with its type, as extensions are configured."""
    return {"@type": f"type.googleapis.com/{kind}", **fields}


def seconds(value: float) -> str:
    """Return a duration as protobuf's JSON writes it."""
    return f"{value:g}s"


def _of_tier(endpoints: Iterable[Endpoint], tier: int) -> Iterable[Json]:
    for endpoint in endpoints:
        if endpoint.backend.tier == tier:
            yield _endpoint(endpoint)


def _endpoint(endpoint: Endpoint) -> Json:
    """Return one; weight 0 is no weight there, so it is drained: probed, and sent nothing."""
    weight = endpoint.backend.weight
    metadata: dict[str, Json] = {"deployer": {"backend": endpoint.key}}
    if endpoint.tls:
        metadata["envoy.transport_socket_match"] = {"tls": endpoint.authority}
    return {
        "load_balancing_weight": max(1, weight),
        "health_status": "HEALTHY" if weight else "DRAINING",
        "metadata": {"filter_metadata": metadata},
        "endpoint": {
            "hostname": endpoint.authority,
            "address": {
                "socket_address": {"address": endpoint.address, "port_value": endpoint.port}
            },
            "health_check_config": {"hostname": endpoint.authority},
        },
    }


def _probe(orders: Orders) -> Json:
    rules, pace = orders.conduct.rules, orders.conduct.pace
    # Envoy counts an interval from the end of a probe; ours is from start to start
    soon = max(_LEAST_SECONDS, pace.changing - pace.timeout)
    return {
        "timeout": seconds(pace.timeout),
        "interval": seconds(pace.steady),
        "no_traffic_interval": seconds(pace.steady),
        "no_traffic_healthy_interval": seconds(pace.steady),
        "unhealthy_interval": seconds(pace.down),
        "unhealthy_edge_interval": seconds(soon),
        "healthy_edge_interval": seconds(pace.changing),
        "interval_jitter_percent": round(pace.jitter * 100),
        "unhealthy_threshold": rules.fall,
        "healthy_threshold": rules.rise,
        "http_health_check": {
            "path": orders.conduct.probe_path,
            "expected_statuses": [{"start": 200, "end": 300}],
            # what is in neither list takes a host down at once, whatever the threshold
            "retriable_statuses": [{"start": 100, "end": 200}, {"start": 300, "end": 600}],
        },
    }


def _outliers(orders: Orders) -> Json:
    rules = orders.conduct.rules
    return {
        "consecutive_5xx": rules.failures,
        "interval": seconds(_SWEEP_SECONDS),
        "base_ejection_time": seconds(rules.ejection_seconds),
        "max_ejection_time": seconds(rules.ejection_cap_seconds),
        "max_ejection_time_jitter": seconds(rules.ejection_seconds * rules.jitter),
        "max_ejection_percent": _ALL_BUT_ONE,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "enforcing_failure_percentage": 100,
        "failure_percentage_threshold": 50,
        "failure_percentage_minimum_hosts": 1,
        "failure_percentage_request_volume": 20,
        "successful_active_health_check_uneject_host": False,
    }


def _limits(orders: Orders) -> Json:
    return {
        "thresholds": [
            {
                "max_connections": _NO_LIMIT,
                "max_requests": _NO_LIMIT,
                "max_pending_requests": QUEUE_LENGTH,
                "retry_budget": {"budget_percent": {"value": 20}, "min_retry_concurrency": 3},
            }
        ],
        # a connection carries one request at a time: HTTP/1.1
        "per_host_thresholds": [{"max_connections": orders.conduct.max_in_flight}],
    }


def _protocol() -> Json:
    """Return how backends are spoken to; 503 says busy, not sick."""
    sick = [_status("50[0-24-9]"), _status("5[1-9][0-9]")]
    return typed(
        _OPTIONS,
        common_http_protocol_options={"idle_timeout": seconds(_POOL_IDLE_SECONDS)},
        explicit_http_config={"http_protocol_options": {}},
        outlier_detection={"error_matcher": {"or_match": {"rules": sick}}},
    )


def _status(regex: str) -> Json:
    header = {"name": ":status", "string_match": {"safe_regex": {"regex": regex}}}
    return {"http_response_headers_match": {"headers": [header]}}


def _panic_percent(orders: Orders) -> int:
    """Return below which share of healthy hosts requests go to all: at none, among a hundred.

    In a panic Envoy asks for no host's health, nor whether one is drained: where a weight is 0
    there is none.
    """
    return int(all(endpoint.backend.weight for endpoint in orders.endpoints))


def _tls(endpoint: Endpoint, place: Place) -> Json:
    context = typed(
        "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        sni=endpoint.host,
        auto_sni_san_validation=True,
        common_tls_context={"validation_context": {"trusted_ca": {"filename": place.ca_file}}},
    )
    return {
        "name": endpoint.authority,
        "match": {"tls": endpoint.authority},
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context},
    }
