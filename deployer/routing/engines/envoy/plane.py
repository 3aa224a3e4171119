"""Envoy as a `DataPlane`: one process, and files that it reads again when they are replaced."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from deployer.errors import SetupError, StateError
from deployer.ports import Clock
from deployer.routing.engines.envoy.admin import ask, read_hosts, read_numbers, read_versions
from deployer.routing.engines.envoy.cluster import MEMBERS
from deployer.routing.engines.envoy.pools import name_pools
from deployer.routing.engines.envoy.render import (
    CDS,
    EDS,
    LDS,
    render_bootstrap,
    render_envoy,
    render_files,
    version_of,
)
from deployer.routing.engines.envoy.sight import NUMBERS, read_sight
from deployer.routing.engines.place import Place, engine_environment, replace_file
from deployer.routing.engines.waiting import wait_until
from deployer.routing.health import State
from deployer.routing.plane import Orders, Sight

__all__ = ["EnvoyPlane"]

_CONFIRM_SECONDS = 10.0
_START_SECONDS = 30.0
_VERSIONS = {
    EDS: f"cluster.{MEMBERS}.version_text",
    CDS: "cluster_manager.cds.version_text",
    LDS: "listener_manager.lds.version_text",
}
_REFUSALS = "update_rejected$"


class EnvoyPlane:
    """See `DataPlane`.

    Args:
        folder: Prepared, and no other process's.
    """

    name = "envoy"

    def __init__(self, binary: Path, place: Place, folder: Path, *, clock: Clock) -> None:
        self._binary = binary
        self._place = place
        self._folder = folder
        self._clock = clock
        self._orders: Orders | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._since: dict[str, tuple[State, float]] = {}

    @property
    def url(self) -> str:
        """See `DataPlane.url`."""
        return self._place.url

    def start(self, orders: Orders | None) -> bool:
        """See `DataPlane.start`."""
        if self._answers():
            if orders is not None:
                self.apply(orders)
            return True
        orders = orders or Orders()
        self._validate(orders)
        files = render_files(orders, self._place)
        self._write(files)
        self._launch()
        if not self._await(orders, files):
            why = self._differs(orders, files)
            self._kill()
            raise SetupError(
                f"Envoy can't be started on {self.url}: {self._last_words() or why}",
                hint="Choose another address with --listen, or look at what listens there.",
            )
        self._orders = orders
        return False

    def apply(self, orders: Orders) -> None:
        """See `DataPlane.apply`."""
        self._validate(orders)
        before = self._read_files()
        files = render_files(orders, self._place, name_pools(before, orders))
        refused = self._refusals()
        self._write(files)
        if not self._await(orders, files, refused):
            why = self._differs(orders, files)
            self._write(before)
            raise StateError(
                f"Envoy does not do as it was told: {self._last_words() or why}",
                hint="The last good configuration is back in use.",
            )
        self._orders = orders

    def reconcile(self) -> Sequence[str]:
        """See `DataPlane.reconcile`."""
        if not self._answers():
            if self._is_running():
                raise StateError(f"Envoy runs and does not answer on {self._admin}")
            self._launch()
            return ["Envoy was gone: started again"]
        if self._orders is None:
            return []
        pools = name_pools(self._read_files(), self._orders)
        files = render_files(self._orders, self._place, pools)
        why = self._differs(self._orders, files)
        if not why:
            return []
        self.apply(self._orders)
        return [why]

    def look(self) -> Sight:
        """See `DataPlane.look`."""
        hosts = read_hosts(self._admin, MEMBERS)
        sight = read_sight(hosts, read_numbers(self._admin, NUMBERS), self._orders or Orders())
        return self._date(sight)

    def stop(self, drain_seconds: float) -> None:
        """See `DataPlane.stop`."""
        if not self._answers():
            return
        ask(self._admin, "/drain_listeners", method="POST")
        wait_until(lambda: self._in_flight() == 0, drain_seconds, self._clock)
        ask(self._admin, "/quitquitquit", method="POST")
        wait_until(lambda: not self._answers() and not self._is_running(), 5.0, self._clock)
        self._kill()

    # ---- files

    @property
    def _admin(self) -> Path:
        return self._folder / "admin.sock"

    def _write(self, files: Mapping[str, str]) -> None:
        """Replace the files that differ; the endpoints first, before a cluster asks for them."""
        present = self._read_files()
        for name, text in files.items():
            if present.get(name) != text:
                replace_file(self._folder / name, text)

    def _read_files(self) -> dict[str, str]:
        paths = [self._folder / name for name in _VERSIONS]
        return {path.name: path.read_text(encoding="utf-8") for path in paths if path.exists()}

    def _validate(self, orders: Orders) -> None:
        """Let Envoy itself judge all of it: watched files are not looked at before they count."""
        candidate = self._folder / "candidate.json"
        replace_file(candidate, render_envoy(orders, self._place))
        done = subprocess.run(  # noqa: S603 - the binary that was chosen, our own arguments
            [self._binary, "--mode", "validate", "-c", candidate, "--log-level", "error"],
            capture_output=True,
            text=True,
            timeout=_START_SECONDS,
            check=False,
            env=engine_environment(),
        )
        if done.returncode:
            raise StateError(f"Envoy refuses its configuration: {_cut(done.stderr or done.stdout)}")

    # ---- the process

    def _launch(self) -> None:
        bootstrap = self._folder / "bootstrap.json"
        replace_file(bootstrap, render_bootstrap(self._place))
        self._admin.unlink(missing_ok=True)
        (self._folder / "envoy.log").unlink(missing_ok=True)
        self._process = subprocess.Popen(  # noqa: S603 - as above
            [
                *(self._binary, "-c", bootstrap),
                *("--disable-hot-restart", "--reject-unknown-dynamic-fields"),
                *("--drain-strategy", "immediate"),
                *("--log-level", "warning", "--log-path", self._folder / "envoy.log"),
                *(("--concurrency", str(self._place.threads)) if self._place.threads else ()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=engine_environment(),
        )
        replace_file(self._folder / "envoy.pid", f"{self._process.pid}\n")
        wait_until(lambda: self._answers() or not self._is_running(), _START_SECONDS, self._clock)

    def _answers(self) -> bool:
        try:
            return bool(ask(self._admin, "/server_info"))
        except StateError:
            return False

    def _is_running(self) -> bool:
        if self._process is not None:
            return self._process.poll() is None
        try:
            pid = int((self._folder / "envoy.pid").read_text())
            return b"bootstrap.json" in Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return False

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _last_words(self) -> str:
        try:
            text = (self._folder / "envoy.log").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
        return _cut("\n".join(line for line in text.splitlines() if "rejected" in line))

    # ---- what it does

    def _await(self, orders: Orders, files: Mapping[str, str], refused: int = 0) -> bool:
        """Wait until the files are in use, or one was refused; tell whether they are."""
        wait_until(
            lambda: not self._differs(orders, files) or self._refusals() > refused,
            _CONFIRM_SECONDS,
            self._clock,
        )
        return not self._differs(orders, files)

    def _differs(self, orders: Orders, files: Mapping[str, str]) -> str:
        try:
            versions = read_versions(self._admin)
            hosts = set(read_hosts(self._admin, MEMBERS))
        except StateError as error:
            return error.message
        for name, text in files.items():
            if versions.get(_VERSIONS[name]) != version_of(text):
                return f"{name} is not in use"
        wanted = {(endpoint.address, endpoint.port) for endpoint in orders.reachable}
        return "" if hosts == wanted else f"it has {len(hosts)} backends, not {len(wanted)}"

    def _refusals(self) -> int:
        try:
            return sum(read_numbers(self._admin, _REFUSALS).values())
        except StateError:
            return 0

    def _in_flight(self) -> int:
        name = "http.requests.downstream_rq_active"
        return read_numbers(self._admin, f"^{name}$").get(name, 0)

    def _date(self, sight: Sight) -> Sight:
        """Put in since when each state has been seen; Envoy itself does not say."""
        now = self._clock.monotonic()
        for seen in sight.backends:
            if self._since.get(seen.key, (None, 0.0))[0] is not seen.state:
                self._since[seen.key] = (seen.state, now)
        return replace(
            sight,
            backends=tuple(
                replace(seen, since_seconds=round(now - self._since[seen.key][1], 3))
                for seen in sight.backends
            ),
        )


def _cut(text: str) -> str:
    """Return the end of the first lines, where Envoy says what is wrong."""
    lines = [line.rpartition("] ")[2] for line in text.splitlines() if line.strip()]
    return "; ".join(lines[:3])[:400]
