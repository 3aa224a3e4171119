"""What Envoy's admin pages say of the backends, in our words. Pure."""

from collections.abc import Mapping

from deployer.routing.health import Source, State
from deployer.routing.plane import Endpoint, Orders, SeenBackend, Sight
from deployer.values import Json

__all__ = ["NUMBERS", "read_sight"]

NUMBERS = (
    "^(cluster.members.upstream_rq_(retry|pending_active)"
    "|http.requests.downstream_rq_(total|rx_reset))$"
)
"""The statistics that `read_sight` wants."""


def read_sight(
    hosts: Mapping[tuple[str, int], Json], numbers: Mapping[str, int], orders: Orders
) -> Sight:
    """Return the hosts and numbers as a sight; a backend without a host is unknown."""
    return Sight(
        backends=tuple(
            _see(endpoint, hosts.get((endpoint.address, endpoint.port)))
            for endpoint in orders.endpoints
        ),
        queued=numbers.get("cluster.members.upstream_rq_pending_active", 0),
        requests=numbers.get("http.requests.downstream_rq_total", 0),
        retries=numbers.get("cluster.members.upstream_rq_retry", 0),
        abandoned=numbers.get("http.requests.downstream_rq_rx_reset", 0),
    )


def _see(endpoint: Endpoint, host: Json) -> SeenBackend:
    if host is None:
        reason = "Envoy does not know it yet" if endpoint.address else "its host can't be resolved"
        return SeenBackend(endpoint.key, State.UNKNOWN, reason)
    state, reason, source = _judge(host["health_status"])
    counts = {s["name"]: int(s.get("value", 0)) for s in host["stats"]}
    return SeenBackend(
        endpoint.key,
        state,
        reason,
        source=source,
        requests=counts.get("rq_total", 0),
        failures=counts.get("rq_error", 0) + counts.get("cx_connect_fail", 0),
        in_flight=counts.get("rq_active", 0),
    )


def _judge(status: Json) -> tuple[State, str, Source]:
    if status.get("pending_active_hc"):
        return State.UNKNOWN, "not probed yet", Source.ACTIVE
    if status.get("failed_outlier_check"):
        return State.DOWN, "requests failed; ejected", Source.PASSIVE
    if status.get("failed_active_health_check"):
        late = " in time" if status.get("active_hc_timeout") else ""
        return State.DOWN, f"probes get no good answer{late}", Source.ACTIVE
    return State.HEALTHY, "probes pass", Source.ACTIVE
