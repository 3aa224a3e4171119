"""What a user may write under ``patches``: where documents are, and what they are about."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from deployer.spec.part import Part
from deployer.spec.scalars import Text

__all__ = ["STANDARD_INPUT", "Patch", "PatchSpec", "PatchTarget"]

STANDARD_INPUT = "-"
"""The path that stands for standard input, as it does for ``kubectl -f``."""


class PatchTarget(Part):
    """The object that a patch without a name of its own changes."""

    kind: Text = Field(description="Its kind: Deployment, Service, …")
    name: Text = Field(description="Its name, without a release's number.")


class PatchSpec(Part):
    """One file or folder of the user's own objects and patches."""

    path: Text = Field(description="A file, a folder, or - for standard input.")
    target: PatchTarget | None = Field(
        None, description="What it changes: a JSON patch needs this, as in a kustomization."
    )


def _patch(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


Patch = Annotated[PatchSpec, BeforeValidator(_patch, json_schema_input_type=Text | PatchSpec)]
"""A path, or a path with the object that it changes."""
