"""Recorded routes that no spec of ours leads to: refused whole, so that the last good ones stay.

A record may have been written by hand, by another version, or be damaged; what would end in an
exception at a request, or in no request being served, is found before it is followed.
"""

import re
import ssl
from collections.abc import Iterator

from deployer.errors import StateError
from deployer.release.records import Routes, RouteSettings
from deployer.routing.address import parse_address

__all__ = ["check_routes"]

_PATH = re.compile(r"/[!-~]*")
_FIELD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]*")  # RFC 9110, 5.6.2, or none
_POLICIES = ("weighted", "latency", "cost", "priority", "region")


def check_routes(routes: Routes) -> None:
    """Refuse what can't be meant.

    Raises:
        StateError: It names everything that is wrong with the settings, or the first URL that is
            none.
    """
    unused = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the default one takes 30 ms to make
    for backend in routes.backends:
        parse_address(backend.url, tls=unused)
    faults = list(_find_faults(routes.settings))
    if faults:
        raise StateError(
            f"the routes' settings can't be used: {'; '.join(faults)}",
            hint="Deploy again, with the version that these routers have.",
        )


def _find_faults(settings: RouteSettings) -> Iterator[str]:
    if settings.policy not in _POLICIES:
        yield f"no policy is called {settings.policy[:40]!r}"
    if settings.max_in_flight < 1:
        yield f"{settings.max_in_flight} requests at a backend are none"
    for name, path in (("health_path", settings.health_path), ("path", settings.path)):
        if not _PATH.fullmatch(path):
            yield f"{name} {path[:40]!r} is no path"
    for name, field in (("sticky", settings.sticky), ("region", settings.region.header)):
        if not _FIELD.fullmatch(field):
            yield f"{name} {field[:40]!r} is no field's name"
