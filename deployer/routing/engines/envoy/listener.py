"""Envoy's listener: what clients meet, how requests are passed on and when again. Pure.

Envoy's own route timeout of 15 s would cut streams, and its words for "tuned" retries execute a
prediction three times. Here a request is sent again only while nothing of it was sent, unless it
may be executed twice.
"""

from deployer.routing.engines.envoy.cluster import MEMBERS, seconds, typed
from deployer.routing.engines.place import Place
from deployer.routing.messages import HEAD_LIMIT
from deployer.routing.plane import Orders
from deployer.routing.retries import MAX_RETRIES
from deployer.values import Json

__all__ = ["make_listener"]

_HEAD_SECONDS = 10.0
_REPLAY_LIMIT = 1 << 20
_PICKS = 25
"""Weighted hosts may come up several times in a row; with Envoy's usual 5 a tenth of the retries
went to one that had just refused, when two of three were down."""
_BEFORE_SENT = "connect-failure,refused-stream,reset-before-request"
_AFTER_SENT = f"{_BEFORE_SENT},reset"
_HCM = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_ROUTER = "envoy.extensions.filters.http.router.v3.Router"
_PREVIOUS_HOSTS = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
_PREVIOUS_TIERS = "envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig"


def make_listener(orders: Orders, place: Place) -> Json:
    """Return the listener with everything it needs inside."""
    return {
        "name": "requests",
        "address": {"socket_address": {"address": place.host, "port_value": place.port}},
        "per_connection_buffer_limit_bytes": _REPLAY_LIMIT,
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": _manager(orders, place),
                    }
                ]
            }
        ],
    }


def _manager(orders: Orders, place: Place) -> Json:
    idle = seconds(orders.conduct.timeouts.idle)
    router = typed(_ROUTER, suppress_envoy_headers=True)
    return typed(
        _HCM,
        stat_prefix="requests",
        use_remote_address=True,
        # Nobody is trusted to steer retries and timeouts by x-envoy-* headers. No range would be
        # no change: then Envoy has a default of its own.
        internal_address_config={
            "cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]
        },
        preserve_external_request_id=True,
        always_set_request_id_in_response=True,
        server_header_transformation="PASS_THROUGH",
        stream_idle_timeout=idle,
        request_headers_timeout=seconds(_HEAD_SECONDS),
        max_request_headers_kb=HEAD_LIMIT // 1024,
        common_http_protocol_options={"idle_timeout": idle},
        upgrade_configs=[{"upgrade_type": "websocket"}],
        http_filters=[{"name": "envoy.filters.http.router", "typed_config": router}],
        route_config=_routes(orders, place),
        local_reply_config=_own_answers(),
    )


def _routes(orders: Orders, place: Place) -> Json:
    routes = [_answer_ready("/-/health")]
    if orders.endpoints:
        routes.append(_answer_ready("/-/ready"))
    if place.folder is not None:
        metrics = {"cluster": "admin", "prefix_rewrite": "/stats/prometheus"}
        routes.append({"match": {"path": "/-/metrics"}, "route": metrics})
        routes.append({"match": {"prefix": "/-/"}, "route": {"cluster": "control"}})
    if not orders.conduct.idempotent:
        methods = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}
        safe = {"prefix": "/", "headers": [methods]}
        routes.append({"match": safe, **_pass_on(orders, _AFTER_SENT)})
    retry_on = _AFTER_SENT if orders.conduct.idempotent else _BEFORE_SENT
    routes.append({"match": {"prefix": "/"}, **_pass_on(orders, retry_on)})
    return {
        "name": "requests",
        "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}],
    }


def _pass_on(orders: Orders, retry_on: str) -> dict[str, Json]:
    timeouts = orders.conduct.timeouts
    return {
        "response_headers_to_add": [
            _header("X-Deployer-Target", "%UPSTREAM_METADATA(deployer:backend)%"),
            _header("X-Deployer-Attempts", "%UPSTREAM_REQUEST_ATTEMPT_COUNT%"),
        ],
        "route": {
            "cluster": MEMBERS,
            "timeout": "0s",
            "idle_timeout": seconds(timeouts.idle),
            "auto_host_rewrite": True,
            "append_x_forwarded_host": True,
            "retry_policy": _retries(orders, retry_on),
        },
    }


def _retries(orders: Orders, retry_on: str) -> Json:
    policy: dict[str, Json] = {
        "retry_on": retry_on,
        "num_retries": MAX_RETRIES,
        "per_try_timeout": seconds(orders.conduct.timeouts.first_byte),
        "host_selection_retry_max_attempts": _PICKS,
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": typed(_PREVIOUS_HOSTS),
            }
        ],
        "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.25s"},
    }
    if len({endpoint.backend.tier for endpoint in orders.reachable}) > 1:
        policy["retry_priority"] = {
            "name": "envoy.retry_priorities.previous_priorities",
            "typed_config": typed(_PREVIOUS_TIERS, update_frequency=1),
        }
    return policy


def _answer_ready(path: str) -> dict[str, Json]:
    return {
        "match": {"path": path},
        "direct_response": {"status": 200, "body": {"inline_string": '{"status": "ready"}'}},
        "response_headers_to_add": [_header("Content-Type", "application/json")],
    }


def _own_answers() -> Json:
    """Return how Envoy's own refusals look; 503 says when to come again."""
    body = {"json_format": {"error": "%RESPONSE_CODE_DETAILS%"}}
    again = {"headers_to_add": [_header("Retry-After", "1")], "body_format_override": body}
    return {
        "mappers": [
            {"filter": _answered("EQ", 503), **again},
            {"filter": _answered("GE", 400), "body_format_override": body},
        ]
    }


def _answered(op: str, status: int) -> Json:
    value = {"default_value": status, "runtime_key": "none"}
    return {"status_code_filter": {"comparison": {"op": op, "value": value}}}


def _header(name: str, value: str) -> Json:
    return {
        "header": {"key": name, "value": value},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
