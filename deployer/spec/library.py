"""The manifests that come with deployer: where they are, and which runtimes there are."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

import deployer
from deployer.errors import SetupError
from deployer.spec.tree import parse_trees, read_text

__all__ = ["Runtime", "list_runtimes", "load_runtime", "manifests_folder"]


class Runtime(BaseModel):
    """``runtime.yaml``: what the core must know of a model server, apart from its manifests.

    Attributes:
        formats: What it serves, and for each the file names it looks for; none means any.
        ready, live, infer: Paths; the segment ``{model}`` stands for the model's name.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: Literal["open-inference-v2", "custom"]
    port: int = Field(ge=1, le=65535)
    ready: str
    live: str
    infer: str
    formats: Mapping[str, tuple[str, ...]]


def manifests_folder() -> Path:
    """Return the library's folder: in the installed package, else in the source tree.

    Raises:
        SetupError: Neither is there.
    """
    package = Path(deployer.__file__).parent
    for folder in (package / "manifests", package.parent / "manifests"):
        if (folder / "base").is_dir():
            return folder
    raise SetupError(
        "the manifests that come with deployer are missing", hint="Install deployer again."
    )


def list_runtimes() -> tuple[str, ...]:
    """Return the names of the library's runtimes, in order."""
    folders = (manifests_folder() / "runtimes").iterdir()
    return tuple(sorted(folder.name for folder in folders if (folder / "runtime.yaml").is_file()))


@cache
def load_runtime(name: str) -> Runtime:
    """Return what is known of the library's runtime ``name``.

    Raises:
        SpecError: There is none of that name.
    """
    file = manifests_folder() / "runtimes" / name / "runtime.yaml"
    return Runtime.model_validate(parse_trees(read_text(file), file=file)[0].data)
