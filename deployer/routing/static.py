"""Routes without a state: from the command line, or from a file."""

from collections.abc import Sequence
from datetime import datetime

from deployer.errors import SourceError, StateError
from deployer.release.records import Backend, Routes, RouteSettings
from deployer.routing.address import parse_address

__all__ = ["make_routes", "parse_backend"]

_OPTIONS = {"weight": 1, "tier": 0}
"""What may follow a backend's URL, and what it is when left out."""


def parse_backend(text: str) -> Backend:
    """Read ``NAME=URL[,weight=N][,tier=N]``; the weight is 1 and the tier 0 when left out.

    Raises:
        SourceError: It is not written like that.
    """
    name, _, rest = text.partition("=")
    url, *words = rest.split(",")
    if not (name and url):
        raise _no_backend(text)
    try:
        parse_address(url)
    except StateError as error:
        raise SourceError(error.message, hint=error.hint) from error
    options = _parse_options(text, words)
    return Backend(target=name, release=0, url=url, weight=options["weight"], tier=options["tier"])


def make_routes(backends: Sequence[Backend], *, settings: RouteSettings, now: datetime) -> Routes:
    """Return routes that never change.

    Raises:
        SourceError: Two backends have the same name, or tiers stand where no policy heeds them, or
            none where one needs them.
    """
    names = [backend.target for backend in backends]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(f"more than one backend is called {', '.join(twice)}")
    _check_tiers(backends, settings.policy)
    tiers = {backend.target: backend.tier for backend in backends}
    settings = settings.model_copy(update={"tiers": tiers})
    return Routes(name="static", epoch=1, written=now, settings=settings, backends=tuple(backends))


def _parse_options(text: str, words: list[str]) -> dict[str, int]:
    options = dict(_OPTIONS)
    for word in words:
        key, _, value = word.partition("=")
        if key not in options or not value.isdecimal():
            raise _no_backend(text)
        options[key] = int(value)
    return options


def _no_backend(text: str) -> SourceError:
    return SourceError(
        f"{text!r} is no backend", hint="Write NAME=URL, NAME=URL,weight=N or NAME=URL,tier=N."
    )


def _check_tiers(backends: Sequence[Backend], policy: str) -> None:
    tiered = any(backend.tier for backend in backends)
    if tiered and policy != "priority":
        raise SourceError(
            f"a tier has no meaning for the policy {policy}", hint="Add --policy priority."
        )
    if policy == "priority" and not tiered:
        raise SourceError(
            "the policy priority needs tiers: 0 is used first, then 1",
            hint="Write --backend NAME=URL,tier=1 for those that come second.",
        )
