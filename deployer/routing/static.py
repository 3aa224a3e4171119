"""Routes without a state: from the command line, or from a file."""

from collections.abc import Sequence
from datetime import datetime

from deployer.errors import SourceError, StateError
from deployer.release.records import Backend, Routes, RouteSettings
from deployer.routing.address import parse_address

__all__ = ["make_routes", "parse_backend"]


def parse_backend(text: str) -> Backend:
    """Read ``NAME=URL[,weight=N]``; the weight is 1 when left out.

    Raises:
        SourceError: It is not written like that.
    """
    name, _, rest = text.partition("=")
    url, _, option = rest.partition(",")
    weight = option.removeprefix("weight=") if option else "1"
    if not (name and url and weight.isdecimal() and (not option or option.startswith("weight="))):
        raise SourceError(f"{text!r} is no backend", hint="Write NAME=URL or NAME=URL,weight=N.")
    try:
        parse_address(url)
    except StateError as error:
        raise SourceError(error.message, hint=error.hint) from error
    return Backend(target=name, release=0, url=url, weight=int(weight))


def make_routes(backends: Sequence[Backend], *, settings: RouteSettings, now: datetime) -> Routes:
    """Return routes that never change.

    Raises:
        SourceError: Two backends have the same name.
    """
    names = [backend.target for backend in backends]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(f"more than one backend is called {', '.join(twice)}")
    return Routes(name="static", epoch=1, written=now, settings=settings, backends=tuple(backends))
