"""From the words on the command line to an engine's data plane."""

import ssl
from pathlib import Path

from deployer.errors import SetupError
from deployer.ports import Clock
from deployer.routing.capabilities import Engine
from deployer.routing.engines.binary import ENVOY, HAPROXY, find_binary
from deployer.routing.engines.envoy.plane import EnvoyPlane
from deployer.routing.engines.envoy.render import render_envoy
from deployer.routing.engines.haproxy.plane import HaproxyPlane
from deployer.routing.engines.haproxy.render import render_haproxy
from deployer.routing.engines.place import Place, default_folder, free_port, prepare_folder
from deployer.routing.outputs.nginx import render_nginx
from deployer.routing.plane import DataPlane, Orders

__all__ = ["build_plane", "render_engine", "trusted_certificates"]


def build_plane(
    engine: Engine,
    *,
    host: str,
    port: int,
    clock: Clock,
    folder: Path | None = None,
    binary: Path | None = None,
    threads: int = 0,
) -> tuple[DataPlane, Path]:
    """Return the data plane and its folder, made; nothing is started.

    Args:
        port: 0 takes a free one.
        folder: The same words find the same folder again when left out.

    Raises:
        SetupError: The engine is not installed, or none that is run here; or the folder can't be
            used.
    """
    if engine not in (Engine.HAPROXY, Engine.ENVOY):
        raise SetupError(f"{engine} is no engine that is started here")
    port = port or free_port(host)
    folder = (folder or default_folder(engine, host, port)).absolute()
    place = Place(host, port, folder, threads=threads, ca_file=trusted_certificates())
    if engine is Engine.HAPROXY:
        program = find_binary(HAPROXY, binary)
        prepare_folder(folder)
        return HaproxyPlane(program, place, folder, clock=clock), folder
    program = find_binary(ENVOY, binary)
    prepare_folder(folder)
    return EnvoyPlane(program, place, folder, clock=clock), folder


def render_engine(engine: Engine, orders: Orders, *, host: str, port: int) -> str:
    """Return the configuration for people who run the engine themselves."""
    place = Place(host, port, ca_file=trusted_certificates())
    match engine:
        case Engine.HAPROXY:
            return render_haproxy(orders, place)
        case Engine.NGINX:
            return render_nginx(orders, place)
        case _:
            return render_envoy(orders, place)


def trusted_certificates() -> str:
    """Return the file of certificate authorities that Python trusts, too; SSL_CERT_FILE sets it."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or "/etc/ssl/certs/ca-certificates.crt"
