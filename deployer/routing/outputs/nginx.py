"""nginx's configuration, from the orders: a file for ``conf.d``. Pure: text out.

What nginx's defaults would do, and what is said instead: one failure takes a backend out for 10 s
(``max_fails``), answers are collected before they are passed on, which holds up streams
(``proxy_buffering``), a connection per request (``keepalive``), HTTP/1.0. A prediction that was
sent is not sent again unless it may be executed twice (``non_idempotent``).
"""

import math
from collections.abc import Iterator

from deployer.routing.engines.haproxy.render import join_address
from deployer.routing.engines.place import Place
from deployer.routing.plane import Endpoint, Orders
from deployer.routing.retries import MAX_RETRIES, REPLAY_LIMIT

__all__ = ["render_nginx"]

_UPSTREAM = "deployer_members"
_POOL_SIZE = 256
_POOL_IDLE_SECONDS = 4  # less than servers keep idle connections open, so that we close first
_HEAD_SECONDS = 10
_ZONE = "256k"  # one view of all workers on who has failed


def render_nginx(orders: Orders, place: Place) -> str:
    """Return the file; it needs nginx 1.15.3 or newer, and belongs inside ``http``."""
    return "\n".join([*_upstream(orders), "", *_server(orders, place)]) + "\n"


def _upstream(orders: Orders) -> Iterator[str]:
    yield f"upstream {_UPSTREAM} {{"
    yield f"    zone {_UPSTREAM} {_ZONE};"
    if orders.conduct.by_load:
        yield "    random two least_conn;"
    for endpoint in orders.reachable:
        yield f"    server {_member(endpoint, orders)};  # {endpoint.key}"
    if not orders.reachable:
        yield "    server 127.0.0.1:1 down;  # an upstream can't be empty"
    yield f"    keepalive {_POOL_SIZE};"
    yield f"    keepalive_timeout {_POOL_IDLE_SECONDS}s;"
    yield "}"


def _member(endpoint: Endpoint, orders: Orders) -> str:
    rules = orders.conduct.rules
    words = [join_address(endpoint)]
    # 0 is no weight there: such a server is there, and takes nothing
    words.append(f"weight={endpoint.backend.weight}" if endpoint.backend.weight else "down")
    words.append(f"max_fails={rules.failures}")
    words.append(f"fail_timeout={math.ceil(rules.ejection_seconds)}s")  # it knows whole seconds
    words.append(f"max_conns={orders.conduct.max_in_flight}")
    if endpoint.backend.tier != min(e.backend.tier for e in orders.endpoints):
        words.append("backup")
    return " ".join(words)


def _server(orders: Orders, place: Place) -> Iterator[str]:
    host = f"[{place.host}]" if ":" in place.host else place.host
    timeouts = orders.conduct.timeouts
    yield "server {"
    yield f"    listen {host}:{place.port};"
    yield f"    client_header_timeout {_HEAD_SECONDS}s;"
    yield f"    client_body_timeout {_seconds(timeouts.idle)};"
    yield f"    keepalive_timeout {_seconds(timeouts.idle)};"
    yield f"    client_body_buffer_size {REPLAY_LIMIT};"
    yield "    client_max_body_size 0;"
    yield "    set $deployer_request_id $request_id;"
    yield "    if ($http_x_request_id) {"
    yield "        set $deployer_request_id $http_x_request_id;"
    yield "    }"
    yield "    location / {"
    yield from (f"        {line};" for line in _location(orders, place))
    yield "    }"
    yield "}"


def _location(orders: Orders, place: Place) -> Iterator[str]:
    timeouts = orders.conduct.timeouts
    tls = any(endpoint.tls for endpoint in orders.endpoints)
    yield f"proxy_pass {'https' if tls else 'http'}://{_UPSTREAM}"
    yield "proxy_http_version 1.1"
    yield 'proxy_set_header Connection ""'
    yield f"proxy_set_header Host {_host(orders)}"
    yield "proxy_set_header X-Request-Id $deployer_request_id"
    yield "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for"
    yield "proxy_set_header X-Forwarded-Proto $scheme"
    yield "proxy_set_header X-Forwarded-Host $http_host"
    yield f"proxy_connect_timeout {_seconds(timeouts.connect)}"
    yield f"proxy_send_timeout {_seconds(timeouts.idle)}"
    yield f"proxy_read_timeout {_seconds(max(timeouts.first_byte, timeouts.idle))}"
    yield "proxy_buffering off"
    again = " non_idempotent" if orders.conduct.idempotent else ""
    yield f"proxy_next_upstream error timeout http_500 http_502 http_504{again}"
    yield f"proxy_next_upstream_tries {MAX_RETRIES + 1}"
    if tls:
        yield from _tls(orders, place)


def _tls(orders: Orders, place: Place) -> Iterator[str]:
    yield "proxy_ssl_server_name on"
    yield f"proxy_ssl_name {orders.endpoints[0].host}"
    yield "proxy_ssl_verify on"
    yield "proxy_ssl_verify_depth 4"
    yield f'proxy_ssl_trusted_certificate "{place.ca_file}"'


def _host(orders: Orders) -> str:
    """Return the one Host that all backends know, or the client's where they go by addresses."""
    named = {e.authority for e in orders.endpoints if e.host != e.address}
    return next(iter(named), "$http_host")


def _seconds(value: float) -> str:
    return f"{round(value * 1000)}ms"
