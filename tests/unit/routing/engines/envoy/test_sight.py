from collections.abc import Callable
from typing import Any

import pytest

from deployer.routing.engines.envoy.sight import read_sight
from deployer.routing.health import Source, State
from deployer.routing.plane import Orders

MakeOrders = Callable[..., Orders]


@pytest.mark.parametrize(
    ("status", "state", "source"),
    [
        ({}, State.HEALTHY, Source.ACTIVE),
        (
            {"failed_active_health_check": True, "pending_active_hc": True},
            State.UNKNOWN,
            Source.ACTIVE,
        ),
        ({"failed_active_health_check": True}, State.DOWN, Source.ACTIVE),
        ({"failed_outlier_check": True}, State.DOWN, Source.PASSIVE),
    ],
)
def test_envoys_words_become_ours(
    make_orders: MakeOrders, status: dict[str, Any], state: State, source: Source
) -> None:
    stats = [{"name": "rq_total", "value": "9"}, {"name": "rq_error", "value": "2"}]
    hosts = {("10.0.0.1", 80): {"health_status": status, "stats": stats}}
    (seen,) = read_sight(hosts, {}, make_orders("a=http://10.0.0.1:80")).backends
    assert (seen.state, seen.source) == (state, source)
    assert (seen.requests, seen.failures, seen.in_flight) == (9, 2, 0)


def test_a_backend_without_a_host_is_unknown_and_says_why(make_orders: MakeOrders) -> None:
    numbers = {"cluster.members.upstream_rq_retry": 3, "http.requests.downstream_rq_total": 7}
    sight = read_sight({}, numbers, make_orders("a=http://10.0.0.1:80"))
    assert sight.backends[0].state is State.UNKNOWN
    assert (sight.retries, sight.requests) == (3, 7)
