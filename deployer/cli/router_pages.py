"""Asking a running router for its pages."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from deployer.errors import StateError

if TYPE_CHECKING:
    from deployer.values import Json

__all__ = ["DEFAULT_URL", "STATUS_PAGE", "Address", "Deployment", "ask_router", "path_of"]

DEFAULT_URL = "http://127.0.0.1:8080"
STATUS_PAGE = "/-/status"
Address = Annotated[
    str, typer.Option("--url", metavar="URL", help="The router's address.", show_default=True)
]
Deployment = Annotated[
    str,
    typer.Option(
        "--deployment", metavar="NAME", help="Which one, of a router that serves several."
    ),
]


def path_of(page: str, deployment: str) -> str:
    """Return the path of one of the router's pages; of the only or first deployment without one."""
    return f"/-/{deployment}/{page}" if deployment else f"/-/{page}"


def ask_router(url: str, page: str, *, schema: str, timeout_seconds: float) -> "Json":
    """Return a page of the router at ``url``.

    Raises:
        TransientError: It does not answer.
        StateError: What answers is no router of this version.
    """
    from deployer.ports import HttpRequest
    from deployer.providers.http.probe import HttpProbe
    from deployer.providers.local.clock import SystemClock

    probe = HttpProbe(SystemClock())
    answer = probe.send(url, HttpRequest(path=page), timeout_seconds=timeout_seconds)
    try:
        document = json.loads(answer.body)
    except ValueError:
        document = None
    if isinstance(document, dict) and document.get("schema") == schema:
        return document
    raise StateError(
        f"{url}{page} is no page of this router's",
        hint="Give the address that `deployer router serve` listens on with --url.",
    )
