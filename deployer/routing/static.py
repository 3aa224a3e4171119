"""Routes without a state: from the command line, or from a file."""

import re
from collections.abc import Sequence
from datetime import datetime

from deployer.errors import SourceError, StateError
from deployer.release.records import Backend, Routes, RouteSettings
from deployer.routing.address import parse_address
from deployer.values import Json

__all__ = ["make_routes", "parse_backend"]

_FORM = re.compile(
    r"(?P<name>[^=@]+)(@(?P<release>\d+))?=(?P<url>[^,]+)(?P<options>(,[^,=]+=[^,]*)*)"
)
_ALL = 100
_NUMBERS = {"weight", "tier", "share", "shadow"}
_HINT = (
    "Write NAME=URL or NAME@RELEASE=URL, and after it any of ,weight=N ,tier=N ,share=N "
    ",region=REGION ,shadow=PERCENT."
)


def parse_backend(text: str) -> Backend:
    """Read ``NAME[@RELEASE]=URL[,weight=N][,tier=N][,share=N][,region=R][,shadow=PERCENT]``.

    When left out, the release is 0, the weight 1, the tier 0 and the share 1000. One that gets
    copies answers nothing: its weight is 0.

    Raises:
        SourceError: It is not written like that.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        raise _no_backend(text)
    try:
        parse_address(form["url"])
    except StateError as error:
        raise SourceError(error.message, hint=error.hint) from error
    options = _parse_options(text, form["options"])
    answers = 0 if "shadow" in options else 1
    return Backend(
        target=form["name"],
        release=int(form["release"] or 0),
        url=form["url"],
        **{"weight": answers, **options},
    )


def make_routes(backends: Sequence[Backend], *, settings: RouteSettings, now: datetime) -> Routes:
    """Return routes that never change.

    Raises:
        SourceError: Two backends have the same name, or tiers stand where no policy heeds them, or
            none where one needs them.
    """
    keys = [(backend.target, backend.release) for backend in backends]
    twice = sorted({target for target, release in keys if keys.count((target, release)) > 1})
    if twice:
        raise SourceError(f"more than one backend is called {', '.join(twice)}")
    _check_tiers(backends, settings.policy)
    tiers = {backend.target: backend.tier for backend in backends}
    settings = settings.model_copy(update={"tiers": tiers})
    return Routes(name="static", epoch=1, written=now, settings=settings, backends=tuple(backends))


def _parse_options(text: str, written: str) -> dict[str, Json]:
    options = dict[str, Json]()
    for word in written.split(",")[1:]:
        key, _, value = word.partition("=")
        if key == "region":
            options[key] = value
        elif key in _NUMBERS and value.isdecimal():
            options[key] = int(value)
        else:
            raise _no_backend(text)
    shadow = options.get("shadow", 0)
    if shadow > _ALL or (shadow and options.get("weight")):
        raise SourceError(
            f"{text!r}: a backend that gets copies answers nothing",
            hint="Leave the weight out, and let shadow be a percentage.",
        )
    return options


def _no_backend(text: str) -> SourceError:
    return SourceError(f"{text!r} is no backend", hint=_HINT)


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
