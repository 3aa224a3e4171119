"""What users notice of a failing backend: ours on three engines, beside the engines' own defaults.

Three backends, 60 predictions a second (POST, a connection each, 5 s of patience), a fault on one
of them after a second. A cell is how many failed, when the last of those was sent (seconds after
the fault), and how many predictions were executed more than once.

    python -m tests.bench failover
"""

import contextlib
import json
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from deployer.errors import SetupError
from deployer.routing.engines.binary import ENVOY, HAPROXY, find_binary
from deployer.routing.engines.place import free_port
from tests.scenario.routing.conftest import Cast, guarded

__all__ = ["bench_failover", "main"]

SECONDS = 6.0
AFTER = 1.0
FAULTS: dict[str, Callable[[Cast], object]] = {
    "SIGKILL": lambda cast: cast.backends[0].kill(),
    "SIGSTOP": lambda cast: cast.backends[0].send_signal(signal.SIGSTOP),
    "500, /health 200": lambda cast: cast.set_mode(0, "500"),
    "closes, no reply": lambda cast: cast.set_mode(0, "close"),
}
Start = Callable[[Cast], object]


def bench_failover() -> Iterator[tuple[str, list[str]]]:
    """Yield each row as soon as it was measured: its name, and a cell per fault."""
    for name, engine, start in _rows():
        yield name, [_measure(engine, start, fault) for fault in FAULTS.values()]


def _rows() -> Iterator[tuple[str, str, Start]]:
    for engine in ("embedded", "haproxy", "envoy"):
        yield f"ours on {engine}", engine, _start_ours
        yield f"ours on {engine}, --idempotent", engine, _start_idempotent
    yield "HAProxy, its defaults", "haproxy", _start_haproxy
    yield "Envoy, its defaults", "envoy", _start_envoy


def _measure(engine: str, start: Start, fault: Callable[[Cast], object]) -> str:
    with tempfile.TemporaryDirectory(prefix="cast") as name, contextlib.ExitStack() as stack:
        stack.enter_context(guarded(Path(name)))
        cast = Cast(stack, Path(name), engine)
        for _ in range(3):
            cast.add_backend()
        try:
            start(cast)
        except SetupError as error:
            return error.message
        seen = cast.load(seconds=SECONDS, fault=lambda: fault(cast), after=AFTER)
        failed = seen.total() - seen["200"]
        twice = sum(count > 1 for count in cast.executed.values())
    when = f" ({max(0.0, cast.last_failure):.1f} s)" if failed else ""
    return f"{failed}{when}" + (f", {twice} twice" if twice else "")


def _start_ours(cast: Cast) -> None:
    cast.start_router("--fast", *cast.given_backends)


def _start_idempotent(cast: Cast) -> None:
    cast.start_router("--fast", "--idempotent", *cast.given_backends)


def _start_haproxy(cast: Cast) -> None:
    """HAProxy with checks on and nothing tuned; timeouts are infinite there, so none is given."""
    port = free_port("127.0.0.1")
    servers = "\n".join(
        f"    server t{i} {url.removeprefix('http://')} check" for i, url in enumerate(cast.urls)
    )
    text = (
        "defaults\n    mode http\n    timeout connect 5s\n    timeout client 1m\n"
        "    timeout server 1m\n"
        f"frontend f\n    bind 127.0.0.1:{port}\n    default_backend b\n"
        f"backend b\n    option httpchk GET /v2/health/ready\n{servers}\n"
    )
    file = cast.folder / "default.cfg"
    file.write_text(text)
    cast.start_program([str(find_binary(HAPROXY)), "-db", "-f", str(file)], port)


def _start_envoy(cast: Cast) -> None:
    """Envoy with a route and a cluster and nothing tuned: no health checks, no retries."""
    port = free_port("127.0.0.1")
    package = "type.googleapis.com/envoy.extensions.filters"
    router = {"@type": f"{package}.http.router.v3.Router"}
    manager = {
        "@type": f"{package}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "default",
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "b"}}],
                }
            ]
        },
    }
    chain = {
        "filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
        ]
    }
    listener = {"name": "l", "address": _socket(port), "filter_chains": [chain]}
    ports = [int(url.rpartition(":")[2]) for url in cast.urls]
    cluster = {
        "name": "b",
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": "b",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _socket(p)}} for p in ports]}],
        },
    }
    file = cast.folder / "default.json"
    file.write_text(
        json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}})
    )
    command = [str(find_binary(ENVOY)), "-c", str(file), "--disable-hot-restart"]
    cast.start_program([*command, "--concurrency", "1", "--log-level", "error"], port)


def _socket(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def main() -> None:
    """Print the table, a row as soon as it is there."""
    print(f"failed of {int(SECONDS * 60) + 1} (when the last one was sent)")
    print(f"{'':<32}" + "".join(f"{name:<20}" for name in FAULTS))
    for name, cells in bench_failover():
        print(f"{name:<32}" + "".join(f"{cell:<20}" for cell in cells))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
