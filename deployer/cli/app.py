"""The command line's one entry: commands by name, exit codes in one table.

0   done, or nothing to do
1   failed, and undone
2   there are changes (`plan`, `diff` and `drift` only)
3   failed, and not fully undone; for `status` and `report health`: a target is down or unknown
4   bad input: the spec, a model folder, an argument
5   set-up: an extra, a login, a bucket is missing
6   another run holds the lease
130 interrupted
"""

import gc
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from deployer import errors
from deployer.cli import output
from deployer.cli.commands import sandbox
from deployer.cli.commands.artifacts import artifacts
from deployer.cli.commands.deploy import deploy
from deployer.cli.commands.destroy import destroy
from deployer.cli.commands.diff import diff
from deployer.cli.commands.doctor import doctor
from deployer.cli.commands.drift import drift
from deployer.cli.commands.evaluate import evaluate
from deployer.cli.commands.exporter import exporter
from deployer.cli.commands.history import history
from deployer.cli.commands.infra import infra
from deployer.cli.commands.init import init
from deployer.cli.commands.kubeconfig import kubeconfig
from deployer.cli.commands.plan import plan
from deployer.cli.commands.prices import prices
from deployer.cli.commands.pull import pull
from deployer.cli.commands.push import push
from deployer.cli.commands.render import render
from deployer.cli.commands.report import report
from deployer.cli.commands.rollback import rollback
from deployer.cli.commands.router import router
from deployer.cli.commands.schema import schema
from deployer.cli.commands.status import status
from deployer.cli.commands.token import token
from deployer.cli.commands.verify import verify
from deployer.cli.start import discard_output

__all__ = ["EXIT_CODES", "app", "exit_code_of", "main"]

EXIT_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (errors.SpecError, 4),
    (errors.SourceError, 4),
    (errors.SetupError, 5),
    (errors.AccessDeniedError, 5),
    (errors.LeaseHeldError, 6),
    (errors.DeployerError, 1),
)
"""The first row whose class matches decides."""


def exit_code_of(error: errors.DeployerError) -> int:
    """Return the exit code for ``error``: 3 when something could not be put back."""
    if isinstance(error, errors.RolloutError) and not error.undone:
        return 3
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


class _Group(TyperGroup):
    """Turns our errors into exit codes inside `invoke`, so that tests see what a shell sees."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        return _usage_is_bad_input(lambda: super(_Group, self).make_context(*args, **kwargs))

    def invoke(self, ctx: Any) -> Any:
        gc.enable()
        try:
            return _usage_is_bad_input(lambda: super(_Group, self).invoke(ctx))
        except errors.DeployerError as error:
            output.print_error(error)
            _debug_dump(error)
            raise typer.Exit(exit_code_of(error)) from error
        except KeyboardInterrupt as interrupt:
            output.print_note("interrupted")
            for note in getattr(interrupt, "__notes__", ()):
                output.print_note(note)
            raise typer.Exit(130) from None
        except BrokenPipeError:
            discard_output()
            raise typer.Exit(0) from None


def _usage_is_bad_input(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except typer.TyperException as error:
        error.exit_code = 4
        if isinstance(error, typer.BadParameter):
            error.message = error.message.removeprefix(
                "Value error, "
            )  # pydantic's, not the user's
        raise


def _debug_dump(error: BaseException) -> None:
    """Write the stack to the file that ``DEPLOYER_DEBUG`` names, and say so."""
    target = os.environ.get("DEPLOYER_DEBUG")
    if not target:
        return
    import traceback
    from pathlib import Path

    Path(target).write_text("".join(traceback.format_exception(error)))
    output.print_note(f"the stack is in {target}")


app = typer.Typer(
    name="deployer",
    cls=_Group,
    help="Put one trained model on several clouds at once, and keep it served.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from deployer import __version__

        typer.echo(f"deployer {__version__}")
        raise typer.Exit


def _set_debug(path: str | None) -> None:
    if path:
        os.environ["DEPLOYER_DEBUG"] = path


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
    debug: str | None = typer.Option(
        None,
        "--debug",
        metavar="FILE",
        callback=_set_debug,
        help="On an error, write the stack here.",
    ),
) -> None:
    pass


# Commands register here, one line each, in the order in which one meets them.
app.command()(init)
app.command()(schema)
app.command()(render)
app.command()(plan)
app.command()(diff)
app.command()(doctor)
app.command()(deploy)
app.command()(rollback)
app.command()(status)
app.command()(drift)
app.command()(destroy)
app.add_typer(history, name="history")
app.add_typer(report, name="report")
app.command()(exporter)
app.command()(kubeconfig)
app.command()(token)
app.command()(evaluate)
app.add_typer(infra, name="infra")
app.add_typer(prices, name="prices")
app.command()(push)
app.command()(pull)
app.command()(verify)
app.add_typer(artifacts, name="artifacts")
app.add_typer(router, name="router")
app.add_typer(sandbox.commands, name="sandbox")


def main() -> None:
    """Run the command line; the console script's entry."""
    if not sys.warnoptions:  # neither -W nor PYTHONWARNINGS
        warnings.simplefilter("ignore")  # nobody at a shell can mend what a library warns of
    app()
