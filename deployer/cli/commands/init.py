"""``deployer init``: a spec to start from."""

from pathlib import Path
from typing import Annotated

import typer

from deployer.cli.output import print_note
from deployer.values import Cloud

__all__ = ["init"]


def init(
    clouds: Annotated[
        list[Cloud] | None, typer.Argument(metavar="CLOUD", help="aws, gcp, azure, …")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name", "-n", metavar="NAME", help='The deployment\'s name; "model" if not.'
        ),
    ] = None,
    file: Annotated[
        Path, typer.Option("--file", "-f", metavar="FILE", help="The file to write.")
    ] = Path("deployer.yaml"),
    terraform: Annotated[
        Path | None,
        typer.Option(
            "--from-terraform",
            metavar="FILE",
            help="Take the targets from what `terraform output -json` printed.",
        ),
    ] = None,
) -> None:
    """Write a commented spec for the clouds named.

    Without a name it is for the three public ones; with --from-terraform for what was built.

    Example: deployer init aws gcp --name iris
    """
    from deployer.spec.draft import draft_spec, write_draft

    if terraform is not None:
        if clouds:
            raise typer.BadParameter("--from-terraform says which clouds; name none")
        _init_from(terraform, name, file)
        return

    chosen = clouds or [Cloud.AWS, Cloud.GCP, Cloud.AZURE]
    write_draft(file, draft_spec(name or "model", list(dict.fromkeys(chosen))))
    print_note(f"{file} is written; next: fill it in, then `deployer plan -f {file}`")


def _init_from(terraform: Path, name: str | None, file: Path) -> None:
    """Write the spec, and beside it the patch that gives the pods their identities."""
    from deployer.cli.reading_json import read_json
    from deployer.spec.draft import IDENTITY_FILE, draft_identity, draft_terraform, write_draft
    from deployer.spec.terraform import read_outputs

    outputs = read_outputs(read_json(terraform), file=terraform)
    chosen = outputs.name_deployment(name)
    identity = draft_identity(chosen, outputs)
    write_draft(file, draft_terraform(chosen, outputs))
    if identity:
        write_draft(file.parent / IDENTITY_FILE, identity)
    print_note(f"{file} is written; next: say where the model is, then `deployer plan -f {file}`")
