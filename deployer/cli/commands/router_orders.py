"""``deployer router drain | eject | restore | weight``: orders to a running router."""

import json
from typing import TYPE_CHECKING, Annotated, NoReturn
from urllib.parse import urlencode

import typer

from deployer.cli import output
from deployer.cli.options import Format, Output, Timeout
from deployer.cli.router_pages import Deployment, path_of
from deployer.errors import (
    AccessDeniedError,
    DeployerError,
    SetupError,
    SourceError,
    StateError,
)

if TYPE_CHECKING:
    from deployer.ports import HttpResponse
    from deployer.values import Json

__all__ = ["TOKEN_VARIABLE", "drain", "eject", "restore", "weight"]

TOKEN_VARIABLE = "DEPLOYER_ROUTER_TOKEN"  # noqa: S105 - a name, no secret
"""The environment variable with the token; never an argument, as those are in process lists."""

_Name = Annotated[
    str,
    typer.Argument(
        metavar="TARGET[/RELEASE]", help="A target, or one of its releases.", show_default=False
    ),
]
_Admin = Annotated[
    str | None,
    typer.Option(
        "--admin",
        metavar="PATH|HOST:PORT",
        envvar="DEPLOYER_ROUTER_ADMIN",
        help="Where the router takes orders: what it was started with.",
    ),
]


def drain(
    target: _Name,
    admin: _Admin = None,
    output_format: Output = Format.TABLE,
    timeout: Timeout = 5.0,
    deployment: Deployment = "",
) -> None:
    """Send a target no new requests; those under way finish.

    It holds through new releases, until `router restore`.

    Example: deployer router drain gcp-iowa --admin /run/deployer/router.sock
    """
    _order("drain", target, admin, timeout, output_format, deployment)


def eject(
    target: _Name,
    admin: _Admin = None,
    seconds: Annotated[
        float,
        typer.Option(
            "--for", metavar="SECONDS", min=0.1, max=86400, help="How long.", show_default=True
        ),
    ] = 60.0,
    output_format: Output = Format.TABLE,
    timeout: Timeout = 5.0,
    deployment: Deployment = "",
) -> None:
    """Take a target out of use for a while; then one request tries it.

    Requests that wait there go elsewhere, where that does no harm.

    Example: deployer router eject gcp-iowa --for 300 --admin /run/deployer/router.sock
    """
    _order("eject", target, admin, timeout, output_format, deployment, seconds=f"{seconds:g}")


def restore(
    target: _Name,
    admin: _Admin = None,
    output_format: Output = Format.TABLE,
    timeout: Timeout = 5.0,
    deployment: Deployment = "",
) -> None:
    """Take back every order for a target and end its ejection.

    It gets little traffic at first, and its whole share after 30 s.

    Example: deployer router restore gcp-iowa --admin /run/deployer/router.sock
    """
    _order("restore", target, admin, timeout, output_format, deployment)


def weight(
    target: _Name,
    number: Annotated[int, typer.Argument(metavar="N", min=0, max=1_000_000, help="Its weight.")],
    admin: _Admin = None,
    output_format: Output = Format.TABLE,
    timeout: Timeout = 5.0,
    deployment: Deployment = "",
) -> None:
    """Give a target another weight until it is restored.

    Example: deployer router weight gcp-iowa 10 --admin /run/deployer/router.sock
    """
    _order("weight", target, admin, timeout, output_format, deployment, weight=str(number))


def _order(
    verb: str,
    name: str,
    admin: str | None,
    timeout: float,
    output_format: Format,
    deployment: str,
    **options: str,
) -> None:
    from deployer.routing.admin import SCHEMA

    if admin is None:
        raise SetupError(
            "where the router takes orders is not known",
            hint="Start it with `router serve --admin PATH`, and give that path with --admin.",
        )
    page = f"orders/{verb}?{urlencode({'target': name, **options})}"
    path = path_of(page, deployment)
    answer = _send(admin, path, timeout)
    if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
        _refuse(verb, name, admin, answer)
    event = _read(answer, admin)["event"]
    if output_format is Format.JSON:
        output.print_json(SCHEMA, {"event": event})
        return
    typer.echo(f"{event['subject']}: {event['change']}")
    typer.echo(event["effect"] or "new requests go where they went before")


def _send(admin: str, path: str, timeout: float) -> "HttpResponse":
    import os

    from deployer.ports import HttpRequest
    from deployer.providers.http.probe import HttpProbe
    from deployer.providers.http.unix_socket import UnixSocketProbe
    from deployer.providers.local.clock import SystemClock
    from deployer.routing.admin_address import parse_admin_address

    address, clock = parse_admin_address(admin), SystemClock()
    if address.path is not None:
        request = HttpRequest(method="POST", path=path)
        return UnixSocketProbe(clock).send(str(address), request, timeout_seconds=timeout)
    headers = {"Authorization": f"Bearer {os.environ.get(TOKEN_VARIABLE, '')}"}
    request = HttpRequest(method="POST", path=path, headers=headers)
    return HttpProbe(clock).send(f"http://{address}", request, timeout_seconds=timeout)


def _read(answer: "HttpResponse", admin: str) -> "Json":
    try:
        document = json.loads(answer.body)
    except ValueError:
        document = None
    if isinstance(document, dict):
        return document
    raise StateError(f"what answers at {admin} is no router", hint="Look at --admin.")


def _refuse(verb: str, name: str, admin: str, answer: "HttpResponse") -> NoReturn:
    said = f"the router did not {verb} {name}: {_read(answer, admin).get('error')}"
    match answer.status:
        case 401:
            raise AccessDeniedError(
                said, operation=verb, resource=name, hint=f"Set {TOKEN_VARIABLE}."
            )
        case 400 | 404:
            raise SourceError(said)
        case _:
            raise DeployerError(said)
