"""HAProxy's configuration, from the orders. Pure: text out.

What HAProxy's defaults would do to three endpoints in three clouds, and what is said instead:
every streamed event is delayed by about 100 ms (``http-no-delay``), every timeout is infinite, a
failed connection is tried again at the same server (``redispatch 1``), a client that left keeps its
request running (``abortonclose``). A server's name is the backend's authority, so that
``http-send-name-header`` can give each backend its own ``Host``.

With every server down HAProxy would answer 503 at once. So there is a second farm of the same
servers without checks, for just then: a request that can't connect there is tried four times at the
same one, a second apart, which is its way of waiting.
"""

import math
from collections.abc import Iterator, Sequence

from deployer.routing.admission import QUEUE_LENGTH, QUEUE_SECONDS
from deployer.routing.conduct import Conduct
from deployer.routing.engines.place import Place
from deployer.routing.messages import HEAD_LIMIT
from deployer.routing.plane import Endpoint, Orders
from deployer.routing.retries import MAX_RETRIES

__all__ = [
    "FARM",
    "FARMS",
    "LABELS",
    "MAX_WEIGHT",
    "STATES",
    "join_address",
    "render_haproxy",
    "scale_weights",
    "server_options",
]

FARM = "members"
"""The HAProxy backend that holds all of ours as its servers."""

_PANIC = "panic"

FARMS = (FARM, _PANIC)
"""The farm, and the one that is used while no server of the first is up."""

LABELS = "labels.map"
"""The file, and the map at run time, from a server's name to the backend's key."""

STATES = "servers.state"
"""The file in which a worker hands its servers' health on to the next one."""

MAX_WEIGHT = 256

_MAX_REWRITE = 2048
_HEAD_SECONDS = 10
_POOL_IDLE_SECONDS = 4  # less than servers keep idle connections open, so that we close first
_POOL_SIZE = 256
_PANIC_RETRIES = 3


def render_haproxy(orders: Orders, place: Place) -> str:
    """Return the whole configuration file."""
    conduct = orders.conduct
    lines = [
        *_global(place),
        "",
        *_defaults(conduct, place),
        "",
        *_frontend(orders, place),
        "",
        *_farm(orders, place),
        "",
        *_panic_farm(orders, place),
    ]
    if place.control is not None:
        lines += ["", "backend control", f"    server control unix@{place.control}"]
    return "\n".join(lines) + "\n"


def scale_weights(weights: Sequence[int]) -> list[int]:
    """Return weights of at most 256 in the same proportion, exactly where that is possible.

    They are large on purpose: HAProxy multiplies a weight while a server starts slowly, and reads
    percentages relative to it; of 1 it would make 0.
    """
    divisor = math.gcd(*weights) or 1
    reduced = [weight // divisor for weight in weights]
    most = max(reduced, default=0)
    if not most:
        return reduced
    if most <= MAX_WEIGHT:
        return [weight * (MAX_WEIGHT // most) for weight in reduced]
    return [max(1, round(w * MAX_WEIGHT / most)) if w else 0 for w in reduced]


def server_options(conduct: Conduct, farm: str = FARM) -> str:
    """Return what every server of a farm has, for ``server`` and ``add server`` alike.

    HAProxy knows one counter of health for probes and requests: a server that requests took out
    comes back as soon as ``rise`` probes pass. So ``rise`` is as many probes as an ejection lasts.
    """
    rules, pace = conduct.rules, conduct.pace
    rise = max(rules.rise, math.ceil(rules.ejection_seconds / pace.down))
    limits = (
        f"maxconn {conduct.max_in_flight} maxqueue {QUEUE_LENGTH}"
        f" pool-purge-delay {_POOL_IDLE_SECONDS}s pool-max-conn {_POOL_SIZE}"
    )
    if farm != FARM:
        return limits
    return (
        f"check inter {_ms(pace.steady)} fastinter {_ms(pace.changing)} downinter {_ms(pace.down)}"
        f" fall {rules.fall} rise {rise} observe layer7 error-limit {rules.failures}"
        " on-error mark-down on-marked-down shutdown-sessions"
        f" slowstart {_ms(rules.slow_start_seconds)} {limits}"
    )


def join_address(endpoint: Endpoint) -> str:
    """Return an endpoint's address and port as HAProxy writes them."""
    address = f"[{endpoint.address}]" if ":" in endpoint.address else endpoint.address
    return f"{address}:{endpoint.port}"


def _global(place: Place) -> Iterator[str]:
    yield "global"
    if place.folder is not None:
        socket = place.folder / "haproxy.sock"
        yield f"    stats socket {socket} mode 600 level admin expose-fd listeners"
        yield f"    server-state-file {place.folder / STATES}"
    if place.threads:
        yield f"    nbthread {place.threads}"
    yield f"    hard-stop-after {_ms(place.drain_seconds)}"
    yield "    spread-checks 10"
    yield f"    tune.bufsize {HEAD_LIMIT + _MAX_REWRITE}"
    yield f"    tune.maxrewrite {_MAX_REWRITE}"


def _defaults(conduct: Conduct, place: Place) -> Iterator[str]:
    timeouts = conduct.timeouts
    yield "defaults"
    yield "    mode http"
    if place.folder is not None:
        yield "    load-server-state-from-file global"
    yield "    option idle-close-on-response"
    yield "    option http-no-delay"
    yield "    option abortonclose"
    yield "    option redispatch 1"
    yield f"    retries {MAX_RETRIES}"
    yield f"    timeout connect {_ms(timeouts.connect)}"
    yield f"    timeout client {_ms(timeouts.idle)}"
    yield f"    timeout server {_ms(max(timeouts.first_byte, timeouts.idle))}"
    yield f"    timeout tunnel {_ms(timeouts.idle)}"
    yield f"    timeout queue {_ms(QUEUE_SECONDS)}"
    yield f"    timeout check {_ms(conduct.pace.timeout)}"
    yield f"    timeout http-request {_HEAD_SECONDS}s"
    yield f"    timeout http-keep-alive {_ms(timeouts.idle)}"


def _frontend(orders: Orders, place: Place) -> Iterator[str]:
    host = f"[{place.host}]" if ":" in place.host else place.host
    yield "frontend requests"
    yield f"    bind {host}:{place.port}"
    yield from _headers()
    for path, ready in (("/-/health", True), ("/-/ready", bool(orders.endpoints))):
        if ready:
            yield (
                "    http-request return status 200 content-type application/json"
                f' string \'{{"status": "ready"}}\' if {{ path {path} }}'
            )
    yield "    http-request use-service prometheus-exporter if { path /-/metrics }"
    if place.control is not None:
        yield "    use_backend control if { path_beg /-/ }"
    yield f"    use_backend {_PANIC} if {{ nbsrv({FARM}) eq 0 }}"
    yield f"    default_backend {FARM}"


def _headers() -> Iterator[str]:
    for name in ("Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer"):
        yield f"    http-request del-header {name}"
    yield "    option forwardfor"
    yield "    http-request set-header X-Forwarded-Proto http"
    yield "    http-request set-header X-Forwarded-Host %[req.hdr(host)]"
    yield "    acl named req.hdr(x-request-id) -m found"
    yield "    http-request set-header X-Request-Id %[uuid()] unless named"
    yield "    http-request set-var(txn.id) req.hdr(x-request-id)"
    yield "    http-response set-header X-Request-Id %[var(txn.id)]"


def _farm(orders: Orders, place: Place) -> Iterator[str]:
    conduct = orders.conduct
    yield f"backend {FARM}"
    yield f"    balance {'random(2)' if conduct.by_load else 'roundrobin'}"
    yield "    option allbackups"
    yield "    option httpchk"
    yield (
        f"    http-check send meth GET uri {_quote(conduct.probe_path)}"
        " ver HTTP/1.1 hdr Host %[srv_name]"
    )
    yield "    http-check expect status 200-299"
    yield from _members(FARM, orders, place)


def _panic_farm(orders: Orders, place: Place) -> Iterator[str]:
    yield f"backend {_PANIC}"
    yield "    balance roundrobin"
    yield "    option allbackups"
    yield "    no option redispatch"  # it would not wait between attempts at different servers
    yield f"    retries {_PANIC_RETRIES}"
    yield "    http-response set-header X-Deployer-Panic 1"
    yield from _members(_PANIC, orders, place)


def _members(farm: str, orders: Orders, place: Place) -> Iterator[str]:
    conduct = orders.conduct
    yield "    http-send-name-header Host"
    yield "    retry-on conn-failure empty-response response-timeout"
    if not conduct.idempotent:
        yield "    http-request disable-l7-retry unless METH_GET"
    if place.folder is not None:
        labels = place.folder / LABELS
        yield f"    http-response set-header X-Deployer-Target %[srv_name,map({labels})]"
    yield (
        "    http-error status 503 content-type application/json"
        ' string \'{"error": "no backend can take this request"}\' hdr Retry-After 1'
    )
    yield f"    default-server {server_options(conduct, farm)}"
    weights = scale_weights([endpoint.backend.weight for endpoint in orders.reachable])
    for endpoint, weight in zip(orders.reachable, weights, strict=True):
        yield f"    server {endpoint.authority} {_server(endpoint, weight, orders, place)}"


def _server(endpoint: Endpoint, weight: int, orders: Orders, place: Place) -> str:
    words = [join_address(endpoint), f"weight {weight}"]
    if endpoint.backend.tier != min(e.backend.tier for e in orders.endpoints):
        words.append("backup")
    if endpoint.tls:
        words.append(f"ssl verify required ca-file {_quote(place.ca_file)}")
        words.append(f"sni str({endpoint.host}) check-sni {endpoint.host}")
    words.append(f"# {endpoint.key}")
    return " ".join(words)


def _ms(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
