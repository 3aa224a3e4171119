"""Where a client learns its backends from."""

from pathlib import Path

from deployer.providers.local.clock import SystemClock
from deployer.release.records import RouteSettings
from deployer.routing.follower import ReadRoutes
from deployer.routing.last_known import load_routes
from deployer.routing.static import make_routes, parse_backend
from deployer.spec import load_spec
from deployer.wiring import open_routes

__all__ = ["follow_backends", "follow_file", "follow_spec"]


def follow_backends(*backends: str, policy: str = "weighted") -> ReadRoutes:
    """Return routes that never change: ``NAME=URL[,weight=N][,tier=N]`` each.

    Raises:
        SourceError: One is not written like that, or a name is there twice.
    """
    settings = RouteSettings(policy=policy)
    now = SystemClock().now()
    fixed = make_routes([parse_backend(text) for text in backends], settings=settings, now=now)
    return lambda: fixed


def follow_file(path: Path) -> ReadRoutes:
    """Return the routes of a routes.json, as it changes."""
    return lambda: load_routes(path)


def follow_spec(path: Path = Path("deployer.yaml")) -> ReadRoutes:
    """Return the routes that deploy and rollback record for a spec, as they change.

    Raises:
        SpecError: The spec is wrong.
    """
    return open_routes(load_spec(path))
