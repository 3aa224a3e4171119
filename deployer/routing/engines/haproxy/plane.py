"""HAProxy as a `DataPlane`: a master and its worker, in a folder, with a socket for each.

The file on disk always holds all that was ordered, so a reload or a restart loses nothing that was
said over the sockets. ``haproxy.good`` is what was last proven to run.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from deployer.errors import SetupError, StateError
from deployer.ports import Clock
from deployer.routing.engines.haproxy.render import (
    FARM,
    FARMS,
    LABELS,
    STATES,
    join_address,
    render_haproxy,
    scale_weights,
    server_options,
)
from deployer.routing.engines.haproxy.runtime import ServerRow, ask, read_servers, read_stats
from deployer.routing.engines.haproxy.sight import read_sight
from deployer.routing.engines.haproxy.structure import needs_reload, render_labels
from deployer.routing.engines.place import Place, engine_environment, replace_file
from deployer.routing.engines.waiting import wait_until
from deployer.routing.plane import Endpoint, Orders, Sight

__all__ = ["HaproxyPlane"]

_CONFIRM_SECONDS = 3.0
_START_SECONDS = 30.0


class HaproxyPlane:
    """See `DataPlane`.

    Args:
        folder: Prepared, and no other process's.
    """

    name = "haproxy"

    def __init__(self, binary: Path, place: Place, folder: Path, *, clock: Clock) -> None:
        self._binary = binary
        self._place = place
        self._folder = folder
        self._clock = clock
        self._orders: Orders | None = None
        self._drain_since: dict[str, float] = {}

    @property
    def url(self) -> str:
        """See `DataPlane.url`."""
        return self._place.url

    def start(self, orders: Orders | None) -> bool:
        """See `DataPlane.start`."""
        if self._master_pid() is not None:
            if orders is not None:
                self.apply(orders)
            return True
        orders = orders or Orders()
        text = render_haproxy(orders, self._place)
        self._validate(text)
        self._write(text, orders)
        self._launch()
        self._confirm(orders)
        self._settle(text, orders)
        return False

    def apply(self, orders: Orders) -> None:
        """See `DataPlane.apply`."""
        text = render_haproxy(orders, self._place)
        self._validate(text)
        self._write(text, orders)
        try:
            if needs_reload(self._good(), text):
                self._reload()
            for _ in self._change(orders):
                pass
            self._relabel(orders)
            self._confirm(orders)
        except StateError:
            self._roll_back()
            raise
        self._settle(text, orders)

    def reconcile(self) -> Sequence[str]:
        """See `DataPlane.reconcile`."""
        if self._master_pid() is None:
            if self._is_running():
                raise StateError(f"HAProxy runs and does not answer in {self._folder}")
            replace_file(self._file("haproxy.cfg"), self._good())
            self._launch()
            return ["HAProxy was gone: started again"]
        if self._orders is None:
            return []
        said = list(dict.fromkeys(self._change(self._orders)))
        self._let_go()
        return said

    def look(self) -> Sight:
        """See `DataPlane.look`."""
        socket = self._file("haproxy.sock")
        servers = read_servers(socket, FARM)
        return read_sight(read_stats(socket, *FARMS), servers, self._orders or Orders())

    def stop(self, drain_seconds: float) -> None:
        """See `DataPlane.stop`."""
        pid = self._master_pid()
        if pid is None:
            return
        for number, seconds in ((signal.SIGUSR1, drain_seconds), (signal.SIGTERM, 5.0)):
            os.kill(pid, number)
            if wait_until(lambda: self._master_pid() is None, seconds, self._clock):
                return
        os.kill(pid, signal.SIGKILL)

    # ---- files

    def _file(self, name: str) -> Path:
        return self._folder / name

    def _write(self, text: str, orders: Orders) -> None:
        replace_file(self._file(LABELS), render_labels(orders))
        replace_file(self._file("haproxy.cfg"), text)

    def _good(self) -> str:
        try:
            return self._file("haproxy.good").read_text(encoding="utf-8")
        except OSError:
            return ""

    def _settle(self, text: str, orders: Orders) -> None:
        replace_file(self._file("haproxy.good"), text)
        self._orders = orders

    def _validate(self, text: str) -> None:
        """Let HAProxy itself judge the text, before anything that runs can see it."""
        candidate, labels = self._file("candidate.cfg"), self._file(LABELS)
        labels.touch(mode=0o600)  # it is named in the text, and has to be there
        replace_file(candidate, text)
        done = subprocess.run(  # noqa: S603 - the binary that was chosen, our own arguments
            [self._binary, "-c", "-f", candidate],
            capture_output=True,
            text=True,
            timeout=_START_SECONDS,
            check=False,
            env=engine_environment(),
        )
        if done.returncode:
            raise StateError(f"HAProxy refuses its configuration: {_alerts(done.stderr)}")

    def _roll_back(self) -> None:
        replace_file(self._file("haproxy.cfg"), self._good())
        if self._orders is not None:
            replace_file(self._file(LABELS), render_labels(self._orders))
        if self._master_pid() is not None:
            self._reload()

    # ---- processes

    def _launch(self) -> None:
        log = self._file("haproxy.log")
        replace_file(self._file(STATES), "")  # whatever was known is old by now
        with log.open("w", encoding="utf-8") as output:
            done = subprocess.run(  # noqa: S603 - as above
                [
                    *(self._binary, "-W", "-D"),
                    *("-S", f"{self._file('master.sock')},mode,600"),
                    *("-p", self._file("haproxy.pid")),
                    *("-f", self._file("haproxy.cfg")),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                timeout=_START_SECONDS,
                check=False,
                start_new_session=True,
                env=engine_environment(),
            )
        started = done.returncode == 0 and wait_until(
            lambda: self._master_pid() is not None, _CONFIRM_SECONDS, self._clock
        )
        if not started:
            raise SetupError(
                f"HAProxy can't be started on {self.url}: {_alerts(log.read_text())}",
                hint="Choose another address with --listen, or look at what listens there.",
            )

    def _master_pid(self) -> int | None:
        try:
            said = ask(self._file("master.sock"), "show proc")
        except StateError:
            return None
        masters = [line.split() for line in said.splitlines() if " master " in f" {line} "]
        return next((int(words[0]) for words in masters if words[0].isdecimal()), None)

    def _is_running(self) -> bool:
        try:
            pid = int(self._file("haproxy.pid").read_text())
            return b"haproxy.cfg" in Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return False

    def _reload(self) -> None:
        """Replace the worker; what it knows of its servers' health goes on to the next one."""
        states = ask(self._file("haproxy.sock"), f"show servers state {FARM}")
        replace_file(self._file(STATES), states + "\n")
        said = ask(self._file("master.sock"), "reload")
        if said.startswith("Success=0"):
            raise StateError(f"HAProxy did not reload: {_alerts(said)}")
        self._drain_since.clear()

    # ---- what is said while it runs

    def _say(self, command: str) -> None:
        ask(self._file("haproxy.sock"), command)

    def _change(self, orders: Orders) -> Iterator[str]:
        """Lead the servers of each farm to the orders; yield each difference there was."""
        for farm in FARMS:
            yield from self._change_farm(farm, orders)

    def _change_farm(self, farm: str, orders: Orders) -> Iterator[str]:
        servers = read_servers(self._file("haproxy.sock"), farm)
        for endpoint, weight in _weigh(orders):
            server = servers.pop(endpoint.authority, None)
            if server is None:
                self._add(farm, endpoint, weight, orders)
                yield f"{endpoint.authority} was missing"
            else:
                yield from self._lead(farm, endpoint, weight, server)
        for server in servers.values():
            if not (server.draining or server.in_maintenance):
                self._say(f"set server {farm}/{server.name} state drain")
                yield f"{server.name} was taken out"

    def _lead(self, farm: str, endpoint: Endpoint, weight: int, server: ServerRow) -> Iterator[str]:
        name = f"{farm}/{endpoint.authority}"
        if (server.address, server.port) != (endpoint.address, endpoint.port):
            self._say(f"set server {name} addr {endpoint.address} port {endpoint.port}")
            yield f"{endpoint.authority} was at {server.address}:{server.port}"
        if server.weight != weight:
            self._say(f"set server {name} weight {weight}")
            yield f"{endpoint.authority} had weight {server.weight}, not {weight}"
        if server.draining or server.in_maintenance:
            self._say(f"set server {name} state ready")
            yield f"{endpoint.authority} was not in use"

    def _add(self, farm: str, endpoint: Endpoint, weight: int, orders: Orders) -> None:
        name = f"{farm}/{endpoint.authority}"
        first = min(e.backend.tier for e in orders.endpoints)
        backup = " backup" if endpoint.backend.tier != first else ""
        self._say(
            f"add server {name} {join_address(endpoint)} weight {weight}{backup}"
            f" {server_options(orders.conduct, farm)}"
        )
        if farm == FARM:
            self._say(f"enable health {name}")
        self._say(f"enable server {name}")

    def _relabel(self, orders: Orders) -> None:
        """Replace the map at run time, at once and as a whole."""
        path = self._file(LABELS)
        version = ask(self._file("haproxy.sock"), f"prepare map {path}").rpartition(" ")[2]
        for line in render_labels(orders).splitlines():
            self._say(f"add map @{version} {path} {line}")
        self._say(f"commit map @{version} {path}")

    def _let_go(self) -> None:
        """Remove servers whose last request has ended, or was given all the time there is."""
        now = self._clock.monotonic()
        sight = self.look()
        for name, in_flight in sight.draining:
            since = self._drain_since.setdefault(name, now)
            if in_flight == 0 or now - since >= self._place.drain_seconds:
                for farm in FARMS:
                    self._say(f"set server {farm}/{name} state maint")
                    self._say(f"shutdown sessions server {farm}/{name}")
                    self._say(f"del server {farm}/{name}")
        left = {name for name, _ in sight.draining}
        self._drain_since = {n: at for n, at in self._drain_since.items() if n in left}

    def _confirm(self, orders: Orders) -> None:
        """Wait until HAProxy says itself that it does as it was told."""
        if not wait_until(lambda: not self._differs(orders), _CONFIRM_SECONDS, self._clock):
            raise StateError(
                f"HAProxy does not do as it was told: {self._differs(orders)}",
                hint="The last good configuration is back in use.",
            )

    def _differs(self, orders: Orders) -> str:
        try:
            farms = [read_servers(self._file("haproxy.sock"), farm) for farm in FARMS]
        except StateError as error:
            return error.message
        for endpoint, weight in _weigh(orders):
            wanted = (endpoint.address, endpoint.port, weight, False, False)
            for servers in farms:
                server = servers.get(endpoint.authority)
                if server is None or server[1:] != wanted:
                    return f"{endpoint.authority} is {server}"
        return ""


def _weigh(orders: Orders) -> Iterator[tuple[Endpoint, int]]:
    """Yield the endpoints that have an address, with their weights as HAProxy knows them."""
    weights = scale_weights([endpoint.backend.weight for endpoint in orders.reachable])
    yield from zip(orders.reachable, weights, strict=True)


def _alerts(text: str) -> str:
    """Return the lines that say what is wrong, without times and process ids."""
    lines = [line.partition(" : ")[2] or line for line in text.splitlines()]
    telling = [line for line in lines if line and "notice" not in line.lower()]
    return "; ".join(telling[:3])[:400] or "it does not say why"
