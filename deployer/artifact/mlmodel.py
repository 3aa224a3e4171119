"""What an MLflow model says of itself in its file ``MLmodel``: flavours, and what goes in and out.

By MLflow's documentation, "MLflow Model Format".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from deployer.artifact.model import Artifact
from deployer.errors import SourceError

__all__ = ["MlModel", "read_mlmodel"]

_NAME = "MLmodel"
_FLAVOR = "python_function"
_FILES = ("model_path", "pickled_model", "data", "model_data")
"""Where flavours name the file or folder that holds the model itself."""

_HINT = "Save the model again: mlflow.<flavor>.save_model, or log_model."


@dataclass(frozen=True, slots=True)
class MlModel:
    """The flavours in order, and the columns or tensors that are taken and given, as words."""

    flavors: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def served(self) -> bool:
        """Whether MLflow's own way to serve can load it: by its common flavour."""
        return _FLAVOR in self.flavors


def read_mlmodel(artifact: Artifact) -> MlModel | None:
    """Return what the model's ``MLmodel`` says; None when there is none.

    Raises:
        SourceError: It is damaged, or names files that are not there.
    """
    paths = {file.path for file in artifact.files}
    found = min((path for path in paths if PurePosixPath(path).name == _NAME), key=len, default="")
    if not found:
        return None
    document = _load(artifact, found)
    flavors = document.get("flavors")
    if not isinstance(flavors, dict):
        raise SourceError(f"{found} names no flavours", hint=_HINT)
    _check_files(found, flavors, paths)
    signature = document.get("signature") or {}
    return MlModel(
        tuple(flavors),
        _read_columns(found, signature.get("inputs")),
        _read_columns(found, signature.get("outputs")),
    )


def _load(artifact: Artifact, path: str) -> dict[str, Any]:
    from ruamel.yaml import YAML  # noqa: PLC0415 - a pod that pulls a model needs none
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    try:
        document = YAML(typ="safe").load((artifact.root / path).read_bytes())
    except (OSError, YAMLError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} can't be read: {type(error).__name__}", hint=_HINT) from error
    if not isinstance(document, dict):
        raise SourceError(f"{path} is no description of a model", hint=_HINT)
    return document


def _check_files(found: str, flavors: Mapping[str, Any], paths: set[str]) -> None:
    folder = PurePosixPath(found).parent
    for flavor, fields in flavors.items():
        for name in (fields or {}).keys() & set(_FILES):
            wanted = str(folder / str(fields[name]))
            if not any(path == wanted or path.startswith(f"{wanted}/") for path in paths):
                raise SourceError(
                    f"{found} names {wanted} ({flavor}.{name}), which is not there", hint=_HINT
                )


def _read_columns(found: str, text: object) -> tuple[str, ...]:
    """Return the columns of a signature, which is JSON in the YAML; none when it says nothing."""
    if text is None:
        return ()
    try:
        return tuple(_describe(column) for column in json.loads(str(text)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"{found} has a signature that can't be read", hint=_HINT) from error


def _describe(column: Mapping[str, Any]) -> str:
    name = f"{column['name']}: " if column.get("name") else ""
    if column["type"] != "tensor":
        return f"{name}{column['type']}"
    tensor = column["tensor-spec"]
    return f"{name}{tensor['dtype']}[{', '.join(map(str, tensor['shape']))}]"
