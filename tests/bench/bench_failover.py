"""What users notice of failing backends: ours on three engines, beside the engines' own defaults.

Three backends, 60 predictions a second (POST, a connection each, 5 s of patience), a fault after a
second. A cell is how many failed, when the last of those was sent (seconds after the fault), and
how many predictions were executed more than once.

    python -m tests.bench failover

A name's new address is read from an ``/etc/hosts`` of the router's own, in a mount namespace
(Linux, unshare(1)); "not used again" are those that had not followed it when the load ended.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import SetupError
from deployer.routing.engines.binary import ENVOY, HAPROXY, find_binary
from deployer.routing.engines.place import free_port
from tests.scenario.routing.conftest import RATE, Cast, guarded

__all__ = ["bench_failover", "main"]

SECONDS = 6.0
AFTER = 1.0
_STRANGE = signal.SIGUSR1  # see backend.py
Start = Callable[..., object]
Act = Callable[[Cast], object]


@dataclass(frozen=True)
class Fault:
    """What happens to the backends.

    Attributes:
        seconds: How long predictions are sent altogether.
        tls: The backends speak TLS, which only ours are set up for.
        named: The backends have names, and the first is to serve again at the end.
        check: Ours are told what a good answer is like.
    """

    name: str
    act: Act
    seconds: float = SECONDS
    tls: bool = False
    named: bool = False
    check: bool = False


def _flap(cast: Cast) -> None:
    for number in range(8):
        mode = ("500", "ok")[number % 2]
        threading.Timer(0.5 * number, cast.set_mode, [0, mode]).start()


def _kill(cast: Cast, count: int) -> None:
    for backend in cast.backends[:count]:
        backend.kill()


def _fall_and_rise(cast: Cast) -> None:
    for index in range(3):
        cast.backends[index].kill()
        threading.Thread(target=cast.restart_backend, args=[index], kwargs={"after": 2.0}).start()


def _move(cast: Cast) -> None:
    cast.backends[0].kill()
    move = threading.Thread(target=cast.move_backend, args=[0, "127.0.0.2"], kwargs={"after": 1.0})
    move.start()


FAULTS = (
    Fault("SIGKILL", lambda cast: _kill(cast, 1)),
    Fault("SIGSTOP", lambda cast: cast.backends[0].send_signal(signal.SIGSTOP)),
    Fault("500, /health 200", lambda cast: cast.set_mode(0, "500")),
    Fault("closes, no reply", lambda cast: cast.set_mode(0, "close")),
    Fault("500 and well by turns", _flap, 8.0),
    Fault("ten times as slow", lambda cast: cast.set_mode(0, "slow")),
    Fault("lost in the network", lambda cast: cast.fill_backlog(0)),
    Fault("untrusted certificate", lambda cast: cast.backends[0].send_signal(_STRANGE), tls=True),
    Fault("two of three SIGKILL", lambda cast: _kill(cast, 2)),
    Fault("200 with an error in it", lambda cast: cast.set_mode(0, "wrong"), check=True),
    Fault("its name's address changes", _move, 12.0, named=True),
    Fault("all SIGKILL, back at 2 s", _fall_and_rise, 12.0),
)


def bench_failover() -> Iterator[tuple[str, list[str]]]:
    """Yield each fault as soon as it was measured: its name, and a cell per configuration."""
    for fault in FAULTS:
        yield fault.name, [_measure(engine, start, fault) for _, engine, start in _configurations()]


def _configurations() -> Iterator[tuple[str, str, Start]]:
    for engine in ("embedded", "haproxy", "envoy"):
        yield engine, engine, _start_ours
        yield f"{engine}, idem.", engine, _start_idempotent
    yield "HAProxy alone", "haproxy", _start_haproxy
    yield "Envoy alone", "envoy", _start_envoy


def _measure(engine: str, start: Start, fault: Fault) -> str:
    if fault.tls and start in (_start_haproxy, _start_envoy):
        return "-"
    with tempfile.TemporaryDirectory(prefix="cast") as name, contextlib.ExitStack() as stack:
        stack.enter_context(guarded(Path(name)))
        cast = Cast(stack, Path(name), engine)
        for number in range(3):
            cast.add_backend(authority=cast.folder / f"{number}.pem" if fault.tls else None)
        _trust(cast.folder)
        if fault.named:
            cast.name_backends()
        options = _check(cast) if fault.check and start in (_start_ours, _start_idempotent) else []
        if options and engine != "embedded":
            return _hear_refusal(cast, options)
        try:
            start(cast, *options)
        except SetupError as error:
            return error.message
        seen = cast.load(seconds=fault.seconds, fault=lambda: fault.act(cast), after=AFTER)
        lost = ", not used again" if fault.named and not cast.count_executed(0) else ""
        return _describe(cast, seen) + lost


def _describe(cast: Cast, seen: Counter[str]) -> str:
    failed = seen.total() - seen["200"]
    twice = sum(count > 1 for count in cast.executed.values())
    when = f" ({max(0.0, cast.last_failure):.1f} s)" if failed else ""
    return f"{failed}{when}" + (f", {twice} twice" if twice else "")


def _check(cast: Cast) -> list[str]:
    block = cast.folder / "routing.yaml"
    block.write_text("routing: {check: {pattern: ok}}\n")
    return ["--routing", str(block)]


def _hear_refusal(cast: Cast, options: list[str]) -> str:
    command = [*cast.command, "--listen", "127.0.0.1:0", *options, *cast.given_backends]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    said = "the check of answers (it looks at the status" in done.stderr
    return "refused by name" if said and done.returncode else f"exit {done.returncode}"


def _trust(folder: Path) -> None:
    """Let the router trust what the backends' authorities signed, where they have any."""
    authorities = b"".join(file.read_bytes() for file in sorted(folder.glob("*.pem")))
    os.environ.pop("SSL_CERT_FILE", None)
    if authorities:
        (folder / "trusted.crt").write_bytes(authorities)
        os.environ["SSL_CERT_FILE"] = str(folder / "trusted.crt")


def _start_ours(cast: Cast, *options: str) -> None:
    cast.start_router("--fast", *options, *cast.given_backends)


def _start_idempotent(cast: Cast, *options: str) -> None:
    cast.start_router("--fast", "--idempotent", *options, *cast.given_backends)


def _start_haproxy(cast: Cast) -> None:
    """HAProxy with checks on and nothing tuned; timeouts are infinite there, so none is given."""
    port = free_port("127.0.0.1")
    servers = "\n".join(
        f"    server t{i} {url.removeprefix('http://')} check"
        for i, url in enumerate(cast.named_urls)
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
    places = [url.removeprefix("http://").split(":") for url in cast.named_urls]
    addresses = [_socket(int(port), host) for host, port in places]
    cluster = {
        "name": "b",
        "type": "STATIC" if cast.hosts is None else "STRICT_DNS",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": "b",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": a}} for a in addresses]}],
        },
    }
    file = cast.folder / "default.json"
    file.write_text(
        json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}})
    )
    command = [str(find_binary(ENVOY)), "-c", str(file), "--disable-hot-restart"]
    cast.start_program([*command, "--concurrency", "1", "--log-level", "error"], port)


def _socket(port: int, host: str = "127.0.0.1") -> dict[str, object]:
    return {"socket_address": {"address": host, "port_value": port}}


def main() -> None:
    """Print the table, a row as soon as it is there."""
    names = [name for name, _, _ in _configurations()]
    print(f"failed of {RATE:.0f} a second (when the last one was sent, in seconds after the fault)")
    print(f"{'':<26}" + "".join(f"{name:<17}" for name in names))
    for name, cells in bench_failover():
        print(f"{name:<26}" + "".join(f"{cell:<17}" for cell in cells))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
