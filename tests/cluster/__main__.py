"""A control plane to have up by hand: ``python -m tests.cluster start|stop|status|build``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from deployer.providers.local.clock import SystemClock
from tests.cluster.assets import AssetsError, build_assets
from tests.cluster.rig import (
    CLOUDS,
    ApiServer,
    RigError,
    find_control_plane,
    start_keeper,
    stop_keeper,
)

__all__ = ["main"]

_FOLDER = Path(".sandbox/kubernetes")


def main() -> int:
    """Do what the command line says; the exit code is 1 when it could not be done."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("command", choices=["start", "stop", "status", "build"])
    parser.add_argument("clouds", nargs="*", default=CLOUDS, help="which to start: all three")
    parser.add_argument("--dir", type=Path, default=_FOLDER, help=f"its folder: {_FOLDER}")
    options = parser.parse_args()
    act = {"start": _start, "stop": _stop, "status": _status, "build": _build}[options.command]
    try:
        return act(options.dir.absolute(), options.clouds)
    except (AssetsError, RigError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


def _start(folder: Path, clouds: Sequence[str]) -> int:
    plane = find_control_plane(folder) or start_keeper(folder, build_assets(_say), stay=True)
    plane.start(*clouds)
    return _status(folder, clouds)


def _stop(folder: Path, _clouds: Sequence[str]) -> int:
    stop_keeper(folder, SystemClock())
    return 0


def _status(folder: Path, _clouds: Sequence[str]) -> int:
    plane = find_control_plane(folder)
    if plane is None:
        _say(f"nothing runs in {folder}")
        return 1
    servers = plane.describe()
    for server in servers:
        _say(f"{server.name}: {server.url}")
    _say(f"export KUBECONFIG={_join(servers)}")
    return 0


def _build(_folder: Path, _clouds: Sequence[str]) -> int:
    """Build the programs; without a compiler there is nothing to do unless tests may not skip."""
    try:
        _say(f"the control plane's programs are in {build_assets(_say).folder}")
    except AssetsError as error:
        _say(f"no control plane: {error}")
        return int(os.environ.get("DEPLOYER_TEST_REQUIRE_ALL") == "1")
    return 0


def _join(servers: Sequence[ApiServer]) -> str:
    return os.pathsep.join(server.kubeconfig for server in servers)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
