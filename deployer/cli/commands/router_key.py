"""``deployer router key``: a new API key, and the hash of it that a spec may hold."""

import sys
from typing import Annotated

import typer

from deployer.cli import output
from deployer.cli.options import Format, Output
from deployer.errors import SourceError

__all__ = ["router_key"]

_SCHEMA = "deployer/router-key/v1"
_BYTES = 32
"""256 bits of chance: nothing that could be guessed, so a plain hash of it is safe to record."""

_SHORTEST = 20


def router_key(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Whose key it is.", show_default=False)
    ],
    from_stdin: Annotated[
        bool, typer.Option("--stdin", help="Hash the key on standard input; make none.")
    ] = False,
    output_format: Output = Format.TABLE,
) -> None:
    """Make an API key, and the hash that a spec may hold.

    The key is shown this once and kept nowhere.

    Example: deployer router key mobile
    """
    from hashlib import sha256

    key = _read_key() if from_stdin else _make_key()
    digest = sha256(key.encode()).hexdigest()
    if output_format is Format.JSON:
        shown = {} if from_stdin else {"key": key}
        output.print_json(_SCHEMA, {"name": name, "sha256": digest, **shown})
        return
    if not from_stdin:
        typer.echo(f"key: {key}")
        typer.echo("It is shown this once; give it to the caller, who sends it as X-API-Key.")
    typer.echo("In the spec:")
    typer.echo(f'  routing: {{guard: {{keys: [{{name: {name}, sha256: "{digest}"}}]}}}}')


def _make_key() -> str:
    from secrets import token_urlsafe

    return f"dk_{token_urlsafe(_BYTES)}"


def _read_key() -> str:
    key = sys.stdin.readline().strip()
    if len(key) < _SHORTEST:
        raise SourceError(
            f"a key of fewer than {_SHORTEST} characters could be found by trying",
            hint="Let this command make one: leave --stdin out.",
        )
    return key
